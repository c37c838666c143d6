"""`huitaine patient documents`: the right patient's letters and nobody else's, journaled, and no name anywhere."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import cli
from config.settings import load
from gateway import journal
from gateway.document import Identifier, Patient
from gateway.identifiers import LetterId, ins_key
from gateway.letter import KeptLetter, Proof
from gateway.queue import erasing, queries
from gateway.queue.afterwards import Proving
from gateway.queue.planning import make_plan
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.clock.staybook import StayBook
from gateway.service.from_settings.storing import open_store, open_vault
from gateway.service.upkeep.installing import install
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import WAITING, addressed, letter

MATRICULE = "2500675056999"
INS = f"{MATRICULE}{ins_key(MATRICULE):02d}"
BORN = "1950-06-15"
AUTHORITY = "1.2.250.1.71.4.2.7.99"
FAMILY, GIVEN = "ZEBRAFISH", "AMELIE"


def patient(*, ins: str = "", ipp: str = "", born: str = BORN) -> Patient:
    numbers = [Identifier(value=ins, type="INS")] if ins else []
    numbers += [Identifier(value=ipp, authority=AUTHORITY, type="PI")] if ipp else []
    return Patient(family=FAMILY, given=GIVEN, birth_date=born, identifiers=tuple(numbers))


PEOPLE = (
    patient(ins=INS, ipp="IPP-CANARY-1"),
    patient(ipp="IPP-CANARY-1"),
    patient(ipp="IPP-CANARY-1", born="1950-06-16"),
    patient(ipp="IPP-CANARY-2"),
    Patient(family=FAMILY, given=GIVEN, birth_date=BORN),
)
"""The first by both numbers; the second by IPP alone; a birth date that differs; another number; a name alone."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[LetterId]]:
    folder = tmp_path_factory.mktemp("ward")
    install(folder)
    return folder, asyncio.run(filled(folder))


