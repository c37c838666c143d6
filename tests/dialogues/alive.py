"""A gateway of its own for the table: every door open, a scripted next hop behind it, clients that speak raw octets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.serialization import Encoding

from config.settings import load
from demo import letters
from directory import add_certificate, import_files
from gateway.crypto.authority import TestAuthority
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.service.build import build
from gateway.service.running import Running
from gateway.service.upkeep.installing import install
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import EHLO, ScriptedHop, scripted_hop

WAIT = 60.0
PASSWORD = "correct horse"
LOGIN = b"AUTH PLAIN " + b64encode(b"\0dpi\0" + PASSWORD.encode()) + b"\r\n"
GRACE = 5.0
"""Seconds of silence in the middle of something, instead of the default's 30."""
MORE = f"""
[smtp]
grace_seconds = {GRACE}
max_errors = 12

[queue]
min_free_share = 0.0
retry_minutes = [0.01]

[directory]
mss_forms = ["original"]
"""


@dataclass(slots=True)
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, octets: bytes, *, byte_by_byte: bool = False) -> None:
        """All of it; what the gateway does not want to read any more is nobody's fault."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for start in range(0, len(octets), 1 if byte_by_byte else 1 << 16):
                self.writer.write(octets[start : start + (1 if byte_by_byte else 1 << 16)])
                await self.writer.drain()

    async def reply(self) -> str:
        """The last line of one reply; empty when the connection ended."""
        async with asyncio.timeout(WAIT):
            while True:
                try:
                    line = await self.reader.readline()
                except (ConnectionError, ssl.SSLError):
                    line = b""
                if line[3:4] != b"-":
                    return line.decode().rstrip("\r\n")

    async def ask(self, command: bytes) -> str:
        """One command, one reply."""
        await self.send(command)
        return await self.reply()

    async def block(self) -> bytes:
        """One MLLP block's content."""
        async with asyncio.timeout(WAIT):
            return (await self.reader.readuntil(b"\x1c\r"))[1:-2]

    async def closed(self) -> bool:
        """Whether nothing more comes; fails when it stays open."""
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                return await self.reader.read() == b""
        return True

    async def close(self) -> None:
        """Our side too."""
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def connected(
    folder: Path, ports: Mapping[str, int], door: str, *, logs_in: bool = False, address: str = "127.0.0.1"
) -> AsyncIterator[Client]:
    """A client; at an SMTP door the greeting was read, and EHLO said unless nothing is to be said."""
    tls = ssl.create_default_context(cafile=str(folder / "tls" / "authority.pem"))
    more = {"ssl": tls, "server_hostname": "localhost"} if door == "implicit" else {}
    client = Client(*await asyncio.open_connection("127.0.0.1", ports[door], local_addr=(address, 0), **more))  # type: ignore[arg-type]
    try:
        if door != "mllp":
            assert (await client.reply()).startswith("220 ")
        if door == "implicit":
            assert (await client.ask(b"EHLO client.test\r\n")).startswith("250 ")
        if logs_in:
            assert (await client.ask(LOGIN)).startswith("235 ")
        yield client
    finally:
        await client.close()


@dataclass(slots=True, kw_only=True)
class Alive:
    """The running gateway as the table sees it."""

    running: Running
    folder: Path
    hop: ScriptedHop
    gp: SigningIdentity
    """Whoever the sealed mails are for: what he would see is what counts."""

    def client(
        self, door: str, *, logs_in: bool = False, address: str = "127.0.0.1"
    ) -> contextlib.AbstractAsyncContextManager[Client]:
        """A connection; see :func:`connected`."""
        return connected(self.folder, self.running.entrances.ports, door, logs_in=logs_in, address=address)

    def letters(self) -> list[queries.Row]:
        """Every letter that was kept, newest first."""
        with self.running.store.reading() as connection:
            return list(queries.letters(connection, queries.Wanted(limit=10_000)))

    def deliveries(self, letter: str) -> list[queries.Row]:
        """What became of one."""
        with self.running.store.reading() as connection:
            return list(queries.deliveries(connection, letter))

    async def settled(self, letter: str) -> list[queries.Row]:
        """Its deliveries, once none of them is on its way any more."""
        async with asyncio.timeout(WAIT):
            while True:
                found = self.deliveries(letter)
                if found and not any(row["state"] in {"ready", "leased"} for row in found):
                    return found
                await asyncio.sleep(0.05)

    def opened(self) -> OpenedMail:
        """The last mail that left, as its addressee opens it."""
        content = self.hop.taken[-1].replace(b"\r\n..", b"\r\n.")
        return open_mail(content, OpeningKeys(smime=(self.gp,)), at=utc_now(), trust_roots=())

    def journal(self, letter: str) -> list[queries.Row]:
        """What the journal says of one."""
        with self.running.store.reading() as connection:
            return list(queries.trace(connection, letter))


@contextlib.asynccontextmanager
async def alive(folder: Path, authority: Authority, more: str = "") -> AsyncIterator[Alive]:
    """Open until the context ends; ``more`` is added to the settings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    async with scripted_hop({"EHLO": EHLO.replace(b"1000000", b"99999999")}, context) as hop:
        settings, gp = await asyncio.to_thread(prepare, folder, authority, hop.port, more)
        async with Running(build(load(settings), clock=utc_now)) as running:
            yield Alive(running=running, folder=folder, hop=hop, gp=gp)


def prepare(
    folder: Path, authority: Authority, hop_port: int, more: str = "", ports: Mapping[str, int] | None = None
) -> tuple[Path, SigningIdentity]:
    """An installation that knows one GP with a key; a login that costs little."""
    made = install(folder, hospital="CH d'essai")
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    (folder / "secrets" / "source-dpi").write_text(cheap.hash(PASSWORD))
    for name in ("imap", "receipts"):
        (folder / "secrets" / f"{name}-password").write_text("x")
    text = made.settings.read_text(encoding="utf-8")
    chosen = ports or {"starttls": 0, "implicit": 0, "mllp": 0}
    doors = (("2587", chosen["starttls"]), ("2465", chosen["implicit"]), ("2575", chosen["mllp"]))
    for old, new in (*doors, ("1587", f'{hop_port}\ntls = "implicit"')):
        text = text.replace(f"= {old}\n", f"= {new}\n")
    text = text.replace('ca = "tls/authority.pem"', f'ca = "{authority.roots}"')
    text = text.replace('[folder]\npath = "drop"\n', "").replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n")
    smtp, rest = MORE.split("[queue]")
    text = text.replace("[smtp]\n", smtp.lstrip()) + "\n[queue]" + rest + more
    made.settings.write_text(text, encoding="utf-8")
    extraction = folder / "Extraction_Correspondance_MSSante_202601150300.txt"
    extraction.write_text(letters.directory(), encoding="utf-8")
    import_files(folder / "data", [extraction])
    gp = TestAuthority.create("GP").issue(address=letters.GP_MAILBOX)
    add_certificate(folder / "data", letters.GP_MAILBOX, gp.certificate.public_bytes(Encoding.DER))
    return made.settings, gp
