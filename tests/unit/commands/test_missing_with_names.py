"""`huitaine delays missing --identities`: whose letter is missing; sealed till then, journaled, then forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

import cli
from config.settings import Settings, load
from gateway.delays.legs import Leg
from gateway.delays.letters import TimedLetter, tie_letter
from gateway.delays.tables import stay
from gateway.document import Identifier, Movement, Patient, Role, Stay
from gateway.identifiers import DeliveryId, LetterId
from gateway.moments import utc_now
from gateway.queue.afterwards import Noting
from gateway.queue.entries import ENTRY
from gateway.queue.keyring import held
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.clock.stay_names import keep_readable, names_of
from gateway.service.clock.staybook import StayBook
from gateway.service.from_settings.storing import open_keys, open_store, open_vault
from gateway.service.process.forgetting import Forgetting
from gateway.service.upkeep.installing import install

VISIT, FAMILY, GIVEN, BORN = "VISITE7788", "ZZDISPARUE", "CAMILLE", "1951-03-09"
LEFT = utc_now() - timedelta(days=20)
WHO = Patient(
    family=FAMILY, given=GIVEN, birth_date=BORN, identifiers=(Identifier(value="IPP7", authority="CHU-X", type="PI"),)
)


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(tmp_path, hospital="CH d'essai")
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    heard = Movement(
        trigger="A03", patient=WHO, stay=Stay(visit=VISIT, hospital="CHU-X", unit="CARDIO"), zbe_2=LEFT, evn_2=LEFT
    )

    def told(store: Store, vault: RestVault, _: Settings) -> None:
        also = StayBook(vault.pseudonym, vault=vault).movement(heard, "gam", utc_now())
        asyncio.run(store.note(Noting(also=(also,))))

    inside(tmp_path, told)
    return tmp_path


def inside(folder: Path, work: Callable[[Store, RestVault, Settings], Any]) -> Any:
    settings = load(folder / "huitaine.toml")
    vault = open_vault(settings)
    store = open_store(settings, vault, utc_now)
    try:
        return work(store, vault, settings)
    finally:
        store.close()


def typed(*words: str) -> Result:
    arguments = ("delays", "missing", *words)
    done = CliRunner().invoke(cli.application(arguments), arguments, env={"COLUMNS": "120"})
    assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
    return done


def kept(folder: Path) -> list[str]:
    """Whose names can be read."""

    def read(store: Store, vault: RestVault, _: Settings) -> list[str]:
        with store.reading() as connection:
            keys = list(connection.execute(select(stay.c.key)).scalars())
            return [name.family for name in names_of(connection, vault, keys).values()]

    found: list[str] = inside(folder, read)
    return found


def shown(folder: Path) -> list[tuple[str, str]]:
    def read(store: Store, *_: object) -> list[tuple[str, str]]:
        with store.reading() as connection:
            lines = select(ENTRY.c.words, ENTRY.c.actor).where(ENTRY.c.kind == "identities-shown")
            return [(row.words, row.actor) for row in connection.execute(lines)]

    found: list[tuple[str, str]] = inside(folder, read)
    return found


def test_without_being_asked_no_name_is_shown_and_nothing_is_journaled(ward: Path):
    said = typed("--format", "json").stdout + typed().stdout
    assert not any(word in said for word in (VISIT, FAMILY, GIVEN, BORN))
    assert shown(ward) == []


def test_asked_for_it_names_the_stay_and_the_journal_says_who_asked(ward: Path):
    (row,) = json.loads(typed("--identities", "--format", "json").stdout)
    wanted = {"visit": VISIT, "file_number": "", "family": FAMILY, "given": GIVEN, "birth_date": BORN}
    assert (row["identity"], row["unit"]) == (wanted, "CARDIO")
    for words in (("--identities",), ("--identities", "--format", "csv")):
        said = typed(*words).stdout
        assert all(word in said for word in (VISIT, FAMILY, BORN))
    assert [words for words, _ in shown(ward)] == ["1 stays"] * 3
    assert all(actor not in {"", "huitaine"} for _, actor in shown(ward))


def test_no_file_holds_the_name(ward: Path):
    for path in ward.rglob("*"):
        if path.is_file():
            assert not any(word.encode() in path.read_bytes() for word in (VISIT, FAMILY, GIVEN, BORN)), path.name


def test_once_the_letter_has_left_nobody_needs_the_name(ward: Path):
    def leaves(store: Store, vault: RestVault, _: Settings) -> None:
        letter = TimedLetter(
            id=LetterId("L1"), source="dpi", received_at=utc_now(), deliveries=((DeliveryId("L1-0"), Role.GP),),
            kind="11490-0", patient=WHO, stay=Stay(visit=VISIT, hospital="CHU-X"),
        )  # fmt: skip
        with store._disk.engine.begin() as connection:
            tie_letter(connection, letter, pseudonym=vault.pseudonym)
        forgetting = Forgetting(store, 12, clock=utc_now, vault=vault)
        asyncio.run(forgetting.look())
        with store.reading() as connection:
            assert connection.execute(select(stay.c.details)).scalar() is not None  # it has not left yet
        accepted = StayBook(vault.pseudonym).leg(DeliveryId("L1-0"), Leg.ACCEPTED, utc_now())
        asyncio.run(store.note(Noting(also=(accepted,))))
        asyncio.run(forgetting.look())
        with store.reading() as connection:
            assert connection.execute(select(stay.c.details)).scalar() is None

    assert kept(ward) == [FAMILY]
    inside(ward, leaves)
    assert kept(ward) == []


def test_after_the_months_of_retention_the_name_goes_with_the_rest(ward: Path):
    later = utc_now() + timedelta(days=370)
    inside(ward, lambda store, vault, _: asyncio.run(Forgetting(store, 12, clock=lambda: later, vault=vault).look()))
    assert kept(ward) == []


def test_the_name_outlives_the_key_that_it_was_sealed_under(ward: Path):
    async def turned(store: Store, vault: RestVault, settings: Settings) -> list[int]:
        with store.reading() as connection:
            tenant = next(key.name for key in held(connection) if key.purpose == "tenant")
        await open_keys(settings, store, vault, utc_now).rotate_tenant(tenant)
        return [await store.write(keep_readable, vault) for _ in range(2)]

    assert inside(ward, lambda *about: asyncio.run(turned(*about))) == [1, 0]
    assert kept(ward) == [FAMILY]


def test_control_a_damaged_name_is_left_out_and_the_list_is_told(ward: Path):
    def damage(store: Store, *_: object) -> None:
        with store._disk.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE stay SET details = substr(details, 1, length(details) - 1)")

    inside(ward, damage)
    (row,) = json.loads(typed("--identities", "--format", "json").stdout)
    assert row["identity"]["family"] == ""
