"""Stays are learned from ADT: what each movement means, which discharge time is believed, what is counted apart."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delays.identity import StayKeys
from gateway.delays.legs import Leg
from gateway.delays.stays import Change, oppose
from gateway.document import NamedAddressee, Role
from gateway.identifiers import rpps
from tests.unit.delays.wards import Ward, at, close, moved, new_ward, patient

ADMISSION = moved("A01", "09 11:00", unit="Chir V")
DISCHARGE = moved("A03", "13 10:00", unit="Medecine")


def test_admission_then_discharge_starts_the_clock(ward):
    assert ward.move(ADMISSION).discharged_at is None
    assert ward.timings() == []
    change = ward.move(DISCHARGE)
    assert (change.change, change.discharged_at, change.told_by) == (Change.RECORDED, at("13 10:00"), "ZBE-2")
    assert ward.stay()["admitted_at"] == at("09 11:00")
    assert ward.timing()["unit"] == "Medecine"


@pytest.mark.parametrize("trigger", ["A01", "A04"])
def test_in_patients_and_out_patients_are_admitted_alike(ward, trigger):
    ward.move(moved(trigger, "09 11:00"))
    assert ward.stay()["admitted_at"] == at("09 11:00")


def test_a_pre_admission_is_no_admission(ward):
    ward.move(moved("A05", "01 09:00"))
    assert ward.stay()["admitted_at"] is None


def test_a_discharge_heard_before_its_admission_ends_in_the_same_stay(ward):
    ward.move(DISCHARGE, ADMISSION)
    assert (ward.stay()["admitted_at"], ward.stay()["discharged_at"]) == (at("09 11:00"), at("13 10:00"))
    assert ward.stay()["unit"] == "Medecine"


@pytest.mark.parametrize(
    ("times", "field", "believed"),
    [
        ({"pv1_45": at("13 09:00"), "evn_6": at("13 09:02")}, "PV1-45", "13 09:00"),
        ({"evn_6": at("13 09:02")}, "ZBE-2", "13 10:00"),
        ({"zbe_2": None, "evn_6": at("13 09:02")}, "EVN-6", "13 09:02"),
        ({"zbe_2": None, "evn_2": at("13 09:30")}, "EVN-2", "13 09:30"),
    ],
)
def test_the_discharge_time_is_pv1_45_else_zbe_2_else_evn_6_else_evn_2(ward, times, field, believed):
    change = ward.move(ADMISSION, moved("A03", "13 10:00", **times))
    assert (change.told_by, change.discharged_at, change.conflict) == (field, at(believed), False)


def test_all_four_candidate_times_are_kept(ward):
    times = {"pv1_45": at("13 09:00"), "zbe_2": at("13 09:01"), "evn_6": at("13 09:02"), "evn_2": at("13 09:03")}
    ward.move(moved("A03", "13 10:00", **times))
    assert {name: ward.stay()[name] for name in times} == times


@pytest.mark.parametrize(
    "times",
    [
        {"pv1_45": at("12 23:50")},
        {"evn_6": at("14 00:10")},
        {"zbe_2": at("09 11:00"), "evn_6": at("09 11:11")},
        {"evn_2": at("12 10:00")},
    ],
    ids=["two days told", "another day in EVN-6", "discharged at the hour of admission", "known before it happened"],
)
def test_contradictory_times_are_flagged_and_still_one_is_believed(ward, times):
    change = ward.move(ADMISSION, moved("A03", "13 10:00", **times))
    assert change.conflict
    assert change.discharged_at is not None
    assert ward.timing()["conflict"]


def test_the_same_message_twice_changes_nothing(ward):
    ward.move(ADMISSION, DISCHARGE)
    before = dict(ward.stay()), ward.timings()
    assert ward.move(DISCHARGE, when="31 13:00").change is Change.REPEATED
    assert (dict(ward.stay()), ward.timings()) == before


def test_a_sender_that_writes_one_control_id_on_everything_loses_no_movement(ward):
    ward.move(moved("A01", "09 11:00", control_id="3975"), moved("A03", "13 10:00", control_id="3975"))
    assert ward.stay()["discharged_at"] == at("13 10:00")


def test_a13_stops_the_clock_and_is_counted_apart(ward):
    change = ward.move(ADMISSION, DISCHARGE, moved("A13", "13 15:00"))
    assert (change.discharged_at, change.apart) == (None, "cancelled")
    assert ward.timing()["apart"] == "cancelled"


def test_a_second_discharge_after_a13_starts_the_clock_again(ward):
    change = ward.move(ADMISSION, DISCHARGE, moved("A13", "13 15:00"), moved("A03", "15 09:00"))
    assert (change.discharged_at, change.apart) == (at("15 09:00"), None)


def test_a13_about_an_earlier_discharge_does_not_undo_the_present_one(ward):
    first, second = moved("A03", "13 10:00", movement_id="M1"), moved("A03", "15 09:00", movement_id="M2")
    change = ward.move(first, second, moved("A13", "15 10:00", movement_id="M1"))
    assert change.discharged_at == at("15 09:00")


def test_a13_with_a_number_of_its_own_still_undoes_the_discharge(ward):
    change = ward.move(moved("A03", "13 10:00", movement_id="M1"), moved("A13", "13 11:00", movement_id="M9"))
    assert change.apart == "cancelled"


def test_z99_with_zbe_6_a03_corrects_the_discharge(ward):
    correction = moved("Z99", "14 08:00", zbe_2=at("12 16:00"), original_trigger="A03", action="UPDATE")
    change = ward.move(ADMISSION, DISCHARGE, correction)
    assert (change.discharged_at, change.conflict) == (at("12 16:00"), False)


def test_z99_outweighs_the_pv1_45_that_it_corrects(ward):
    first = moved("A03", "13 10:00", pv1_45=at("13 09:00"))
    correction = moved("Z99", "14 08:00", zbe_2=at("12 16:00"), original_trigger="A03", action="UPDATE")
    assert ward.move(first, correction).discharged_at == at("12 16:00")


def test_z99_without_times_changes_the_exit_mode_alone(ward):
    correction = moved("Z99", "14 08:00", zbe_2=None, original_trigger="A03", action="UPDATE", exit_mode="9")
    change = ward.move(ADMISSION, DISCHARGE, correction)
    assert (change.discharged_at, change.apart) == (at("13 10:00"), "death")


def test_z99_after_a13_does_not_bring_the_discharge_back(ward):
    correction = moved("Z99", "14 08:00", zbe_2=at("12 16:00"), original_trigger="A03", action="UPDATE")
    assert ward.move(DISCHARGE, moved("A13", "13 15:00"), correction).apart == "cancelled"


def test_z99_of_a_discharge_never_heard_is_the_discharge(ward):
    correction = moved("Z99", "14 08:00", zbe_2=at("12 16:00"), original_trigger="A03", action="UPDATE")
    assert ward.move(ADMISSION, correction).discharged_at == at("12 16:00")


@pytest.mark.parametrize(
    "cancel",
    [
        moved("Z99", "13 15:00", original_trigger="A03", action="CANCEL"),
        moved("A03", "13 15:00", action="CANCEL"),
    ],
    ids=["Z99", "A03"],
)
def test_a_cancel_in_zbe_4_is_the_cancellation_of_what_it_names(ward, cancel):
    assert ward.move(ADMISSION, DISCHARGE, cancel).apart == "cancelled"


def test_an_a03_marked_update_replaces_the_discharge(ward):
    assert ward.move(DISCHARGE, moved("A03", "14 10:00", action="UPDATE")).discharged_at == at("14 10:00")


def test_an_a08_with_pv1_45_corrects_a_discharge(ward):
    assert ward.move(DISCHARGE, moved("A08", "14 10:00", pv1_45=at("12 18:00"))).discharged_at == at("12 18:00")


@pytest.mark.parametrize("trigger", ["A11", "A38"])
def test_a_cancelled_admission_has_no_clock(ward, trigger):
    ward.move(ADMISSION, moved(trigger, "09 12:00"))
    assert ward.stay()["cancelled"]
    assert ward.timings() == []


def test_an_admission_cancelled_after_the_discharge_is_counted_apart(ward):
    assert ward.move(ADMISSION, DISCHARGE, moved("A11", "14 12:00")).apart == "cancelled"
    assert ward.timing()["started_at"] == at("13 10:00")


def test_the_unit_is_the_last_one_and_a12_goes_back(ward):
    ward.move(ADMISSION, moved("A02", "10 08:00", unit="Rea"))
    assert ward.stay()["unit"] == "Rea"
    ward.move(moved("A12", "10 09:00", unit="Rea"))
    assert ward.stay()["unit"] == "Chir V"
    ward.move(moved("A06", "11 09:00", unit="Geriatrie"))
    assert ward.stay()["unit"] == "Geriatrie"


def test_z99_corrects_the_unit_of_a_transfer(ward):
    ward.move(ADMISSION, moved("A02", "10 08:00", unit="Rea"))
    ward.move(moved("Z99", "10 09:00", unit="USC", original_trigger="A02", action="UPDATE"))
    assert ward.stay()["unit"] == "USC"


@pytest.mark.parametrize(
    ("mode", "apart"), [("9", "death"), ("0", "transfer"), ("6", "transfer"), ("7", "transfer"), ("8", None)]
)
def test_deaths_and_transfers_are_counted_apart_and_going_home_is_not(ward, mode, apart):
    assert ward.move(moved("A03", "13 10:00", exit_mode=mode)).apart == apart


def test_pv2_7_sm_is_no_gp_unless_a_gp_is_declared(ward):
    assert ward.move(moved("A03", "13 10:00", no_gp=True)).apart == "no_gp"
    gp = NamedAddressee(role=Role.GP, place="ROL-4", rpps=rpps("10101010101"))
    referrer = NamedAddressee(role=Role.REFERRER, place="PV1-8", rpps=rpps("20202020202"))
    assert ward.move(moved("A02", "12 10:00", gps=(gp, referrer))).apart is None
    assert (ward.stay()["gp_rpps"], ward.stay()["referrer_rpps"]) == ("10101010101", "20202020202")


def test_opposition_is_counted_apart_and_survives_later_movements(ward):
    ward.move(ADMISSION, DISCHARGE)
    assert ward.oppose().apart == "opposition"
    assert ward.timing()["apart"] == "opposition"
    assert ward.move(moved("A02", "12 10:00", unit="Rea")).apart == "opposition"
    assert ward.oppose(when="14 09:00", withdrawn=True).apart is None
    assert ward.timing()["apart"] is None


def test_opposition_that_is_told_before_the_stay_is_known_counts_all_the_same(ward):
    ward.oppose(when="10 09:00")
    assert ward.timings() == []
    assert ward.move(ADMISSION, DISCHARGE).apart == "opposition"


def test_an_opposition_says_nothing_of_when_the_stay_began(ward):
    """Stream 14888: a stay that was opposed early took a letter written before it, which is about another stay."""
    ward.oppose("V2", when="10 09:00", withdrawn=True)
    ward.move(moved("A13", "15 10:00", visit="V2"))
    assert ward.stay("V2")["begun_at"] == at("15 10:00")
    ward.oppose("V3", when="10 09:00")
    assert ward.stay("V3")["begun_at"] is None


def test_an_opposition_is_about_a_stay_that_has_a_number(ward):
    with pytest.raises(ValueError, match="number"):
        oppose(ward.connection, StayKeys(hospital="CHU-X"), at("13 11:00"))


def test_a_movement_without_stay_or_merge_is_ignored(ward):
    assert ward.move(moved("A28", "13 10:00", visit=None)).change is Change.IGNORED


def test_a_file_number_stands_in_for_a_visit_number(ward):
    assert ward.move(moved("A03", "13 10:00", visit=None, file_number="F1")).discharged_at == at("13 10:00")


@pytest.mark.parametrize("trigger", ["A40", "A47"])
def test_after_a_merge_the_letter_of_the_surviving_patient_finds_the_stay(ward, trigger):
    ward.move(moved("A03", "13 10:00", who=patient(1)))
    survivor = patient(2)
    assert ward.write(visit=None, left=at("13 08:00"), patient=survivor).stay_key is None
    change = ward.move(moved(trigger, "14 10:00", visit=None, who=survivor, prior_patient=patient(1)))
    assert (change.change, change.retied) == (Change.MERGED, ("L1",))
    assert ward.timing()["matched"] == "identity-and-date"


def test_a_merge_heard_before_the_stay_holds_for_it_too(ward):
    ward.move(moved("A40", "12 10:00", visit=None, who=patient(2), prior_patient=patient(1)))
    ward.move(moved("A03", "13 10:00", who=patient(1)))
    assert ward.write(visit=None, left=at("13 08:00"), patient=patient(2)).matched == "identity-and-date"


def test_merges_in_a_ring_end(ward):
    ward.move(moved("A40", "12 10:00", visit=None, who=patient(2), prior_patient=patient(1)))
    ward.move(moved("A40", "12 11:00", visit=None, who=patient(1), prior_patient=patient(2)))
    assert ward.move(moved("A03", "13 10:00", who=patient(1))).discharged_at == at("13 10:00")


def test_two_hospitals_may_use_one_visit_number(ward):
    ward.move(moved("A03", "13 10:00"), moved("A03", "14 10:00", hospital="CH-Y", who=patient(2)))
    assert (ward.stay()["discharged_at"], ward.stay(hospital="CH-Y")["discharged_at"]) == (
        at("13 10:00"),
        at("14 10:00"),
    )


EVENTS = (
    ADMISSION,
    moved("A02", "10 08:00", unit="Rea"),
    DISCHARGE,
    moved("A13", "13 15:00"),
    moved("A03", "15 09:00", unit="Medecine"),
    moved("Z99", "16 08:00", zbe_2=at("14 18:00"), original_trigger="A03", action="UPDATE"),
)
STEPS = tuple(range(len(EVENTS) + 3))


def tell(ward: Ward, step: int) -> None:
    """Step by number: the movements, then the letter and its proofs."""
    extra = step - len(EVENTS)
    if extra < 0:
        ward.move(EVENTS[step])
    elif extra == 0:
        ward.write(received="14 19:00")
    else:
        ward.leg(Leg.ACCEPTED, "22 10:00") if extra == 1 else ward.leg(Leg.ACCEPTED, "22 11:00")


@settings(max_examples=25, deadline=None)
@given(st.permutations(STEPS[:-2]), st.lists(st.sampled_from(STEPS[:-2]), max_size=5))
def test_any_order_of_arrival_and_any_repetition_ends_in_the_same_figures(order, again):
    def final(steps) -> list:
        ward = new_ward()
        for step in itertools.chain(steps, (len(EVENTS) + 2, len(EVENTS) + 1)):
            tell(ward, step)
        told = ward.timings(), dict(ward.stay())
        close(ward)
        return told

    timings, stayed = final(order + again)
    assert (timings, stayed) == final(STEPS[:-2])
    assert stayed["discharged_at"] == at("14 18:00")
    assert timings[0]["taken"] == timedelta(days=7, hours=16).total_seconds()
