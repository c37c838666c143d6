"""The store as the journey sees it: small verbs, each durable on return (station 2 and the rows of station 7)."""

from __future__ import annotations

import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from gateway import journal
from gateway.errors import StorageFull, StorageUnavailable
from gateway.identifiers import DeliveryId, LetterId, whole_of
from gateway.journal import Event
from gateway.letter import KeptLetter, ReceivedLetter
from gateway.queue import accept, afterwards, bodies, deliveries, erasing
from gateway.queue.bodies import AtRest, Summary, Target
from gateway.queue.deliveries import Claiming, Finishing, Lease, Planning
from gateway.queue.opening import open_disk
from gateway.queue.writer import Writer

REMEMBERED = 2048
"""Keys kept in memory for letters on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the store refuses, and how long it remembers."""

    replay: timedelta = timedelta(hours=72)
    free_share: float = 0.1
    body: timedelta = timedelta(hours=24)


class Store:
    """Durable on return: each verb has been committed and fsynced, or raised StorageUnavailable or StorageFull."""

    def __init__(self, folder: Path, vault: AtRest, *, limits: Limits, clock: Callable[[], datetime]) -> None:
        """Open the folder's database: see :func:`gateway.queue.opening.open_disk`."""
        self._folder, self._vault, self._limits, self._clock = folder, vault, limits, clock
        self._disk = open_disk(folder, vault)
        self._readers = self._disk.readers
        self._writer = Writer(self._disk.engine)
        self._free = (0.0, 1)
        self._keys: OrderedDict[LetterId, tuple[bytes, bytes]] = OrderedDict()

    @property
    def broken(self) -> bool:
        """Whether a commit failed: the process must leave."""
        return self._writer.broken.is_set()

    @property
    def commits(self) -> int:
        """How many groups were committed since the start."""
        return self._writer.commits

    def commit_times(self) -> list[tuple[float, float]]:
        """When (monotonic) each of the last commits began, and the seconds it took."""
        return list(self._writer.commit_times.copy())

    def close(self) -> None:
        """Commit what waits, then let go of the folder."""
        self._writer.close()
        self._disk.close()

    def admit(self, size: int) -> None:
        """Raise StorageFull while a letter of ``size`` bytes could not be kept: asked before it comes."""
        self._room_for(size)

    # station 2 ------------------------------------------------------------------------------------------------------

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Put the letter on disk, sealed; the earlier one comes back when this is a replay."""
        self._room_for(len(letter.content))
        found = await self._writer.do(accept.keep, self._keeping(letter), size=len(letter.content))
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

    # station 4 and 7 ------------------------------------------------------------------------------------------------

    async def plan(self, planning: Planning) -> bool:
        """Give every addressee his row."""
        return bool(await self._writer.do(deliveries.plan, planning))

    async def claim(self, claiming: Claiming) -> list[Lease]:
        """Lease what is due."""
        leases: list[Lease] = await self._writer.do(deliveries.claim, claiming)
        return leases

    async def finish(self, finishing: Finishing) -> bool:
        """Write how an attempt ended; ``False`` when the lease was lost."""
        return bool(await self._writer.do(deliveries.finish, finishing))

    async def restart(self) -> int:
        """Free every lease of a process that ended; gives how many deliveries may have left already."""
        return int(await self._writer.do(deliveries.restart, self._clock()))

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

    async def tidy(self) -> Sequence[LetterId]:
        """Wake held deliveries, erase what retention ends, forget old replay keys."""
        now = self._clock()
        await self._writer.do(afterwards.wake, now)
        await self._writer.do(afterwards.forget_replays, now - self._limits.replay)
        erased: list[LetterId] = []
        while some := await self._writer.do(erasing.purge, erasing.Purging(now=now, vault=self._vault)):
            erased += some
            for letter in some:
                self._keys.pop(letter, None)
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

    def unplanned(self) -> list[LetterId]:
        """Letters kept but not planned when the process ended."""
        with self._readers.connect() as connection:
            return [LetterId(row.id) for row in connection.execute(deliveries.unplanned())]

    def load(self, letter: LetterId) -> KeptLetter:
        """The kept letter again, from its sealed chunks; ``letter`` may be a part; raises StorageUnavailable."""
        kept = self.recall(letter)
        if kept is None:
            raise StorageUnavailable("letter erased or unknown")
        return kept

    def recall(self, letter: LetterId, *, erased: bool = False) -> KeptLetter | None:
        """As :meth:`load`; with ``erased`` also what is left of a letter without its bytes: source and envelope."""
        whole = whole_of(letter)
        with self._readers.connect() as connection:
            row = connection.execute(select(accept.LETTER).where(accept.LETTER.c.id == whole)).mappings().one_or_none()
            if row is None or not row["body_key"]:
                return None
            wanted = select(accept.CHUNK).where(accept.CHUNK.c.letter_id == whole).order_by(accept.CHUNK.c.n)
            chunks = connection.execute(wanted).all()
        if not (chunks or erased):
            return None
        key = self._vault.unwrap(row["body_key"])
        content = b"".join(self._vault.open_chunk(key, whole, chunk.n, chunk.data) for chunk in chunks)
        if chunks and sha256(content).hexdigest() != row["sha256"]:
            raise StorageUnavailable("body does not match its digest")
        summary = bodies.unseal(self._vault, key, (whole, bodies.SUMMARY), row["sealed"], Summary)
        received = ReceivedLetter(
            id=whole,
            door=row["door"],
            source=row["source"],
            envelope=summary.envelope,
            content=content,
            received_at=row["received_at"],
            name=summary.name,
        )
        return KeptLetter(received=received)

    def target(self, letter: LetterId, delivery: DeliveryId, sealed: bytes) -> Target:
        """Whom a delivery is for."""
        return bodies.unseal(self._vault, self._key(letter), (delivery, bodies.ADDRESSEE), sealed, Target)

    def seal_target(self, key: bytes, delivery: DeliveryId, target: Target) -> bytes:
        """The same, sealed under the letter's key."""
        return bodies.seal(self._vault, key, (delivery, bodies.ADDRESSEE), target)

    def seal_summary(self, key: bytes, letter: LetterId, summary: Summary) -> bytes:
        """A letter's summary, sealed under its key."""
        return bodies.seal(self._vault, key, (letter, bodies.SUMMARY), summary)

    def key_of(self, letter: LetterId) -> tuple[bytes, bytes]:
        """A letter's key and its wrapped form; those of letters on their way are remembered."""
        if remembered := self._keys.get(whole_of(letter)):
            return remembered
        with self._readers.connect() as connection:
            wrapped = connection.execute(select(accept.LETTER.c.body_key).where(accept.LETTER.c.id == whole_of(letter)))
            found = wrapped.scalar()
        if not found:
            raise StorageUnavailable("letter erased or unknown")
        return self._remember(whole_of(letter), self._vault.unwrap(found), found)

    def _remember(self, letter: LetterId, key: bytes, wrapped: bytes) -> tuple[bytes, bytes]:
        self._keys[letter] = (key, wrapped)
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return key, wrapped

    def _key(self, letter: LetterId) -> bytes:
        return self.key_of(letter)[0]

    def _keeping(self, letter: ReceivedLetter) -> accept.Keeping:
        key, wrapped = self._remember(letter.id, *self._vault.new_letter_key())
        summary = Summary(envelope=letter.envelope, name=letter.name)
        row = {
            "id": letter.id,
            "whole": letter.id,
            "part": 0,
            "door": letter.door.value,
            "source": letter.source,
            "state": "open",
            "planned": False,
            "reason": "",
            "size": len(letter.content),
            "sha256": sha256(letter.content).hexdigest(),
            "received_at": letter.received_at,
            "body_key": wrapped,
            "sealed": self.seal_summary(key, letter.id, summary),
        }
        return accept.Keeping(
            letter=row,
            chunks=bodies.seal_body(self._vault, key, letter.id, letter.content),
            replay_key=_replay_key(letter),
            horizon=letter.received_at - self._limits.replay,
            kept=journal.kept(
                letter.received_at, letter.id, door=letter.door.value, source=letter.source, size=len(letter.content)
            ),
            kept_again=journal.kept_again(letter.received_at, letter.id, door=letter.door.value),
        )

    def _room_for(self, size: int) -> None:
        """Refuse while the disk is low (promises.md A6); looked at once a second."""
        at, free = self._free
        if time.monotonic() - at > 1:
            usage = shutil.disk_usage(self._folder)
            free = int(usage.free - max(usage.total * self._limits.free_share, 0))
            self._free = (time.monotonic(), free)
        if free < 1.5 * size:
            raise StorageFull("free space is below the share to be kept")


def _replay_key(letter: ReceivedLetter) -> bytes:
    """What a second hand-over at the same door from the same source has in common with the first."""
    own = letter.replay_key or letter.id.encode()
    return sha256(f"{letter.door}|{letter.source}|".encode() + own).digest()
