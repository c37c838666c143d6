"""After a letter left: receipts are heard and senders told, also when the letter's bytes are long gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import PeerDeferred, PeerRefused, PermanentFailure, StorageFull
from gateway.letter import ComposedMail, Receipt, ReceiptKind, SealedMail, Step, Vetted
from gateway.queue import queries
from gateway.queue.accept import CHUNK
from gateway.service.receipts.hearing import Hearing
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.senders import telling
from gateway.service.senders.telling import Habits, Teller
from gateway.service.upkeep.orders import Orders
from tests.unit.joints.joined import Joined, NoStays, held, to
from tests.unit.queue.letters import CANARY, letter

TO = "gp@test.example"


@pytest.fixture
def ids(vault) -> MessageIds:
    return MessageIds("hospital.test", vault.pseudonym)


@pytest.fixture
def hearing(joined: Joined, ids: MessageIds) -> Hearing:
    return Hearing(joined.store, ids, NoStays(), clock=joined.clock)  # type: ignore[arg-type]


class Post:
    """A courier that says what it is told to."""

    def __init__(self) -> None:
        self.sent: list[SealedMail] = []
        self.answer: Callable[[SealedMail], Exception | None] = lambda mail: None

    async def deliver(self, mail: SealedMail, **asked: Any) -> None:
        if error := self.answer(mail):
            raise error
        self.sent.append(mail)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def teller(joined: Joined, post: Post, monkeypatch: pytest.MonkeyPatch) -> Teller:
    monkeypatch.setattr(telling, "PATIENCE", 30.0)  # a round to its end, on a busy machine too
    habits = Habits(our_domain="hospital.test", report_to={}, warn_after=timedelta(hours=1), expire=timedelta(hours=48))
    return Teller(joined.store, post, habits, clock=joined.clock)  # type: ignore[arg-type]


def receipt(ids: MessageIds, delivery: str, kind: ReceiptKind, **more: Any) -> Receipt:
    return Receipt(kind=kind, message_id=ids(delivery, 1), addressee=TO, **more)  # type: ignore[arg-type]


async def erased(joined: Joined) -> str:
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=30)
    assert await joined.store.tidy() == [kept.id]
    return kept.id


async def test_a_letter_that_is_displayed_after_its_erasure_is_displayed(joined: Joined, hearing: Hearing, ids):
    name = await erased(joined)
    await hearing.hear([receipt(ids, joined.row(name)["id"], ReceiptKind.DISPLAYED)])
    assert joined.row(name)["proof"] == 4


async def test_an_erased_letter_still_proves_nothing_for_somebody_else(joined: Joined, hearing: Hearing, ids):
    name = await erased(joined)
    forged = Receipt(kind=ReceiptKind.DISPLAYED, message_id=ids(joined.row(name)["id"], 1), addressee="x@test.example")
    await hearing.hear([forged])
    assert joined.row(name)["proof"] == 1


async def test_f3_what_is_left_after_erasure_names_no_patient_and_opens_no_backup(joined: Joined, vault):
    kept = await joined.store.keep(letter())
    before = joined.letter(kept)
    with joined.store.reading() as connection:
        chunk = connection.execute(CHUNK.select()).one()
    key = vault.unwrap(before["body_key"])
    assert CANARY.encode() in vault.open_chunk(key, kept.id, chunk.n, chunk.data)  # negative control
    await joined.round()
    joined.clock.forward(hours=30)
    await joined.store.tidy()
    after = joined.letter(kept)
    assert vault.unwrap(after["body_key"]) != key
    recalled = joined.store.recall(kept.id, erased=True)
    assert recalled
    assert recalled.received.content == b""
    assert recalled.received.envelope == kept.received.envelope
    assert joined.store.recall(kept.id) is None


async def test_a_bounce_after_the_erasure_is_told_to_the_sender(joined: Joined, hearing, teller: Teller, post, ids):
    name = await erased(joined)
    await hearing.hear([receipt(ids, joined.row(name)["id"], ReceiptKind.FAILED, status="5.1.1")])
    assert joined.row(name)["state"] == "failed"
    await teller.tell()
    assert [mail.mailbox for mail in post.sent] == ["dpi@hospital.example"]
    await teller.tell()
    assert len(post.sent) == 1


async def test_a_letter_that_came_back_can_be_sent_again_for_its_whole_time(joined: Joined, hearing: Hearing, ids):
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=23)
    await hearing.hear([receipt(ids, joined.row(kept)["id"], ReceiptKind.FAILED, status="5.1.1")])
    joined.clock.forward(hours=20)
    assert await joined.store.tidy() == []
    joined.clock.forward(hours=5)
    assert await joined.store.tidy() == [kept.id]


async def test_a_stranger_s_status_does_not_reach_our_reports(joined: Joined, hearing, teller: Teller, post, ids):
    kept = await joined.journey.keep(letter())
    await joined.settled()
    await hearing.hear([receipt(ids, joined.row(kept)["id"], ReceiptKind.FAILED, status="5.1.1\r\nX-Evil: 1")])
    await teller.tell()
    assert len(post.sent) == 1
    assert b"X-Evil" not in post.sent[0].content


async def test_a_failure_of_an_earlier_attempt_does_not_fail_the_one_under_way(joined: Joined, hearing, ids):
    async def deferred(mail: SealedMail, step: Step):
        raise PeerDeferred("busy")

    joined.road.deliver_it = deferred
    kept = await joined.journey.keep(letter())
    await joined.settled()
    await hearing.hear([receipt(ids, joined.row(kept)["id"], ReceiptKind.FAILED, status="5.1.1")])
    assert joined.row(kept)["state"] == "ready"
    with joined.store.reading() as connection:
        said = [row["words"] for row in queries.trace(connection, kept.id) if row["kind"] == "receipt"]
    assert said == ["late"]


@pytest.mark.parametrize("forged", ["<a.{}.b@x>".format("9" * 5000), "<a.1.é@x>", "<a.٣.b@x>", "<..@>", "", "<a.-1.b>"])
async def test_a_forged_message_id_stops_nobody_s_receipts(joined: Joined, hearing: Hearing, forged: str):
    await hearing.hear([Receipt(kind=ReceiptKind.DISPLAYED, message_id=forged, envid=forged, addressee=TO)])


def test_b2_every_attempt_bears_the_same_message_id(joined: Joined, ids: MessageIds):
    assert joined.store is not None  # its opening gave the vault the key of pseudonyms
    assert ids("01ABC", 1) == ids("01ABC", 2)  # type: ignore[arg-type]
    assert ids("01ABC", 1) != ids("01ABD", 1)  # type: ignore[arg-type]
    assert ids.delivery_of(ids("01ABC", 1)) == ids.delivery_of(ids.envid("01ABC", 2)) == "01ABC"  # type: ignore[arg-type]


async def test_senders_who_cannot_be_told_stand_in_nobody_s_way(joined: Joined, teller: Teller, post: Post):
    joined.road.outcomes = (held(),)
    for n in range(60):
        await joined.journey.keep(letter(str(n).encode()))
    await joined.settled()
    post.answer = lambda mail: PeerDeferred("down")
    assert await teller.tell() == 0
    post.answer = lambda mail: None
    await teller.tell()
    assert len(post.sent) == 10  # those behind the fifty, which wait
    joined.clock.forward(minutes=1)
    await teller.tell()
    assert len(post.sent) == 60


async def test_a_report_that_cannot_be_written_does_not_end_the_round(joined: Joined, teller: Teller, post: Post):
    joined.road.outcomes = (held(),)
    first = await joined.journey.keep(letter(b"1"))
    await joined.journey.keep(letter(b"2"))
    await joined.settled()
    post.answer = lambda mail: ValueError("x") if mail.letter == first.id else None
    assert await teller.tell() == 1


async def test_a_sender_whom_no_server_takes_a_report_for_is_tried_once(joined: Joined, teller: Teller, post: Post):
    joined.road.outcomes = (held(),)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    post.answer = lambda mail: PeerRefused("no route", status="5.1.2")
    await teller.tell()
    joined.clock.forward(hours=3)
    post.answer = lambda mail: None
    await teller.tell()
    assert post.sent == []
    with joined.store.reading() as connection:
        said = [row["code"] for row in queries.trace(connection, kept.id) if row["kind"] == "reported"]
    assert said == ["held, sender not reached"]


async def test_what_was_said_is_said_once_also_when_the_disk_is_full(
    joined: Joined, teller: Teller, post: Post, monkeypatch: pytest.MonkeyPatch
):
    joined.road.outcomes = (held(),)
    await joined.journey.keep(letter())
    await joined.settled()
    real, failures = joined.store.tell, [StorageFull("full")]

    async def full(telling):
        if failures:
            raise failures.pop()
        await real(telling)

    monkeypatch.setattr(joined.store, "tell", full)
    await teller.tell()
    joined.clock.forward(minutes=1)
    await teller.tell()
    await teller.tell()
    assert len(post.sent) == 1


async def test_who_wants_to_hear_of_failures_hears_that_a_letter_is_held(joined: Joined, teller: Teller, post: Post):
    outcome = held()
    joined.road.outcomes = (replace(outcome, addressee=replace(outcome.addressee, notify=("FAILURE",))),)
    await joined.journey.keep(letter())
    await joined.settled()
    await teller.tell()
    assert len(post.sent) == 1


async def test_a_letter_that_is_erased_is_not_sent_again_but_said_to_be_gone(joined: Joined):
    async def refused(mail: SealedMail, step: Step):
        raise PeerRefused("no")

    joined.road.deliver_it = refused
    name = await erased(joined)
    orders = Orders(joined.store, clock=joined.clock)
    with pytest.raises(PermanentFailure) as told:
        await orders.obey({"act": "resend", "letter": name, "why": "x", "actor": "y"})
    assert "erased" in str(told.value)
    assert joined.row(name)["state"] == "failed"
    assert joined.letter(name)["state"] == "final"


async def test_what_is_sent_again_after_two_days_has_its_tries_before_it(joined: Joined):
    async def deferred(mail: SealedMail, step: Step):
        raise PeerDeferred("busy")

    joined.road.deliver_it = deferred
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=47, minutes=30)
    await joined.round()
    assert joined.row(kept)["state"] == "expired"
    await Orders(joined.store, clock=joined.clock).obey({"act": "resend", "letter": kept.id, "why": "x", "actor": "y"})
    await joined.round()
    assert joined.row(kept)["state"] == "ready"


async def test_what_was_held_for_days_has_its_tries_before_it(joined: Joined):
    async def deferred(mail: SealedMail, step: Step):
        raise PeerDeferred("busy")

    joined.road.outcomes, joined.road.deliver_it = (held(),), deferred
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(days=5)
    joined.road.outcomes = (to(TO),)
    await joined.an_hour_later()
    assert joined.row(kept)["state"] == "ready"


async def test_what_a_form_cannot_carry_stands_in_the_trace_in_codes(joined: Joined, monkeypatch: pytest.MonkeyPatch):
    compose = joined.road.compose

    async def fell_short(*about: Any, **more: Any) -> ComposedMail:
        return replace(await compose(*about, **more), losses="hprim: absent sex")

    monkeypatch.setattr(joined.road, "compose", fell_short)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    with joined.store.reading() as connection:
        told = [(row["code"], row["words"]) for row in queries.trace(connection, kept.id) if row["kind"] == "sealed"]
    assert told == [("mss-tls", "hprim: absent sex")]


async def test_keys_that_were_passed_over_stand_in_the_trace_before_the_one_that_was_used(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
):
    """What was asked of authorities first, then what the sealer saw itself."""

    async def vetted(step: Step) -> Vetted:
        return Vetted(protection=step.addressed.protection, refused=("revoked",))

    seal = joined.road.seal
    monkeypatch.setattr(joined.journey, "_at", replace(joined.journey._at, vet=vetted))
    sealed = {"refused": ("expired",), "for_organisation": True}
    monkeypatch.setattr(joined.road, "seal", lambda mail: replace(seal(mail), **sealed))
    kept = await joined.journey.keep(letter())
    await joined.settled()
    with joined.store.reading() as connection:
        told = [(row["kind"], row["code"]) for row in queries.trace(connection, kept.id)]
    assert told[told.index(("key-refused", "revoked")) :][:4] == [
        ("key-refused", "revoked"),
        ("key-refused", "expired"),
        ("key-of-organisation", ""),
        ("sealed", "mss-tls"),
    ]
