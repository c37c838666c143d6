"""`huitaine check settings|tls|directory` says what is wrong and what to do, in two languages, with stable codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from demo import letters
from directory import import_files
from gateway.crypto.authority import TestAuthority, certificates_pem
from gateway.letter import Mode
from gateway.service.process.floors import PACKAGES, packages_too_old
from gateway.service.upkeep.installing import Installed, install

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def made(tmp_path: Path) -> Installed:
    return install(tmp_path / "here", mode=Mode.TEST, domain="chu.example")


@pytest.fixture
def check(made: Installed, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a check; gives exit code and JSON, or the text in the language asked for."""

    def run(what: str, lang: str = "") -> tuple[int, Any]:
        monkeypatch.setenv("HUITAINE_CONFIG", str(made.settings))
        monkeypatch.setenv("HUITAINE_LANG", lang or "en")
        arguments = ["check", what] + ([] if lang else ["--format", "json"])
        done = CliRunner().invoke(cli.application(arguments), arguments)
        return done.exit_code, done.output if lang else json.loads(done.output)

    return run


def change(made: Installed, old: str, new: str) -> None:
    text = made.settings.read_text(encoding="utf-8")
    assert old in text
    made.settings.write_text(text.replace(old, new), encoding="utf-8")


def codes(answer: Any, severity: str = "error") -> set[str]:
    return {finding["code"] for finding in answer["findings"] if finding["severity"] == severity}


def test_a_fresh_installation_has_nothing_wrong_in_its_settings_and_certificates(check: Run):
    for what in ("settings", "tls"):
        code, answer = check(what)
        assert (code, answer["checked"], answer["accepted"]) == (0, what, True)
        assert codes(answer) == set()
    assert {"test-mode", "not-running"} <= codes(check("settings")[1], "note")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[smtp]\n", "[smtp]\nmax_sizee = 3\n", "settings-refused"),
        ("[courier.operator]\n", "[courier.routes.\"x.example\"]\n", "master-key"),
        ('domain = "chu.example"', 'domain = "chu.invalid"', "domain-missing"),
        ('senders = ["@chu.example"]', "", "no-sender"),
        ("[gateway]\n", '[gateway]\ndata = "elsewhere"\n', "no-data-folder"),
        ("[gateway]\n", '[gateway]\nsecrets = "elsewhere"\n', "no-secrets-folder"),
        ("[folder]\npath = \"drop\"\n", "[imap]\nhost = \"imap.example\"\n", "secret-missing"),
        ("[gateway]\n", "[queue]\nmin_free_share = 1.0\n[gateway]\n", "disk-low"),
        ("[gateway]\n", "[operators]\nport = 0\n[gateway]\n", "door-refused"),
        ("[gateway]\n", "[operators]\nport = 0\n[gateway]\n", "no-white-list"),
    ],
)  # fmt: skip
def test_each_thing_that_is_wrong_in_the_settings_has_its_code(
    made: Installed, check: Run, old: str, new: str, code: str
):
    change(made, old, new)
    if code == "master-key":
        (made.settings.parent / "secrets" / "master-key").write_bytes(b"short")
    exit_code, answer = check("settings")
    assert exit_code == 1
    assert not answer["accepted"]
    assert code in codes(answer)


def test_whose_answer_counts_for_our_return_path_is_said_where_a_mail_server_stands_behind(made: Installed, check: Run):
    door = "[operators]\nport = 0\n"
    change(made, "[gateway]\n", door + "[gateway]\n")
    assert "return-path-heard" not in codes(check("settings")[1], "note")
    behind = 'domains = ["ch.example"]\n[operators.mail_server]\nhost = "mail.ch.example"\n'
    change(made, door, door + behind)
    assert "return-path-heard" in codes(check("settings")[1], "note")


def test_no_way_in_and_no_way_out_is_said(made: Installed, check: Run):
    text = made.settings.read_text(encoding="utf-8")
    made.settings.write_text(text.partition("[smtp]")[0], encoding="utf-8")
    assert {"no-door", "no-next-hop"} <= codes(check("settings")[1])


def test_a_key_of_another_certificate_a_missing_file_and_an_open_key_are_told_apart(made: Installed, check: Run):
    tls = made.settings.parent / "tls"
    (tls / "gateway.pem").chmod(0o644)
    assert codes(check("tls")[1], "warning") == {"key-open-to-others"}
    (tls / "gateway.pem").chmod(0o600)
    change(made, 'key = "tls/gateway.pem"', 'key = "tls/test-authority-key.pem"')
    assert "pair-refused" in codes(check("tls")[1])
    change(made, 'key = "tls/test-authority-key.pem"', 'key = "tls/nowhere.pem"')
    assert "file-missing" in codes(check("tls")[1])
    change(made, 'certificate = "tls/gateway.pem"\n', "")
    assert "no-certificate" in codes(check("tls")[1])


