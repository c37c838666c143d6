"""The store as the journey sees it: small verbs, each durable on return (station 2 and the rows of station 7)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway import journal
from gateway.beside import beside
from gateway.errors import StorageFull
from gateway.identifiers import DeliveryId, LetterId
from gateway.journal import Event
from gateway.letter import Fate, KeptLetter, MailKey, ReceivedLetter
from gateway.queue import accept, afterwards, deliveries, erasing, holding, leases, looking, seen
from gateway.queue.bodies import AtRest
from gateway.queue.contents import Contents
from gateway.queue.deliveries import Finishing, Planned, Planning
from gateway.queue.leases import Claiming, ClaimingOld, ClaimingOne, Lease, Recovering, Renewing
from gateway.queue.loading import Loading
from gateway.queue.opening import open_disk
from gateway.queue.port import Database
from gateway.queue.writer import Verb, Writer

CALM = 0.25
"""Seconds after which the doors count as idle: letters that come more often than this come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the store refuses, and how long it remembers."""

    replay: timedelta = timedelta(hours=72)
    free_share: float = 0.1
    body: timedelta = timedelta(hours=24)


class Store(Contents):
    """Durable on return: each verb has been committed and fsynced, or raised StorageUnavailable or StorageFull."""

    def __init__(
        self,
        folder: Path,
        vault: AtRest,
        *,
        limits: Limits,
        clock: Callable[[], datetime],
        database: Database | None = None,
    ) -> None:
        """Open the folder's database (:func:`gateway.queue.opening.open_disk`), or take an opened one as ours."""
        self._disk: Database = database or open_disk(folder, vault, clock())
        super().__init__(self._disk.readers, vault, replay=limits.replay)
        self._folder, self._limits, self._clock = folder, limits, clock
        self._writer = Writer(self._disk.engine)
        self._loading = Loading(self.load_all)
        self._free = (0.0, 1)
        self._keeping, self._kept_at = 0, time.monotonic() - CALM
        with self.reading() as connection:
            self._on_hold = holding.on_hold(connection)

    @property
    def broken(self) -> bool:
        """Whether a commit failed: the process must leave."""
        return self._writer.broken.is_set()

    @property
    def commits(self) -> int:
        """How many groups were committed since the start."""
        return self._writer.commits

    @property
    def on_hold(self) -> bool:
        """Whether nothing may leave: after a restore, until :meth:`let_go`."""
        return self._on_hold

    async def let_go(self, actor: str) -> int:
        """End the hold; gives how many deliveries are due now."""
        due = int(await self._writer.do(holding.release, (self._clock(), actor)))
        self._on_hold = False
        return due

    def waited(self) -> float | None:
        """For how many seconds the oldest job of the writer has been waiting; ``None`` while no letter comes in."""
        calm = not self._keeping and time.monotonic() - self._kept_at > CALM
        return None if calm else self._writer.waited

    def commit_times(self) -> list[tuple[float, float]]:
        """When (monotonic) each of the last commits began, and the seconds it took."""
        return list(self._writer.commit_times.copy())

    def close(self) -> None:
        """Commit what waits, then let go of the folder."""
        self._writer.close()
        self._disk.close()

    async def write(self, verb: Verb, payload: object) -> Any:  # noqa: ANN401 (what the verb gives)
        """Run a verb of another concern of the queue (keys, backup, hold) in the writer's next group."""
        return await self._writer.do(verb, payload)

    def admit(self, size: int) -> None:
        """Raise StorageFull while a letter of ``size`` bytes could not be kept: asked before it comes."""
        self._room_for(size)

    # station 2 ------------------------------------------------------------------------------------------------------

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Put the letter on disk, sealed; the earlier one comes back when this is a replay."""
        self._room_for(len(letter.content))
        size = len(letter.content)
        self._keeping += 1
        try:
            keeping = await beside(size, self.keeping, letter)
            found = await self._writer.do(accept.keep, keeping, size=size)
        finally:
            self._keeping -= 1
            self._kept_at = time.monotonic()
        if not found.again:
            return KeptLetter(received=letter)
        earlier = replace(letter, id=found.id)
        return KeptLetter(received=earlier, again=True, answer=found.answer)

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """Remember what the door said."""
        await self._writer.do(accept.answer, (letter, answer))

    async def withdraw(self, letter: LetterId) -> bool:
        """Forget a letter that nobody was told we have."""
        return bool(await self._writer.do(accept.withdraw, journal.withdrawn(self._clock(), letter)))

    async def refuse(self, event: Event) -> None:
        """Close a letter that cannot be taken."""
        await self._writer.do(accept.refuse, event)

    def became(self, mail: MailKey) -> Fate | None:
        """What became of a mail of a watched mailbox."""
        with self._readers.connect() as connection:
            return seen.became(connection, mail)

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        """Its sender knows."""
        seeing = seen.Seeing(mail=mail, letter=letter, fate=Fate.REFUSED, at=self._clock())
        await self._writer.do(seen.remember, seeing)

    # station 4 and 7 ------------------------------------------------------------------------------------------------

    async def fetch(self, letter: LetterId) -> KeptLetter:
        """As :meth:`load`, together with whatever else is wanted at this moment."""
        return await self._loading.load(letter)

    async def plan(self, planning: Planning) -> Planned | None:
        """Give every addressee his row; ``None`` when that was done before, or the letter is gone."""
        planned: Planned | None = await self._writer.do(deliveries.plan, planning)
        return planned

    async def claim(self, claiming: Claiming) -> list[Lease]:
        """Lease what is due."""
        found: list[Lease] = await self._writer.do(leases.claim, claiming)
        return found

    async def claim_old(self, claiming: ClaimingOld) -> list[Lease]:
        """Lease what waits since before its time was over."""
        found: list[Lease] = await self._writer.do(leases.claim_old, claiming)
        return found

    async def claim_one(self, claiming: ClaimingOne) -> list[Lease]:
        """Lease one delivery for a trial."""
        found: list[Lease] = await self._writer.do(leases.claim_one, claiming)
        return found

    async def renew(self, renewing: Renewing) -> None:
        """Make leases last."""
        await self._writer.do(leases.renew, renewing)

    async def reach_dot(self, lease: Lease) -> None:
        """Write down that the final dot comes next; raises LeaseLost when the hand-over is not ours any more."""
        if not await self._writer.do(leases.reach_dot, lease):
            raise leases.LeaseLost(str(lease.epoch))

    async def recover(self, recovering: Recovering) -> int:
        """Take back what nobody works on any more; gives how many."""
        return int(await self._writer.do(leases.recover, recovering))

    async def finish(self, finishing: Finishing) -> bool:
        """Write how an attempt ended; ``False`` when the lease was lost."""
        return bool(await self._writer.do(deliveries.finish, finishing))

    async def strike(self, letters: Sequence[LetterId], by: int = 1) -> None:
        """Count a crash, or take it back, for letters that have no rows yet."""
        await self._writer.do(accept.strike, accept.Striking(letters=tuple(letters), by=by))

    # afterwards -----------------------------------------------------------------------------------------------------

    async def prove(self, proving: afterwards.Proving) -> None:
        """Raise a proof."""
        await self._writer.do(afterwards.prove, proving)

    async def act(self, acting: afterwards.Acting) -> int:
        """Do what a person decided."""
        return int(await self._writer.do(afterwards.act, acting))

    async def tell(self, telling: afterwards.Telling) -> None:
        """Remember what the sender knows."""
        await self._writer.do(afterwards.tell, telling)

    async def read_again(self, again: afterwards.ReadingAgain) -> bool:
        """Take a letter back to before its rows; ``False`` when some of it was on its way already."""
        return bool(await self._writer.do(afterwards.read_again, again))

    async def note(self, noting: afterwards.Noting) -> list[Any]:
        """Write events, and what another station writes with them."""
        given: list[Any] = await self._writer.do(afterwards.note, noting)
        return given

    async def remind(self, after: timedelta) -> list[Event]:
        """Bring deliveries that are held for longer back to mind."""
        told: list[Event] = await self._writer.do(
            afterwards.remind, afterwards.Reminding(now=self._clock(), after=after)
        )
        return told

    async def tidy(self) -> Sequence[LetterId]:
        """Wake held deliveries, erase what retention ends, forget old replay keys."""
        now = self._clock()
        await self._writer.do(afterwards.wake, now)
        await self._writer.do(afterwards.forget_replays, now - self._limits.replay)
        await self._writer.do(seen.forget, now - seen.REMEMBERED)
        erased: list[LetterId] = []
        while some := await self._writer.do(erasing.purge, erasing.Purging(now=now, vault=self._vault)):
            erased += some
            self.forget_keys(some)
        return erased

    def erase_after(self, at: datetime) -> datetime:
        """When a letter that became final at ``at`` is erased."""
        return at + self._limits.body

    # looking --------------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only connection, for the questions of ``queries.py``."""
        with self._readers.connect() as connection:
            yield connection

    def unplanned(self, after: str = "", limit: int = 1000) -> dict[LetterId, int]:
        """Letters kept but not planned, behind ``after``, oldest first, with the strikes against each."""
        with self._readers.connect() as connection:
            return looking.unplanned(connection, after, limit)

    def due(self, now: datetime) -> list[str]:
        """Destinations that something is due for, the longest waiting first."""
        with self._readers.connect() as connection:
            return looking.due_routes(connection, now)

    def sizes(self, letters: Sequence[LetterId]) -> dict[LetterId, int]:
        """How many octets each of these letters came with."""
        with self._readers.connect() as connection:
            return looking.sizes(connection, letters)

    def old_routes(self, before: datetime) -> list[str]:
        """Destinations of what waits since before then."""
        with self._readers.connect() as connection:
            return looking.old_routes(connection, before)

    def suspects(self) -> list[DeliveryId]:
        """Deliveries in whose hands processes died again and again."""
        with self._readers.connect() as connection:
            return looking.suspects(connection)

    def _room_for(self, size: int) -> None:
        """Refuse while the disk is low (promises.md A6); looked at once a second."""
        at, free = self._free
        if time.monotonic() - at > 1:
            usage = shutil.disk_usage(self._folder)
            free = int(usage.free - max(usage.total * self._limits.free_share, 0))
            self._free = (time.monotonic(), free)
        if free < 1.5 * size:
            raise StorageFull("free space is below the share to be kept")
