"""What becomes of an exception in a session: a refusal is said, everything else is our fault and temporary (A4)."""

from __future__ import annotations

import asyncio
import secrets
import traceback

import structlog
from aiosmtpd.smtp import TLSSetupException

from gateway.accepting import unproved, why_no_handshake
from gateway.errors import HuitaineError
from gateway.smtp.reply import Refusal, internal_fault, reply_for
from gateway.smtp.server.journal_words import in_english, in_french
from gateway.smtp.server.limits import Limits

_log = structlog.get_logger()


class Faults(Limits):
    """Replaces aiosmtpd's ``500 Error: (RuntimeError) <the exception's text>`` (traps.md 1)."""

    async def handle_exception(self, error: Exception) -> str:
        """The reply; aiosmtpd sends it and the session goes on unless the refusal ends it."""
        if isinstance(error, Refusal):
            return self._refused(error)
        if isinstance(error, HuitaineError):
            _log.warning("smtp_refused", status=error.status, error=type(error).__name__, detail=error.detail)
            return str(reply_for(error))
        if isinstance(error, TLSSetupException | asyncio.IncompleteReadError):
            self.log_failed_handshake(error.__cause__)
            return str(internal_fault("-"))
        return self._fault(error)

    def log_failed_handshake(self, error: BaseException | None) -> None:
        """One line, with the reason in OpenSSL's words: they name nobody."""
        log = _log.warning if unproved(error) else _log.info
        log("smtp_handshake_failed", listener=self.listener.name, network=self.network, reason=why_no_handshake(error))

    def _refused(self, refusal: Refusal) -> str:
        source = self.source.name if self.source else ""
        reply = refusal.reply
        words = {"why": in_english(reply.text), "pourquoi": in_french(reply.text)}
        _log.info("smtp_refused", code=reply.code, status=reply.status, source=source, **words)
        if refusal.hang_up and refusal.reply.code != 421:
            self.farewell(str(refusal.reply))
        return str(refusal.reply)

    def _fault(self, error: Exception) -> str:
        reference = secrets.token_hex(4)
        # The exception's text may hold a path or a name: its type and its places in our code tell as much.
        frames = traceback.extract_tb(error.__traceback__)[-5:]
        places = [f"{frame.name}:{frame.lineno}" for frame in frames]
        _log.error("smtp_fault", reference=reference, error=type(error).__name__, places=places)
        return str(internal_fault(reference))
