"""Letters of 10 and 25 MB through every door of a gateway whose loop is probed (promise D9)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import smtplib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import letters
from gateway.moments import utc_now
from tests.faults.campaigns import Row, row
from tests.faults.mailroom import WATCHED, own_dovecot
from tests.faults.place import Place, prepare
from tests.faults.process import GatewayProcess
from tests.faults.replaying import ENTRY, TARGET
from tests.faults.sender import Mllp, Smtp
from tests.peers.authority import make_authority
from tests.peers.dovecot import Dovecot
from tests.peers.hostile_smtp import EHLO, ScriptedHop, scripted_hop

AT_ONCE = ("-m", "tests.faults.broken.never_beside")
MOST = 25_000_000
"""Octets; the doors' limit is 25 MiB."""
_WAIT = 120.0
_OF_A_MAIL, _OF_A_MESSAGE = 0.72, 0.55
"""How much of it is its document, before base64 (twice in a message)."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A probed gateway between its doors and a hop."""

    place: Place
    hop: ScriptedHop
    told: Path
    dovecot: Dovecot | None
    user: str

    def longest(self) -> float:
        """Milliseconds for which the loop stood still, at most, until now."""
        return float(json.loads(self.told.read_text())["milliseconds"])

    async def hand_in(self, door: str, size: int) -> None:
        """One letter of ``size`` octets; comes back when the hop has it whole."""
        before = len(self.hop.taken)
        await getattr(self, f"_{door}")(size)
        async with asyncio.timeout(_WAIT):
            while len(self.hop.taken) == before:  # noqa: ASYNC110  the hop has no event
                await asyncio.sleep(0.05)

    async def _smtp(self, size: int) -> None:
        client = Smtp(self.place)
        answer = await client.send(await asyncio.to_thread(mail, size))
        await client.close()
        assert answer.startswith("250 "), answer

    async def _mllp(self, size: int) -> None:
        client = Mllp(self.place)
        answer = await client.send(await asyncio.to_thread(message, size))
        await client.close()
        assert "|AA|" in answer, answer

    async def _folder(self, size: int) -> None:
        aside = self.place.drop / ".large.part"
        await asyncio.to_thread(lambda: aside.write_bytes(message(size)))
        aside.rename(self.place.drop / "large.hl7")
        (self.place.drop / "large.ok").touch()  # its witness: nothing has to stand still for it

    async def _imap(self, size: int) -> None:
        await asyncio.to_thread(self._into_the_mailbox, mail(size))

    def _into_the_mailbox(self, content: bytes) -> None:
        assert self.dovecot is not None
        with smtplib.LMTP(self.dovecot.host, self.dovecot.lmtp_port) as client:
            client.sendmail("dpi@hospital.test", [self.user], content)


def mail(size: int) -> bytes:
    """A letter with a PDF that fills it."""
    return Smtp.letter(os.urandom(4).hex(), 1, b"%PDF-1.7\n" + os.urandom(int(size * _OF_A_MAIL)))


def message(size: int) -> bytes:
    """An MDM with a CDA with a document that fills it."""
    now = utc_now()
    return letters.mdm("large", now, now, now, letters.pdf("Lettre", "Grande.") + os.urandom(int(size * _OF_A_MESSAGE)))


@contextlib.asynccontextmanager
async def scene(
    folder: Path, *, dovecot: Dovecot | None = None, user: str = "", entry: Sequence[str] = ENTRY, cold: bool = True
) -> AsyncIterator[Scene]:
    """A gateway of its own; with a Dovecot it watches that user's mailbox.

    ``cold``: with an interpreter of its own, as whoever measures its loop wants it.
    """
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    async with scripted_hop({"EHLO": EHLO.replace(b"1000000", b"99999999")}, context) as hop:
        place = prepare(folder / "gateway", authority, hop.port, drop=True, more=_watching(dovecot, user))
        if dovecot:
            (place.settings.parent / "secrets" / "imap-password").write_text(dovecot.password)
        told = folder / "lag.json"
        environment = {"HUITAINE_LAG": str(told)}
        process = GatewayProcess(place, folder / "log", entry=entry, environment=environment, cold=cold)
        try:
            await asyncio.to_thread(process.open)
            yield Scene(place=place, hop=hop, told=told, dovecot=dovecot, user=user)
        finally:
            await asyncio.to_thread(process.stop)
            process.end()


def _watching(dovecot: Dovecot | None, user: str) -> str:
    if dovecot is None:
        return ""
    where = f'host = "localhost"\nport = {dovecot.imaps_port}\nuser = "{user}"\nca = "{dovecot.authority.roots}"\n'
    return f"\n[imap]\n{where}poll_seconds = 1.0\n"


async def lag_of(folder: Path, doors: Sequence[str], size: int, **more: object) -> float:
    """Milliseconds for which the loop stood still, at most, while one such letter came by each of ``doors``."""
    async with scene(folder, **more) as here:  # type: ignore[arg-type]
        for door in doors:
            await here.hand_in(door, size)
        await asyncio.sleep(0.5)
        return here.longest()


async def d9_large(folder: Path) -> Row:
    """10 and 25 MB by each door, each with a gateway of its own; then one that works on them at once."""
    figures = {}
    with own_dovecot(folder, WATCHED) as dovecot:
        for door in ("smtp", "mllp", "folder", "imap"):
            more = {"dovecot": dovecot, "user": WATCHED} if door == "imap" else {}
            for size in (10_000_000, MOST):
                figures[f"{door} {size // 10**6} MB"] = await lag_of(folder / f"{door}{size}", [door], size, **more)
    control = await lag_of(folder / "control", ["mllp"], MOST, entry=AT_ONCE)
    longest = max(figures.values())
    return row(
        "D9-large",
        control=control > TARGET,
        acknowledged=len(figures),
        figure=round(longest, 1),
        target=TARGET,
        unit="ms of loop lag at most",
        kept=longest <= TARGET,
        control_ms=round(control),
        doors=", ".join(f"{name} {lag:.0f} ms" for name, lag in figures.items()),
    )
