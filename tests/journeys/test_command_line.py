"""The administrator at the terminal: each command as it is typed, with a gateway that runs and with none."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import logging
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

import cli
from config.settings import load
from demo import letters
from tests.faults.nursery import Orphan, warm
from tests.journeys.kit import Hospital, Prepared, alive, prepare, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
UNKNOWN = "99900000094"
ENGLISH, FRENCH = "en_GB.UTF-8", "fr_FR.UTF-8"
ID = 26
TOLD = (("show", "table"), ("show", "csv"), ("trace", "table"), ("trace", "json"))


def environment(lang: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUITAINE", "LC_", "COLUMNS"))}
    return {**kept, "LANG": lang}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A terminal in the installation's folder."""

    folder: Path

    def run(self, *words: str, lang: str = ENGLISH, code: int = 0) -> str:
        """The command as a process of its own: what it printed, or its standard error when it failed."""
        done = warm().typed(words, environment(lang), self.folder)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stderr if code else done.stdout

    def type(self, *words: str, lang: str = ENGLISH, code: int = 0) -> str:
        """The same in this process, which spares a second of imports."""
        env = {"HUITAINE_CONFIG": str(self.folder / "huitaine.toml"), "HUITAINE_LANG": lang, "LANG": lang}
        done = CliRunner().invoke(cli.application(words), words, env=env)
        assert isinstance(done.exception, SystemExit | None), done.exception
        assert done.exit_code == code, (words, done.exit_code, done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr or done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.type(*words, "--format", "json", code=code))

    def csv(self, *words: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.type(*words, "--format", "csv"))))


@pytest.fixture(autouse=True)
def no_journal_on_the_terminal() -> Iterator[None]:
    """As ``cli.main`` does: what the gateway of this process logs is not what the command prints."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def prepared(tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str) -> Prepared:
    """An installation that does not run yet."""
    return prepare(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox)


@pytest.fixture
def terminal(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(prepared.settings.parent)
    return Terminal(folder=prepared.settings.parent)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Orphan]:
    """``huitaine serve`` as a process of its own, ready for orders; ended by SIGTERM when still there."""
    log = folder / "serve.log"
    log.write_text("")
    process = warm().born(["serve"], environment(ENGLISH), log, folder=folder)
    try:
        for _ in range(600):
            if "gateway-open" in log.read_text():
                break
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


async def held_letter(ward: Hospital) -> str:
    """A letter for a number that nobody has."""
    await ward.mail(letters.hprim_mail(letters.hprim_lab(NOW)), f"{UNKNOWN}@rpps.hospital.test")
    await until(lambda: [row["state"] for row in ward.deliveries()] == ["held"])
    return str(ward.deliveries()[0]["letter_id"])


async def discharge_letter(ward: Hospital) -> str:
    """A stay that ended yesterday, its letter in the GP's mailbox."""
    for message in (
        letters.adt("A01", "A1", NOW - 5 * DAY, NOW - 5 * DAY, None),
        letters.adt("A03", "A2", NOW - DAY, NOW - 5 * DAY, NOW - DAY),
        letters.mdm("DOC2", NOW, NOW - 5 * DAY, NOW - DAY, letters.pdf("L", "x")).replace(
            letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()
        ),
    ):
        assert "MSA|AA" in await ward.hl7(message)
    await ward.letter_in_mailbox()
    await until(lambda: [row["state"] for row in ward.deliveries()] == ["done"])
    return str(ward.deliveries()[0]["letter_id"])


# make it, run it, hand in ----------------------------------------------------------------------------------------


def test_init_makes_an_installation_that_serves_and_never_touches_one_that_is_there(tmp_path: Path):
    here = Terminal(folder=tmp_path)
    told = here.run("init", "place", "--hospital", 'CH "Les Essais"', "--domain", "hospital.test")
    assert "next: cd place" in told
    assert "huitaine serve" in told
    password = told.partition("password ")[2].split()[0]
    made = [path for path in (tmp_path / "place").rglob("*") if path.is_file()]
    assert not any(password.encode() in path.read_bytes() for path in made)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "place" / "secrets").iterdir())
    assert load(tmp_path / "place" / "huitaine.toml").gateway.hospital == 'CH "Les Essais"'
    assert "exists already" in here.run("init", "place", code=2)
    (tmp_path / "file").write_text("x")
    assert "cannot make the installation" in here.run("init", "file/place", code=3)


