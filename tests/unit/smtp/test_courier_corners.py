"""Row 25 and the corners of a hand-over: what may be repeated, what may have arrived, and what must never count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.errors import PermanentFailure, TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import Done, SealedMail
from gateway.smtp.courier import Courier, HandOverFailure, Hop, Phase, Security, StaticRoutes, Timeouts
from tests.peers.hostile_smtp import AFTER, CLOSE, CUT_IN_CONTENT, EHLO, HONEST, PIECEMEAL, THEN_CLOSE, scripted_hop

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
SMALL = b"Subject: lettre\r\n\r\nBonjour\r\n"
LARGE = b"Subject: lettre\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200_000
UNLIMITED = EHLO.replace(b"250-SIZE 1000000\r\n", b"")


def sealed(content: bytes = SMALL) -> SealedMail:
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


class Ports:
    """Several hosts of one domain, in this order."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports

    def destination(self, domain: str) -> str:
        return domain

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        clear = Security.UNSAFE_CLEAR_ON_LOOPBACK
        return tuple(Hop(host="127.0.0.1", port=port, security=clear) for port in self._ports)

    async def end(self) -> None:
        pass


def courier_to(*ports: int, command: float = 30) -> Courier:
    waits = Timeouts(connect=30, command=command, data=30, block=30, dot=30)
    return Courier(routes=Ports(*ports), clock=lambda: NOW, our_name="gateway.test", timeouts=waits)


async def end_of(script: Mapping[str, bytes], content: bytes = SMALL) -> Done | HandOverFailure:
    async with scripted_hop({"EHLO": UNLIMITED, **script}) as hop:
        courier = courier_to(hop.port)
        try:
            return await courier.deliver(sealed(content))
        except HandOverFailure as failure:
            return failure
        finally:
            courier.close()


AFTER_A_GOOD_YES = {
    "nonsense": HONEST["dot"] + b"\x00\xff garbage without end",
    "an end": THEN_CLOSE + HONEST["dot"],
    "a second yes": HONEST["dot"] * 2,
    "a refusal of nothing": HONEST["dot"] + b"550 5.1.1 no such user\r\n",
    "ten thousand lines": HONEST["dot"] + b"250-more\r\n" * 10_000,
}


@pytest.mark.parametrize("answer", AFTER_A_GOOD_YES.values(), ids=AFTER_A_GOOD_YES.keys())
async def test_row_25_what_follows_a_good_yes_does_not_undo_it(answer: bytes) -> None:
    assert isinstance(await end_of({"dot": answer}), Done)


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
async def test_row_25_an_honest_answer_byte_by_byte_is_the_same_answer(verb: str) -> None:
    assert isinstance(await end_of({verb: PIECEMEAL + {**HONEST, "EHLO": UNLIMITED}[verb]}), Done)


EARLY_YES = {
    "in one packet": b"354 go\r\n250 2.0.0 taken\r\n",
    "byte by byte": PIECEMEAL + b"354 go\r\n250 2.0.0 taken\r\n",
    "half a yes": b"354 go\r\n250",
}


@pytest.mark.parametrize("answer", EARLY_YES.values(), ids=EARLY_YES.keys())
async def test_row_25_a_yes_before_the_dot_is_never_delivered(answer: bytes) -> None:
    end = await end_of({"DATA": answer, "dot": CLOSE}, LARGE)
    assert isinstance(end, TransientFailure)
    assert end.status == "4.5.0"


UNKNOWN = [
    b"000 zero\r\n",
    b"-250 minus\r\n",
    b"199 early\r\n",
    b"299 odd\r\n",
    b"600 late\r\n",
    b"25\r\n",
]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("code", UNKNOWN, ids=lambda code: code[:4].decode())
async def test_row_25_a_code_that_nobody_knows_is_no_delivery_and_no_refusal(verb: str, code: bytes) -> None:
    end = await end_of({verb: code})
    if code.startswith(b"299") and verb != "DATA":
        assert isinstance(end, Done)  # RFC 5321 §4.2.1: the first digit decides
        return
    assert isinstance(end, TransientFailure)
    assert (end.status, end.ambiguous) == ("4.5.0", verb == "dot")


CUT = {
    "before MAIL": ({"MAIL": CLOSE}, False),
    "in RCPT": ({"RCPT": CLOSE}, False),
    "at DATA": ({"DATA": CLOSE}, False),
    "in the content": ({CUT_IN_CONTENT: b"x" * 100_000}, False),
    "between the dot and its answer": ({"dot": CLOSE}, True),
    "in the middle of the answer": ({"dot": THEN_CLOSE + b"250 2.0"}, True),
}


@pytest.mark.parametrize(("script", "ambiguous"), CUT.values(), ids=CUT.keys())
async def test_only_a_connection_lost_after_the_dot_leaves_doubt(script: Mapping[str, bytes], ambiguous: bool) -> None:
    end = await end_of(script, LARGE)
    assert isinstance(end, TransientFailure)
    assert end.ambiguous is ambiguous  # type: ignore[attr-defined]


