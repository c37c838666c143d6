"""A9: what came sealed leaves with the same bytes: thousands through the pure road, some through a gateway."""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import os
import random
import ssl
from base64 import encodebytes
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo import letters
from gateway.crypto.authority import TestAuthority
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.identifiers import LetterId
from gateway.moments import utc_now
from gateway.passing import trace
from gateway.smtp.courier.commands import stuffed
from gateway.smtp.server.scan import DataScan
from tests.faults.campaigns import Row, row
from tests.faults.place import prepare
from tests.faults.process import GatewayProcess
from tests.faults.sender import Smtp
from tests.peers.authority import make_authority

MESSAGES, CARRIED = (int(n) for n in os.environ.get("FAULT_AS_RECEIVED", "10000,200").split(","))
LETTER = LetterId("01JHAAAAAAAAAAAAAAAAAAAAAA")
_AT = datetime(2026, 1, 15, tzinfo=UTC)
_TRACE_END = b"X-Huitaine-Id: "

Sending = Callable[[bytes], bytes]

_line = st.one_of(
    st.sampled_from([b"", b".", b"..", b"...", b".x", b" .", b"\t", b"x ", b"\xff" * 3, b"From x", b"-- ", b"y" * 998]),
    st.binary(max_size=80).map(lambda octets: octets.translate(None, b"\r\n")),
)
bodies = st.lists(_line, max_size=30).map(b"\r\n".join)
"""Contents as the door lets them in: any octets, but CR and LF together alone."""


