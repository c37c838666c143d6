"""Where the courier goes and what it writes: white-listed MX, the operator's own certificate, exact bytes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import aiosmtplib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PermanentFailure, TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import SealedMail
from gateway.smtp.courier import Courier, HandOverFailure, Hop, MxRoutes, Phase, Security, StaticRoutes, client_context
from gateway.smtp.courier.commands import Offers, Parcel, rcpt_command, stuffed, xtext
from gateway.smtp.courier.peer import folded, is_of
from gateway.smtp.courier.replies import LONGEST_LINE, NotSmtp, ReplyReader
from gateway.smtp.courier.timeouts import Timeouts
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import scripted_hop
from tests.peers.running import free_port

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
SUBJECTS = frozenset({("mss.ch-exemple.fr", "1750000000")})


class WhiteList:
    def subjects(self, domain: str) -> frozenset[tuple[str, str]]:
        return SUBJECTS if domain == "ch-exemple.mssante.fr" else frozenset()


class Dns:
    async def mx(self, domain: str) -> tuple[str, ...]:
        return (f"mx1.{domain}", f"mx2.{domain}")


def mail(mailbox: str = "gp@ch-exemple.mssante.fr") -> SealedMail:
    return SealedMail(
        letter=LetterId("L1"),
        delivery=DeliveryId("D1"),
        message_id="<1@hospital.test>",
        sender="s@hospital.test",
        mailbox=mailbox,
        content=b"x\r\n",
        protected_by="smime-cbc",
        sealed_at=NOW,
    )


async def test_a_white_listed_domain_is_reached_by_its_mx_and_only_its_operators_certificate(
    authority: Authority,
) -> None:
    context = client_context(authority.roots)
    routes = MxRoutes(Dns(), WhiteList(), context=context)
    hops = await routes.hops("CH-Exemple.mssante.fr")
    assert [(hop.host, hop.port, hop.security, hop.subjects) for hop in hops] == [
        ("mx1.ch-exemple.mssante.fr", 25, Security.STARTTLS, SUBJECTS),
        ("mx2.ch-exemple.mssante.fr", 25, Security.STARTTLS, SUBJECTS),
    ]
    with pytest.raises(PermanentFailure) as caught:
        await routes.hops("elsewhere.test")
    assert caught.value.status == "5.7.1"


def test_subjects_are_compared_without_case_and_with_spacesfolded() -> None:
    assert folded(("MSS.CH-Exemple.fr", " 1750000000")) == folded(("mss.ch-exemple.fr", "1750000000 "))


async def test_a_hop_that_is_not_there_or_has_no_name_is_unreachable() -> None:
    clear = Security.UNSAFE_CLEAR_ON_LOOPBACK
    hop = Hop(host="127.0.0.1", port=free_port(), security=clear)
    courier = Courier(routes=StaticRoutes({"CH-exemple.mssante.fr": hop}), clock=lambda: NOW, our_name="gateway.test")
    with pytest.raises(HandOverFailure) as caught:
        await courier.deliver(mail())
    assert isinstance(caught.value, TransientFailure)
    assert (caught.value.status, caught.value.phase, caught.value.ambiguous) == ("4.4.1", Phase.CONNECT, False)


class Two:
    """Nobody at the first host, somebody at the second."""

    def __init__(self, second: int) -> None:
        self._ports = free_port(), second

    def destination(self, domain: str) -> str:
        return domain

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        clear = Security.UNSAFE_CLEAR_ON_LOOPBACK
        return tuple(Hop(host="127.0.0.1", port=port, security=clear) for port in self._ports)

    async def end(self) -> None:
        pass


@pytest.mark.parametrize(("seconds", "connections"), [(60.0, 1), (-1.0, 0)])
async def test_a_further_host_is_tried_only_while_there_is_time_left(seconds: float, connections: int) -> None:
    async with scripted_hop() as hop:
        courier = Courier(
            routes=Two(hop.port), clock=lambda: NOW, our_name="gateway.test", timeouts=Timeouts(others=seconds)
        )
        if connections:
            await courier.deliver(mail())
        else:
            with pytest.raises(HandOverFailure, match="Next hop does not answer"):
                await courier.deliver(mail())
        assert hop.connections == connections
        courier.close()


@pytest.mark.parametrize(
    ("subject", "fits"),
    [
        ((("commonName", "MSS.ch-exemple.fr"), ("organizationalUnitName", " 1750000000")), True),
        (
            (
                ("organizationalUnitName", "other"),
                ("commonName", "mss.ch-exemple.fr"),
                ("organizationalUnitName", "1750000000"),
            ),
            True,
        ),
        ((("commonName", "mss.ch-exemple.fr"),), False),
        ((("organizationalUnitName", "1750000000"),), False),
        (
            (
                ("commonName", "evil.test"),
                ("commonName", "mss.ch-exemple.fr"),
                ("organizationalUnitName", "1750000000"),
            ),
            False,
        ),
    ],
)
def test_only_a_certificate_with_one_listed_name_and_unit_is_the_operators(
    subject: tuple[tuple[str, str], ...], fits: bool
) -> None:
    shown = {"subject": tuple((pair,) for pair in subject)}
    assert is_of({"subject": ()}, SUBJECTS) is False
    assert is_of(shown, SUBJECTS) is fits


async def test_a_mail_of_ten_megabytes_waits_for_a_slow_hop_and_arrives_whole() -> None:
    content = (b"x" * 70 + b"\r\n") * 140_000
    async with scripted_hop({"EHLO": b"250-mx.test\r\n250 PIPELINING\r\n"}) as hop:
        route = Hop(host="127.0.0.1", port=hop.port, security=Security.UNSAFE_CLEAR_ON_LOOPBACK)
        courier = Courier(routes=StaticRoutes({}, route), clock=lambda: NOW, our_name="gateway.test")
        large = SealedMail(
            letter=LetterId("L1"), delivery=DeliveryId("D1"), message_id="<1@x>", sender="", mailbox="gp@gp.test",
            content=content, protected_by="x", sealed_at=NOW,
        )  # fmt: skip
        await courier.deliver(large)
        courier.close()
    assert hop.taken == [content]
    assert hop.heard[1] == b"MAIL FROM:<>\r\n"


def test_every_short_content_is_stuffed_and_unstuffed_to_itself_or_refused() -> None:
    """Exhaustive: all strings of up to 7 of the four bytes that matter."""
    for length in range(1, 8):
        for letters in itertools.product(b"a.\r\n", repeat=length):
            content = bytes(letters)
            is_canonical = content.replace(b"\r\n", b"").translate(None, b"a.") == b""
            try:
                wire = stuffed(content)
            except PermanentFailure:
                assert not is_canonical
                continue
            assert is_canonical
            assert wire.endswith(b"\r\n")
            assert b"\r\n.\r\n" not in b"\r\n" + wire
            lines = [line.removeprefix(b".") for line in wire.split(b"\r\n")]
            assert b"\r\n".join(lines) == (content if content.endswith(b"\r\n") else content + b"\r\n")


def test_many_dots_inside_lines_do_not_hide_one_at_a_line_start() -> None:
    content = b"a." * 100 + b"\r\n.\r\n"
    assert stuffed(content) == b"a." * 100 + b"\r\n..\r\n"


def test_dsn_parameters_are_written_as_rfc_3461_asks() -> None:
    offers = Offers.of({"dsn": "", "size": "junk"})
    assert offers == Offers(dsn=True)
    assert rcpt_command(Parcel(mail=mail(), notify=("NEVER",), orcpt="RFC822;a+b=c@x.test"), offers) == (
        b"RCPT TO:<gp@ch-exemple.mssante.fr> NOTIFY=NEVER ORCPT=rfc822;a+2Bb+3Dc@x.test\r\n"
    )
    assert b"ORCPT" not in rcpt_command(Parcel(mail=mail("é@x.test")), offers)
    assert xtext("é \r\n") == "+C3+A9+20+0D+0A"
    with pytest.raises(ValueError, match="NOTIFY"):
        Parcel(mail=mail(), notify=("NEVER", "SUCCESS"))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_replies_or_not_smtp(data: bytes, step: int) -> None:
    reader = ReplyReader()
    try:
        for start in range(0, len(data), step):
            for reply in reader.feed(data[start : start + step]):
                assert 200 <= reply.code <= 599
                assert reply.shown.isprintable()
                assert reply.status[0] == str(reply.kind)
    except NotSmtp:
        return


def test_replies_are_the_same_however_the_bytes_are_cut() -> None:
    data = b"250-mx.test\r\n250-PIPELINING\n250 DSN\r\n354 go\r\n550 5.1.1 no\r\n"
    whole = list(ReplyReader().feed(data))
    for cut in range(len(data)):
        reader = ReplyReader()
        assert [*reader.feed(data[:cut]), *reader.feed(data[cut:])] == whole
        assert reader.is_empty
    with pytest.raises(NotSmtp):
        list(ReplyReader().feed(b"250 " + b"x" * LONGEST_LINE + b"\r\n"))


async def test_trap_aiosmtplib_rewrites_signed_content_is_fenced() -> None:
    """aiosmtplib mends bare line ends on the way out, which breaks a signature; we refuse to send such content."""
    signed = b"Subject: x\r\n\r\nsigned\nbytes\r\n"
    async with scripted_hop() as hop:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=hop.port, start_tls=False)
        await client.connect()
        await client.sendmail("s@hospital.test", ["gp@gp.test"], signed)
        await client.quit()
        assert hop.taken == [signed.replace(b"d\nb", b"d\r\nb")]
    with pytest.raises(PermanentFailure):
        stuffed(signed)
