"""What all connections of the SMTP door share: settings, counts, credentials and letters being committed."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from gateway.errors import Busy
from gateway.smtp.server.contract import Certificate, Clock, Ids, Intake, Peers
from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.gate import Gate
from gateway.smtp.server.settings import Operator, SmtpDoorSettings, SmtpListener, SmtpSource

if TYPE_CHECKING:
    from gateway.smtp.server.session import SmtpSession


class SharedDoor:
    """One per ``open_smtp_doors``; nothing here outlives it."""

    def __init__(
        self, settings: SmtpDoorSettings, intake: Intake, clock: Clock, ids: Ids, *, credentials: Credentials
    ) -> None:
        self.settings = settings
        self.limits = settings.limits
        self.intake = intake
        self.clock = clock
        self.ids = ids
        self.credentials = credentials
        self.gate = Gate(settings.limits, asyncio.get_running_loop().time)
        self.sessions: set[SmtpSession] = set()
        self.commits: set[asyncio.Task[None]] = set()
        self.draining = False
        self.empty = asyncio.Event()
        self.empty.set()
        self._in_memory = 0

    def arrive(self, session: SmtpSession) -> None:
        """One more session to end before the door can close."""
        self.sessions.add(session)
        self.empty.clear()

    def leave(self, session: SmtpSession) -> None:
        """One less."""
        self.sessions.discard(session)
        if not self.sessions:
            self.empty.set()

    def hold(self, size: int) -> None:
        """Count ``size`` more octets of content in memory; ``Busy`` over the limit, with nothing counted."""
        if size > 0 and self._in_memory + size > self.limits.max_in_memory:
            raise Busy("content in memory over limit")
        self._in_memory += size

    @property
    def in_memory(self) -> int:
        """Octets of content that are being received."""
        return self._in_memory

    def source_of(self, listener: SmtpListener, certificate: Certificate | None) -> SmtpSource | None:
        """Who the client is without logging in: by the listener, or by a certificate that TLS has verified."""
        valid = certificate if certificate and self._in_time(certificate) else None
        if listener.peers is not None:
            return _operator(listener.name, valid, listener.peers)
        names = names_of(valid) if valid else frozenset()
        found = [
            source
            for source in self.settings.sources
            if source.name == listener.unsafe_source or source.certificate_names & names
        ]
        return found[0] if len(found) == 1 else None  # one certificate for two sources proves neither

    def _in_time(self, certificate: Certificate) -> bool:
        """TLS looked at this before; a TLS 1.2 session that is resumed is not looked at again."""
        return ssl.cert_time_to_seconds(certificate["notAfter"]) > self.clock().timestamp()


def _operator(name: str, certificate: Certificate | None, peers: Peers) -> Operator | None:
    return Operator(name=name, senders=frozenset(), certificate=certificate, peers=peers) if certificate else None


def names_of(certificate: Certificate) -> frozenset[str]:
    """``commonName=…``, ``DNS:…``, ``email:…``, ``URI:…`` of a verified certificate, as settings write them."""
    subject = {f"{key}={value}" for part in certificate.get("subject", ()) for key, value in part}
    alternative = {f"{kind}:{value}" for kind, value in certificate.get("subjectAltName", ())}
    return frozenset(subject | alternative)
