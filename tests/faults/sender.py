"""The hospital's software in a campaign: many connections, each letter sent again until somebody says yes to it."""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import random
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from demo import letters
from gateway.moments import utc_now
from tests.faults.place import TO, Place

_START, _END = b"\x0b", b"\x1c\r"
_PAUSE = 0.05
_PATIENCE = 30.0
_GLANCE = 0.05


@dataclass(frozen=True, slots=True)
class Yes:
    """A letter was promised: our number for it, the door, the end of the gateway's id (MSH-10 holds 20 characters)."""

    number: int
    door: str
    letter: str


@dataclass(slots=True)
class Heard:
    """Everything that the gateway answered."""

    yes: list[Yes] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    """Our numbers of the letters that were handed in at least once, answered or not."""
    no: list[str] = field(default_factory=list)
    broken: int = 0
    """Letters cut off before an answer, and therefore sent again."""


class Hospital:
    """Hands letters in over SMTP (implicit TLS), MLLP and the drop folder until each is promised."""

    def __init__(self, place: Place, *, smtp: int = 8, mllp: int = 2, folder: int = 0, largest: int = 45_000) -> None:
        """``smtp`` and ``mllp`` are how many connections each, ``folder`` how many files at a time.

        ``largest`` is that of a mail's document, in bytes.
        """
        self._largest = largest
        self._place, self._run = place, os.urandom(6).hex()
        self._connections: list[type[Smtp | Mllp | Folder]] = [Smtp] * smtp + [Mllp] * mllp + [Folder] * folder
        self._numbers = itertools.count(1)
        self._document = letters.pdf("Lettre", "Essai de la campagne de pannes.") if mllp or folder else b""
        self.heard = Heard()

    async def hand_in(self, count: int) -> None:
        """Come back once ``count`` more letters are promised."""
        mine = iter(list(itertools.islice(self._numbers, count)))
        await asyncio.gather(*(self._work(kind(self._place), mine) for kind in self._connections))

    async def _work(self, connection: Smtp | Mllp | Folder, numbers: Iterator[int]) -> None:
        for number in numbers:
            document = self._document
            if connection.door == Smtp.door:
                document = b"%PDF-1.7\n" + random.randbytes(random.randint(1_500, self._largest))
            content = connection.letter(self._run, number, document)
            await self._until_yes(connection, number, content)
        await connection.close()

    async def _until_yes(self, connection: Smtp | Mllp | Folder, number: int, content: bytes) -> None:
        while True:
            self.heard.begun.add(number)
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await connection.send(content)
            except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
                self.heard.broken += connection.is_open
                await connection.close()
                await asyncio.sleep(_PAUSE)
                continue
            if letter := connection.promised(answer):
                self.heard.yes.append(Yes(number, connection.door, letter))
                return
            self.heard.no.append(answer)
            await asyncio.sleep(_PAUSE)


class _Connection:
    door = ""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_open(self) -> bool:
        """Whether the gateway was reached at all."""
        return self._writer is not None

    async def close(self) -> None:
        """Nothing is kept of a connection that broke."""
        if self._writer:
            self._writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await self._writer.wait_closed()
        self._reader = self._writer = None

    def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self._reader is not None
        assert self._writer is not None
        return self._reader, self._writer


class Smtp(_Connection):
    """Submission over implicit TLS, one command at a time: the reply to the dot is the fourth."""

    door = "smtp"

    @staticmethod
    def letter(run: str, number: int, document: bytes) -> bytes:
        """A mail with a document; without one, with 2 to 60 KB that nothing compresses."""
        pdf = document or b"%PDF-1.7\n" + random.randbytes(random.randint(1_500, 45_000))
        encoded = base64.encodebytes(pdf).decode().rstrip().replace("\n", "\r\n")
        return (
            f"From: dpi@hospital.test\r\nTo: {TO}\r\nSubject: Lettre {number}\r\n"
            f"Message-ID: <faults-{run}-{number}@hospital.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nVeuillez trouver ci-joint la lettre.\r\n"
            "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="lettre.pdf"\r\n\r\n{encoded}\r\n--b--\r\n'
        ).encode()

    async def send(self, content: bytes) -> str:
        if self._reader is None:
            await self._connect()
        for line in (b"MAIL FROM:<dpi@hospital.test>", f"RCPT TO:<{TO}>".encode(), b"DATA"):
            if (answer := await self._ask(line))[:1] not in "23":
                await self._ask(b"RSET")
                return f"{answer} [{line[:4].decode()}]"
        return await self._ask(content + b".")

    @staticmethod
    def promised(answer: str) -> str | None:
        return answer.rpartition(" ")[2][-20:] if answer.startswith("250 ") else None

    async def _connect(self) -> None:
        context = ssl.create_default_context(cafile=str(self._place.ca))
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._place.smtps, ssl=context, server_hostname="localhost"
        )
        secret = base64.b64encode(f"\0{self._place.login}\0{self._place.password}".encode())
        await self._reply()
        await self._ask(b"EHLO dpi.hospital.test")
        if not (answer := await self._ask(b"AUTH PLAIN " + secret)).startswith("235"):
            raise ConnectionError(answer)

    async def _ask(self, line: bytes) -> str:
        self._open()[1].write(line + b"\r\n")
        return await self._reply()

    async def _reply(self) -> str:
        while True:
            line = await self._open()[0].readuntil(b"\r\n")
            if line[3:4] != b"-":
                return line.decode().rstrip()


class Mllp(_Connection):
    """MDM^T02 over MLLP; an AA is a promise."""

    door = "mllp"

    @staticmethod
    def letter(run: str, number: int, document: bytes) -> bytes:
        """A discharge letter to the GP whom it names."""
        now = utc_now()
        admitted, discharged = now - timedelta(days=3), now - timedelta(hours=2)
        return letters.mdm(f"{run}{number}", now, admitted, discharged, document)

    async def send(self, content: bytes) -> str:
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._place.mllp)
        reader, writer = self._open()
        writer.write(_START + content + _END)
        return (await reader.readuntil(_END)).decode()

    @staticmethod
    def promised(answer: str) -> str | None:
        return answer.split("|")[9] if "\rMSA|AA|" in answer else None


class Folder(_Connection):
    """A file in the drop folder, its witness beside it; one that lies in ``taken`` is promised."""

    door = "folder"
    letter = staticmethod(Mllp.letter)

    async def send(self, content: bytes) -> str:
        name = sha256(content).hexdigest()[:16] + ".hl7"
        file, witness = self._place.drop / name, (self._place.drop / name).with_suffix(".ok")
        if not self._said(name) and not file.exists():
            await asyncio.to_thread(file.with_name(f".{name}").write_bytes, content)
            file.with_name(f".{name}").rename(file)
            witness.touch()
        while not (said := self._said(name)):  # noqa: ASYNC110 (no event of ours tells it)
            await asyncio.sleep(_GLANCE)
        return said

    def _said(self, name: str) -> str:
        if refused := (self._place.drop / "refused" / name).exists():
            return f"550 refused {refused}"
        taken = next((self._place.drop / "taken").glob(f"*_{name}"), None)
        return f"250 taken {taken.name.partition('_')[0]}" if taken else ""

    promised = staticmethod(Smtp.promised)
