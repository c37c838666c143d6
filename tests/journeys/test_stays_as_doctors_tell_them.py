"""Discharges and their letters between real servers, and what the administrator reads of them today."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest

from gateway.letter import Proof
from tests.journeys.stay_story import Telling, night_of_the_clocks, some_friday, telling
from tests.journeys.test_receipts_come_back import comes_back, mdn, proofs, unmatched
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]


@pytest.fixture
def begins(tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str) -> Telling:
    """Begins a story on a day; everything but the day is the same in all of them."""

    def on(day, **more):  # type: ignore[no-untyped-def]
        return telling(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, day=day, **more)

    return on


async def test_she_leaves_on_friday_at_18_40_and_the_letter_goes_on_monday(begins: Telling):
    async with begins(some_friday()) as story:
        await story.adt("A01", "09:00")
        await story.adt("A03", "18:40")
        await story.by_mllp("09:15", 3, left=story.at("18:40"))
        await story.reaches()
        total = await story.figures()
        assert (total["stays"], total["in_time"], total["share_in_time"]) == (1, 1, 1.0)
        waited = story.at("09:15", 3) - story.at("18:40")  # an hour more or less where the clocks change meanwhile
        assert total["legs"]["discharge_to_written"]["median_seconds"] == waited.total_seconds()
        same_day = await story.figures("same-day")
        assert (same_day["stays"], same_day["late"], same_day["in_time"]) == (1, 1, 0)
        assert await story.listed("late") == []
        assert await story.listed("late", "same-day", "--fail-if-late", code=1) == ["late"]
        assert await story.listed("missing") == []


async def test_the_letter_is_never_written_until_they_say_that_her_discharge_was_cancelled(begins: Telling):
    async with begins(some_friday()) as story:
        await story.adt("A01", "09:00")
        await story.adt("A03", "18:40", of="M1")
        total = await story.figures()
        assert (total["stays"], total["never_sent"], total["share_in_time"]) == (1, 1, 0.0)
        assert await story.listed("missing", "8-days", "--fail-if-late", code=1) == ["never_sent"]
        assert await story.listed("late") == [], "there is no letter that could be late"
        await story.adt("A13", "11:00", 10, of="M1")
        total = await story.figures()
        assert (total["stays"], total["never_sent"], total["apart"]["cancelled"]) == (0, 0, 1)
        assert await story.listed("missing", "8-days", "--fail-if-late") == []


async def test_a_partial_letter_goes_at_once_and_the_final_one_that_counts_too_late(begins: Telling):
    def wait_for_the_final(text: str) -> str:
        return text + "\n[delays]\npartial_counts = false\n"

    async with begins(some_friday(3), change=wait_for_the_final) as story:
        await story.adt("A03", "18:40")
        await story.partial_results("19:00", 0, left=story.at("18:40"))
        await story.reaches()
        assert (await story.figures())["never_sent"] == 1
        await story.by_mllp("11:00", 10, left=story.at("18:40"))
        await story.reaches(number=1)
        total = await story.figures()
        assert (total["stays"], total["late"], total["in_time"]) == (1, 1, 0)
        assert await story.listed("late", "8-days", "--fail-if-late", code=1) == ["late"]
        assert await story.listed("missing") == []


async def test_somebody_else_says_that_he_read_it_and_that_is_not_the_gps_reading(begins: Telling):
    async with begins(some_friday()) as story:
        await story.adt("A03", "18:40")
        await story.by_smtp("20:00", 0, left=story.at("18:40"))
        letter = message_from_bytes(await story.reaches())
        await comes_back(story.ward, mdn(letter, reader="somebody.else@gp.test"))
        assert [code.split()[1] for code in unmatched(story.ward)] == ["other-addressee"]
        assert proofs(story.ward) == [Proof.ACCEPTED]
        total = await story.figures()
        assert (total["in_time"], total["legs"]["delivered_to_read"]["median_seconds"]) == (1, None)
        await comes_back(story.ward, mdn(letter, reader=story.ward.gp.mailbox))
        assert proofs(story.ward) == [Proof.DISPLAYED]
        assert await story.listed("late", "same-day") == []
        assert await story.listed("missing") == []


async def test_she_leaves_in_the_night_that_has_no_two_o_clock(begins: Telling):
    day = night_of_the_clocks()
    async with begins(day) as story:
        await story.adt("A03", "00:30")
        await story.by_mllp("23:50", 0, left=story.at("00:30"))
        await story.reaches()
        total = await story.figures("same-day", "--from", str(day), "--to", str(day))
        assert (total["stays"], total["in_time"]) == (1, 1)
        hours = total["legs"]["discharge_to_written"]["median_seconds"] / 3600
        assert hours == pytest.approx(22 + 20 / 60), "by the clock on the wall it would be an hour more"
        assert await story.listed("late", "same-day") == []
        assert await story.listed("missing", "same-day") == []
