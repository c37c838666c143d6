"""E5 over sockets: guesses cost us few hashes, and a good user elsewhere logs in meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.smtp.server import SmtpLimits
from tests.faults.guessing import MOST_HASHES, NO_LIMITS, Address, guess, hundred, hundred_of_ipv6, one

SOONER = SmtpLimits(
    max_connections_per_minute=10**6,
    guess_delay=timedelta(milliseconds=50),
    max_guess_delay=timedelta(milliseconds=300),
    linger=timedelta(milliseconds=20),
    proxy_header=timedelta(seconds=30),
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("address", [one, hundred, hundred_of_ipv6])
async def test_e5_guesses_from_one_address_or_many_cost_few_hashes(address: Address):
    told = await guess(120, address, SOONER)
    assert told.hashed <= MOST_HASHES
    assert sum(told.said.values()) == 120
    assert told.said["421 4.7.0"] >= 80
    assert "235 2.7.0" not in told.said
    assert float("inf") not in told.good_seconds  # the full form also holds them to three seconds


async def test_e5_control_without_the_limits_each_guess_is_a_hash():
    told = await guess(100, hundred, NO_LIMITS, dear=False)
    assert told.hashed > MOST_HASHES
