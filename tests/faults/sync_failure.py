"""Promise A5: a failed fsync is final. The disk lies once, then is well again: nothing may be promised after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Plan, Scene, drained, scene, until
from tests.faults.ledger import Balance, balance
from tests.faults.process import HONEST

FORGIVES = ("-m", "tests.faults.broken.forgives")
TEMPORARY = 4
_SOURCE = Path(__file__).with_name("failing_sync.c")
_LONGEST = 60.0
"""Seconds until it must have ended, or promised all the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``late`` letters were begun after the sync had failed and promised all the same, before any restart.

    ``exit_code`` is ``None`` when it went on running.
    """

    balance: Balance
    late: int
    exit_code: int | None

    @property
    def kept(self) -> bool:
        """No promise on a disk that lied, an exit that asks for a restart, and everything promised arrived."""
        return not self.balance.wrong and self.late == 0 and self.exit_code == TEMPORARY


async def fail_once(folder: Path, *, letters: int, entry: Sequence[str] = HONEST) -> Told:
    """One sync fails in the middle of ``letters``; then the gateway is started again and everything is awaited."""
    folder.mkdir()
    flag = folder / "fail-now"
    where = {"HUITAINE_FAIL_SYNC": str(flag)}
    plan = Plan(entry=entry, cut=0)
    async with scene(folder / "scene", plan, shim=_SOURCE, environment=where) as here:
        sending = asyncio.create_task(here.hospital.hand_in(letters))
        await until(lambda: len(here.hospital.heard.yes) >= letters // 3)
        flag.touch()
        await until(lambda: not flag.exists())
        late, code = await _aftermath(here)
        if code is not None:
            await asyncio.to_thread(here.gateway.open)
        await sending
        await drained(here)
        await asyncio.to_thread(here.gateway.stop)
        found = balance(here.place.database, here.hospital.heard.yes, here.hop.arrivals())
    return Told(balance=found, late=late, exit_code=code)


async def _aftermath(here: Scene) -> tuple[int, int | None]:
    """What was handed in before the sync failed may have been committed and be told yet; nothing that came later."""
    heard, before = here.hospital.heard, set(here.hospital.heard.begun)

    def late() -> int:
        return sum(yes.number not in before for yes in heard.yes)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST):
            await until(lambda: not here.gateway.alive or late() > 0)
    return late(), here.gateway.exit_code
