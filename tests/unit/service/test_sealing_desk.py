"""A key that is elsewhere is asked beside the loop, and one that never answers is waited for once."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gateway.beside import LARGE
from gateway.errors import NoProtection, TokenUnavailable
from gateway.letter import ComposedMail, MssTls, OpenPgp, Protection, SealedMail, Smime
from gateway.moments import utc_now
from gateway.service.road.sealing import SealingDesk

SMIME, PGP = Smime(certificate=b"x"), OpenPgp(key=b"x")
MAIL = ComposedMail(
    letter="01LETTER",
    delivery="01DELIVERY",
    message_id="<a@b.example>",
    sender="a@b.example",
    mailbox="gp@cabinet.example",
    headers=(),
    entity=b"x",
    protection=SMIME,
)


@dataclass
class Card:
    """In the sealer's place: it waits for the card, and tells whether the card came back while it waited."""

    is_back: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    threads: list[int] = field(default_factory=list)
    break_it: Exception | None = None

    def seal(self, mail: ComposedMail) -> SealedMail:
        self.asked += 1
        self.threads.append(threading.get_ident())
        if self.break_it:
            raise self.break_it
        if not self.is_back.wait(30):
            raise AssertionError("whoever should bring the card back was kept from it")
        return SealedMail(
            letter=mail.letter,
            delivery=mail.delivery,
            message_id=mail.message_id,
            sender=mail.sender,
            mailbox=mail.mailbox,
            content=b"sealed",
            protected_by="openpgp",
            sealed_at=utc_now(),
        )


@pytest.fixture
def card() -> Card:
    return Card()


def desk(card: Card, *, smime: bool = False, openpgp: bool = True, **more: timedelta) -> SealingDesk:
    return SealingDesk(card, smime_elsewhere=smime, openpgp_elsewhere=openpgp, **more)


def mail(protection: Protection, entity: bytes = b"x") -> ComposedMail:
    return replace(MAIL, protection=protection, entity=entity)


async def test_while_a_card_is_silent_the_loop_serves_everybody_else(card: Card):
    """The loop itself brings the card back: were it asked on the loop, nobody could."""
    asyncio.get_running_loop().call_later(0, card.is_back.set)
    sealed = await desk(card).seal(mail(PGP))
    assert sealed.content == b"sealed"
    assert card.threads != [threading.get_ident()]


@pytest.mark.parametrize(
    ("protection", "smime", "openpgp", "beside"),
    [
        (SMIME, False, False, False),
        (SMIME, False, True, False),
        (SMIME, True, False, True),
        (PGP, False, True, True),
        (PGP, True, False, False),
        (MssTls(), True, False, True),
        (MssTls(), False, True, False),
        (replace(SMIME, alternatives=(PGP,)), False, True, True),
        (replace(PGP, alternatives=(SMIME,)), True, False, True),
    ],
)
async def test_only_what_may_ask_a_key_elsewhere_leaves_the_loop(card, protection, smime, openpgp, beside):
    card.is_back.set()
    await desk(card, smime=smime, openpgp=openpgp).seal(mail(protection))
    assert (card.threads != [threading.get_ident()]) is beside


async def test_control_a_large_letter_of_our_own_key_still_leaves_the_loop(card: Card):
    card.is_back.set()
    await desk(card, openpgp=False).seal(mail(SMIME, b"x" * (LARGE + 1)))
    assert card.threads != [threading.get_ident()]


async def test_a_token_that_never_answers_is_waited_for_once(card: Card):
    """Its call into C cannot be ended: it keeps its one thread, and no letter waits behind it."""
    silent = desk(card, smime=True, longest=timedelta(seconds=0.05))
    with pytest.raises(TokenUnavailable) as late:
        await silent.seal(mail(SMIME))
    assert late.value.detail == "token: no answer in time"
    told = await asyncio.gather(*(silent.seal(mail(SMIME)) for _ in range(20)), return_exceptions=True)
    assert {getattr(each, "detail", "") for each in told} == {"token: still no answer"}
    assert card.asked == 1


async def test_control_a_token_that_has_answered_is_asked_again(card: Card):
    slow = desk(card, smime=True, longest=timedelta(seconds=0.05))
    with pytest.raises(TokenUnavailable):
        await slow.seal(mail(SMIME))
    card.is_back.set()
    late = slow._asked
    assert late is not None
    await late
    patient = desk(card, smime=True)
    patient._asked = late
    assert (await patient.seal(mail(SMIME))).content == b"sealed"


@pytest.mark.parametrize("error", [NoProtection("expired"), TokenUnavailable("gpg: no answer a moment ago")])
async def test_what_the_sealer_refuses_reaches_its_caller(card: Card, error: Exception):
    card.break_it = error
    with pytest.raises(type(error)) as refused:
        await desk(card).seal(mail(PGP))
    assert refused.value is error


async def test_letters_take_turns_at_a_key_elsewhere(card: Card):
    card.is_back.set()
    one = desk(card)
    sealed = await asyncio.gather(*(one.seal(mail(PGP)) for _ in range(10)))
    assert len(sealed) == card.asked == 10


async def test_whoever_stops_waiting_leaves_no_trouble_behind(card: Card):
    """The letter's own task was cancelled while the card was asked; what the card says then is nobody's."""
    card.break_it = None
    one = desk(card)
    letter = asyncio.ensure_future(one.seal(mail(PGP)))
    while not card.asked:  # noqa: ASYNC110 (a thread says so)
        await asyncio.sleep(0)
    letter.cancel()
    await asyncio.gather(letter, return_exceptions=True)
    card.is_back.set()
    assert (await one._asked).content == b"sealed"  # type: ignore[misc]
    assert await one.seal(mail(PGP))