def test_a_missing_signing_key_and_an_authority_that_is_none_are_said(made: Installed, check: Run):
    (made.settings.parent / "tls" / "authority.pem").write_text("nothing")
    next((made.settings.parent / "data" / "keys").iterdir()).unlink()
    assert {"no-signing-key", "no-authorities"} <= codes(check("tls")[1])
    assert "no-signing-key" in codes(check("settings")[1])


@pytest.mark.parametrize("direction", ["incoming", "outgoing"])
def test_authorities_that_are_none_or_end_nowhere_are_said(made: Installed, check: Run, direction: str):
    authority = TestAuthority.create("Essai")
    file = made.settings.parent / "believed.pem"
    text = made.settings.read_text(encoding="utf-8")
    made.settings.write_text(f'{text}\n[crypto]\n{direction}_authorities = "believed.pem"\n', encoding="utf-8")
    told = {"no-authorities", "no-anchor"}
    assert told & codes(check("settings")[1]) == {"no-authorities"}
    for chain, wrong in (((authority.issuer.certificate,), {"no-anchor"}), (authority.roots, set())):
        file.write_bytes(certificates_pem(chain))
        assert told & codes(check("settings")[1]) == wrong


def test_authorities_of_one_domain_are_looked_at_as_the_general_ones(made: Installed, check: Run):
    authority = TestAuthority.create("Essai")
    file = made.settings.parent / "gcs.pem"
    text = made.settings.read_text(encoding="utf-8")

    def told(table: str) -> set[tuple[str, str]]:
        made.settings.write_text(f"{text}\n[crypto.domain_authorities]\n{table}\n", encoding="utf-8")
        wanted = {"no-authorities", "no-anchor", "domain-twice"}
        answer = check("settings")[1]
        return {(each["place"], each["code"]) for each in answer["findings"] if each["code"] in wanted}

    place, line = "crypto.domain_authorities.gcs.example", '"Gcs.Example" = "gcs.pem"'
    assert told(line) == {(place, "no-authorities")}
    for chain, wrong in (((authority.issuer.certificate,), {(place, "no-anchor")}), (authority.roots, set())):
        file.write_bytes(certificates_pem(chain))
        assert told(line) == wrong
    assert told(f'{line}\n"gcs.example" = "gcs.pem"') == {("crypto.domain_authorities", "domain-twice")}


def test_certificates_that_end_soon_are_warned_of(made: Installed, check: Run):
    text = made.settings.read_text(encoding="utf-8")
    made.settings.write_text(text + "\n[alarms]\ncertificate_days = 100000\n", encoding="utf-8")
    code, answer = check("tls")
    assert code == 0
    assert "certificate-ends" in codes(answer, "warning")
    assert {finding["place"] for finding in answer["findings"]} == {"signing", "smtp"}


def test_an_empty_directory_is_an_error_and_an_old_one_a_warning(made: Installed, check: Run):
    code, answer = check("directory")
    assert (code, codes(answer)) == (1, {"directory-empty"})
    extraction = made.settings.parent / "Extraction_Correspondance_MSSante_202001150300.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(made.settings.parent / "data", [extraction])
    code, answer = check("directory")
    assert (code, codes(answer), codes(answer, "warning")) == (0, set(), {"directory-old"})
    assert {"no-keys", "white-list-missing"} <= codes(answer, "note")


def test_the_words_are_french_or_english_and_the_codes_the_same(check: Run):
    english, french = check("directory", "en")[1], check("directory", "fr")[1]
    assert "ERROR" in english
    assert "no doctor can be found" in english
    assert "ERREUR" in french
    assert "aucun médecin" in french
    assert "[directory-empty]" in english
    assert "[directory-empty]" in french


def test_e9_a_package_with_known_holes_stops_the_start_and_the_installed_ones_have_none():
    assert packages_too_old() == []
    old = packages_too_old(lambda name: "1.4.5" if name == "aiosmtpd" else "999")
    assert [(each.name, each.found, each.least) for each in old] == [("aiosmtpd", "1.4.5", PACKAGES["aiosmtpd"])]


def test_e9_the_pinned_versions_are_at_or_above_every_floor():
    pins = dict(
        line.partition("==")[::2]
        for line in (Path(cli.__file__).parent / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert packages_too_old(lambda name: pins[name]) == []
