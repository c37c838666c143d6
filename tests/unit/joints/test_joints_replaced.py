"""What an earlier attempt, an earlier copy or an earlier order says must not overrule what is known since (B1, B2)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from gateway.document import Finding, Severity
from gateway.errors import PeerRefused, PeerTimedOut, UnreadableDocument
from gateway.letter import Done, Receipt, ReceiptKind, SealedMail, Step
from gateway.queue import queries
from gateway.service.receipts.hearing import Hearing
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.upkeep.orders import Orders
from tests.unit.joints.joined import Joined, NoStays, reading
from tests.unit.queue.letters import NOON, letter, recovering

TO = "gp@test.example"
WRONG = UnreadableDocument((Finding(severity=Severity.ERROR, place="PID-3", code="no-patient", message="nobody"),))


@pytest.fixture
def ids(vault) -> MessageIds:
    return MessageIds("hospital.test", vault.pseudonym)


@pytest.fixture
def hearing(joined: Joined, ids: MessageIds) -> Hearing:
    return Hearing(joined.store, ids, NoStays(), clock=joined.clock)  # type: ignore[arg-type]


async def unreadable(content: bytes) -> Any:
    raise WRONG


async def lost(mail: SealedMail, step: Step) -> Done:
    error = PeerTimedOut("silence")
    error.ambiguous = True  # type: ignore[attr-defined]
    raise error


async def refused(mail: SealedMail, step: Step) -> Done:
    raise PeerRefused("no")


async def accepted(mail: SealedMail, step: Step) -> Done:
    return Done(at=NOON)


def entries(joined: Joined, name: str) -> list[queries.Row]:
    with joined.store.reading() as connection:
        return list(queries.trace(connection, name))


async def kept_and_held(joined: Joined, read: Any) -> str:
    """Kept, then the process died before its door could say anything; the next one takes it up."""
    joined.road.read_it = read
    kept = await joined.store.keep(letter(key=b"1"))
    await joined.round()
    assert joined.row(kept)["state"] == "held"
    return kept.id


async def test_b1_a_letter_whose_sender_hears_at_last_that_he_must_correct_it_does_not_leave_later(joined: Joined):
    name = await kept_and_held(joined, unreadable)
    with pytest.raises(UnreadableDocument):
        await joined.journey.keep_and_read(letter(key=b"1"))
    assert joined.row(name)["state"] == "cancelled"
    assert [(each["kind"], each["code"]) for each in entries(joined, name)][-2:] == [
        ("replaced", "no-patient"),
        ("refused", "no-patient"),
    ]
    assert joined.letter(name)["state"] == "final"
    assert await joined.store.tidy() == [name]


async def test_b1_what_is_corrected_as_it_was_by_the_gateway_s_settings_is_taken_anew(joined: Joined):
    name = await kept_and_held(joined, unreadable)
    with pytest.raises(UnreadableDocument):
        await joined.journey.keep_and_read(letter(key=b"1"))

    async def readable(content: bytes) -> Any:
        return reading()

    joined.road.read_it = readable
    again = await joined.journey.keep_and_read(letter(key=b"1"))
    await joined.settled()
    assert (again.id != name, again.again, joined.row(again)["state"]) == (True, False, "done")


async def test_b1_control_what_was_tried_is_left_alone_by_a_replay_that_cannot_be_read(joined: Joined):
    joined.road.deliver_it = lost
    kept = await joined.store.keep(letter(key=b"1"))
    await joined.round()
    joined.road.read_it = unreadable
    with pytest.raises(UnreadableDocument):
        await joined.journey.keep_and_read(letter(key=b"1"))
    assert joined.row(kept)["state"] == "ready"


def bounce(ids: MessageIds, delivery: Any, attempt: int, **more: Any) -> Receipt:
    message_id, envid = ids(delivery, attempt), ids.envid(delivery, attempt)
    return Receipt(kind=ReceiptKind.FAILED, message_id=message_id, envid=envid, addressee=TO, status="5.1.1", **more)


async def sent_twice(joined: Joined) -> queries.Row:
    """The first attempt may have left, the second was taken."""
    joined.road.deliver_it = lost
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.road.deliver_it = accepted
    joined.clock.forward(minutes=2)
    await joined.round()
    row = joined.row(kept)
    assert (row["state"], row["epoch"], row["ambiguous"]) == ("done", 2, 1)
    return row


async def test_b2_a_bounce_of_an_earlier_attempt_does_not_fail_the_one_that_arrived(joined: Joined, hearing, ids):
    row = await sent_twice(joined)
    await hearing.hear([bounce(ids, row["id"], 1)])
    assert joined.row(row["letter_id"])["state"] == "done"
    assert entries(joined, row["letter_id"])[-1]["words"] == "late"


async def test_b2_control_a_bounce_of_the_attempt_that_was_taken_fails_it(joined: Joined, hearing, ids):
    row = await sent_twice(joined)
    await hearing.hear([bounce(ids, row["id"], 2)])
    assert joined.row(row["letter_id"])["state"] == "failed"


def test_b2_a_message_id_names_no_attempt_and_a_forged_envid_neither(joined: Joined, ids: MessageIds):
    assert joined.store is not None  # its opening gave the vault the key of pseudonyms
    assert ids.attempt_of(ids.envid("01ABC", 7), "01ABC") == 7  # type: ignore[arg-type]
    assert ids.attempt_of(ids("01ABC", 7), "01ABC") is None  # type: ignore[arg-type]
    assert ids.attempt_of(ids.envid("01ABC", 7), "01ABD") is None  # type: ignore[arg-type]
    assert ids.attempt_of("01abc.7.000000000000", "01ABC") is None  # type: ignore[arg-type]
    assert ids.attempt_of(None, "01ABC") is None  # type: ignore[arg-type]


async def test_f6_an_ending_that_waits_for_a_slow_disk_is_written_before_leases_are_given_back(joined: Joined):
    asked, answering = asyncio.Event(), asyncio.Event()
    writing, disk = threading.Event(), threading.Event()

    def slowly(connection: Any, jobs: Any) -> list[bool]:
        writing.set()
        return [disk.wait(30) for _ in jobs]

    async def deliver(mail: SealedMail, step: Step) -> Done:
        asked.set()
        await answering.wait()
        return Done(at=NOON)

    joined.road.deliver_it = deliver
    kept = await joined.journey.keep(letter())
    await asyncio.wait_for(asked.wait(), 30)
    writer = joined.store._writer
    slow = asyncio.ensure_future(joined.store.write(slowly, None))
    await until(writing.is_set)
    older = asyncio.ensure_future(joined.store.recover(recovering(everything=False)))
    await until(lambda: writer._jobs.qsize() == 1)
    answering.set()
    await until(lambda: writer._jobs.qsize() == 2)  # its ending
    stopping = asyncio.ensure_future(joined.worker.drain(0.01))
    await until(lambda: writer._jobs.qsize() == 3)
    disk.set()
    await asyncio.gather(slow, older, stopping)
    assert (joined.row(kept)["state"], joined.row(kept)["ambiguous"]) == ("done", 0)


async def until(is_so: Any) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 (the writer has no event for what waits)
            await asyncio.sleep(0.005)


def proof(ids: MessageIds, delivery: Any, kind: ReceiptKind) -> Receipt:
    return Receipt(kind=kind, message_id=ids(delivery, 1), addressee=TO)


@pytest.mark.parametrize("kind", [ReceiptKind.DELIVERED, ReceiptKind.DISPLAYED])
async def test_b2_what_may_have_left_and_has_arrived_is_not_sent_again(joined: Joined, hearing, ids, kind):
    joined.road.deliver_it = lost
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert (joined.row(kept)["state"], joined.row(kept)["ambiguous"]) == ("ready", 1)
    joined.road.deliver_it = accepted
    await hearing.hear([proof(ids, joined.row(kept)["id"], kind)])
    assert (joined.row(kept)["state"], joined.letter(kept)["state"]) == ("done", "final")
    joined.clock.forward(hours=2)
    await joined.round()
    assert joined.road.sent == []
    joined.clock.forward(hours=23)
    assert await joined.store.tidy() == [kept.id]


async def test_b2_control_what_was_only_relayed_is_sent_again(joined: Joined, hearing, ids):
    joined.road.deliver_it = lost
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.road.deliver_it = accepted
    await hearing.hear([proof(ids, joined.row(kept)["id"], ReceiptKind.RELAYED)])
    joined.clock.forward(hours=2)
    await joined.round()
    assert joined.road.sent == [TO]


@pytest.mark.parametrize("outcome", [refused, lost])
async def test_b1_a_failure_does_not_overrule_that_it_has_arrived(joined: Joined, hearing, ids, outcome: Any):
    async def heard_meanwhile(mail: SealedMail, step: Step) -> Done:
        await hearing.hear([proof(ids, mail.delivery, ReceiptKind.DELIVERED)])
        done: Done = await outcome(mail, step)
        return done

    joined.road.deliver_it = heard_meanwhile
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert (joined.row(kept)["state"], joined.row(kept)["proof"], joined.letter(kept)["state"]) == ("done", 2, "final")


async def test_b2_what_arrived_before_its_process_died_is_not_sent_again(joined: Joined, hearing, ids):
    async def killed(mail: SealedMail, step: Step) -> Done:
        await hearing.hear([proof(ids, mail.delivery, ReceiptKind.DELIVERED)])
        raise asyncio.CancelledError

    joined.road.deliver_it = killed
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.road.deliver_it = accepted
    await joined.worker.recover(everything=True)
    joined.clock.forward(hours=2)
    await joined.round()
    assert (joined.row(kept)["state"], joined.row(kept)["ambiguous"], joined.road.sent) == ("done", 1, [])


async def test_what_a_person_sends_again_is_sent_whatever_was_proved_before(joined: Joined, hearing, ids):
    joined.road.deliver_it = lost
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=48)
    await joined.round()
    assert joined.row(kept)["state"] == "expired"
    await hearing.hear([proof(ids, joined.row(kept)["id"], ReceiptKind.DELIVERED)])
    joined.road.deliver_it = accepted
    await Orders(joined.store, clock=joined.clock).obey({"act": "resend", "letter": kept.id, "why": "x", "actor": "y"})
    await joined.round()
    assert (joined.row(kept)["state"], joined.road.sent) == ("done", [TO])
