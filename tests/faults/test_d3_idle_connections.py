"""D3 in short: what an idle connection costs a running gateway; the full numbers are ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crowds import MOST_CLEAR_KB, MOST_TLS_KB, WIDE_BUFFERS, hold, wide


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_d3_idle_connections_cost_little_in_clear_and_in_tls(tmp_path: Path):
    async with wide(tmp_path / "here") as here:
        clear = await hold(here, 300, tls=False, probes=200)
        assert clear.kilobytes_each <= MOST_CLEAR_KB * 1.5  # few connections share the allocator's own steps
        tls = await hold(here, 100, tls=True, probes=100, warm=10)
        assert tls.kilobytes_each <= MOST_TLS_KB * 1.5


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_d3_control_buffers_as_wide_as_asyncio_likes_them_are_caught(tmp_path: Path):
    async with wide(tmp_path / "here", entry=WIDE_BUFFERS) as here:
        tls = await hold(here, 100, tls=True, probes=1, warm=1)  # what a warm-up leaves behind would be used again
        assert tls.kilobytes_each > MOST_TLS_KB * 1.5
