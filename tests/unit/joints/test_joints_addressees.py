"""A letter that waited leaves for the same addressee, or waits on: never for somebody else."""

from __future__ import annotations

import asyncio

import pytest

from gateway.document import Finding, Reading, Role, Severity
from gateway.errors import PeerDeferred, PeerRefused, UnreadableDocument
from gateway.identifiers import Adeli, Rpps
from gateway.letter import Addressed, Addressee, Held, MssTls, Reason, SealedMail, Step
from gateway.queue.bodies import Target
from gateway.queue.meant import outcome_for
from tests.unit.joints.joined import Joined, document, held, reading, to
from tests.unit.queue.letters import letter

GP, OTHER = Rpps("99900000001"), Rpps("99900000002")


async def deferred(mail: SealedMail, step: Step):
    raise PeerDeferred("busy")


async def retried(joined: Joined, *later) -> None:
    """A first attempt fails, the directory changes, the second attempt succeeds."""
    good, joined.road.deliver_it = joined.road.deliver_it, deferred
    joined.kept = await joined.journey.keep(letter())  # type: ignore[attr-defined]
    await joined.settled()
    joined.road.deliver_it = good
    joined.road.outcomes = later or joined.road.outcomes
    joined.clock.forward(minutes=2)
    await joined.round()


async def test_two_mailboxes_of_one_person_get_one_letter_each_on_the_second_try(joined: Joined):
    joined.road.outcomes = (to("one@gp.test", given=True), to("two@gp.test", given=True))
    await retried(joined)
    assert sorted(joined.road.sent) == ["one@gp.test", "two@gp.test"]


async def test_two_of_one_role_without_rpps_stay_two(joined: Joined):
    joined.road.outcomes = tuple(
        Addressed(
            addressee=Addressee(role=Role.COPY, adeli=Adeli(number)), mailbox=f"{number}@gp.test", protection=MssTls()
        )
        for number in ("751234567", "691234567")
    )
    await retried(joined)
    assert sorted(joined.road.sent) == ["691234567@gp.test", "751234567@gp.test"]


async def test_two_practices_without_any_number_go_where_they_went_before(joined: Joined):
    joined.road.outcomes = tuple(to(f"{name}@gp.test", rpps=None, role=Role.ORGANISATION) for name in ("a", "b"))
    await retried(joined)
    assert sorted(joined.road.sent) == ["a@gp.test", "b@gp.test"]


async def test_a_held_mailbox_leaves_once_the_directory_knows_whose_it_is(joined: Joined):
    joined.road.outcomes = (held("mailbox-unknown", rpps=None, mailbox="gp@gp.test"),)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.road.outcomes = (to("gp@gp.test", rpps=GP, given=True),)
    await joined.an_hour_later()
    assert joined.road.sent == ["gp@gp.test"]
    assert joined.row(kept)["state"] == "done"


async def test_a_mailbox_that_is_somebody_elses_by_now_waits_for_a_person(joined: Joined):
    joined.road.outcomes = (to("gp@gp.test", rpps=GP, given=True),)
    await retried(joined, to("gp@gp.test", rpps=OTHER, given=True))
    assert joined.road.sent == []
    assert joined.row(joined.kept)["state"] == "held"  # type: ignore[attr-defined]
    assert joined.row(joined.kept)["reason"] == "addressee-unclear"  # type: ignore[attr-defined]


async def test_an_addressee_that_today_s_reading_does_not_name_is_held_not_sent_to_another(joined: Joined):
    joined.road.outcomes = (to("gp@gp.test", rpps=GP),)
    await retried(joined, to("other@gp.test", rpps=OTHER))
    assert joined.road.sent == []
    assert joined.row(joined.kept)["state"] == "held"  # type: ignore[attr-defined]


async def test_a_letter_that_is_held_unread_is_addressed_anew_once_it_can_be_read(joined: Joined):
    finding = Finding(severity=Severity.ERROR, place="line 3", code="bad-line", message="cut short")

    async def refused(content: bytes) -> Reading:
        raise UnreadableDocument((finding,))

    async def read(content: bytes) -> Reading:
        return reading()

    joined.road.read_it = refused
    kept = await joined.journey.keep(letter(to="auto@hospital.test"))
    await joined.settled()
    await joined.an_hour_later()
    assert joined.row(kept)["state"] == "held", "a person has not had the time"
    joined.road.read_it = read
    await joined.an_hour_later()
    await joined.round()
    assert joined.road.sent == ["gp@test.example"]
    assert joined.row(kept)["state"] == "done"


async def test_a_letter_of_which_something_left_is_not_begun_anew(joined: Joined):
    joined.road.outcomes = (to("one@gp.test"), held(rpps=None, mailbox="lost@gp.test"))
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.road.outcomes = (to("one@gp.test"),)
    await joined.an_hour_later()
    await joined.round()
    assert joined.road.sent == ["one@gp.test"]
    assert sorted(row["state"] for row in joined.rows(kept)) == ["done", "held"]


async def test_a_split_letter_that_failed_for_one_patient_is_taken_again(joined: Joined):
    async def two(content: bytes) -> Reading:
        return reading(document("a"), document("b"))

    async def refused(mail: SealedMail, step: Step):
        raise PeerRefused("no")

    joined.road.read_it, joined.road.deliver_it = two, refused
    first = letter(key=b"same")
    await joined.journey.keep(first)
    await joined.settled()
    assert [row["state"] for row in joined.rows(first.id)] == ["failed", "failed"]
    assert not (await joined.journey.keep(letter(first.content, key=b"same"))).again
    await joined.settled()


@pytest.mark.parametrize("known", [GP, None])
def test_case_and_new_knowledge_of_the_owner_change_no_mailbox(known):
    target = Target(addressee=Addressee(role=Role.COPY, rpps=known, mailbox="Gp@gp.test"))
    now = to("gp@gp.test", rpps=GP, given=True)
    assert outcome_for(target, [now, to("x@gp.test", rpps=OTHER)]) is now


def test_a_name_alone_is_never_given_somebody_s_mailbox():
    target = Target(addressee=Addressee(role=Role.GP))
    nobody = Held(addressee=Addressee(role=Role.GP), reason=Reason(code="name-only", words="w"))
    assert outcome_for(target, [to("gp@gp.test"), nobody]) is nobody
    assert outcome_for(target, [to("gp@gp.test")]) is None


async def test_kept_alive(joined: Joined):
    """Negative control of this file's kit: what nothing hinders leaves at once."""
    await joined.journey.keep(letter())
    await asyncio.wait_for(joined.settled(), 60)
    assert joined.road.sent == ["gp@test.example"]
