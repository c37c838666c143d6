"""What the settings say of the ways back is understood, or refused before the gateway opens a door."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load
from gateway.errors import SettingsRefused
from gateway.service.senders.answering_ways import answering_ways, told_otherwise


def settings(folder: Path, text: str, *, key: bytes = b"0123456789abcdef") -> Settings:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "webhook-key").write_bytes(key)
    (folder / "answers").mkdir()
    path = folder / "huitaine.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


WEBHOOK = '[sources.dpi]\nreceipts = ["webhook"]\n[sources.dpi.webhook]\nurl = "https://dpi.test/in"\n'
FILE = '[sources.dpi]\nreceipts = ["file"]\n[sources.dpi.file]\npath = "answers"\n'
ZAM = '[sources.dpi]\napplications = ["DPI|CH"]\nreceipts = ["dsn", "zam"]\n[sources.dpi.zam]\nhost = "{}"\nport = 1\n'


def test_by_default_a_source_hears_by_mail_alone(tmp_path: Path):
    told = settings(tmp_path, '[sources.dpi]\nsenders = ["@h.test"]\n')
    assert answering_ways(told) == {}
    assert told_otherwise(told) == frozenset()


def test_a_zam_is_addressed_to_the_application_that_hands_letters_in(tmp_path: Path):
    ways = answering_ways(settings(tmp_path, ZAM.format("dpi.test")))["dpi"]
    assert (ways.ends.application, ways.ends.facility, ways.ends.processing) == ("DPI", "CH", "T")
    assert ways.zam is not None
    assert ways.zam.tls is not None
    assert [channel.name for channel in ways.channels()] == ["zam"]


def test_production_says_so_in_msh_11(tmp_path: Path):
    ways = answering_ways(settings(tmp_path, '[gateway]\nmode = "production"\n' + ZAM.format("dpi.test")))["dpi"]
    assert ways.ends.processing == "P"


def test_clear_text_stays_on_this_machine(tmp_path: Path):
    told = settings(tmp_path, ZAM.format("dpi.test") + "tls = false\n")
    with pytest.raises(SettingsRefused) as refused:
        answering_ways(told)
    assert refused.value.detail == "[sources.dpi] zam: tls = false is for a listener on this machine alone"


def test_control_on_this_machine_it_may(tmp_path: Path):
    ways = answering_ways(settings(tmp_path, ZAM.format("127.0.0.1") + "tls = false\n"))["dpi"]
    assert ways.zam is not None
    assert ways.zam.tls is None


@pytest.mark.parametrize("way", ["zam", "webhook", "file"])
def test_a_way_without_its_table_is_refused(tmp_path: Path, way: str):
    with pytest.raises(SettingsRefused) as refused:
        answering_ways(settings(tmp_path, f'[sources.dpi]\nreceipts = ["{way}"]\n'))
    assert refused.value.detail == f'[sources.dpi] receipts has "{way}": it needs [sources.dpi.{way}]'


def test_a_short_key_is_refused(tmp_path: Path):
    with pytest.raises(SettingsRefused, match="Settings refused") as refused:
        answering_ways(settings(tmp_path, WEBHOOK, key=b"short"))
    assert "webhook-key has fewer than 16 octets" in refused.value.detail


@pytest.mark.parametrize("url", ["http://dpi.test/in", "https://user:password@dpi.test/in", "ftp://dpi.test"])
def test_an_address_without_tls_or_with_a_password_is_refused(tmp_path: Path, url: str):
    with pytest.raises(SettingsError, match=r"sources\.dpi\.webhook\.url"):
        settings(tmp_path, WEBHOOK.replace("https://dpi.test/in", url))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(SettingsRefused) as refused:
        answering_ways(settings(tmp_path, FILE.replace('"answers"', '"elsewhere"')))
    assert refused.value.detail == "[sources.dpi] file: the folder does not exist"


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        (WEBHOOK, {"dpi"}),
        (FILE, {"dpi"}),
        (FILE + 'format = "hl7"\n', set()),
        (WEBHOOK.replace('["webhook"]', '["dsn", "webhook"]'), set()),
        (ZAM.format("dpi.test").replace('["dsn", "zam"]', '["zam"]'), set()),
    ],
    ids=["webhook", "file", "hl7 file", "both", "zam alone"],
)
def test_mail_is_left_out_only_where_another_way_surely_tells_of_a_failure(tmp_path: Path, text: str, silent: set[str]):
    assert told_otherwise(settings(tmp_path, text)) == silent
