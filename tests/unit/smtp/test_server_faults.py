"""A4: an internal fault is 4xx with a generic text and a reference; the session survives and a retry succeeds."""

from __future__ import annotations

import errno
import re
import sqlite3

import pytest
from structlog.testing import capture_logs

from gateway.errors import Busy, PeerTimedOut, StorageFull, StorageUnavailable, TooLarge
from tests.unit.smtp.smtp_door_kit import FakeIntake, smtp_door

SECRET = "/var/lib/huitaine DUPONT Jeanne"
FAULTS = [
    OSError(errno.ENOSPC, SECRET),
    OSError(errno.EIO, SECRET),
    sqlite3.OperationalError(f"database is locked {SECRET}"),
    MemoryError(SECRET),
    KeyError(SECRET),
    RecursionError(SECRET),
    ValueError(SECRET),
    AssertionError(SECRET),
    ExceptionGroup(SECRET, [KeyError(SECRET)]),
    TimeoutError(SECRET),
    ConnectionError(SECRET),
    UnicodeDecodeError("utf-8", b"x", 0, 1, SECRET),
    RuntimeError(f"five\r\n250 OK {SECRET}"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a4_a_fault_in_the_store_is_temporary_and_names_nothing(fault):
    intake = FakeIntake(fault=fault)
    async with smtp_door(intake=intake) as door, door.client() as client:
        with capture_logs() as logs:
            reply = await client.letter()
        found = re.fullmatch(r"451 4\.3\.0 Internal fault, try again later \(reference ([0-9a-f]{8})\)", reply)
        assert found
        assert any(entry.get("reference") == found[1] for entry in logs)
        assert "DUPONT" not in repr(logs)
        intake.fault = None
        assert (await client.letter()).startswith("250 ")


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (StorageUnavailable(SECRET), "451 4.3.0 Storage unavailable, try again later"),
        (StorageFull(SECRET), "452 4.3.1 Insufficient system storage, try again later"),
        (Busy(SECRET), "451 4.3.2 Busy, try again later"),
        (PeerTimedOut(SECRET), "451 4.4.2 Next hop timed out"),
        (TooLarge(SECRET), "552 5.3.4 Message larger than the limit of this gateway"),
    ],
)
async def test_a_failure_of_ours_is_said_by_its_status_alone(fault, reply):
    intake = FakeIntake(fault=fault)
    async with smtp_door(intake=intake) as door, door.client() as client:
        assert await client.letter() == reply
        intake.fault = None
        assert (await client.letter()).startswith("250 ")


async def test_a6_no_room_is_said_at_mail_and_ends_by_itself():
    full = [True]

    def admit() -> None:
        if full:
            raise StorageFull(SECRET)

    async with smtp_door(admit=admit) as door, door.client() as client:
        reply = await client.ask("MAIL FROM:<secretariat@ch-exemple.test>")
        assert reply == "452 4.3.1 Insufficient system storage, try again later"
        full.clear()
        assert (await client.letter()).startswith("250 ")


async def test_a4_a_fault_in_a_policy_is_temporary():
    def broken(source: str, address: str) -> bool:
        raise KeyError(SECRET)

    async with smtp_door(may_receive=broken) as door, door.client() as client:
        await client.ask("MAIL FROM:<secretariat@ch-exemple.test>")
        assert (await client.ask("RCPT TO:<a@gp.test>")).startswith("451 4.3.0 Internal fault")
        assert (await client.ask("NOOP")).startswith("250")


async def test_our_faults_are_not_counted_as_the_clients_errors():
    intake = FakeIntake(fault=KeyError())
    async with smtp_door(intake=intake) as door, door.client() as client:
        for _ in range(40):
            assert (await client.letter()).startswith("451 4.3.0")
        intake.fault = None
        assert (await client.letter()).startswith("250")


async def test_a_letter_that_is_refused_is_no_error_of_the_client_either():
    async with smtp_door() as door, door.client() as client:
        for _ in range(40):
            assert (await client.letter(b"a\nb\r\n")).startswith("550 5.6.0")
        assert (await client.letter()).startswith("250")
