"""`huitaine audit` as it is typed, with no gateway running: what it writes convinces the expert's own program."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from commands.audit_words import told
from config.settings import load
from gateway.moments import utc_now
from gateway.queue.auditing import Finding, Wrong
from gateway.service.from_settings.storing import open_store, open_vault
from gateway.service.upkeep.installing import install
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import letter_number
from tests.unit.queue.conftest import Clock

TOOL = Path(__file__).resolve().parents[3] / "tools" / "verify_proof.py"


async def filled(folder: Path, number: int) -> None:
    settings = load(folder / "huitaine.toml")
    store = open_store(settings, open_vault(settings), utc_now)
    try:
        await journal_kit.write(store, Clock(), number)
    finally:
        store.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    install(folder)
    asyncio.run(filled(folder, 30))
    return folder


@pytest.fixture
def here(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(base, tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HUITAINE_CONFIG", str(folder / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    return folder


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.application(("audit", *words)), ("audit", *words))
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return done.stderr if code and not done.stdout else done.stdout


def expert(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", str(TOOL), *words], capture_output=True, text=True, check=False)


def test_proof_key_and_checkpoint_as_files_convince_the_expert(here: Path):
    (here / "journal.vkey").write_text(run("key"))
    assert run("proof", letter_number(2).lower(), "--output", "letter.json") == "letter.json\n"
    done = expert("letter.json", "--key", "journal.vkey")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(f"PROVED\nletter {letter_number(2)}: 10 entries of a signed journal of 30\n")
    run("checkpoint", "--output", "kept")
    asyncio.run(filled(here, 5))
    run("consistency", "kept", "--output", "grown.json")
    assert "PROVED" in expert("grown.json", "--key", "journal.vkey", "--kept", "kept").stdout
    assert run("verify", "--checkpoint", "kept") == "the journal is whole\n"


def test_what_is_there_already_is_never_written_over(here: Path):
    (here / "kept").write_text("somebody's evidence")
    assert "exists" in run("checkpoint", "--output", "kept", code=3)
    assert (here / "kept").read_text() == "somebody's evidence"


def test_a_letter_that_nobody_knows_has_no_proof(here: Path):
    assert "no such letter" in run("proof", letter_number(99), code=3)


def test_what_is_no_checkpoint_of_ours_is_refused(here: Path):
    (here / "kept").write_text("nonsense")
    assert "this is not a checkpoint" in run("verify", "--checkpoint", "kept", code=3)
    run("checkpoint", "--output", "mine")
    (here / "kept").write_text((here / "mine").read_text().replace("\n30\n", "\n31\n"))
    assert "the signature of this checkpoint is wrong" in run("verify", "--checkpoint", "kept", code=3)


def test_each_thing_that_is_wrong_is_a_line_and_in_json_a_finding(here: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(sqlite3.connect(here / "data" / "huitaine.db")) as database, database:
        database.execute("UPDATE entry SET code = '' WHERE seq = 4")
        database.execute("DELETE FROM entry WHERE seq IN (10, 30)")
    assert run("verify", code=1).splitlines() == [
        "huitaine: journal: line 4 was changed",
        "huitaine: journal: lines between 9 and 11 were removed",
        "huitaine: journal: missing at the end: 1",
    ]
    found = json.loads(run("verify", "--format", "json", code=1))
    assert (found["whole"], found["entries"]) == (False, 28)
    assert [(each["code"], each["seq"]) for each in found["findings"]] == [("changed", 4), ("removed", 11), ("cut", 0)]
    monkeypatch.setenv("HUITAINE_LANG", "fr")
    assert run("verify", code=1).startswith("huitaine: journal : la ligne 4 a été modifiée\n")


def test_no_checkpoint_is_signed_over_a_changed_line(here: Path):
    with closing(sqlite3.connect(here / "data" / "huitaine.db")) as database, database:
        database.execute("UPDATE entry SET code = '' WHERE seq = 4")
    assert "journal line 4 was changed" in run("checkpoint", code=3)
    assert "journal line 4 was changed" in run("proof", letter_number(0), code=3)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_finding_has_its_sentence(language: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUITAINE_LANG", language)
    said = {told(Finding(code=code, seq=3, after=2, number=1)) for code in Wrong}
    said |= {told(Finding(code=Wrong.CUT, number=-1)), told(Finding(code=Wrong.CHECKPOINT, after=5, number=9))}
    assert len(said) == len(Wrong) + 2
    assert not any("{" in each for each in said)
