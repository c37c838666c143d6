"""A whole gateway in this process, with a next hop in the same loop that answers what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib

from config.settings import load
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.service.build import build
from gateway.service.running import Running
from gateway.smtp.courier import Timeouts
from tests.faults.as_received import sealed_mails
from tests.faults.floors import server_context
from tests.faults.place import Place, prepare
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import EHLO, ScriptedHop, scripted_hop

SENDER = "dpi@hospital.test"
SIZED = EHLO.replace(b"1000000", b"99999999")


@dataclass(slots=True, kw_only=True)
class Letterbox:
    """The running gateway and its next hop."""

    place: Place
    running: Running
    hop: ScriptedHop

    async def post(self, *mailboxes: str, sender: str = SENDER) -> str:
        """One sealed mail for all of them, over TLS as the hospital's software does; gives the answer."""
        context = client_context_of(self.place)
        [content] = await asyncio.to_thread(sealed_mails, 1)
        async with aiosmtplib.SMTP(
            hostname="localhost", port=self.place.smtps, use_tls=True, tls_context=context
        ) as client:
            await client.login(self.place.login, self.place.password)
            _, answer = await client.sendmail(sender, list(mailboxes), content)
        return answer

    def rows(self) -> list[queries.Row]:
        """All deliveries as the store has them."""
        with self.running.store.reading() as connection:
            found = queries.letters(connection, queries.Wanted())
            return [row for letter in found for row in queries.deliveries(connection, letter["id"])]

    def journal(self) -> list[queries.Row]:
        """Every entry."""
        with self.running.store.reading() as connection:
            found = queries.letters(connection, queries.Wanted())
            return [row for letter in found for row in queries.trace(connection, letter["whole"])]

    def offered(self, mailbox: str) -> list[float]:
        """When each RCPT for the mailbox came."""
        return [
            moment
            for line, moment in zip(self.hop.heard, self.hop.moments, strict=True)
            if line.startswith(b"RCPT") and f"<{mailbox}>".encode() in line
        ]

    def reports(self) -> list[bytes]:
        """The DSNs that reached the hop."""
        return [mail for mail in self.hop.taken if b"multipart/report" in mail]

    async def until(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for what is on its way."""
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 (the store has no event for each thing a test asks)
                await asyncio.sleep(0.02)


def client_context_of(place: Place) -> ssl.SSLContext:
    """What a client of the gateway trusts."""
    return ssl.create_default_context(cafile=str(place.ca))


@contextlib.asynccontextmanager
async def letterbox(
    folder: Path,
    authority: Authority,
    script: Mapping[str, bytes] | None = None,
    *,
    timeouts: Timeouts | None = None,
    more: str = "",
) -> AsyncIterator[Letterbox]:
    """Open for the time of a test; ``timeouts`` are the courier's, ``more`` is added to the settings."""
    context = server_context(authority.server)
    async with scripted_hop({"EHLO": SIZED, **(script or {})}, context) as hop:
        place = prepare(folder, authority, hop.port, readers=1, more=more)
        text = place.settings.read_text(encoding="utf-8")
        text = text.replace("[sources.dpi]\n", '[sources.dpi]\nunknown_mailbox = "allow"\n')
        text = text.replace('senders = ["@hospital.test"]', 'senders = ["@hospital.test", "<>"]')
        place.settings.write_text(text, encoding="utf-8")
        gateway = build(load(place.settings), clock=utc_now)
        if timeouts is not None:
            gateway.courier._timeouts = timeouts
        async with Running(gateway) as running:
            yield Letterbox(place=place, running=running, hop=hop)