def test_serve_takes_a_file_from_send_and_ends_cleanly_on_sigterm(terminal: Terminal):
    (terminal.folder / "lab.hpr").write_bytes(letters.hprim_lab(NOW))
    (terminal.folder / "broken.hpr").write_bytes(letters.pdf("L", "TESTINI"))
    with serving(terminal.folder) as process:
        line = terminal.run("send", "lab.hpr", "--to", f"{letters.GP}@rpps.hospital.test")
        letter, name = line.split()
        assert (len(letter), name) == (ID, "lab.hpr")
        assert terminal.type("send", "lab.hpr", "--to", f"{letters.GP}@rpps.hospital.test").split()[0] == letter
        told = terminal.run("send", "broken.hpr", code=3)
        assert told.startswith("huitaine: byte 0: ")
        assert "(not-what-it-is-called)" in told
        assert "l'exporter dans le bon format" in terminal.run("send", "broken.hpr", code=3, lang=FRENCH)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    log = (terminal.folder / "serve.log").read_text()
    assert "gateway-closed" in log.splitlines()[-1]
    assert "Traceback" not in log
    assert "TESTINI" not in log
    assert terminal.json("letters", "show", letter)["door"] == "folder"
    assert "no gateway runs here" in terminal.run("send", "lab.hpr", code=4)
    assert "aucune passerelle" in terminal.type("send", "lab.hpr", code=4, lang=FRENCH)


def test_a_second_gateway_in_the_same_folder_is_refused_with_one_line(terminal: Terminal):
    with serving(terminal.folder):
        assert "un autre processus tient le dossier" in terminal.run("serve", code=4, lang=FRENCH)


# find, explain, act ----------------------------------------------------------------------------------------------


async def test_letters_are_found_shown_and_traced(prepared: Prepared, terminal: Terminal, dovecot: Dovecot):
    async with alive(prepared, dovecot) as ward:
        letter = await discharge_letter(ward)
        await asyncio.to_thread(_look, terminal, letter, ward.gp.mailbox)
    # and again when nothing runs
    _look(terminal, letter, prepared.gp.mailbox)


def _look(terminal: Terminal, letter: str, mailbox: str) -> None:
    assert letter in terminal.type("letters")
    assert letter in terminal.type("letters", "list")
    assert [row["id"] for row in terminal.json("letters", "--rpps", letters.GP)] == [letter]
    assert terminal.json("letters", "--state", "held") == []
    assert terminal.json("letters", "--since", f"{NOW + 2 * DAY:%Y-%m-%d}") == []  # tomorrow begins earlier in Paris
    (row,) = terminal.csv("letters", "--state", "done")
    assert (row["door"], row["kind"], row["state"], row["proof"]) == ("mllp", "11490-0", "final", row["proof"])
    assert "there are: open, final" in terminal.type("letters", "--state", "hled", code=2)
    shown = terminal.json("letters", "show", letter)
    assert {"id", "door", "received_at", "kind", "state", "stay", "deliveries"} <= shown.keys()
    assert shown["kind"]["loinc"] == "11490-0"
    assert shown["kind"]["label"].startswith("Lettre de liaison")
    assert shown["state"] == "final"
    assert shown["stay"] == {"visit": "V26000047", "discharged_at": shown["stay"]["discharged_at"]}
    assert datetime.fromisoformat(shown["stay"]["discharged_at"]) == NOW - DAY
    assert datetime.fromisoformat(shown["received_at"]).tzinfo is not None
    (delivery,) = shown["deliveries"]
    assert delivery["addressee"] == {"rpps": letters.GP, "role": "gp"}
    assert delivery["mailbox"] == mailbox
    assert (delivery["protection"], delivery["state"], delivery["attempts"]) == ("smime-cbc", "done", 1)
    assert delivery["proof"] in {"accepted", "delivered"}
    assert isinstance(delivery["reason"], str)
    kinds = [entry["kind"] for entry in terminal.json("letters", "trace", letter)]
    assert kinds[0] == "kept"
    assert [kind for kind in kinds if kind in {"read", "sealed", "accepted"}] == ["read", "sealed", "accepted"]
    told = "".join(terminal.type("letters", what, letter, "--format", fmt) for what, fmt in TOLD)
    assert "TESTINI" not in told
    assert "279035121518989" not in told
    assert "no letter NOPE" in terminal.type("letters", "show", "nope", code=3)
    assert "aucune lettre NOPE" in terminal.type("letters", "trace", "nope", code=3, lang=FRENCH)


