"""How many mails may be on their way to one destination, and when a dead one is left in peace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gateway.smtp.courier.destinations import PROBING, Destinations, Rhythm
from gateway.smtp.courier.failures import (
    Below,
    HandOverFailure,
    HopBelowFloor,
    HopBusy,
    HopDeferred,
    HopRefused,
    HopResting,
    HopTimedOut,
    HopUnreachable,
    Phase,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
MX = "mx.test:25"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def many(clock: Clock) -> Destinations:
    return Destinations(Rhythm(), clock)


async def end_with(many: Destinations, failure: HandOverFailure | None, name: str = MX) -> None:
    with contextlib.suppress(HandOverFailure):
        async with many.place(name):
            if failure:
                raise failure


def unreachable() -> HopUnreachable:
    return HopUnreachable("", phase=Phase.CONNECT)


async def dead(many: Destinations) -> None:
    for _ in range(3):
        await end_with(many, unreachable())


@contextlib.contextmanager
def refused_at_once() -> Iterator[None]:
    with pytest.raises(HopResting) as caught:
        yield
    assert caught.value.status.startswith("4.")


async def places(many: Destinations, name: str = MX) -> int:
    """How many can be had at once."""
    async with contextlib.AsyncExitStack() as held:
        for number in range(100):
            try:
                async with asyncio.timeout(0):
                    await held.enter_async_context(many.place(name))
            except TimeoutError:
                return number
    raise AssertionError("no end of places")


async def test_a_destination_begins_with_five_places_and_gets_one_more_after_as_many_successes(
    many: Destinations,
) -> None:
    assert await places(many) == 5
    fresh = "other.test:25"
    for _ in range(6):
        await end_with(many, None, fresh)
    assert await places(many, fresh) == 6


async def test_no_destination_ever_has_more_than_twenty_places(many: Destinations) -> None:
    for _ in range(2000):
        await end_with(many, None)
    assert await places(many) == 20


async def test_each_session_that_cannot_be_had_takes_one_place_away(many: Destinations) -> None:
    await end_with(many, unreachable())
    await end_with(many, HopBelowFloor("", why=Below.NO_TLS))
    assert await places(many) == 3


@pytest.mark.parametrize(
    "answer",
    [
        HopRefused("", phase=Phase.RCPT, code=550, status="5.1.1"),
        HopDeferred("", phase=Phase.DOT, code=452, status="4.3.1"),
        HopRefused("larger than the next hop's SIZE", phase=Phase.MAIL, status="5.3.4"),
    ],
)
async def test_an_answer_about_a_letter_says_nothing_bad_about_the_destination(
    many: Destinations, answer: HandOverFailure
) -> None:
    for _ in range(10):
        await end_with(many, answer)
    assert many.resting(MX) is None
    assert await places(many) >= 5


@pytest.mark.parametrize(
    "sign",
    [
        HopDeferred("421", phase=Phase.DATA, code=421, status="4.3.2"),
        HopDeferred("nonsense", phase=Phase.MAIL),
        HopTimedOut("silence", phase=Phase.DOT, ambiguous=True),
        HopDeferred("full", phase=Phase.CONNECT, code=450),
    ],
)
async def test_a_session_that_breaks_or_cannot_be_had_three_times_running_lets_the_destination_rest(
    many: Destinations, sign: HandOverFailure
) -> None:
    for _ in range(2):
        await end_with(many, sign)
        assert many.resting(MX) is None
    await end_with(many, sign)
    assert many.resting(MX) == NOW + timedelta(minutes=1)
    assert many.resting("other.test:25") is None


async def test_no_route_to_a_domain_says_nothing_about_it(many: Destinations) -> None:
    for _ in range(5):
        await end_with(many, HopRefused("", phase=Phase.CONNECT, status="5.1.2"))
    assert many.resting(MX) is None


async def test_while_it_rests_mails_are_deferred_at_once_with_the_last_reason(many: Destinations) -> None:
    await dead(many)
    with pytest.raises(HopResting) as caught:
        async with many.place(MX):
            raise AssertionError("a place at a resting destination")
    assert (caught.value.status, caught.value.until) == ("4.4.1", NOW + timedelta(minutes=1))


async def test_after_its_rest_one_mail_probes_and_the_others_go_on_waiting(many: Destinations, clock: Clock) -> None:
    await dead(many)
    clock.now += timedelta(minutes=1)
    async with many.place(MX):
        assert many.resting(MX) == clock.now + PROBING
        with refused_at_once():
            async with many.place(MX):
                pass
    assert many.resting(MX) is None


async def test_each_probe_that_fails_doubles_the_rest_up_to_five_minutes(many: Destinations, clock: Clock) -> None:
    await dead(many)
    rests = []
    for _ in range(5):
        until = many.resting(MX)
        assert until
        rests.append((until - clock.now).total_seconds())
        clock.now = until
        await end_with(many, unreachable())
    assert rests == [60, 120, 240, 300, 300]


async def test_it_wakes_at_the_first_success_and_begins_again_with_one_place(many: Destinations, clock: Clock) -> None:
    await dead(many)
    clock.now += timedelta(minutes=1)
    await end_with(many, None)
    assert many.resting(MX) is None
    await end_with(many, unreachable())
    assert many.resting(MX) is None


async def test_a_probe_that_is_cancelled_leaves_the_next_one_to_probe(many: Destinations, clock: Clock) -> None:
    await dead(many)
    clock.now += timedelta(minutes=1)
    with contextlib.suppress(asyncio.CancelledError):
        async with many.place(MX):
            raise asyncio.CancelledError
    async with many.place(MX):
        assert many.resting(MX) == clock.now + PROBING


async def test_those_on_their_way_when_it_begins_to_rest_do_not_make_the_rest_longer(many: Destinations) -> None:
    go = asyncio.Event()

    async def one() -> None:
        with contextlib.suppress(HandOverFailure):
            async with many.place(MX):
                await go.wait()
                raise unreachable()

    tasks = [asyncio.create_task(one()) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert many.resting(MX) == NOW + timedelta(minutes=1)


async def test_those_who_wait_for_a_place_hear_at_once_that_it_rests(many: Destinations) -> None:
    ends: list[type[BaseException]] = []

    async def one() -> None:
        try:
            async with many.place(MX):
                await asyncio.sleep(0)
                raise unreachable()
        except HandOverFailure as failure:
            ends.append(type(failure))

    async with asyncio.timeout(30):
        await asyncio.gather(*(one() for _ in range(50)))
    assert ends.count(HopUnreachable) == 5
    assert ends.count(HopResting) == 45


async def test_places_are_given_in_the_order_of_asking_and_none_is_lost_by_those_who_leave(many: Destinations) -> None:
    served: list[int] = []
    go = asyncio.Event()

    async def one(number: int) -> None:
        async with many.place(MX):
            await go.wait()
            served.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(20)]
    await asyncio.sleep(0)
    for number in (5, 6, 19):
        tasks[number].cancel()
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == [number for number in range(20) if number not in {5, 6, 19}]
    assert await places(many) >= 5


async def test_whoever_gets_no_place_in_time_is_deferred_and_nothing_is_held_against_the_destination() -> None:
    many = Destinations(Rhythm(start=1, patience=0.01), lambda: NOW)
    async with many.place(MX):
        for _ in range(5):
            with pytest.raises(HopBusy) as caught:
                async with many.place(MX):
                    pass
    assert caught.value.status == "4.4.5"
    assert many.resting(MX) is None
    async with many.place(MX):
        pass


async def test_a_clock_that_is_set_back_does_not_make_it_rest_for_hours(many: Destinations, clock: Clock) -> None:
    await dead(many)
    clock.now -= timedelta(hours=6)
    assert many.resting(MX) is None
