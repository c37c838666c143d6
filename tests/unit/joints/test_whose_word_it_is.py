"""Whose opposition an identity message tells: by number, in its hospital, through merges that may be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.delays.tables import movement
from gateway.document import Identifier, Movement, Patient, Stay
from gateway.letter import KeptLetter
from gateway.queue.afterwards import Noting
from tests.unit.delays.wards import patient
from tests.unit.joints.test_joints_opposition import FIRST, HOSPITAL, WHY, Ward, make, ward
from tests.unit.joints.test_opposition_outside_a_stay import operator_is_down, says
from tests.unit.queue.letters import NOON

__all__ = ["make", "ward"]

ONE, OTHER = "279035121518989", "180117590000142"
KNOWN = pytest.mark.parametrize("known", [True, False], ids=["a known stay", "no stay"])


async def adt(ward: Ward, who: Patient, *, trigger: str = "A08", protected: bool | None = None, **numbers: Any) -> None:
    """A message about a stay of ``who``."""
    ward.told += 1
    about = Stay(**({"hospital": HOSPITAL, "visit": "V1"} | numbers))
    at = NOON + timedelta(minutes=ward.told)
    heard = Movement(trigger=trigger, patient=who, stay=about, evn_2=at, protected=protected)
    await ward.joined.store.note(Noting(also=(ward.stays.movement(heard, "gam", ward.joined.clock()),)))


async def waiting(ward: Ward, who: Patient | None) -> KeptLetter:
    """The letter about V1 of ``who``, while the operator is down."""
    operator_is_down(ward)
    whole = ward.about
    ward.about = lambda visit="V1": replace(whole(visit), patient=who)  # type: ignore[method-assign]
    kept = await ward.letter()
    await ward.joined.settled()
    assert ward.states(kept)[0][0] == "ready"
    return kept


def numbered(authority: str, *, family: str = "") -> Patient:
    number = Identifier(value="42", authority=authority, type="PI")
    return replace(patient(1, family=family), identifiers=(number,))


@pytest.mark.parametrize("who", [None, patient(1, ipp="SPELT-OTHERWISE")], ids=["no patient", "another number"])
async def test_a_letter_that_its_stay_alone_ties_to_the_patient_is_held_and_let_go(ward: Ward, who: Patient | None):
    await ward.adt(None)
    kept = await waiting(ward, who)
    await says(ward, True, who=patient(2))
    assert ward.states(kept)[0][0] == "ready", "control: another patient's word"
    await says(ward, True)
    assert ward.states(kept) == [("held", WHY)]
    await says(ward, False)
    assert ward.states(kept)[0][0] == "ready"


@KNOWN
@pytest.mark.parametrize(("ins", "holds"), [(OTHER, False), (ONE, True), (None, True)])
async def test_two_ins_that_differ_decide_against_one_hospital_number(
    ward: Ward, known: bool, ins: str | None, holds: bool
):
    his = patient(ins=ONE)
    if known:
        await adt(ward, his)
    kept = await waiting(ward, his)
    await says(ward, True, who=patient(ins=ins))
    assert (ward.states(kept) == [("held", WHY)]) is holds


@KNOWN
@pytest.mark.parametrize(
    ("authority", "elsewhere", "namesake", "holds"),
    [
        ("IPP", True, False, False),
        ("IPP", True, True, True),
        ("IPP", False, False, True),
        ("750000001", True, False, True),
        ("1.2.250.1.999.1", True, False, True),
    ],
    ids=["a name that two hospitals share", "the same person's", "one hospital", "FINESS", "OID"],
)
async def test_a_number_under_a_mere_name_is_its_hospitals(
    ward: Ward, known: bool, authority: str, elsewhere: bool, namesake: bool, holds: bool
):
    his = numbered(authority)
    if known:
        await adt(ward, his)
    kept = await waiting(ward, his)
    where = Stay(hospital="CH-Y" if elsewhere else HOSPITAL)
    told = numbered(authority, family="" if namesake else "ZZAUTRE")
    heard = Movement(trigger="A31", patient=told, stay=where, evn_2=NOON, protected=True)
    await ward.joined.store.note(Noting(also=(ward.stays.movement(heard, "gam", ward.joined.clock()),)))
    assert (ward.states(kept) == [("held", WHY)]) is holds


@KNOWN
async def test_a_merge_that_is_overruled_takes_the_opposition_with_it(ward: Ward, known: bool):
    old = patient(1, ipp="IPP9")
    if known:
        await ward.adt(None)
    kept = await waiting(ward, patient())
    await says(ward, True, who=old)
    assert ward.states(kept)[0][0] == "ready"
    await says(ward, None, trigger="A40", prior_patient=old)
    assert ward.states(kept) == [("held", WHY)], "control: as long as the merge stands"
    await says(ward, None, trigger="A40", prior_patient=old, who=patient(2))
    assert ward.states(kept)[0][0] == "ready"
    with ward.joined.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(movement)).scalar_one() == ward.told


@pytest.mark.parametrize("opposed", [True, False])
async def test_a_merge_brings_letters_under_what_the_survivor_said(ward: Ward, opposed: bool):
    old = patient(1, ipp="IPP9")
    kept = await waiting(ward, old)
    await says(ward, opposed)
    assert ward.states(kept)[0][0] == "ready"
    await says(ward, None, trigger="A40", prior_patient=old)
    assert (ward.states(kept) == [("held", WHY)]) is opposed


@pytest.mark.parametrize(("trigger", "holds"), [("A28", True), ("A31", True), ("A08", False)])
@pytest.mark.parametrize("number", [{"visit": None, "file_number": "ACCOUNT-1"}, {"visit": "V2"}], ids=["PID-18", "V2"])
@KNOWN
async def test_an_identity_message_that_carries_an_account_speaks_of_the_patient(
    ward: Ward, known: bool, number: dict[str, Any], trigger: str, holds: bool
):
    if known:
        await ward.adt(None)
    kept = await waiting(ward, patient())
    await adt(ward, patient(), trigger=trigger, protected=True, **number)
    assert (ward.states(kept) == [("held", WHY)]) is holds
    await adt(ward, patient(), trigger=trigger, protected=False, **number)
    assert ward.states(kept)[0][0] == "ready"


async def test_what_adt_says_is_let_go_by_a_release_and_not_by_a_withdrawal(ward: Ward):
    """As docs/operations.md advises for ``patient-opposes``."""
    await ward.adt(None)
    await says(ward, True)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (await ward.person(withdrawn=True)) == {"apart": "opposition"}
    assert ward.states(kept) == [("held", WHY)]
    assert (await ward.act("release", kept)) == {"deliveries": 1}
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])
    assert ward.journal("release") == [("release", "", "m.durand")]
