"""EHLO, STARTTLS and the small verbs: what is offered, and that nothing may stand behind STARTTLS (RFC 3207)."""

# ruff: noqa: N802  aiosmtpd finds verbs and mechanisms by these names

from __future__ import annotations

import asyncio
from hashlib import sha256

import structlog

from gateway.smtp.reply import Refusal
from gateway.smtp.server.faults import Faults

_log = structlog.get_logger()

_OFFERED = ("PIPELINING", "ENHANCEDSTATUSCODES", "DSN")


class Greeting(Faults):
    """Verbs that hand nothing in."""

    _unproved: asyncio.TimerHandle | None = None
    """Runs where another operator must show a certificate: nothing that it says before makes it wait longer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know the client by listener or certificate, now that TLS is there (again, after STARTTLS)."""
        super().connection_made(transport)
        self.offer_auth_if_encrypted(transport)
        self._expect_proof()
        source = self.door.source_of(self.listener, transport.get_extra_info("peercert"))
        if source is not None:
            self.identify(source)
            if self.listener.peers is not None:  # what it is refused for later names no certificate
                _log.info("smtp_operator", network=self.network, fingerprint=self.certificate_fingerprint())

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing is expected of it any more."""
        self._stop_expecting()
        super().connection_lost(error)

    def _expect_proof(self) -> None:
        self._stop_expecting()
        if self.listener.peers is not None and not self.encrypted:
            seconds = self.limits.to_prove.total_seconds()
            self._unproved = self.loop.call_later(seconds, self._without_proof)

    def _stop_expecting(self) -> None:
        if self._unproved is not None:
            self._unproved.cancel()
            self._unproved = None

    def _without_proof(self) -> None:
        """In the middle of a handshake nothing can be said."""
        _log.info("smtp_no_certificate_in_time", network=self.network)
        self.abort() if self.encrypted else self.farewell("421 4.4.2 No certificate in time")

    async def _handle_client(self) -> None:
        """Where a certificate is demanded, one that TLS verified but nobody listed ends here (RFC 5321 §3.1: 554)."""
        if self.listener.demand_certificate and self.source is None:
            _log.warning("smtp_certificate_unknown", network=self.network, fingerprint=self.certificate_fingerprint())
            await self.push("554 5.7.1 This certificate stands for nobody here; ask for its name to be listed")
            self.hang_up()
            return
        await super()._handle_client()

    def certificate_fingerprint(self) -> str:
        """The first half of the SHA-256 of the client's certificate: which one it was, without its names."""
        transport = self.transport
        tls = transport.get_extra_info("ssl_object") if transport else None
        encoded = tls.getpeercert(binary_form=True) if tls else None
        return sha256(encoded).hexdigest()[:32] if encoded else ""

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """As aiosmtpd, with its changes to the command limits undone (traps.md 7)."""
        self.count_junk()
        _check_name(hostname)
        await super().smtp_EHLO(hostname)
        self.restore_command_limits()

    async def smtp_HELO(self, hostname: str | None) -> None:
        """As aiosmtpd."""
        self.count_junk()
        _check_name(hostname)
        await super().smtp_HELO(hostname)

    def offers(self, stock: list[str]) -> list[str]:
        """What EHLO answers, from aiosmtpd's lines and ours: HELP goes, and AUTH where it would be refused."""
        lines = [line[4:] for line in stock if line != "250 HELP"]
        if self.source is not None or not self.encrypted:
            lines = [line for line in lines if not line.startswith("AUTH ")]
        lines += _OFFERED
        return [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Nothing that came in clear behind it is ever used (promise E2)."""
        if self.encrypted:
            raise Refusal(503, "5.5.1", "TLS is in use already")
        if self.unread:
            raise Refusal(501, "5.5.1", "No command may follow STARTTLS", hang_up=True)
        self.stop_watching_line()
        await super().smtp_STARTTLS(arg)

    async def smtp_NOOP(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.9."""
        self.count_junk()
        await super().smtp_NOOP(arg)

    async def smtp_RSET(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.5."""
        self.count_junk()
        await super().smtp_RSET(arg)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """RFC 5321 §3.5.3: who is in the directory is not for strangers."""
        self.count_junk()
        await self.push("252 2.5.1 Cannot verify; send the letter and it is addressed then")

    async def smtp_HELP(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.8."""
        self.count_junk()
        await self.push("214 2.0.0 See RFC 5321")

    async def unknown_verb(self, arg: str | None) -> None:
        """RFC 5321 §4.2.4."""
        raise Refusal(500, "5.5.2", "Command not recognised")


def _check_name(hostname: str | None) -> None:
    if hostname and not (hostname.isprintable() and len(hostname) <= 255):
        raise Refusal(501, "5.5.2", "Control character in host name")
