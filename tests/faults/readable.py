"""Promise E12: words that must never be told, sent through every path of a running gateway and looked for afterwards."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import quopri
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from demo import letters
from gateway.control import order
from gateway.moments import utc_now
from tests.faults.campaign import Scene
from tests.faults.place import TO
from tests.peers.running import free_ports

NAME, SUBJECT, BODY, FILE = "CANARINE", "SUJETCANARI", "TEXTECANARI", "FICHIERCANARI"
MAILBOX, PASSWORD, TOKEN = "boite.canari", "MotDePasseCanari", "JetonCanari"
CANARIES = (NAME, SUBJECT, BODY, FILE, MAILBOX, PASSWORD, TOKEN)
_START, _END = b"\x0b", b"\x1c\r"


def forms(canary: str) -> Iterator[bytes]:
    """How it could be written: as it is, in base64 at each of three offsets, quoted-printable, UTF-16."""
    plain = canary.encode()
    yield from (plain, plain.lower(), plain.upper(), canary.encode("utf-16-le"))
    yield quopri.encodestring(plain, quotetabs=True)
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        yield encoded[4 if shift else 0 : -4]


def found(content: bytes) -> set[str]:
    """The canaries in it, in any form."""
    return {canary for canary in CANARIES for form in forms(canary) if form in content}


@dataclass(slots=True)
class Told:
    """Everything that the gateway said, by where it said it."""

    places: dict[str, bytes] = field(default_factory=dict)

    def add(self, place: str, content: bytes) -> None:
        self.places[place] = self.places.get(place, b"") + content + b"\n"

    def leaks(self) -> dict[str, set[str]]:
        return {place: leaked for place, content in self.places.items() if (leaked := found(content))}


def mail(to: str, *, sender: str = "dpi@hospital.test", more: bytes = b"") -> bytes:
    """A mail with a canary wherever a person could write something."""
    message = EmailMessage()
    message["From"], message["To"] = f"{NAME} <{sender}>", f"{NAME} <{to}>"
    message["Subject"], message["Message-ID"] = f"{SUBJECT} {NAME}", f"<{TOKEN}-{os.urandom(4).hex()}@hospital.test>"
    message["X-Token"] = TOKEN
    message.set_content(f"{BODY}\n")
    message.add_attachment(b"%PDF-1.7 " + BODY.encode(), maintype="application", subtype="pdf", filename=f"{FILE}.pdf")
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").rstrip() + b"\r\n" + more


def message(**changes: bytes) -> bytes:
    """An MDM about a patient of that name; ``changes`` replaces octets."""
    now = utc_now()
    content = letters.mdm("canary", now, now, now, letters.pdf(SUBJECT, BODY)).replace(b"TESTINI", NAME.encode())
    for old, new in changes.items():
        content = content.replace(old.encode(), new)
    return content


class Smtp:
    """A session that goes on whatever it hears, and keeps all of it."""

    def __init__(self, told: Told, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._told, self._reader, self._writer = told, reader, writer

    @classmethod
    async def open(cls, here: Scene, told: Told, *, login: str = "", password: str = "") -> Smtp:
        context = ssl.create_default_context(cafile=str(here.place.ca))
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", here.place.smtps, ssl=context, server_hostname="localhost"
        )
        session = cls(told, reader, writer)
        await session.hear()
        await session.say(f"EHLO {TOKEN}.test".encode())
        secret = f"\0{login or here.place.login}\0{password or here.place.password}"
        await session.say(b"AUTH PLAIN " + base64.b64encode(secret.encode()))
        return session

    async def say(self, line: bytes) -> bytes:
        self._writer.write(line + b"\r\n")
        return await self.hear()

    async def hear(self) -> bytes:
        heard = b""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                line = await asyncio.wait_for(self._reader.readuntil(b"\r\n"), 60)
                heard += line
                if line[3:4] != b"-":
                    break
        # A command's own words in its refusal go back to whoever said them: only what was not said counts.
        self._told.add("smtp", heard)
        return heard

    async def send(self, content: bytes, to: str) -> bytes:
        for line in (b"MAIL FROM:<dpi@hospital.test>", f"RCPT TO:<{to}>".encode(), b"DATA"):
            if (await self.say(line))[:1] not in b"23":
                return await self.say(b"RSET")
        return await self.say(content + b".")

    async def close(self) -> None:
        await self.say(b"QUIT")
        self._writer.close()


async def over_smtp(here: Scene, told: Told) -> None:
    """Taken, held, unreadable, forged, malformed, cut off; wrong passwords."""
    session = await Smtp.open(here, told)
    await session.send(mail(TO), TO)
    await session.send(mail(TO), "99900000094@rpps.hospital.test")
    await session.send(mail(TO), f"{MAILBOX}@nowhere.test")
    await session.send(mail(TO, sender=f"{MAILBOX}@elsewhere.test"), TO)
    await session.send(mail(TO, more=b"bare\nfeed " + BODY.encode() + b"\r\n"), TO)
    await session.send(mail(TO, more=BODY.encode() * 200 + b"\r\n"), TO)
    await session.send(
        b"Content-Type: multipart/mixed; boundary=" + TOKEN.encode() + b"\r\n\r\n" + b"--" * 9 + b"\r\n", TO
    )
    await session.close()
    guessing = await Smtp.open(here, told, login=MAILBOX, password=PASSWORD)
    await guessing.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", here.place.smtps)
    writer.write(f"GET /{TOKEN}?{PASSWORD} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    told.add("smtp", await asyncio.wait_for(reader.read(), 60))
    writer.close()
    cut = await Smtp.open(here, told)
    for line in (b"MAIL FROM:<dpi@hospital.test>", f"RCPT TO:<{TO}>".encode(), b"DATA"):
        await cut.say(line)
    cut._writer.write(mail(TO)[:300])
    cut._writer.transport.abort()


async def over_mllp(here: Scene, told: Told) -> None:
    """Taken, refused for its content, no HL7 at all, half a block."""
    for content in (
        message(),
        message(PDF=BODY.encode()),
        message().replace(b"|MDM^T02", b"|" + TOKEN.encode()),
        f"MSH|^~\\&|{NAME}|{SUBJECT}\rPID|{BODY}".encode(),
        f"{NAME} {BODY}".encode(),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", here.place.mllp)
        writer.write(_START + content + _END)
        with contextlib.suppress(asyncio.IncompleteReadError, TimeoutError):
            told.add("mllp", await asyncio.wait_for(reader.readuntil(_END), 30))
        writer.write(_START + content[:60])
        writer.transport.abort()


async def over_control(here: Scene, told: Told) -> None:
    """Orders that work, that fail, and that are nonsense."""
    data = here.place.settings.parent / "data"
    file = here.place.settings.parent / f"{FILE}.hpr"
    file.write_bytes(letters.hprim_lab(utc_now()).replace(b"TESTINI", NAME.encode()))
    broken = here.place.settings.parent / f"{FILE}2.hpr"
    broken.write_bytes(letters.hprim_lab(utc_now()).replace(b"14/02/1978", BODY.encode()))
    orders: list[dict[str, Any]] = [
        {"act": "send", "path": str(file), "to": TO},
        {"act": "send", "path": str(broken), "to": f"{MAILBOX}@nowhere.test"},
        {"act": "send", "path": f"/nowhere/{FILE}"},
        {"act": "release", "letter": TOKEN, "why": NAME, "actor": NAME},
        {"act": TOKEN},
        {"act": "purge"},
        {},
    ]
    for what in orders:
        answer = await asyncio.to_thread(order, data / "control.sock", what)
        told.add("control", repr(answer).encode())
    reader, writer = await asyncio.open_unix_connection(data / "control.sock")
    writer.write(f"{NAME} {PASSWORD}\n".encode())
    told.add("control", await asyncio.wait_for(reader.read(), 30))
    writer.close()


async def over_metrics(metrics: int, told: Told) -> None:
    """The figures, the health, and a page that is not there."""

    def ask(path: str) -> bytes:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{metrics}{path}") as answer:
            return bytes(answer.read())
        return b""

    for path in ("/metrics", "/health", "/elsewhere"):
        told.add(f"http {path}", await asyncio.to_thread(ask, path))


def of_the_process(here: Scene, told: Told, log: Path) -> None:
    """What the kernel shows of it and of its children, and all that it ever printed."""
    process = here.gateway._process
    assert process is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (str(process.pid), *children):
        for name in ("cmdline", "environ", "comm"):
            with contextlib.suppress(OSError):
                told.add(f"/proc {name}", Path(f"/proc/{pid}/{name}").read_bytes())
    told.add("standard error", log.read_bytes())


def free_metrics_port(here_settings: Path) -> int:
    """Open the metrics' door in settings that have none."""
    port = free_ports(1)[0]
    text = here_settings.read_text(encoding="utf-8").replace("metrics_port = 0", f"metrics_port = {port}")
    here_settings.write_text(text, encoding="utf-8")
    return port


def plant(told: Told) -> None:
    """A leak of each form, for the control."""
    for number, form in enumerate(forms(NAME)):
        told.add(f"planted {number}", b"x" + form + b"x")
