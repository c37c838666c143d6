"""An identity message (A31 with PD1-12) says that a patient opposes: what is his by number waits, nothing by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.document import Movement, Patient, Stay
from gateway.errors import PeerUnreachable
from gateway.letter import Done, SealedMail, Step
from gateway.queue.afterwards import Noting
from tests.unit.delays.wards import patient
from tests.unit.joints.test_joints_opposition import FIRST, HOSPITAL, WHY, Ward, make, ward
from tests.unit.queue.letters import NOON

__all__ = ["make", "ward"]

INS = "279035121518989"


async def says(ward: Ward, protected: bool | None, *, who: Patient | None = None, **more: Any) -> None:
    """An A31 without a stay, the next minute."""
    ward.told += 1
    known = {"trigger": "A31", "evn_2": NOON + timedelta(minutes=ward.told)} | more
    movement = Movement(patient=who or patient(), stay=Stay(hospital=HOSPITAL), protected=protected, **known)
    await ward.joined.store.note(Noting(also=(ward.stays.movement(movement, "gam", ward.joined.clock()),)))


def operator_is_down(ward: Ward) -> Callable[[], None]:
    async def down(mail: SealedMail, step: Step) -> Done:
        raise PeerUnreachable

    up, ward.joined.road.deliver_it = ward.joined.road.deliver_it, down

    def back() -> None:
        ward.joined.road.deliver_it = up

    return back


@pytest.mark.parametrize("known", [True, False], ids=["a known stay", "no stay"])
async def test_a_letter_that_waits_is_held_until_the_patient_agrees(ward: Ward, known: bool):
    back = operator_is_down(ward)
    if known:
        await ward.adt(None)
    kept = await ward.letter()
    await ward.joined.settled()
    assert ward.states(kept)[0][0] == "ready"
    await says(ward, True)
    assert ward.states(kept) == [("held", WHY)]
    back()
    await ward.joined.an_hour_later()
    assert ward.sent == []
    await says(ward, False)
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


@pytest.mark.parametrize("known", [True, False], ids=["a known stay", "no stay"])
async def test_a_letter_that_comes_after_it_is_held(ward: Ward, known: bool):
    await says(ward, True)
    if known:
        await ward.adt(None)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])
    await ward.act("release", kept)
    await says(ward, True)
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


@pytest.mark.parametrize(
    "who",
    [
        patient(2),
        patient(1, ipp=None),
        patient(1, ipp="IPP2"),
        patient(1, ipp="IPP2", ins=INS),
        replace(patient(1, ipp=None), birth_date="", given=""),
    ],
    ids=["another", "the same name, no number", "a namesake", "a namesake with an INS", "a name alone"],
)
@pytest.mark.parametrize("known", [True, False], ids=["a known stay", "no stay"])
async def test_nobody_elses_letter_is_held_and_nothing_by_name(ward: Ward, who: Patient, known: bool):
    back = operator_is_down(ward)
    if known:
        await ward.adt(None)
    kept = await ward.letter()
    await ward.joined.settled()
    await says(ward, True, who=who)
    assert ward.states(kept)[0][0] == "ready"
    back()
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


async def test_the_last_word_counts_whichever_came_first(ward: Ward):
    later = NOON + timedelta(days=1)
    await says(ward, False, evn_2=later)
    await says(ward, True, evn_2=NOON)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


@pytest.mark.parametrize("first", ["word", "merge"])
async def test_what_was_said_under_a_number_that_is_merged_counts_under_the_other(ward: Ward, first: str):
    old = patient(1, ipp="IPP9")
    told = [says(ward, True, who=old), says(ward, None, trigger="A40", prior_patient=old)]
    for saying in told if first == "word" else reversed(told):
        await saying
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_a_merge_holds_what_waits_under_the_other_number(ward: Ward):
    operator_is_down(ward)
    old = patient(1, ipp="IPP9")
    await says(ward, True, who=old)
    kept = await ward.letter()
    await ward.joined.settled()
    assert ward.states(kept)[0][0] == "ready"
    await says(ward, None, trigger="A40", prior_patient=old)
    assert ward.states(kept) == [("held", WHY)]
