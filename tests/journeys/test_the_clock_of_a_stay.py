"""What the clock says of a stay, told as a doctor would tell it; the hospital speaks HL7, time is the story's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import pytest

from gateway.delays.clock import EIGHT_DAYS, SAME_DAY, SAME_WORKING_DAY, Policy
from gateway.delays.figures import By, DelayRow
from gateway.delays.legs import Leg
from gateway.delays.lists import OwedLetter, late, missing
from gateway.delays.report import report
from gateway.delays.working import WorkingDays
from gateway.document import Role
from gateway.parsers.read import read
from tests.unit.delays.wards import PARIS, Ward, close, moved, new_ward, patient

UNTIL_SIX = Policy(name="same-working-day", source="the hospital's rule", working=WorkingDays(closes_at=time(18)))


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@dataclass
class Hospital:
    """Camille's stay in cardiology, from her discharge on."""

    ward: Ward
    heard: int = field(default=0)

    def tells(self, trigger: str, when: str, **fields: str) -> None:
        """An ADT message as the hospital's software sends it, read by our own reader."""
        self.heard += 1
        stamp, left = (on(text).strftime("%Y%m%d%H%M%S") for text in (when, fields.get("left", when)))
        of = fields.get("of", "")
        header = rf"MSH|^~\&|GAM|CH-ESSAI|HUITAINE|CH-ESSAI|{stamp}||ADT^{trigger}|N{self.heard}|T|2.5^FRA^2.11|||||FRA"
        segments = (
            f"{header}|UNICODE UTF-8|FR||2.11^IHE_FRANCE-2.11-PAM",
            f"EVN||{stamp}",
            "PID|1||IPP1^^^CH-ESSAI&999999999&M^PI||ZZRECIT^CAMILLE^CAMILLE^^^^L||19780214|F",
            f"PV1|1|I|^^^CH-ESSAI&999999999&M^O{'|' * 16}V1^^^CH-ESSAI&999999999&M^VN",
            f"ZBE|M1^CH-ESSAI^999999999|{left}||{fields.get('action', 'INSERT')}|N|{of}|CARDIO^^^^^^UF^^^CARDIO",
        )
        (movement,) = read("\r".join(segments).encode()).movements
        self.ward.move(movement, when=_short(when))

    def hands_in(self, letter: str, when: str, *, validated: str | None = None, **more: object) -> None:
        about = {"hospital": self.ward.told[-1].key.partition("/")[0]} if self.ward.told else {}
        self.ward.write(letter, _short(when), validated_at=on(validated or when), **{"visit": "V1", **about, **more})

    def sends(self, letter: str, when: str) -> None:
        self.ward.leg(Leg.SEALED, _short(when), f"{letter}-0")
        self.ward.leg(Leg.ACCEPTED, _short(when), f"{letter}-0")

    def figures(self, when: str, policy: Policy = EIGHT_DAYS) -> DelayRow:
        return report(self.ward.connection, policy=policy, by=By.SERVICE, now=on(when)).total

    def says(self, when: str, policy: Policy = EIGHT_DAYS) -> str:
        """In one word what the report says of her letter."""
        told = self.figures(when, policy)
        counts = {name: getattr(told, name) for name in ("in_time", "late", "never_sent", "pending")}
        counts |= {why.value: count for why, count in told.apart.items()}
        return ", ".join(name for name, count in counts.items() if count)

    def has_no_letter(self, when: str) -> tuple[OwedLetter, ...]:
        return missing(self.ward.connection, policy=EIGHT_DAYS, now=on(when))


def _short(when: str) -> str:
    return on(when).strftime("%m-%d %H:%M")


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    ward = new_ward()
    yield Hospital(ward)
    close(ward)


