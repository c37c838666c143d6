"""Promises §2 row 25: a next hop that lies, floods or dies gets the letter deferred, never lost, never called done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.errors import PermanentFailure, TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import Done, SealedMail
from gateway.smtp.courier import Courier, HandOverFailure, Hop, Phase, PoolLimits, Security, StaticRoutes, Timeouts
from tests.peers.hostile_smtp import CLOSE, EHLO, HONEST, SILENCE, scripted_hop
from tests.peers.quiet_time import in_quiet_time

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
CONTENT = b"Subject: lettre\r\nMessage-ID: <1@hospital.test>\r\n\r\nBonjour\r\n"
PATIENT = Timeouts(connect=30, command=30, data=30, block=30, dot=30, opening=60)
"""A machine that stands still for a while is no silence; where silence is waited for, time passes at once."""


def sealed(content: bytes = CONTENT, mailbox: str = "gp@gp.test", sender: str = "service@hospital.test") -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender=sender,
        mailbox=mailbox,
        content=content,
        protected_by="smime-cbc",
        sealed_at=NOW,
    )


def courier_to(port: int, timeouts: Timeouts = PATIENT, limits: PoolLimits | None = None) -> Courier:
    hop = Hop(host="127.0.0.1", port=port, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
    routes = StaticRoutes({}, default=hop)
    return Courier(routes=routes, clock=lambda: NOW, our_name="gateway.test", timeouts=timeouts, limits=limits)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110  a hop has no event
            await asyncio.sleep(0.01)


def failure_of(script: Mapping[str, bytes], content: bytes = CONTENT) -> HandOverFailure:
    failures: list[HandOverFailure] = []

    async def work() -> None:
        async with scripted_hop(script) as hop:
            courier = courier_to(hop.port)
            with pytest.raises(HandOverFailure) as caught:
                await courier.deliver(sealed(content))
            courier.close()
            failures.append(caught.value)

    in_quiet_time(work)
    return failures[0]


async def test_an_honest_hop_gets_the_mail_and_the_courier_says_done() -> None:
    async with scripted_hop() as hop:
        courier = courier_to(hop.port)
        done = await courier.deliver(sealed(), envid="E=1")
        courier.close()
    assert done == Done(at=NOW, code=250, status="2.0.0", dsn_offered=True)
    assert hop.taken == [CONTENT]
    assert hop.heard[1] == b"MAIL FROM:<service@hospital.test> SIZE=%d RET=HDRS ENVID=E+3D1\r\n" % len(CONTENT)
    assert hop.heard[2] == b"RCPT TO:<gp@gp.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;gp@gp.test\r\n"


HOSTILE = {
    "a reply line of 10 MB": ({"MAIL": b"250 " + b"x" * 10_000_000 + b"\r\n"}, Phase.MAIL),
    "a reply line without end": ({"MAIL": b"250 " + b"x" * 100_000}, Phase.MAIL),
    "continuation lines without end": ({"RCPT": b"250-more\r\n" * 100_000}, Phase.RCPT),
    "354 twice": ({"DATA": b"354 go\r\n354 go\r\n"}, Phase.DATA),
    "250 before the dot": ({"DATA": b"354 go\r\n250 2.0.0 taken\r\n"}, Phase.DATA),
    "421 in DATA": ({"DATA": b"354 go\r\n421 4.3.2 shutting down\r\n"}, Phase.DATA),
    "a 250 to DATA": ({"DATA": b"250 2.0.0 taken\r\n"}, Phase.DATA),
    "a 354 to MAIL": ({"MAIL": b"354 go on\r\n"}, Phase.MAIL),
    "no code at all": ({"RCPT": b"hello there\r\n"}, Phase.RCPT),
    "a code of four digits": ({"RCPT": b"2500 fine\r\n"}, Phase.RCPT),
    "lines that disagree": ({"RCPT": b"250-fine\r\n550 not\r\n"}, Phase.RCPT),
    "a greeting without end": ({"greeting": b"220-hello\r\n" * 100_000}, Phase.CONNECT),
    "a greeting of 10 MB": ({"greeting": b"220 " + b"x" * 10_000_000}, Phase.CONNECT),
    "a greeting that is HTTP": ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, Phase.CONNECT),
    "EHLO without end": ({"EHLO": b"250-X\r\n" * 100_000}, Phase.CONNECT),
    "554 instead of a greeting": ({"greeting": b"554 5.7.1 go away\r\n"}, Phase.CONNECT),
    "silence after MAIL": ({"MAIL": SILENCE}, Phase.MAIL),
    "gone after RCPT": ({"RCPT": CLOSE}, Phase.RCPT),
    "gone after DATA": ({"DATA": CLOSE}, Phase.DATA),
    "silence instead of a greeting": ({"greeting": SILENCE}, Phase.CONNECT),
}


@pytest.mark.parametrize(("script", "phase"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hop_that_does_not_speak_smtp_defers_the_letter(script: Mapping[str, bytes], phase: Phase) -> None:
    failure = failure_of(script)
    assert isinstance(failure, TransientFailure)
    assert failure.status.startswith("4.")
    assert (failure.phase, failure.ambiguous) == (phase, False)
    assert len(failure.detail) <= 512


AFTER_THE_DOT = {"silence": SILENCE, "gone": CLOSE, "nonsense": b"OK thanks\r\n"}


@pytest.mark.parametrize("answer", AFTER_THE_DOT.values(), ids=AFTER_THE_DOT.keys())
def test_no_answer_after_the_dot_is_ambiguous(answer: bytes) -> None:
    failure = failure_of({"dot": answer})
    assert isinstance(failure, TransientFailure)
    assert (failure.phase, failure.ambiguous) == (Phase.DOT, True)


def test_b3_the_dot_is_given_its_own_time() -> None:
    """Control: the same hop with the short limit is ambiguous."""
    late = {"dot": b"!after 40 " + HONEST["dot"]}

    async def work() -> None:
        async with scripted_hop(late) as hop:
            courier = courier_to(hop.port, replace(PATIENT, dot=60))
            assert (await courier.deliver(sealed())).code == 250
            courier.close()

    in_quiet_time(work)
    assert failure_of(late).ambiguous


REFUSALS = {
    "unknown user": ({"RCPT": b"550 5.1.1 no such user\r\n"}, Phase.RCPT, 550, "5.1.1"),
    "full mailbox": ({"RCPT": b"552 5.2.2 over quota\r\n"}, Phase.RCPT, 552, "5.2.2"),
    "sender refused": ({"MAIL": b"553-5.7.1 not\r\n553 5.7.1 you\r\n"}, Phase.MAIL, 553, "5.7.1"),
    "content refused": ({"dot": b"554 5.6.0 no\r\n"}, Phase.DOT, 554, "5.6.0"),
    "status that contradicts its code": ({"RCPT": b"550 4.2.2 hm\r\n"}, Phase.RCPT, 550, "5.0.0"),
}


@pytest.mark.parametrize(("script", "phase", "code", "status"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_5xx_is_permanent_and_keeps_its_status(
    script: Mapping[str, bytes], phase: Phase, code: int, status: str
) -> None:
    failure = failure_of(script)
    assert isinstance(failure, PermanentFailure)
    assert (failure.phase, failure.code, failure.status, failure.ambiguous) == (phase, code, status, False)
    assert str(failure) == "Next hop refused the letter"


def test_a_4xx_is_transient_and_keeps_its_status() -> None:
    failure = failure_of({"dot": b"452 4.3.1 disk full\r\n"})
    assert isinstance(failure, TransientFailure)
    assert (failure.code, failure.status, failure.ambiguous) == (452, "4.3.1", False)


def test_terminal_escapes_and_patients_in_a_reply_stay_out_of_what_the_sender_sees() -> None:
    failure = failure_of({"RCPT": b"550 5.1.1 \x1b]0;owned\x07 DUPONT \xe9t\xe9" + b"y" * 3000 + b"\r\n"})
    assert "\\x1b]0;owned\\x07" in failure.detail
    assert failure.detail.isascii()
    assert failure.detail.isprintable()
    assert len(failure.detail) == 512
    assert "DUPONT" not in str(failure)


async def test_a_refusal_costs_no_connection_and_the_next_mail_uses_it() -> None:
    async with scripted_hop({"RCPT": b"550 5.1.1 no\r\n", "DATA": b"554 5.5.1 no valid recipients\r\n"}) as hop:
        courier = courier_to(hop.port)
        for _ in range(3):
            with pytest.raises(PermanentFailure):
                await courier.deliver(sealed())
        courier.close()
    assert hop.connections == 1
    assert hop.heard.count(b"RSET\r\n") == 3


async def test_a_354_after_a_refused_recipient_ends_the_connection_and_sends_no_content() -> None:
    async with scripted_hop({"RCPT": b"550 5.1.1 no\r\n"}) as hop:
        courier = courier_to(hop.port)
        for _ in range(2):
            with pytest.raises(PermanentFailure):
                await courier.deliver(sealed())
        courier.close()
    assert hop.connections == 2
    assert not any(CONTENT[:20] in taken for taken in hop.taken)


async def test_connections_are_reused_up_to_their_limit() -> None:
    async with scripted_hop() as hop:
        courier = courier_to(hop.port, limits=PoolLimits(mails=3))
        for _ in range(7):
            await courier.deliver(sealed())
        courier.close()
    assert hop.connections == 3
    assert len(hop.taken) == 7


async def test_no_more_connections_at_once_than_allowed() -> None:
    async with scripted_hop() as hop:
        courier = courier_to(hop.port, limits=PoolLimits(connections=2))
        await asyncio.gather(*(courier.deliver(sealed()) for _ in range(10)))
        courier.close()
    assert hop.connections == 2


async def test_an_idle_connection_is_closed_and_a_new_one_opened() -> None:
    async with scripted_hop() as hop:
        courier = courier_to(hop.port, limits=PoolLimits(idle=0.05))
        await courier.deliver(sealed())
        await until(lambda: b"QUIT\r\n" in hop.heard)
        await courier.deliver(sealed())
        courier.close()
    assert hop.connections == 2


async def test_a_kept_connection_that_died_is_replaced_without_failing_the_mail() -> None:
    async with scripted_hop({"QUIT": CLOSE, "RSET": CLOSE}) as hop:
        courier = courier_to(hop.port)
        await courier.deliver(sealed())
        # The hop closes between the two mails, and we may not have seen it yet.
        [connection] = next(iter(courier._pool._idle.values()))
        connection.dialogue.write(b"QUIT\r\n")
        await courier.deliver(sealed())
        courier.close()
    assert len(hop.taken) == 2


async def test_a_cancelled_hand_over_cuts_its_connection() -> None:
    async with scripted_hop({"dot": SILENCE}) as hop:
        courier = courier_to(hop.port, Timeouts())
        task = asyncio.create_task(courier.deliver(sealed()))
        await until(lambda: bool(hop.taken))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(courier._pool._idle.values())


async def test_without_pipelining_every_command_waits_for_its_answer() -> None:
    async with scripted_hop({"EHLO": b"250 mx.test\r\n"}) as hop:
        courier = courier_to(hop.port)
        done = await courier.deliver(sealed())
        courier.close()
    assert not done.dsn_offered
    assert hop.heard[1:4] == [b"MAIL FROM:<service@hospital.test>\r\n", b"RCPT TO:<gp@gp.test>\r\n", b"DATA\r\n"]


LIMITS = {
    "too large": (EHLO.replace(b"1000000", b"50"), sealed(), "5.3.4"),
    "8-bit": (EHLO.replace(b"250-8BITMIME\r\n", b""), sealed("é\r\n".encode()), "5.6.3"),
    "utf-8 address": (EHLO.replace(b"250-SMTPUTF8\r\n", b""), sealed(mailbox="é@gp.test"), "5.6.7"),
    "address with a line end": (EHLO, sealed(mailbox="gp@gp.test>\r\nRCPT TO:<x@y.test"), "5.1.3"),
    "sender with a space": (EHLO, sealed(sender="a b@hospital.test"), "5.1.7"),
    "bare line feed": (EHLO, sealed(b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<x@y.test>\r\n"), "5.6.0"),
    "bare carriage return": (EHLO, sealed(b"Subject: x\r\n\r\na\r.\r\n"), "5.6.0"),
}


@pytest.mark.parametrize(("ehlo", "mail", "status"), LIMITS.values(), ids=LIMITS.keys())
async def test_what_a_hop_can_never_take_is_refused_before_a_byte_of_it_leaves(
    ehlo: bytes, mail: SealedMail, status: str
) -> None:
    async with scripted_hop({"EHLO": ehlo}) as hop:
        courier = courier_to(hop.port)
        with pytest.raises(PermanentFailure) as caught:
            await courier.deliver(mail)
        courier.close()
    assert caught.value.status == status
    assert not hop.taken
    assert [line[:4] for line in hop.heard] in ([b"EHLO"], [b"EHLO", b"QUIT"])


async def test_a_domain_without_route_is_refused() -> None:
    courier = Courier(routes=StaticRoutes({}), clock=lambda: NOW, our_name="gateway.test")
    with pytest.raises(PermanentFailure) as caught:
        await courier.deliver(sealed())
    assert caught.value.status == "5.1.2"


async def test_the_second_hop_is_tried_only_when_the_first_is_out_of_reach() -> None:
    class Two:
        def __init__(self, *ports: int) -> None:
            self.ports = ports

        def destination(self, domain: str) -> str:
            return domain

        async def hops(self, domain: str) -> tuple[Hop, ...]:
            assert domain == "gp.test"
            clear = Security.UNSAFE_CLEAR_ON_LOOPBACK
            return tuple(Hop(host="127.0.0.1", port=port, security=clear) for port in self.ports)

        async def end(self) -> None:
            pass

    async with scripted_hop({"greeting": b"421 4.3.2 full\r\n"}) as full, scripted_hop() as good:
        courier = Courier(routes=Two(full.port, good.port), clock=lambda: NOW, our_name="gateway.test")
        assert (await courier.deliver(sealed())).code == 250
        courier.close()
    async with scripted_hop({"MAIL": b"451 4.3.0 later\r\n"}) as first, scripted_hop() as second:
        courier = Courier(routes=Two(first.port, second.port), clock=lambda: NOW, our_name="gateway.test")
        with pytest.raises(TransientFailure):
            await courier.deliver(sealed())
        courier.close()
    assert second.connections == 0