MEANINGS = {
    "4xx to the dot": ({"dot": b"451 4.3.0 later\r\n"}, "4.3.0"),
    "452 without status": ({"RCPT": b"452 full\r\n"}, "4.5.3"),
    "552 to RCPT without status, as old servers say 452": ({"RCPT": b"552 too many\r\n"}, "4.5.3"),
    "552 to RCPT for a full mailbox": ({"RCPT": b"552 5.2.2 full\r\n"}, "5.2.2"),
    "552 to MAIL without status": ({"MAIL": b"552 too big\r\n"}, "5.3.4"),
    "552 to the dot without status": ({"dot": b"552 too big\r\n"}, "5.3.4"),
    "530 because of us": ({"MAIL": b"530 5.7.0 Authentication required\r\n"}, "4.7.0"),
    "421 to MAIL": ({"MAIL": b"421 4.3.2 bye\r\n"}, "4.3.2"),
    "421 to RCPT": ({"RCPT": b"421 4.3.2 bye\r\n"}, "4.3.2"),
    "421 to the dot": ({"dot": b"421 4.3.2 bye\r\n"}, "4.3.2"),
    "5xx in the greeting": ({"greeting": b"554 5.3.2 not today\r\n"}, "4.5.0"),
    "5xx to EHLO": ({"EHLO": b"550 5.7.1 not you\r\n", "HELO": b"550 5.7.1 not you\r\n"}, "4.5.0"),
}


@pytest.mark.parametrize(("script", "status"), MEANINGS.values(), ids=MEANINGS.keys())
async def test_what_a_reply_means_for_the_letter(script: Mapping[str, bytes], status: str) -> None:
    end = await end_of(script)
    assert isinstance(end, PermanentFailure if status.startswith("5") else TransientFailure)
    assert end.status == status
    assert not getattr(end, "ambiguous", True)


NEXT_IS_TRIED = {
    "refuses everybody at its greeting": {"greeting": b"554 5.3.2 not today\r\n"},
    "refuses EHLO": {"EHLO": b"550 5.7.1 no\r\n", "HELO": b"550 5.7.1 no\r\n"},
    "hangs up at MAIL": {"MAIL": CLOSE},
    "says 421 to RCPT": {"RCPT": b"421 4.3.2 bye\r\n"},
    "talks nonsense": {"RCPT": b"hello\r\n"},
    "is silent": {"MAIL": AFTER + b"30 250 Ok\r\n"},
}


@pytest.mark.parametrize("script", NEXT_IS_TRIED.values(), ids=NEXT_IS_TRIED.keys())
async def test_the_next_host_is_tried_within_the_same_attempt(script: Mapping[str, bytes]) -> None:
    async with scripted_hop(script) as first, scripted_hop() as second:
        courier = courier_to(first.port, second.port, command=3)
        assert (await courier.deliver(sealed())).code == 250
        courier.close()
    assert (first.connections, second.connections) == (1, 1)
    assert not first.taken


ANSWERED = {
    "a refused addressee": {"RCPT": b"550 5.1.1 no\r\n"},
    "greylisting": {"RCPT": b"451 4.7.1 come back\r\n"},
    "doubt after the dot": {"dot": CLOSE},
}


@pytest.mark.parametrize("script", ANSWERED.values(), ids=ANSWERED.keys())
async def test_a_host_that_answered_for_the_letter_or_may_hold_it_is_not_gone_around(
    script: Mapping[str, bytes],
) -> None:
    async with scripted_hop(script) as first, scripted_hop() as second:
        courier = courier_to(first.port, second.port)
        with pytest.raises(HandOverFailure):
            await courier.deliver(sealed())
        courier.close()
    assert second.connections == 0


async def test_a_host_that_was_out_of_reach_is_tried_after_the_others_for_a_while() -> None:
    async with scripted_hop({"greeting": b"421 4.3.2 full\r\n"}) as full, scripted_hop() as good:
        courier = courier_to(full.port, good.port)
        for _ in range(3):
            await courier.deliver(sealed())
        courier.close()
    assert (full.connections, len(good.taken)) == (1, 3)


async def test_a_host_named_twice_is_tried_once() -> None:
    async with scripted_hop({"greeting": b"421 4.3.2 full\r\n"}) as full:
        courier = courier_to(full.port, full.port)
        with pytest.raises(HandOverFailure) as caught:
            await courier.deliver(sealed())
        courier.close()
    assert full.connections == 1
    assert caught.value.phase is Phase.CONNECT


async def test_the_hop_of_the_settings_is_a_destination_of_its_own_name_and_knows_no_local_part() -> None:
    hop = Hop(host="127.0.0.1", port=2525, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
    courier = Courier(routes=StaticRoutes({"Gp.test": hop}), clock=lambda: NOW, our_name="gateway.test")
    assert courier.destination("dr.martin@gp.TEST") == "127.0.0.1:2525"
    assert courier.destination("dr.martin@Elsewhere.test") == "elsewhere.test"
