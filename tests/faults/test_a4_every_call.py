"""Promise A4, call by call: whatever of the store, the vault or the reader breaks, the far side hears "later"."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import sqlite3
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from demo import letters
from gateway.parsers.children import Readers
from gateway.queue.accept import LETTER
from gateway.queue.contents import Contents
from gateway.queue.store import Store
from gateway.queue.writer import Writer
from gateway.rest import RestVault
from tests.faults.sender import Mllp, Smtp
from tests.faults.test_a4_store_faults import SECRET, Ward, raising, ward

ERRORS: tuple[BaseException, ...] = (
    OSError(errno.ENOSPC, SECRET),
    OSError(errno.EIO, SECRET),
    OperationalError(SECRET, {}, sqlite3.OperationalError("database is locked")),
    MemoryError(SECRET),
    KeyError(SECRET),
)
_NOT_CALLS = {"close", "start"}
EVERY = bool(os.environ.get("FAULT_A4_EVERY"))
"""Each call with each error; else each call with one of them."""
assert ward is not None


def calls() -> Iterator[tuple[Any, str]]:
    """Every public call of what a door's answer may depend on."""
    for owner in (Store, Contents, Writer, RestVault, Readers):
        for name, value in vars(owner).items():
            if inspect.isfunction(value) and not name.startswith("_") and name not in _NOT_CALLS:
                yield owner, name


def chosen() -> list[Any]:
    found = list(calls())
    pairs = product(found, ERRORS) if EVERY else zip(found, ERRORS * len(found), strict=False)
    return [pytest.param(*call, error, id=f"{call[1]}-{type(error).__name__}") for call, error in pairs]


async def test_a4_a_fault_in_any_call_is_temporary_and_the_session_and_the_retry_succeed(ward: Ward):
    smtp, mllp, told = Smtp(ward.place), Mllp(ward.place), []
    await asyncio.gather(smtp.send(Smtp.letter("w", 0, b"")), mllp.send(Mllp.letter("w", 0, b"%PDF-1.7")))
    for number, case in enumerate(chosen(), start=1):
        owner, name, error = case.values
        mail = Smtp.letter("a4", number, b"%PDF-1.7\n" * 100)
        message = Mllp.letter("a4", number, letters.pdf("Lettre", "Essai"))
        ward.store._free = (0.0, 1)
        with raising(owner, name, error):
            answer, ack = await smtp.send(mail), await mllp.send(message)
        ward.store._free = (0.0, 1)
        told.append((case.id, answer, ack))
        assert smtp.promised(answer) or answer[:1] == "4", (case.id, answer)
        assert mllp.promised(ack) or "\rMSA|AR|" in ack, (case.id, ack)
        assert "TESTINI" not in answer + ack, case.id
        assert "/var" not in answer + ack, case.id
        assert smtp.promised(await smtp.send(mail)), case.id
        assert mllp.promised(await mllp.send(message)), case.id
    await smtp.close()
    await mllp.close()
    refused = [each for each in told if each[1][:1] == "4" or "\rMSA|AR|" in each[2]]
    assert len(refused) >= 4, "control: the faults are where the doors' answers come from"
    with ward.store.reading() as connection:
        kept = connection.execute(select(func.count()).where(LETTER.c.part == 0)).scalar_one()
    assert kept == 2 + 2 * len(told), "each letter is kept once, whatever broke in between"
