"""How long the next hop may take, phase by phase (RFC 5321 §4.5.3.2), with the real figures and no waiting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.errors import TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import SealedMail
from gateway.smtp.courier import Courier, HandOverFailure, Hop, Phase, Security, StaticRoutes, Timeouts
from tests.peers.hostile_smtp import SILENCE, TARPIT, scripted_hop
from tests.peers.quiet_time import in_quiet_time

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
ONE_BY_ONE = {"EHLO": b"250 mx.test\r\n"}
SMALL = b"Subject: lettre\r\n\r\nBonjour\r\n"
LARGE = b"Subject: lettre\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200_000


def sealed(content: bytes) -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender="service@hospital.test",
        mailbox="gp@gp.test",
        content=content,
        protected_by="smime-cbc",
        sealed_at=NOW,
    )


async def patience(port: int, content: bytes = SMALL) -> tuple[float, HandOverFailure]:
    """How many seconds the courier waits, and what it says then."""
    hop = Hop(host="127.0.0.1", port=port, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
    courier = Courier(routes=StaticRoutes({}, default=hop), clock=lambda: NOW, our_name="gateway.test")
    began = asyncio.get_running_loop().time()
    with pytest.raises(HandOverFailure) as caught:
        await courier.deliver(sealed(content))
    courier.close()
    return asyncio.get_running_loop().time() - began, caught.value


SILENT = {
    "greeting": ({"greeting": SILENCE}, SMALL, 300, Phase.CONNECT),
    "EHLO": ({"EHLO": SILENCE}, SMALL, 300, Phase.CONNECT),
    "MAIL": ({**ONE_BY_ONE, "MAIL": SILENCE}, SMALL, 300, Phase.MAIL),
    "RCPT": ({**ONE_BY_ONE, "RCPT": SILENCE}, SMALL, 300, Phase.RCPT),
    "DATA": ({**ONE_BY_ONE, "DATA": SILENCE}, SMALL, 120, Phase.DATA),
    "content": ({**ONE_BY_ONE, "DATA": TARPIT}, LARGE, 180, Phase.DATA),
    "dot": ({"dot": SILENCE}, SMALL, 600, Phase.DOT),
}


@pytest.mark.parametrize(("script", "content", "seconds", "phase"), SILENT.values(), ids=SILENT.keys())
def test_silence_is_borne_exactly_as_long_as_the_standard_grants_to_the_phase(
    script: Mapping[str, bytes], content: bytes, seconds: float, phase: Phase
) -> None:
    async def work() -> None:
        async with scripted_hop(script) as hop:
            waited, failure = await patience(hop.port, content)
        assert seconds <= waited < seconds + 50
        assert isinstance(failure, TransientFailure)
        assert (failure.status, failure.phase) == ("4.4.2", phase)
        assert failure.ambiguous == (phase is Phase.DOT)

    in_quiet_time(work)


def test_a_host_that_takes_no_connection_is_given_thirty_seconds() -> None:
    """A full backlog: the kernel answers nothing to one more connection."""

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            try:
                for one in waiting:
                    one.setblocking(False)
                    one.connect_ex(("127.0.0.1", port))
                waited, failure = await patience(port)
            finally:
                for one in waiting:
                    one.close()
        assert 30 <= waited < 80
        assert (failure.status, failure.phase) == ("4.4.2", Phase.CONNECT)

    in_quiet_time(work)


def test_answers_that_come_just_in_time_add_up_to_more_than_any_single_patience() -> None:
    """Control: a slow and honest hop is served, however long the whole takes."""

    async def work() -> None:
        slow = {verb: b"!after 110 " + answer for verb, answer in SLOW.items()}
        async with scripted_hop(slow) as hop:
            route = Hop(host="127.0.0.1", port=hop.port, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
            courier = Courier(routes=StaticRoutes({}, default=route), clock=lambda: NOW, our_name="gateway.test")
            began = asyncio.get_running_loop().time()
            assert (await courier.deliver(sealed(SMALL))).code == 250
            assert asyncio.get_running_loop().time() - began >= 440
            courier.close()
            assert hop.taken == [SMALL]

    in_quiet_time(work)


SLOW = {
    "EHLO": b"250 mx.test\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 go on\r\n",
}


def test_the_patience_of_the_standard_is_the_default() -> None:
    assert Timeouts() == Timeouts(connect=30, command=300, data=120, block=180, dot=600)
