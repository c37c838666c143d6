"""Letters are tied by visit number, file number, identity and date, or stand alone; and again when more is known."""

import pytest

from gateway.delays.legs import Leg, Stamp, record_legs
from gateway.delays.letters import tie_of
from gateway.delays.match import Matched
from gateway.document import Role
from tests.unit.delays.wards import at, moved, patient

DISCHARGE = moved("A03", "13 10:00", file_number="F1", admitted_at=at("09 11:00"), unit="Medecine")
INS = "278029999912310"


def test_a_letter_is_tied_by_its_visit_number(ward):
    ward.move(DISCHARGE)
    tie = ward.write()
    assert (tie.matched, tie.discharged_at) == (Matched.VISIT, at("13 10:00"))
    assert ward.timing()["letter_id"] == "L1"


def test_else_by_its_file_number(ward):
    ward.move(DISCHARGE)
    assert ward.write(visit=None, file_number="F1").matched is Matched.NDA


def test_a_file_number_in_the_place_of_the_visit_is_recognised(ward):
    ward.move(DISCHARGE)
    assert ward.write(visit="F1").matched is Matched.NDA


def test_a_file_with_two_stays_is_decided_by_the_day_of_discharge(ward):
    ward.move(DISCHARGE, moved("A03", "20 10:00", visit="V2", file_number="F1"))
    tie = ward.write(visit=None, file_number="F1", left=at("20 08:00"))
    assert tie.discharged_at == at("20 10:00")


def test_a_file_with_two_stays_and_no_date_is_not_guessed(ward):
    ward.move(DISCHARGE, moved("A03", "20 10:00", visit="V2", file_number="F1"))
    assert ward.write(visit=None, file_number="F1", patient=None, received="21 10:00").matched is Matched.LETTER


@pytest.mark.parametrize("dates", [{"left": at("13 23:00")}, {"came": at("09 01:00")}, {}])
def test_else_by_identity_and_a_date_of_the_stay_and_marked_so(ward, dates):
    ward.move(DISCHARGE)
    assert ward.write(visit=None, **dates).matched is Matched.IDENTITY
    assert ward.timing()["matched"] == "identity-and-date"


@pytest.mark.parametrize(
    "dates",
    [{"left": at("14 00:10")}, {"came": at("08 23:00")}, {"received": "08 12:00"}, {"received": "07-13 12:00"}],
    ids=["other discharge", "other admission", "written before", "written months later"],
)
def test_identity_without_an_agreeing_date_ties_nothing(ward, dates):
    ward.move(DISCHARGE)
    assert ward.write(visit=None, **dates).matched is Matched.LETTER


def test_another_visit_number_of_the_hospital_needs_a_date_that_agrees(ward):
    ward.move(DISCHARGE)
    assert ward.write("L1", visit="V2").matched is Matched.LETTER
    assert ward.write("L2", visit="V2", left=at("13 10:00")).matched is Matched.IDENTITY


def test_an_identity_is_recognised_by_traits_whatever_accents_and_case(ward):
    ward.move(moved("A03", "13 10:00", who=patient(1, ipp=None, family="D'ÉTÉ")))
    assert ward.write(visit=None, patient=patient(1, ipp=None, family="d ete"), left=at("13 10:00")).matched is (
        Matched.IDENTITY
    )


def test_two_ins_that_differ_outweigh_an_equal_visit_number(ward):
    ward.move(moved("A03", "13 10:00", who=patient(1, ins=INS)))
    tie = ward.write(patient=patient(1, ins="178029999912345"))
    assert (tie.stay_key, tie.matched) == (None, Matched.LETTER)


def test_a_homonym_with_another_ins_is_not_this_patient(ward):
    ward.move(moved("A03", "13 10:00", who=patient(1, ins=INS)))
    other = patient(1, ins="178029999912345")
    assert ward.write(visit=None, left=at("13 10:00"), patient=other).matched is Matched.LETTER


def test_a_name_spelt_otherwise_does_not_part_a_letter_from_its_visit(ward):
    ward.move(DISCHARGE)
    assert ward.write(patient=patient(7, ipp=None)).matched is Matched.VISIT


def test_a_hospital_spelt_otherwise_is_bridged_by_the_patient_and_only_so(ward):
    ward.move(DISCHARGE)
    assert ward.write("L1", hospital="750000001").matched is Matched.VISIT
    assert ward.write("L2", hospital="750000001", patient=patient(7)).matched is Matched.LETTER


