"""`huitaine directory` as an administrator types it."""

from __future__ import annotations

import json

import pytest
from pysequoia import Tsk
from typer.testing import CliRunner

from commands.directory import app
from tests.unit.directory.signing import SIGNER, authority, list_xml, sign, signer_of
from tests.unit.directory.synthetic import ACTIVITY_HEADER, MAILBOX_HEADER, activity_line, mailbox_line, rpps_of, write

SAMPLE = "Extraction_Correspondance_MSSante_202601150300.txt"
RPPS, BOX = "99900000001", "adam.hoda@test-ci-sis.mssante.fr"


@pytest.fixture
def run(tmp_path, monkeypatch):
    settings = tmp_path / "huitaine.toml"
    settings.write_text('[gateway]\nmode = "test"\ndata = "data"\n')
    monkeypatch.setenv("HUITAINE_CONFIG", str(settings))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def sample(vectors):
    return vectors / "directory" / SAMPLE


def table(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_import_then_show_then_status(run, sample):
    (counts,) = table(run("import", sample, "--format", "json"))
    assert (counts["rows"], counts["rejected"], counts["added"]) == (9, 0, 9)
    shown = table(run("show", RPPS, "--format", "json"))
    assert next(box["mailbox"] for box in shown["mailboxes"]) == BOX
    assert BOX in run("show", RPPS).stdout
    items = {row["item"]: row for row in table(run("status", "--format", "json"))}
    assert (items["mailboxes-file"]["count"], items["mailboxes"]["count"]) == (9, 8)
    assert items["mailboxes-file"]["age_seconds"] > 0
    assert "white-list" not in items


def test_show_tells_the_telephone_of_each_practice(run, sample, tmp_path):
    lines = [activity_line("8" + RPPS, finess=f"75000000{n}", phone=phone) for n, phone in ((1, "0100000001"), (2, ""))]
    run("import", sample, write(tmp_path / "a.txt", iter([ACTIVITY_HEADER, *lines])))
    offices = table(run("show", RPPS, "--format", "json"))["offices"]
    assert sorted(one["phone"] for one in offices) == ["", "0100000001"]
    assert "telephone: 0100000001" in run("show", RPPS).stdout


def test_a_mailbox_is_shown_with_whose_it_is_and_what_was_set_of_it(run, sample):
    run("import", sample)
    run("set", BOX, "reads=xdm", "rank=1")
    (box,) = table(run("show", BOX.upper(), "--format", "json"))
    assert (box["rpps"], box["forms"], box["forms_by"], box["rank"]) == (RPPS, "xdm", "mailbox", 1)
    assert RPPS in run("show", BOX).stdout


def test_of_a_mailbox_that_the_directory_lacks_its_keys_and_forms_are_shown(run, sample):
    run("import", sample)
    assert run("show", "autre@ailleurs.example").exit_code == 3
    run("set", "ailleurs.example", "reads=hprim-body")
    (box,) = table(run("show", "autre@ailleurs.example", "--format", "json"))
    assert (box["forms"], box["forms_by"], box["keys"], "kind" in box) == ("hprim-body", "domain", [], False)
    assert "autre@ailleurs.example" in run("show", "autre@ailleurs.example").stdout


def test_a_number_that_is_not_there_is_exit_3(run, sample):
    run("import", sample)
    result = run("show", "99999999999")
    assert result.exit_code == 3
    assert "does not know" in result.stderr


def test_search_by_words_and_town(run, sample):
    run("import", sample)
    hits = table(run("search", "hoda", "--format", "json"))
    assert {hit["rpps"] for hit in hits} == {RPPS, "99900000005"}
    hits = table(run("search", "hoda", "--city", "paris", "--format", "json"))
    assert [(hit["rpps"], hit["as_of"][:10]) for hit in hits] == [(RPPS, "2026-01-15")]


def test_a_doubtful_import_is_held_until_yes(run, tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]
    run("import", write(tmp_path / "1.txt", iter([MAILBOX_HEADER, *lines])))
    small = write(tmp_path / "2.txt", iter([MAILBOX_HEADER, *lines[:50]]))
    held = run("import", small)
    assert held.exit_code == 3
    assert "would remove 50 of 100" in held.stderr
    assert run("import", small, "--yes").exit_code == 0


def test_rejected_lines_are_shown_and_written(run, tmp_path):
    lines = [mailbox_line(f"p{n}@b.example", f"8{rpps_of(n)}") for n in range(100)]
    path = write(tmp_path / "1.txt", iter([MAILBOX_HEADER, *lines, "PER|seul"]))
    result = run("import", path, "--rejected", tmp_path / "bad.csv")
    assert "1.txt:102: columns" in result.stderr
    assert "1.txt,102,columns" in (tmp_path / "bad.csv").read_text()


@pytest.mark.parametrize(("language", "words"), [("en", "header of neither"), ("fr", "l'en-tête")])
def test_a_refusal_is_one_line_in_the_readers_language(run, tmp_path, monkeypatch, language, words):
    monkeypatch.setenv("HUITAINE_LANG", language)
    path = tmp_path / "x.txt"
    path.write_text("a|b\n")
    result = run("import", path)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert "not-ours" in result.stderr


def test_an_absence_covers_its_last_day_and_can_be_forgotten(run, sample):
    run("import", sample)
    dates = ("--from", "2020-01-01", "--to", "2099-12-31", "--substitute", "99900000002")
    assert run("absence", RPPS, *dates).exit_code == 0
    absence = table(run("show", RPPS, "--format", "json"))["absence"]
    assert absence["substitute"] == "99900000002"
    assert "absent until" in run("show", RPPS).stdout
    other = run("absence", RPPS, "--from", "2020-01-02", "--remove")
    assert (other.exit_code, "no-such-absence" in other.stderr) == (3, True)
    assert table(run("show", RPPS, "--format", "json"))["absence"] is not None
    assert run("absence", RPPS, "--from", "2020-01-01", "--remove").exit_code == 0
    assert table(run("show", RPPS, "--format", "json"))["absence"] is None
    assert run("absence", RPPS, "--from", "2020-01-01").exit_code == 2
    assert run("absence", "12", *dates).exit_code == 3
    assert run("absence", "٩٩٩٠٠٠٠٠٠٠١", *dates).exit_code == 3


def test_a_key_is_kept_counted_and_removed(run, sample, tmp_path):
    run("import", sample)
    key = tmp_path / "key.asc"
    key.write_text(str(Tsk.generate(f"Dr <{BOX}>").extract_certificate()))
    added = run("key", "add", BOX, key)
    assert added.exit_code == 0, added.output
    boxes = table(run("show", RPPS, "--format", "json"))["mailboxes"]
    assert boxes[0]["openpgp_keys"] == 1
    assert run("key", "remove", BOX, added.stdout.split()[-1]).exit_code == 0
    assert run("key", "remove", BOX, "00").exit_code == 3
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "not-a-certificate" in run("key", "add", BOX, junk).stderr


def test_forms_ranks_and_owners_are_set_and_forgotten(run):
    assert run("set", "a@b.example", "--form", "pdf", "--form", "xdm", "--rank", 1, "--rpps", RPPS).exit_code == 0
    (box,) = table(run("show", RPPS, "--format", "json"))["mailboxes"]
    assert (box["forms"], box["rank"], box["source"]) == ("pdf, xdm", 1, "administrator")
    assert run("set", "a@b.example", "--rank", 0).exit_code == 0
    assert run("set", "a@b.example", "--remove").exit_code == 0
    (box,) = table(run("show", RPPS, "--format", "json"))["mailboxes"]
    assert (box["forms_by"], box["rank"]) == ("default", None)
    assert run("set", "a@b.example", "--rpps", RPPS, "--remove").exit_code == 0
    assert run("show", RPPS).exit_code == 3
    assert run("set", "a@b.example").exit_code == 2
    assert run("set", "a@b.example", "--form", "docx").exit_code == 3


def test_the_white_list_needs_its_authority(run, tmp_path):
    issuer = authority()
    signed, pem = tmp_path / "list.xml", tmp_path / "ca.pem"
    signed.write_bytes(sign(list_xml({"a.example": "CN=x"}), signer_of(issuer)))
    pem.write_bytes(issuer.pem)
    assert run("whitelist", "update", signed).exit_code == 2
    assert run("whitelist", "update", signed, "--ca", pem, "--cn", "autre").exit_code == 3
    taken = run("whitelist", "update", signed, "--ca", pem, "--cn", SIGNER)
    assert taken.exit_code == 0, taken.output
    assert "1 domains" in taken.stdout
    items = {row["item"]: row for row in table(run("status", "--format", "json"))}
    assert items["white-list"]["count"] == 1


def test_an_import_at_the_same_time_as_another_is_a_temporary_failure(run, sample, tmp_path):
    import fcntl

    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "directory.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("import", sample).exit_code == 4


def test_without_settings_it_is_exit_2(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "absent.toml"))
    assert run("status").exit_code == 2
