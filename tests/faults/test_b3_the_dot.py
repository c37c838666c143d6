"""B3: nothing is sent again before the 600 s after the dot are over; only then may the next hop hold a copy."""

from __future__ import annotations

from pathlib import Path

from gateway.smtp.courier import Timeouts
from tests.faults.letterbox import letterbox
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import CLOSE, SILENCE

GP = "gp1@gp.test"
SCALE = 1 / 120
DOT = Timeouts().dot * SCALE


async def test_b3_a_hop_that_is_silent_after_the_dot_gets_nothing_again_before_the_time_is_over(
    tmp_path: Path, authority: Authority
) -> None:
    """At a 120th of the time; test_courier_patience.py has the 600 s themselves."""
    async with letterbox(tmp_path, authority, {"dot": SILENCE}, timeouts=Timeouts(dot=DOT)) as box:
        await box.post(GP)
        await box.until(lambda: bool(box.hop.taken))
        box.hop.lies["dot"] = CLOSE  # whoever comes again is not kept waiting: the test is over with him
        await box.until(lambda: len(box.offered(GP)) >= 2)
        first, second, *_ = box.offered(GP)
        kinds = [entry["kind"] for entry in box.journal()]
    assert second - first >= DOT
    assert kinds.count("ambiguous") >= 1
    assert "accepted" not in kinds


async def test_b3_control_with_a_shorter_patience_it_is_sent_again_too_early(
    tmp_path: Path, authority: Authority
) -> None:
    promised = Timeouts().dot / 5
    async with letterbox(tmp_path, authority, {"dot": SILENCE}, timeouts=Timeouts(dot=promised / 200)) as box:
        await box.post(GP)
        await box.until(lambda: len(box.offered(GP)) >= 2)
        first, second, *_ = box.offered(GP)
    assert second - first < promised