@pytest.fixture
def ward(
    base: tuple[Path, list[LetterId]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[LetterId]]:
    folder = shutil.copytree(base[0], tmp_path / "ward")
    monkeypatch.setenv("HUITAINE_CONFIG", str(folder / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    return folder, base[1]


async def filled(folder: Path) -> list[LetterId]:
    """A letter about each of PEOPLE, the first read by the GP."""
    settings, clock = load(folder / "huitaine.toml"), Clock()
    vault = open_vault(settings)
    store = open_store(settings, vault, clock)
    try:
        return [await sent(store, vault, clock, who) for who in PEOPLE]
    finally:
        store.close()


async def sent(store: Store, vault: RestVault, clock: Clock, who: Patient) -> LetterId:
    received = letter(source="dpi")
    kept: KeptLetter = await store.keep(received)
    one = addressed(kept)
    document = replace(one.parsed.documents[0], patient=who)
    one = replace(one, parsed=replace(one.parsed, documents=(document,)))
    stays = StayBook(vault.pseudonym)
    plan = make_plan(store, [one], now=clock(), dispatch=WAITING, tie=stays.tie)
    await store.plan(plan.planning)
    with store.reading() as connection:
        delivery = queries.deliveries(connection, kept.id)[0]["id"]
    event = journal.proved(clock(), kept.id, delivery, receipt="mdn displayed", effect="proof raised to displayed")
    leg = stays.leg(delivery, "displayed", clock() + timedelta(hours=1))
    await store.prove(Proving(delivery=delivery, proof=Proof.DISPLAYED, event=event, also=(leg,)))
    return kept.id


def ask(*lines: str, words: tuple[str, ...] = (), code: int = 0) -> Result:
    arguments = ("patient", "documents", *words)
    done = CliRunner().invoke(cli.application(arguments), arguments, input="".join(f"{line}\n" for line in lines))
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    for canary in (FAMILY, GIVEN, "CANARY", MATRICULE, BORN):
        assert canary not in done.stdout
        assert canary not in done.stderr
    return done


def found(*lines: str, words: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ask(*lines, words=(*words, "--format", "json")).stdout)
    return rows


def journaled(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "data" / "huitaine.db")) as connection:
        lines = "SELECT letter_id, code, actor FROM entry WHERE kind = 'documents-listed' ORDER BY seq"
        return connection.execute(lines).fetchall()


def test_by_ins_the_letters_that_bear_it_are_told_with_their_proof(ward: tuple[Path, list[LetterId]]):
    (row,) = found(INS)
    assert row["letter"] == ward[1][0]
    assert row["addressee"] == {"role": "gp", "rpps": "99900000001", "mailbox": "gp@test.example"}
    assert (row["kind"], row["proof"], row["proved_at"]) == ("11490-0", "displayed", "2026-01-15T13:00:00Z")
    assert len(row["journal"]) == 1


def test_by_ipp_and_birth_date_both_letters_are_told_and_the_other_date_s_is_counted_alone(
    ward: tuple[Path, list[LetterId]],
):
    words = ("--authority", AUTHORITY)
    assert [row["letter"] for row in found("", "IPP-CANARY-1", BORN, words=words)] == ward[1][:2]
    assert [row["letter"] for row in found("", "IPP-CANARY-1", "15/06/1950", words=words)] == ward[1][:2]
    told = ask("", "IPP-CANARY-1", BORN, words=words)
    assert "1 more bear this IPP" in told.stderr
    assert ward[1][2] not in told.stdout


def test_another_birth_date_shows_nothing(ward: tuple[Path, list[LetterId]]):
    assert found("", "IPP-CANARY-2", "1950-06-16", words=("--authority", AUTHORITY)) == []
    assert found("", "IPP-CANARY-2", BORN, words=("--authority", AUTHORITY))  # control


@pytest.mark.parametrize("lines", [("", "IPP-CANARY-1", ""), ("", "", BORN), ("", FAMILY, ""), ("", "", "")])
def test_a_name_or_half_an_identity_is_not_enough(ward: tuple[Path, list[LetterId]], lines: tuple[str, ...]):
    assert "an INS, or an IPP and a birth date" in ask(*lines, code=2).stderr
    assert journaled(ward[0]) == []


@pytest.mark.parametrize("wrong", [INS[:13], INS[:-1] + str((int(INS[-1]) + 1) % 10), "1" * 15])
def test_an_ins_with_a_slip_is_refused(ward: tuple[Path, list[LetterId]], wrong: str):
    assert "right key" in ask(wrong, code=2).stderr


def test_who_asked_stands_with_each_letter_before_anything_is_shown(ward: tuple[Path, list[LetterId]]):
    folder, letters = ward
    ask("", "IPP-CANARY-1", BORN, words=("--authority", AUTHORITY))
    found("1500675056999" + f"{ins_key('1500675056999'):02d}")
    told = journaled(folder)
    assert [(letter, code) for letter, code, _ in told] == [(letters[0], ""), (letters[1], ""), (None, "none")]
    assert all(actor for *_, actor in told)


def test_nothing_is_shown_when_it_cannot_be_journaled(
    ward: tuple[Path, list[LetterId]], monkeypatch: pytest.MonkeyPatch
):
    def refused(*_: object) -> None:
        raise SystemExit(4)

    monkeypatch.setattr("commands.setup.Installation.act", refused)
    assert ask(INS, code=4).stdout == ""


def test_after_a_year_the_ledger_still_tells_when_and_with_which_proof_but_not_to_whom(
    ward: tuple[Path, list[LetterId]],
):
    folder, _ = ward
    settings, clock = load(folder / "huitaine.toml"), Clock()
    store = open_store(settings, open_vault(settings), clock)
    with store._disk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE letter SET state = 'final'")
        connection.exec_driver_sql("DELETE FROM chunk")
        erasing.forget_people(connection, [erasing.Forgetting(now=clock(), horizon=clock() + timedelta(days=1))])
    store.close()
    (row,) = found(INS)
    assert row["addressee"] == {"role": "gp", "rpps": None, "mailbox": None}
    assert (row["proof"], row["proved_at"]) == ("displayed", "2026-01-15T13:00:00Z")


def test_the_table_and_the_csv_have_a_row_for_each_delivery(ward: tuple[Path, list[LetterId]]):
    assert ward[1][0] in ask(INS).stdout
    assert ask(INS, words=("--format", "csv")).stdout.splitlines()[0].startswith("letter,received_at,kind,service,role")
