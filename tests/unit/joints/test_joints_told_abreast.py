"""A sender whose mail server hangs delays nobody else's reports, and a damaged letter is no silent one (B5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import update

from gateway.letter import Envelope, KeptLetter, SealedMail
from gateway.queue import queries
from gateway.queue.accept import CHUNK, DELIVERY, LETTER
from gateway.service.senders.telling import ABREAST, Habits, Teller
from tests.unit.joints.joined import Joined, held
from tests.unit.queue.letters import letter

HANGS = "dpi@hangs.example"


class Post:
    """Servers that take what they get, but for those that hang."""

    def __init__(self) -> None:
        self.sent: list[SealedMail] = []
        self.asked: list[str] = []
        self.hangs, self.awake = "hangs", asyncio.Event()

    async def deliver(self, mail: SealedMail, **asked: Any) -> None:
        self.asked.append(mail.mailbox)
        if self.hangs in mail.mailbox:
            await self.awake.wait()
        self.sent.append(mail)

    def told(self) -> list[str]:
        return [mail.mailbox for mail in self.sent]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def teller(joined: Joined, post: Post):
    made = teller_of(joined, post)
    yield made
    await made.end()


def teller_of(joined: Joined, post: Post, **report_to: str) -> Teller:
    habits = Habits(
        our_domain="hospital.test", report_to=report_to, warn_after=timedelta(hours=1), expire=timedelta(hours=48)
    )
    return Teller(joined.store, post, habits, clock=joined.clock)  # type: ignore[arg-type]


async def held_from(joined: Joined, sender: str, n: int = 0) -> KeptLetter:
    joined.road.outcomes = (held(),)
    one = letter(f"{sender} {n}".encode())
    kept = await joined.journey.keep(replace(one, envelope=Envelope(sender=sender, recipients=one.envelope.recipients)))
    await joined.settled()
    return kept


async def test_b5_a_sender_whose_server_hangs_delays_nobody_else(joined: Joined, teller: Teller, post: Post):
    for n in range(3):
        await held_from(joined, HANGS, n)
    await held_from(joined, "a@one.example")
    async with asyncio.timeout(30):
        await teller.tell()
        assert post.told() == ["a@one.example"]
        await held_from(joined, "b@two.example")
        await teller.tell()
    assert post.told() == ["a@one.example", "b@two.example"]
    assert post.asked.count(HANGS) == 1
    post.awake.set()
    async with asyncio.timeout(30):
        while post.told().count(HANGS) < 3:
            await teller.tell()
    await teller.tell()
    assert len(post.told()) == 5  # each letter once


async def test_b5_control_one_domain_s_letters_wait_for_each_other(joined: Joined, teller: Teller, post: Post):
    await held_from(joined, HANGS)
    await teller.tell()
    post.hangs = "nobody hangs any more"
    await held_from(joined, "another@hangs.example")
    await teller.tell()
    assert post.told() == []


async def test_b5_many_letters_of_a_sender_that_hangs_fill_no_round(joined: Joined, teller: Teller, post: Post):
    for n in range(55):
        await held_from(joined, HANGS, n)
    await held_from(joined, "a@one.example")
    await teller.tell()
    await teller.tell()
    assert post.told() == ["a@one.example"]


async def test_b5_a_few_are_told_at_once_and_none_is_left_at_the_end(joined: Joined, teller: Teller, post: Post):
    for n in range(ABREAST + 2):
        await held_from(joined, f"a@hangs{n}.example")
    await teller.tell()
    assert len(post.asked) == ABREAST
    await teller.end()
    assert not teller._abreast.busy
    assert post.sent == []


async def damage(joined: Joined, table: Any, **values: Any) -> None:
    await joined.store.write(lambda db, jobs: [db.execute(update(table).values(**values)) and None for _ in jobs], None)
    joined.store.forget_all_keys()


def reported(joined: Joined, kept: KeptLetter) -> list[tuple[str, str]]:
    with joined.store.reading() as connection:
        found = queries.trace(connection, kept.id)
    return [(each["kind"], each["code"]) for each in found if each["kind"] in {"reported", "untold"}]


async def test_b5_a_letter_whose_bytes_are_damaged_is_told_to_its_sender(joined: Joined, teller: Teller, post: Post):
    kept = await held_from(joined, "a@one.example")
    await damage(joined, CHUNK, data=bytes(80))
    assert await teller.tell() == 1
    assert post.told() == ["a@one.example"]
    assert reported(joined, kept) == [("reported", "held")]


async def test_b5_a_letter_whose_addressee_is_damaged_is_told_with_his_number(
    joined: Joined, teller: Teller, post: Post
):
    await held_from(joined, "a@one.example")
    await damage(joined, DELIVERY, addressee=bytes(80))
    await teller.tell()
    assert b"99900000001@rpps.hospital.test" in post.sent[0].content


@pytest.mark.parametrize("column", ["sealed", "body_key"])
async def test_b5_of_a_letter_that_names_nobody_any_more_its_source_is_told(joined: Joined, post: Post, column: str):
    kept = await held_from(joined, "a@one.example")
    await damage(joined, LETTER, **{column: bytes(80)})
    await teller_of(joined, post, dpi="it@hospital.example").tell()
    assert post.told() == ["it@hospital.example"]
    assert reported(joined, kept) == [("reported", "held")]


@pytest.mark.parametrize("column", ["sealed", "body_key"])
async def test_b5_a_letter_that_names_nobody_any_more_is_said_once_and_not_in_silence(
    joined: Joined, teller: Teller, post: Post, column: str
):
    kept = await held_from(joined, "a@one.example")
    await damage(joined, LETTER, **{column: bytes(80)})
    with structlog.testing.capture_logs() as said:
        assert await teller.tell() == 1
        joined.clock.forward(hours=2)
        assert await teller.tell() == 0
    assert post.asked == []
    assert reported(joined, kept) == [("untold", "held")]
    assert [(line["event"], line["log_level"]) for line in said] == [("untold", "warning")]
