"""A9 in short: what came sealed leaves with the same bytes; ten thousand of them in ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.as_received import arrives, carried, changed, same, without_dots


def test_a9_random_messages_arrive_below_our_trace_with_the_same_bytes():
    assert changed(300) == 0


def test_a9_control_a_sender_that_forgets_to_double_dots_is_caught():
    assert changed(200, without_dots) > 0


@pytest.mark.parametrize("content", [b"", b".", b".\r\n", b"\r\n.\r\n", b"a\r\n..\r\n.b", b"\xe9" * 998])
def test_a9_the_hardest_ones_by_name(content: bytes):
    assert same(content, arrives(content))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a9_sealed_mails_pass_a_running_gateway_unchanged(tmp_path: Path):
    assert await carried(tmp_path, 20) == (20, 20)
