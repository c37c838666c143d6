"""One connection: aiosmtpd's engine with each concern of the door in a file of its own, outermost last.

Engine ← Limits ← Faults ← Greeting ← Auth ← EnvelopeVerbs ← Data ← SmtpSession
"""

# ruff: noqa: N802  aiosmtpd finds verbs and mechanisms by these names

from __future__ import annotations

import asyncio

from gateway.smtp.server.auth import AuthHooks
from gateway.smtp.server.data import Data
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.engine import Transaction
from gateway.smtp.server.settings import SmtpListener


class SmtpSession(Data):
    """A client's session, known to the door while it lasts."""

    def __init__(self, door: SharedDoor, listener: SmtpListener, *, network: str, admitted: bool) -> None:
        """``admitted`` is the gate's answer for ``network``; its place there is given back when the connection ends."""
        super().__init__(_HOOKS, door, listener, network=network, admitted=admitted)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Known to the door from now on."""
        self.door.arrive(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forgotten by the door."""
        self.door.leave(self)
        super().connection_lost(error)


class Hooks(AuthHooks):
    """What aiosmtpd calls; it passes the session (as its server) first, and all of it is the session's business."""

    async def handle_EHLO(
        self, session: SmtpSession, state: object, envelope: Transaction, hostname: str, responses: list[str]
    ) -> list[str]:
        """The lines to answer."""
        session.name_client(hostname)
        return session.offers(responses)

    async def handle_MAIL(
        self, session: SmtpSession, state: object, envelope: Transaction, address: str, options: list[str]
    ) -> str:
        """The reply to MAIL."""
        return session.begin(address)

    async def handle_RCPT(
        self, session: SmtpSession, state: object, envelope: Transaction, address: str, options: list[str]
    ) -> str:
        """The reply to RCPT."""
        return await session.add(address)


_HOOKS = Hooks()
"""One for all: it keeps nothing."""
