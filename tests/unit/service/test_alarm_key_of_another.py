"""CR-21: one public key under two mailboxes that it does not both name is an alarm as long as it stands there."""

from __future__ import annotations

import sqlite3

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from directory import add_certificate, remove_key
from gateway.errors import StorageUnavailable
from gateway.service.process.metrics import AlarmCollector
from gateway.service.running import Running
from tests.unit.directory.test_directory_local import BOX, make, named, put_under

OTHER = "autre@ordinaire.example"


async def lines(running: Running) -> list[tuple[str, str | None]]:
    with structlog.testing.capture_logs() as said:
        for _ in range(2):
            await running.watch.look()
    assert "@" not in str(said)
    return [(line["event"], line.get("which")) for line in said if line.get("code") == "key-of-another"]


def figure(running: Running) -> float:
    families = {family.name: family for family in AlarmCollector(running.watch).collect()}
    return families["huitaine_keys_of_another"].samples[0].value


async def test_the_alarm_opens_once_names_no_mailbox_and_is_over_once_the_key_is_taken_away(running: Running):
    folder = running.watch.folder
    fingerprint = add_certificate(folder, BOX, make(None, *named(BOX))).fingerprint
    assert await lines(running) == []
    put_under(folder, OTHER)
    assert await lines(running) == [("alarm", fingerprint[:16])]
    assert figure(running) == 1
    remove_key(folder, OTHER, fingerprint)
    assert await lines(running) == [("alarm-over", None)]
    assert figure(running) == 0


async def test_control_a_key_that_names_both_its_mailboxes_raises_no_alarm(running: Running):
    key = ec.generate_private_key(ec.SECP256R1())
    for mailbox in (BOX, OTHER):
        add_certificate(running.watch.folder, mailbox, make(key, *named(BOX, OTHER)))
    assert await lines(running) == []
    assert figure(running) == 0


async def test_a_directory_that_cannot_be_asked_neither_opens_nor_ends_it(running: Running, monkeypatch):
    add_certificate(running.watch.folder, BOX, make(None, *named(BOX)))
    put_under(running.watch.folder, OTHER)
    await running.watch.look()

    def broken(_: object) -> None:
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(running.watch.directory, "keys_of_another", broken)
    with pytest.raises(StorageUnavailable):
        await running.watch.look()
    assert "key-of-another" in running.watch.board.open
