"""What came back and is sent again by a person: its first acceptance must not stop the clock (decision 13)."""

from __future__ import annotations

from gateway.delays.legs import Leg, begin_again
from tests.unit.delays.wards import at, moved

DISCHARGE = moved("A03", "13 10:00")


def test_what_is_sent_again_after_a_bounce_was_sent_when_it_was_taken_the_second_time(ward):
    ward.move(DISCHARGE)
    ward.write()
    ward.leg(Leg.SEALED, "13 12:00")
    ward.leg(Leg.ACCEPTED, "13 12:01")
    ward.leg(Leg.FAILED, "13 12:05")
    begin_again(ward.connection, ["L1-0"])
    assert (ward.timing()["sent_at"], ward.clocks()[0]["state"]) == (None, "sealed")
    ward.leg(Leg.ACCEPTED, "20 09:00")
    ward.leg(Leg.DELIVERED, "20 09:01")
    assert (ward.timing()["sent_at"], ward.clocks()[0]["state"]) == (at("20 09:00"), "delivered")


def test_control_what_arrived_is_not_undone(ward):
    ward.move(DISCHARGE)
    ward.write()
    for leg, when in [(Leg.ACCEPTED, "13 12:01"), (Leg.FAILED, "13 12:05"), (Leg.DELIVERED, "13 12:09")]:
        ward.leg(leg, when)
    begin_again(ward.connection, ["L1-0"])
    assert ward.timing()["sent_at"] == at("13 12:01")