def arrives(content: bytes, send: Sending = stuffed, *, pieces: int = 7) -> bytes:
    """What the next hop holds below our trace, when ``send`` puts the mail on the wire."""
    wire = send(trace(LETTER, "gateway.test", _AT) + content) + b".\r\n"
    hop = DataScan(limit=1 << 30)
    size = max(1, len(wire) // pieces)
    for at in range(0, len(wire), size):
        if not hop.done:
            hop.feed(wire[at : at + size])
    _, _, below = hop.content().partition(_TRACE_END)
    return below.partition(b"\r\n")[2]


def same(content: bytes, arrived: bytes) -> bool:
    """The same bytes; one line end is added to a content that has none at its end (RFC 5321 §4.1.1.4)."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return sha256(arrived).digest() in {sha256(ended).digest(), sha256(content).digest()}


def changed(count: int, send: Sending = stuffed) -> int:
    """How many of ``count`` random contents, and a large one, arrive changed."""
    wrong = 0

    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies)
    def each(content: bytes) -> None:
        nonlocal wrong
        wrong += not same(content, arrives(content, send))

    each()
    large = b"".join(b"." * (n % 4) + b"\xe9" * (n % 900) + b"\r\n" for n in range(23_000))
    return wrong + (not same(large, arrives(large, send)))


def without_dots(mail: bytes) -> bytes:
    """A sender that forgets to double dots: the control."""
    return mail if mail.endswith(b"\r\n") else mail + b"\r\n"


# Through a running gateway --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sink:
    """A next hop in our own loop that keeps each mail as it came."""

    mails: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink.test ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.mails.append(b"\r\n".join(one.removeprefix(b".") for one in content.split(b"\r\n")))
            ehlo = b"250-sink.test\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SIZE 99999999\r\n"
            writer.write(ehlo if verb == b"EHLO" else b"250 2.0.0 Ok\r\n")
            if verb == b"QUIT":
                break
        writer.close()


def sealed_mails(count: int) -> list[bytes]:
    """Mails that a hospital's own software encrypted, with whatever mail servers like to repair around it."""
    gp = TestAuthority.create("GP").issue(address=letters.GP_MAILBOX).certificate
    signer, reader = (OpenPgpSigner(OpenPgpSigner.generate(f"<{who}@gp.test>")) for who in ("dpi", "camille"))
    mails = []
    for number in range(count):
        clear = b"Content-Type: text/plain\r\n\r\nlettre %d\r\n" % number
        if number % 2:
            der = PKCS7EnvelopeBuilder().set_data(clear).add_recipient(gp).encrypt(Encoding.DER, [PKCS7Options.Binary])
            mails.append(_outside(number) + _smime(der))
        else:
            armor = signer.seal(clear, reader.public_key, fingerprint="", address="camille@gp.test", at=utc_now())
            mails.append(_outside(number) + _pgp(armor))
    return mails


def _outside(number: int) -> bytes:
    fields = [
        b"subject:  Lettre\r\n\tde liaison %d" % number,
        b"FROM: DPI  <dpi@hospital.test>",
        b"To: gp@gp.test",
        b"Date: Thu, 15 Jan 2026 09:00:00 +0100",
        b"Message-Id: <own-%d@hospital.test>" % number,
        b"X-Own: kept ",
        b"X-Long: " + b"x" * random.randrange(900),
        b"MIME-Version: 1.0",
    ]
    random.shuffle(fields)
    return b"\r\n".join(fields) + b"\r\n"


def _smime(der: bytes) -> bytes:
    head = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n"
    return head + b"\r\n" + encodebytes(der).replace(b"\n", b"\r\n") + b"\r\n" * random.randrange(4)


def _pgp(armor: bytes) -> bytes:
    nasty = [b".", b"..", b" . ", b"", b"\xc3\xa9t\xc3\xa9 ", b"x" * 998, b"From here"]
    before, after = (b"\r\n".join(random.choices(nasty, k=random.randrange(9))) + b"\r\n" for _ in range(2))
    return (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=p\r\n\r\n'
        + before
        + b"--p\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--p\r\n"
        + b"Content-Type: application/octet-stream\r\n\r\n"
        + armor
        + b"\r\n--p--\r\n"
        + after
    )


class _ToTheGp(Smtp):
    async def _ask(self, line: bytes) -> str:
        return await super()._ask(f"RCPT TO:<{letters.GP_MAILBOX}>".encode() if line.startswith(b"RCPT TO") else line)


async def carried(folder: Path, count: int) -> tuple[int, int]:
    """How many mails a gateway handed over for ``count`` sealed ones, and how many of these lie there unchanged."""
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    sink, context = Sink(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=context, limit=1 << 26)
    place = prepare(folder / "gateway", authority, server.sockets[0].getsockname()[1])
    gateway = GatewayProcess(place, folder / "serve.log")
    try:
        await asyncio.to_thread(gateway.open)
        mails = await asyncio.to_thread(sealed_mails, count)
        hospital = _ToTheGp(place)
        for mail in mails:
            answer = await hospital.send(stuffed(mail))
            assert answer.startswith("250 "), answer
        async with asyncio.timeout(120):
            while len(sink.mails) < count:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.05)
        looped = await hospital.send(stuffed(sink.mails[0]))
        assert looped == "554 5.4.6 Mail loop", looped  # what we passed on comes back to us
        await hospital.close()
    finally:
        gateway.end()
        server.close()
    below = {sha256(mail.partition(_TRACE_END)[2].partition(b"\r\n")[2]).digest() for mail in sink.mails}
    return len(sink.mails), sum(sha256(mail).digest() in below for mail in mails)


async def a9(folder: Path) -> Row:
    """Ten thousand random messages through our trace and the dots; two hundred through a gateway."""
    wrong = await asyncio.to_thread(changed, MESSAGES)
    arrived, unchanged = await carried(folder / "a9", CARRIED)
    control = await asyncio.to_thread(changed, 200, without_dots)
    return row(
        "A9",
        control=control > 0,
        acknowledged=MESSAGES + CARRIED,
        lost=CARRIED - min(arrived, CARRIED),
        unexplained=wrong + CARRIED - unchanged,
        kept=wrong == 0 and unchanged == arrived == CARRIED,
        carried_by_a_gateway=arrived,
    )