def test_a_letter_that_comes_before_its_stay_is_tied_when_the_movement_comes(ward):
    assert ward.write().matched is Matched.LETTER
    assert ward.move(DISCHARGE).retied == ("L1",)
    assert tie_of(ward.connection, "L1").matched is Matched.VISIT
    assert ward.timing()["adt"]


def test_a_letter_tied_by_identity_moves_when_a_correction_changes_the_date(ward):
    ward.move(DISCHARGE)
    ward.write(visit=None, left=at("13 10:00"))
    correction = moved("Z99", "14 08:00", zbe_2=at("12 16:00"), original_trigger="A03", action="UPDATE")
    assert ward.move(correction).retied == ("L1",)
    assert tie_of(ward.connection, "L1").matched is Matched.LETTER
    assert [row["letter_id"] for row in ward.timings() if row["adt"]] == [None]


def test_a_letter_without_any_adt_is_timed_from_the_discharge_that_it_states(ward):
    tie = ward.write(left=at("13 10:00"))
    assert (tie.matched, tie.discharged_at) == (Matched.LETTER, at("13 10:00"))
    assert (ward.timing()["adt"], ward.timing()["started_at"]) == (False, at("13 10:00"))


def test_two_letters_about_one_visit_without_adt_are_one_stay(ward):
    ward.write("L1", left=at("13 10:00"))
    ward.write("L2", left=at("13 10:00"), received="15 10:00")
    assert len(ward.timings()) == 1
    ward.write("L3", visit=None, left=at("14 10:00"), patient=patient(2))
    ward.write("L4", visit=None, left=at("14 10:00"), patient=patient(2))
    assert len(ward.timings()) == 2


def test_a_letter_that_states_nothing_is_kept_and_has_no_clock(ward):
    tie = ward.write(stay=None, patient=None)
    assert (tie.matched, tie.discharged_at) == (Matched.LETTER, None)
    assert ward.timings() == []
    assert tie_of(ward.connection, "L1") == tie
    assert tie_of(ward.connection, "L9") is None


def test_a_filler_date_is_no_date(ward):
    never, ever = (at("13 10:00").replace(year=year) for year in (1, 9999))
    ward.move(moved("A03", "13 10:00", pv1_45=ever, admitted_at=never))
    assert ward.stay()["discharged_at"] == at("13 10:00")
    assert ward.write("L2", visit="V2", left=ever, validated_at=never).discharged_at is None


def test_the_same_letter_said_twice_changes_nothing_and_a_new_delivery_is_added(ward):
    ward.move(DISCHARGE)
    ward.write()
    ward.leg(Leg.ACCEPTED, "13 12:01")
    before = ward.clocks(), ward.timings()
    ward.write()
    assert (ward.clocks(), ward.timings()) == before
    ward.write(roles=(Role.GP, Role.REFERRER))
    assert len(ward.clocks()) == 2


def test_a_lab_result_of_the_stay_does_not_answer_for_its_letter(ward):
    ward.move(DISCHARGE)
    ward.write(kind="11502-2")
    ward.leg(Leg.ACCEPTED, "13 12:01")
    assert (ward.timing()["letter_id"], ward.timing()["sent_at"]) == (None, None)


def test_a_letter_of_unknown_kind_does(ward):
    ward.move(DISCHARGE)
    ward.write(kind=None)
    ward.leg(Leg.ACCEPTED, "13 12:01")
    assert ward.timing()["sent_at"] == at("13 12:01")


def test_the_gp_s_letter_answers_before_the_referrer_s_and_a_copy_does_not(ward):
    ward.move(DISCHARGE)
    ward.write(roles=(Role.GP, Role.REFERRER, Role.ORGANISATION))
    ward.leg(Leg.ACCEPTED, "13 12:01", "L1-2")
    ward.leg(Leg.ACCEPTED, "14 12:01", "L1-1")
    assert ward.timing()["sent_at"] is None
    ward.leg(Leg.ACCEPTED, "15 12:01", "L1-0")
    assert ward.timing()["sent_at"] == at("15 12:01")


def test_without_gp_the_referrer_answers_and_the_patient_never(ward):
    ward.move(DISCHARGE)
    ward.write(roles=(Role.REFERRER, Role.PATIENT))
    ward.leg(Leg.ACCEPTED, "13 12:01", "L1-1")
    assert ward.timing()["sent_at"] is None
    ward.leg(Leg.ACCEPTED, "14 12:01", "L1-0")
    assert ward.timing()["sent_at"] == at("14 12:01")


