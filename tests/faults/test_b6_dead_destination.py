"""B6, the courier's half: a dead destination is left in peace and costs the others nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import SealedMail
from gateway.smtp.courier import Courier, HandOverFailure, Hop, HopResting, Rhythm, Security, StaticRoutes
from tests.peers.hostile_smtp import scripted_hop


@dataclass
class Clock:
    now: datetime = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def mail(domain: str) -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender="service@hospital.test",
        mailbox=f"gp@{domain}",
        content=b"Subject: x\r\n\r\nx\r\n",
        protected_by="smime-cbc",
        sealed_at=Clock.now,
    )


def courier_to(clock: Clock, rhythm: Rhythm, **ports: int) -> Courier:
    clear = Security.UNSAFE_CLEAR_ON_LOOPBACK
    hops = {f"{name}.test": Hop(host="127.0.0.1", port=port, security=clear) for name, port in ports.items()}
    return Courier(routes=StaticRoutes(hops), clock=clock, our_name="gateway.test", rhythm=rhythm)


async def test_b6_a_dead_destination_is_not_even_connected_to_while_it_rests_and_the_live_one_goes_on() -> None:
    clock = Clock()
    async with scripted_hop({"greeting": b"421 4.3.2 down\r\n"}) as dead, scripted_hop() as live:
        courier = courier_to(clock, Rhythm(), dead=dead.port, live=live.port)
        for _ in range(50):
            with pytest.raises(HandOverFailure):
                await courier.deliver(mail("dead.test"))
            await courier.deliver(mail("live.test"))
        assert dead.connections == 3
        assert len(live.taken) == 50
        with pytest.raises(HopResting) as caught:
            await courier.deliver(mail("dead.test"))
        assert (
            caught.value.until == courier.resting(courier.destination("gp@dead.test")) == clock() + timedelta(minutes=1)
        )
        dead.lies["greeting"] = b"220 mx.test ESMTP\r\n"
        clock.now += timedelta(minutes=1)
        await courier.deliver(mail("dead.test"))
        assert courier.resting(courier.destination("gp@dead.test")) is None
        courier.close()


async def test_b6_control_a_courier_without_rest_knocks_every_time() -> None:
    async with scripted_hop({"greeting": b"421 4.3.2 down\r\n"}) as dead:
        courier = courier_to(Clock(), Rhythm(failures=1000), dead=dead.port)
        for _ in range(50):
            with pytest.raises(HandOverFailure):
                await courier.deliver(mail("dead.test"))
        courier.close()
    assert dead.connections == 50
