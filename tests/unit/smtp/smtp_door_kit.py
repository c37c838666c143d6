"""A door on loopback with an intake of our own, and a client that speaks raw octets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import trustme
from argon2 import PasswordHasher

from gateway.identifiers import LetterId
from gateway.letter import KeptLetter, ReceivedLetter
from gateway.smtp.server import SmtpDoors, SmtpDoorSettings, SmtpLimits, SmtpListener, SmtpSource, open_smtp_doors

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"
WAIT = 60.0
"""Seconds until an answer must be there, on however busy a machine."""

QUICK = SmtpLimits(
    error_delay=timedelta(0),
    guess_delay=timedelta(0),
    linger=timedelta(milliseconds=50),
    drain=timedelta(seconds=2),
)

DPI = SmtpSource(
    name="dpi",
    login="dpi",
    password_hash=CHEAP.hash(PASSWORD),
    senders=frozenset({"secretariat@ch-exemple.test", "@labo.ch-exemple.test"}),
    certificate_names=frozenset({"DNS:dpi.ch-exemple.test"}),
)
LABO = SmtpSource(name="labo", login="labo", password_hash=CHEAP.hash("other horse"), senders=frozenset({"@labo.test"}))

AUTHORITY = trustme.CA()
STRANGER_AUTHORITY = trustme.CA()

FALSE_ENDINGS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r.\n",
    b"\n.\r",
    b"\n\n.\r\n",
    b"\r\r\n.\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
]
"""Of data: what some relay takes for the end of a letter and another does not (SMTP smuggling)."""
LETTER = b"From: secretariat@ch-exemple.test\r\nSubject: essai\r\nMessage-ID: <1@ch-exemple.test>\r\n\r\nBonjour.\r\n"


@dataclass
class FakeIntake:
    """Keeps in a list; ``fault`` is raised instead, ``gate`` holds every commit back until it is set."""

    kept: list[ReceivedLetter] = field(default_factory=list)
    withdrawn: list[LetterId] = field(default_factory=list)
    fault: BaseException | None = None
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    remembers: bool = True

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        self.arrived.set()
        if self.gate:
            await self.gate.wait()
        if self.fault:
            raise self.fault
        for earlier in self.kept if self.remembers else []:
            if earlier.replay_key == letter.replay_key:
                return KeptLetter(received=earlier, again=True)
        self.kept.append(letter)
        self.settled.set()
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        self.withdrawn.append(letter)
        self.kept = [kept for kept in self.kept if kept.id != letter]
        return True


def server_tls(*, ask_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    if ask_certificate:
        context.verify_mode = ssl.CERT_OPTIONAL
        AUTHORITY.configure_trust(context)
    return context


def client_tls(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if certificate:
        certificate.configure_cert(context)
    return context


@dataclass
class OpenDoor:
    doors: SmtpDoors
    intake: FakeIntake

    async def connect(self, listener: str = "clear", **tls: object) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.doors.ports[listener], **tls)
        return Client(reader, writer)

    @contextlib.asynccontextmanager
    async def client(self, listener: str = "clear", *, ehlo: bool = True, **tls: object) -> AsyncIterator[Client]:
        client = await self.connect(listener, **tls)
        try:
            assert (await client.reply()).startswith("220 ")
            if ehlo:
                await client.ask("EHLO client.test")
            yield client
        finally:
            await client.close()


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def reply(self) -> str:
        """All lines of one reply; empty when the connection ended."""
        lines = []
        async with asyncio.timeout(WAIT):
            while True:
                try:
                    line = await self.reader.readline()
                except ConnectionError:
                    line = b""
                lines.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    return "\n".join(lines)

    async def ask(self, command: str | bytes) -> str:
        await self.send((command.encode() if isinstance(command, str) else command) + b"\r\n")
        return await self.reply()

    async def begin(self, *recipients: str, sender: str = "secretariat@ch-exemple.test") -> None:
        assert (await self.ask(f"MAIL FROM:<{sender}>")).startswith("250 2.1.0")
        for recipient in recipients or ("auto@huitaine.test",):
            assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250 2.1.5")

    async def letter(
        self, content: bytes = LETTER, *recipients: str, sender: str = "secretariat@ch-exemple.test"
    ) -> str:
        """Hand one letter in; ``content`` is sent as it is, followed by the end of data."""
        await self.begin(*recipients, sender=sender)
        assert (await self.ask("DATA")).startswith("354 ")
        await self.send(content + b".\r\n")
        return await self.reply()

    async def starttls(self, context: ssl.SSLContext) -> None:
        assert (await self.ask("STARTTLS")).startswith("220 ")
        await self.writer.start_tls(context, server_hostname="localhost")

    async def closed(self) -> bool:
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read() == b""
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await self.writer.wait_closed()


def ids() -> Callable[[], LetterId]:
    numbers = itertools.count(1)
    return lambda: LetterId(f"01LETTER{next(numbers):018d}")


@contextlib.asynccontextmanager
async def smtp_door(
    *, limits: SmtpLimits = QUICK, source: SmtpSource = DPI, intake: FakeIntake | None = None, **settings: object
) -> AsyncIterator[OpenDoor]:
    """Three listeners: ``clear`` (whoever connects is ``source``), ``starttls`` and ``tls``."""
    intake = intake or FakeIntake()
    tls = server_tls(ask_certificate=True)
    complete = SmtpDoorSettings(
        hostname="huitaine.test",
        listeners=(
            SmtpListener(name="clear", host="127.0.0.1", unsafe_source=source.name),
            SmtpListener(name="starttls", host="127.0.0.1", tls=tls),
            SmtpListener(name="tls", host="127.0.0.1", tls=tls, implicit_tls=True),
        ),
        sources=(source, LABO),
        limits=limits,
    )
    doors = await open_smtp_doors(replace(complete, **settings), intake, lambda: NOW, ids())
    try:
        yield OpenDoor(doors, intake)
    finally:
        if intake.gate:
            intake.gate.set()
        await doors.close()
