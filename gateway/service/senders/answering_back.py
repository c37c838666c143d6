"""Station 9 towards the hospital's software: what the outbox holds is told, lane by lane, until it was taken.

Each answer leaves at least once, with the same id and the same bytes each time; within a lane (a source and one of its
ways) in the order it was proved. A far side that is dead pauses its own lane, after longer and longer pauses up to an
hour; what it refuses for good is set aside and the next one goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

import structlog

from gateway import journal
from gateway.errors import HuitaineError
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import ReceiptKind
from gateway.queue import answers
from gateway.queue.answers import Answered, Lane
from gateway.queue.queries import Row
from gateway.queue.store import Store
from gateway.receipts.answer import Answer, as_hl7, as_json
from gateway.receipts.answer_file import write_answer
from gateway.receipts.mllp_client import MllpClient
from gateway.receipts.saying import Again, Declined, Said, Taken
from gateway.receipts.webhook import post
from gateway.service.road.abreast import Abreast
from gateway.service.senders.answering_ways import FILE, WEBHOOK, ZAM, FilePeer, Ways

A_ROUND = 100
"""Answers of one lane told in one go."""
ABREAST = 64
"""More lanes than a hospital has: one that hangs takes no place from the others."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
PATIENCE = 1.0
"""Seconds that a round waits for the lanes it began; what takes longer goes on behind it."""
REMEMBERED = timedelta(days=90)
"""So long a double of a receipt is recognised as told."""

Tell = Callable[[Answer], Awaitable[Said]]
NO_WAY = Declined(code="no-way")


class AnsweringBack:
    """Tells what is owed; knows what is told from the store alone, so that a restart goes on where it was."""

    def __init__(self, store: Store, ways: Mapping[str, Ways], *, clock: Callable[[], datetime]) -> None:
        """``ways`` by source."""
        self._store, self._ways, self._clock = store, ways, clock
        self._pauses: dict[Lane, tuple[datetime, timedelta]] = {}
        self._abreast, self._told = Abreast(ABREAST), 0

    async def tell(self) -> int:
        """One round over all lanes that do not pause; gives how many answers were taken or refused."""
        if self._store.on_hold:
            return 0
        now, before = self._clock(), self._told
        with self._store.reading() as connection:
            lanes = answers.waiting_lanes(connection)
        for lane in lanes:
            name = "|".join(lane)
            if name not in self._abreast.busy and self._pauses.get(lane, (now, FIRST_PAUSE))[0] <= now:
                self._abreast.begin(name, partial(self._lane, lane))
        await self._abreast.settle(PATIENCE if lanes else 0)
        return self._told - before

    async def tidy(self) -> int:
        """Forget what was told long ago."""
        return int(await self._store.write(answers.purge, self._clock() - REMEMBERED))

    async def end(self) -> None:
        """Break off: what was not answered is told again after the next start."""
        await self._abreast.end()

    async def _lane(self, lane: Lane) -> None:
        try:
            await self._each(lane)
        except Exception as error:  # noqa: BLE001 (atop a task: this lane is told later, the others go on)
            self._pause(lane, Again(code=type(error).__name__))

    async def _each(self, lane: Lane) -> None:
        with self._store.reading() as connection:
            rows = answers.first(connection, lane, A_ROUND)
        async with self._way(lane) as tell:
            for row in rows:
                said = await self._said(row, tell)
                if isinstance(said, Again):
                    self._pause(lane, said)
                    return
                await self._write(row, said)
                self._pauses.pop(lane, None)
                self._told += 1

    async def _said(self, row: Row, tell: Tell) -> Said:
        try:
            return await tell(self._answer(row))
        except HuitaineError as error:  # a damaged row: of one whom it does not name nothing can be told
            return Declined(code=error.status)

    @contextlib.asynccontextmanager
    async def _way(self, lane: Lane) -> AsyncIterator[Tell]:
        """How the lane is told; one that the settings know no more refuses everything."""
        source, channel = lane
        ways = self._ways.get(source)
        if ways and channel == ZAM and ways.zam:
            async with MllpClient(ways.zam) as client:
                yield partial(_by_mllp, client, ways)
        elif ways and channel == WEBHOOK and ways.webhook:
            peer = ways.webhook
            yield lambda answer: post(peer, answer, self._clock())
        elif ways and channel == FILE and ways.file:
            yield partial(_by_file, ways.file, ways)
        else:
            yield _no_way

    def _pause(self, lane: Lane, said: Again) -> None:
        _, last = self._pauses.get(lane, (self._clock(), FIRST_PAUSE / 2))
        wait = min(2 * last, LONGEST_PAUSE)
        self._pauses[lane] = (self._clock() + wait, wait)
        structlog.get_logger().warning(
            "answer-waits", source=lane[0], channel=lane[1], why=said.code, seconds=int(wait.total_seconds())
        )

    async def _write(self, row: Row, said: Taken | Declined) -> None:
        match said:
            case Taken():
                state, tell = answers.SENT, journal.log
            case Declined():
                state, tell = answers.REFUSED, journal.warn
            case _:
                assert_never(said)
        letter, delivery = LetterId(row["letter_id"]), DeliveryId(row["delivery_id"])
        code, words = f"{row['channel']} {row['kind']}", f"{said.code}, id {row['id']}"
        event = journal.answered(
            self._clock(), letter, delivery, code=code, words=words, is_taken=state == answers.SENT
        )
        await self._store.write(answers.answered, Answered(seq=row["seq"], state=state, event=event))
        tell(event)

    def _answer(self, row: Row) -> Answer:
        return Answer(
            id=row["id"],
            letter=row["letter_id"],
            delivery=row["delivery_id"],
            kind=ReceiptKind(row["kind"]),
            at=row["happened_at"],
            heard_at=row["heard_at"],
            control_id=row["control_id"],
            role=row["role"] or "",
            rpps=row["rpps"],
            status=row["status"],
            code=row["code"],
            reporter=row["reporter"],
            mailbox=self._mailbox(row),
        )

    def _mailbox(self, row: Row) -> str:
        """Only HL7 names it: to whom the letter went, which outlives the letter's bytes for late receipts."""
        ways = self._ways.get(row["source"])
        is_hl7 = row["channel"] == ZAM or bool(ways and ways.file and ways.file.form == "hl7")
        if not is_hl7 or row["channel"] == WEBHOOK or not row["addressee"]:
            return ""
        target = self._store.target(LetterId(row["letter_id"]), DeliveryId(row["delivery_id"]), row["addressee"])
        return target.mailbox or ""


async def _by_mllp(client: MllpClient, ways: Ways, answer: Answer) -> Said:
    message = as_hl7(answer, ways.ends)
    return NO_WAY if message is None else await client.tell(message, answer.id)


async def _by_file(peer: FilePeer, ways: Ways, answer: Answer) -> Said:
    content = as_hl7(answer, ways.ends) if peer.form == "hl7" else as_json(answer)
    if content is None:
        return NO_WAY
    return await asyncio.to_thread(write_answer, peer.folder, f"{answer.id}.{peer.form}", content)


async def _no_way(_: Answer) -> Said:
    return NO_WAY