async def test_names_are_shown_on_demand_only_and_that_is_journaled(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        letter = await discharge_letter(ward)
        named = await asyncio.to_thread(terminal.json, "letters", "show", letter, "--identities")
        assert named["patient"] == {"family": "TESTINI", "given": "AMELIE", "birth_date": "1979-03-28"}
    again = await asyncio.to_thread(terminal.type, "letters", "show", letter, "--identities")
    assert "TESTINI AMELIE" in again
    seen = [entry for entry in terminal.json("letters", "trace", letter) if entry["kind"] == "identities-shown"]
    assert len(seen) == 2
    assert all(entry["actor"] not in {"", "huitaine"} for entry in seen)


async def test_a_held_letter_is_released_cancelled_and_resent_with_a_gateway_that_runs(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        letter = await held_letter(ward)
        await asyncio.to_thread(_act, terminal, letter)


async def test_a_held_letter_is_released_cancelled_and_resent_with_no_gateway(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        letter = await held_letter(ward)
    await asyncio.to_thread(_act, terminal, letter)
    assert terminal.json("queue", "status")["deliveries"][0]["state"] == "ready"


def _act(terminal: Terminal, letter: str) -> None:
    assert terminal.json("letters", "--state", "held")[0]["id"] == letter
    (status,) = terminal.json("queue", "status")["deliveries"]
    assert status == {"state": "held", "reason": "unknown-number", "deliveries": 1}
    assert "no letter" in terminal.type("letters", "release", "NOPE", code=3)
    assert f"{letter}: nothing has failed" in terminal.type("letters", "resend", letter, code=1)
    terminal.type("letters", "cancel", letter, code=2)  # no reason given
    assert terminal.type("letters", "cancel", letter, "--why", "double of another") == "1 delivery\n"
    (delivery,) = terminal.json("letters", "show", letter)["deliveries"]
    assert delivery["state"] == "cancelled"
    assert "tout est parti" in terminal.type("letters", "cancel", letter, "--why", "again", lang=FRENCH, code=1)
    assert terminal.type("letters", "resend", letter, lang=FRENCH) == "1 envoi\n"
    acts = {entry["kind"]: entry for entry in terminal.json("letters", "trace", letter)}
    assert acts["cancel"]["words"] == "double of another"
    assert acts["cancel"]["actor"] == acts["resend"]["actor"] != "huitaine"


# delays, journal, directory, files -------------------------------------------------------------------------------


async def test_delays_tell_what_is_late_and_what_was_never_written(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        await discharge_letter(ward)
    report = terminal.json("delays", "report")
    assert (report["policy"], report["by"], report["total"]["stays"], report["total"]["in_time"]) == (
        "8-days",
        "service",
        1,
        1,
    )
    assert report["total"]["share_in_time"] == 1.0
    assert [round(float(row["share_in_time"])) for row in terminal.csv("delays", "report")] == [1, 1]
    assert "8" in terminal.type("delays", "report")
    assert terminal.json("delays", "late", "--fail-if-late") == []
    assert terminal.json("delays", "missing") == []
    assert terminal.csv("delays", "late") == []
    same_day = terminal.json("delays", "report", "--policy", "same-day", "--fail-if-late", code=1)
    assert same_day["total"]["late"] == 1
    assert "8-days" in terminal.type("delays", "report", "--policy", "nine", code=2)
    assert "2026-01-31" in terminal.type("delays", "report", "--from", "yesterday", code=2)


async def test_the_journal_is_verified_and_a_changed_line_is_named(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        await held_letter(ward)
    assert terminal.type("audit", "verify") == "the journal is whole\n"
    assert terminal.type("audit", "verify", lang=FRENCH) == "le journal est intact\n"
    with contextlib.closing(sqlite3.connect(terminal.folder / "data" / "huitaine.db")) as database, database:
        database.execute("UPDATE entry SET words = 'nothing happened' WHERE seq = 2")
    assert terminal.type("audit", "verify", code=1) == "huitaine: journal: line 2 was changed\n"


def test_the_directory_is_imported_searched_and_shown(terminal: Terminal, prepared: Prepared):
    found = terminal.json("directory", "search", "exemple", "camille")
    assert [row["rpps"] for row in found] == [letters.GP]
    shown = terminal.json("directory", "show", letters.GP)
    assert shown["mailboxes"][0]["mailbox"] == prepared.gp.mailbox
    assert terminal.csv("directory", "status")
    assert "does not know" in terminal.type("directory", "show", UNKNOWN, code=3)
    extraction = next(terminal.folder.glob("Extraction_*.txt"))
    (row,) = terminal.json("directory", "import", str(extraction))
    assert (row["rows"], row["rejected"]) == (2, 0)
    (terminal.folder / "other.txt").write_text("a|b|c\n")
    assert "huitaine:" in terminal.type("directory", "import", "other.txt", code=3)


def test_check_tells_what_a_file_is_and_what_is_wrong_with_it(terminal: Terminal):
    (terminal.folder / "good.hpr").write_bytes(letters.hprim_lab(NOW))
    (terminal.folder / "bad.hpr").write_bytes(letters.pdf("L", "x"))
    good = terminal.json("check", "good.hpr")
    assert (good["format"], good["accepted"]) == ("hprim-medecin", True)
    assert good["documents"][0]["patient"]["family"] == "TESTINI"
    assert "11.4" in [result["value"] for result in good["documents"][0]["results"]]
    bad = terminal.json("check", "bad.hpr", code=1)
    assert not bad["accepted"]
    assert {"severity", "place", "code", "message"} <= bad["findings"][0].keys()
    assert "\nAccepté : " in terminal.type("check", "good.hpr", lang=FRENCH)
    assert "cannot read" in terminal.type("check", "none.hpr", code=3)


async def test_open_gives_the_parts_of_a_mail_that_lies_in_the_gps_mailbox(
    prepared: Prepared, terminal: Terminal, dovecot: Dovecot
):
    async with alive(prepared, dovecot) as ward:
        await ward.mail(letters.hprim_mail(letters.hprim_lab(NOW)), f"{letters.GP}@rpps.hospital.test")
        (terminal.folder / "mail.eml").write_bytes(await ward.letter_in_mailbox())
    opened = terminal.json("open", "mail.eml", "--key", "gp/key.pem", "--output", "parts")
    assert [layer["verified"] for layer in opened["layers"]][-1] is False  # its root is not one that was given
    assert len(opened["layers"]) == 2
    files = {path.suffix: path.read_bytes() for path in (terminal.folder / "parts").iterdir()}
    assert files[".hpr"] == letters.hprim_lab(NOW)


# words -----------------------------------------------------------------------------------------------------------


def test_help_follows_lang_before_anything_else_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process of its own, because words beside options are chosen when a command is loaded; no peer is needed."""
    here = Terminal(folder=tmp_path)
    french = here.run("--lang", "fr", "--help")
    assert "Les lettres de l'hôpital" in french
    assert "Trouver des lettres" in french
    assert "fichier de réglages" in french
    for lang, lead in ((FRENCH, "Montrer une lettre"), (ENGLISH, "Show one letter")):
        monkeypatch.setenv("HUITAINE_LANG", lang)
        assert lead in here.type("letters", "show", "--help", lang=lang)
    assert "Hospital letters to the GP" in " ".join(here.type("--help").split())


def test_a_command_that_is_mistyped_is_a_matter_of_usage(tmp_path: Path):
    here = Terminal(folder=tmp_path)
    here.type("lettres", code=2)
    here.type("--config", "elsewhere.toml", "letters", code=2)
    here.type("delays", "report", "--format", "xml", code=2)