def test_she_leaves_on_friday_evening_and_the_letter_goes_on_monday(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 18:40")
    hospital.hands_in("L1", "2026-03-16 09:05", validated="2026-03-16 09:00")
    hospital.sends("L1", "2026-03-16 09:06")
    assert hospital.says("2026-03-16 12:00", EIGHT_DAYS) == "in_time"
    assert hospital.says("2026-03-16 12:00", SAME_DAY) == "late"
    assert hospital.says("2026-03-16 12:00", SAME_WORKING_DAY) == "late"  # Friday was a working day
    assert hospital.says("2026-03-16 12:00", UNTIL_SIX) == "in_time"  # but the secretaries had left
    told = hospital.figures("2026-03-16 12:00")
    assert told.taken.median_seconds == timedelta(days=2, hours=14, minutes=26).total_seconds()


def test_on_friday_night_nobody_is_late_yet_and_at_midnight_the_same_day_is_over(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 18:40")
    assert hospital.says("2026-03-13 23:59", SAME_DAY) == "pending"
    assert hospital.says("2026-03-14 00:00", SAME_DAY) == "never_sent"
    assert hospital.says("2026-03-16 23:59", UNTIL_SIX) == "pending"
    assert hospital.says("2026-03-17 00:00", UNTIL_SIX) == "never_sent"


def test_her_discharge_is_cancelled_and_the_clock_stops_then_she_leaves_for_good(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.tells("A13", "2026-03-13 16:00", left="2026-03-13 10:00", action="CANCEL", of="A03")
    assert hospital.says("2026-03-31 12:00") == "cancelled"
    assert hospital.has_no_letter("2026-03-31 12:00") == ()
    hospital.tells("A03", "2026-03-20 11:00")
    hospital.hands_in("L1", "2026-03-27 12:00")
    hospital.sends("L1", "2026-03-27 12:01")
    assert hospital.says("2026-03-31 12:00") == "in_time"  # counted from the 20th, not from the 13th


def test_the_date_of_her_discharge_is_corrected_and_a_letter_in_time_becomes_late(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.hands_in("L1", "2026-03-20 12:00")
    hospital.sends("L1", "2026-03-20 12:01")
    assert hospital.says("2026-03-31 12:00") == "in_time"
    hospital.tells("Z99", "2026-03-21 09:00", left="2026-03-10 10:00", action="UPDATE", of="A03")
    assert hospital.says("2026-03-31 12:00") == "late"


def test_the_letter_is_never_written_and_nobody_forgets_it(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    (owed,) = hospital.has_no_letter("2026-03-18 12:00")
    assert (owed.letter, owed.verdict, owed.seconds_left > 0) == (None, "pending", True)
    (owed,) = hospital.has_no_letter("2026-06-30 12:00")
    assert (owed.verdict, owed.seconds_left < 0) == ("never_sent", True)
    assert hospital.says("2026-06-30 12:00") == "never_sent"
    assert hospital.figures("2026-06-30 12:00").share_in_time == 0


def test_two_letters_for_one_stay_are_one_stay_and_the_first_one_sent_stops_the_clock(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.hands_in("L1", "2026-03-30 09:00")
    hospital.hands_in("L2", "2026-03-16 09:00")
    hospital.sends("L2", "2026-03-16 09:01")
    hospital.sends("L1", "2026-03-30 09:01")
    told = hospital.figures("2026-03-31 12:00")
    assert (told.stays, told.in_time) == (1, 1)


def test_a_partial_letter_counts_or_the_final_one_is_waited_for_as_the_hospital_sets_it(hospital: Hospital):
    final_only = Policy(name="8-days", source="", days=8, partial_counts=False)
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.hands_in("L1", "2026-03-13 12:00", is_partial=True)
    hospital.sends("L1", "2026-03-13 12:01")
    assert hospital.says("2026-03-31 12:00", EIGHT_DAYS) == "in_time"
    assert hospital.says("2026-03-31 12:00", final_only) == "never_sent"
    hospital.hands_in("L2", "2026-03-30 12:00")
    hospital.sends("L2", "2026-03-30 12:01")
    assert hospital.says("2026-03-31 12:00", final_only) == "late"
    assert hospital.says("2026-03-31 12:00", EIGHT_DAYS) == "in_time"


def test_the_copy_to_the_patient_alone_does_not_stop_the_clock(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.hands_in("L1", "2026-03-13 12:00", roles=(Role.PATIENT, Role.GP))
    hospital.sends("L1", "2026-03-13 12:01")
    assert hospital.says("2026-03-31 12:00") == "never_sent"
    hospital.ward.leg(Leg.ACCEPTED, "03-20 12:00", "L1-1")
    assert hospital.says("2026-03-31 12:00") == "in_time"


@pytest.mark.parametrize(
    ("left", "sent", "said"),
    [
        ("2026-03-29 00:30", "2026-03-29 23:59", "in_time"),  # 22.5 hours later: that night has no two o'clock
        ("2026-03-28 23:59", "2026-03-29 03:00", "late"),  # two hours later, and another day
        ("2026-10-25 00:10", "2026-10-25 23:59", "in_time"),  # 24.8 hours later: that day has 25
        ("2026-10-24 23:59", "2026-10-25 00:00", "late"),  # one minute later
    ],
)
def test_she_leaves_on_the_night_when_the_clocks_change(hospital: Hospital, left: str, sent: str, said: str):
    hospital.tells("A03", left)
    hospital.hands_in("L1", sent)
    hospital.sends("L1", sent)
    assert hospital.says("2026-12-01 12:00", SAME_DAY) == said


def test_she_dies_in_hospital_or_is_transferred_or_opposes_and_no_letter_is_missed(hospital: Hospital):
    for number, (fields, why) in enumerate([({"exit_mode": "9"}, "death"), ({"exit_mode": "7"}, "transfer")], start=2):
        hospital.ward.move(moved("A03", "13 10:00", visit=f"V{number}", who=patient(number), **fields))
        assert why in hospital.says("2026-03-31 12:00")
    hospital.ward.move(moved("A03", "13 10:00", visit="V5", who=patient(5)))
    hospital.ward.oppose("V5")
    assert "opposition" in hospital.says("2026-03-31 12:00")
    assert hospital.has_no_letter("2026-03-31 12:00") == ()


def test_her_gps_mailbox_sends_it_back_and_what_was_in_time_is_owed_again(hospital: Hospital):
    hospital.tells("A03", "2026-03-13 10:00")
    hospital.hands_in("L1", "2026-03-13 12:00")
    hospital.sends("L1", "2026-03-13 12:01")
    hospital.ward.leg(Leg.FAILED, "03-13 12:30", "L1-0")  # the mailbox is full
    (owed,) = late(hospital.ward.connection, policy=EIGHT_DAYS, within_days=8, now=on("2026-03-14 12:00"))
    assert (owed.letter, owed.verdict) == ("L1", "pending")
    assert hospital.says("2026-03-22 00:00") == "never_sent"  # nine days later it is still full