def test_of_two_letters_the_first_accepted_stops_the_clock(ward):
    ward.move(DISCHARGE)
    ward.write("L1")
    ward.write("L2", received="14 09:00")
    ward.leg(Leg.ACCEPTED, "14 09:01", "L2-0")
    ward.leg(Leg.ACCEPTED, "16 09:01", "L1-0")
    assert (ward.timing()["letter_id"], ward.timing()["sent_at"]) == ("L2", at("14 09:01"))


def test_every_leg_is_timed_from_the_letter_that_answers(ward):
    ward.move(DISCHARGE)
    ward.write(validated_at=at("13 11:00"), received="13 11:10")
    for leg, when in [(Leg.SEALED, "13 11:11"), (Leg.ACCEPTED, "13 11:12"), (Leg.DELIVERED, "13 11:15")]:
        assert ward.leg(leg, when)
    ward.leg(Leg.DISPLAYED, "13 18:15")
    told = ("taken", "discharge_to_written", "written_to_received", "received_to_sent", "sent_to_delivered")
    assert [ward.timing()[leg] for leg in told] == [4320, 3600, 600, 120, 180]
    assert ward.timing()["delivered_to_read"] == 25_200


def test_a_letter_validated_before_the_discharge_took_no_time_to_write(ward):
    ward.move(DISCHARGE)
    ward.write(validated_at=at("12 11:00"))
    assert ward.timing()["discharge_to_written"] == 0


@pytest.mark.parametrize("leg", list(Leg))
def test_the_earliest_proof_stays_and_a_double_tells_nothing(ward, leg):
    ward.write(left=at("13 10:00"))
    assert ward.leg(leg, "13 13:00")
    assert not ward.leg(leg, "13 14:00")
    assert not ward.leg(leg, "13 13:00")
    assert ward.clocks()[0][f"{leg.value}_at"] == at("13 13:00")


def test_a_proof_about_a_delivery_that_nobody_knows_changes_nothing(ward):
    assert not ward.leg(Leg.ACCEPTED, "13 13:00", "L9-0")


def test_proofs_are_graded_and_never_inferred_upwards(ward):
    ward.write(left=at("13 10:00"))
    ward.leg(Leg.DISPLAYED, "13 14:00")
    ward.leg(Leg.ACCEPTED, "13 13:00")
    row = ward.clocks()[0]
    assert (row["state"], row["delivered_at"], row["integrated_at"]) == ("displayed", None, None)
    assert ward.timing()["delivered_to_read"] is None


def test_a_delivery_that_bounced_after_the_250_was_not_sent(ward):
    ward.move(DISCHARGE)
    ward.write()
    ward.leg(Leg.ACCEPTED, "13 12:01")
    ward.leg(Leg.FAILED, "13 12:05")
    assert (ward.timing()["sent_at"], ward.clocks()[0]["state"]) == (None, "failed")


def test_a_bounce_yields_to_a_proof_of_arrival(ward):
    ward.move(DISCHARGE)
    ward.write()
    for leg, when in [(Leg.ACCEPTED, "13 12:01"), (Leg.FAILED, "13 12:05"), (Leg.DELIVERED, "13 12:09")]:
        ward.leg(leg, when)
    assert (ward.timing()["sent_at"], ward.clocks()[0]["state"]) == (at("13 12:01"), "delivered")


def test_a_proof_of_arrival_proves_the_sending_whose_250_was_lost(ward):
    ward.move(DISCHARGE)
    ward.write()
    ward.leg(Leg.DELIVERED, "13 12:09")
    assert ward.timing()["sent_at"] == at("13 12:09")


def test_a_letter_withdrawn_before_it_left_leaves_its_stay_without_one(ward):
    ward.move(DISCHARGE)
    ward.write()
    ward.leg(Leg.CANCELLED, "13 12:01")
    assert ward.timing()["letter_id"] is None


def test_many_legs_at_once_are_one_statement_per_kind_and_tell_how_many_were_new(ward):
    for number in range(20):
        ward.write(f"L{number}", visit=f"V{number}", left=at("13 10:00"), patient=patient(number))
    stamps = [Stamp(delivery_id=f"L{n}-0", leg=Leg.ACCEPTED, at=at("13 12:01")) for n in range(20)]
    assert record_legs(ward.connection, [*stamps, stamps[0]]) == 20
    assert all(row["sent_at"] == at("13 12:01") for row in ward.timings())
