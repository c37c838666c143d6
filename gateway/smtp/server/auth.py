"""AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), inside TLS only, with few tries."""

# ruff: noqa: N802  aiosmtpd finds verbs and mechanisms by these names

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode

import structlog
from aiosmtpd.smtp import MISSING, AuthResult

from gateway.smtp.reply import Refusal
from gateway.smtp.server.greeting import Greeting

_LONGEST_ANSWER = 12288
"""RFC 4954 §4: a base64 line."""

_BAD_BASE64 = "Cannot decode base64"

_log = structlog.get_logger()


class Auth(Greeting):
    """Logging in; afterwards ``source`` is who the client is."""

    _auth_failures = 0

    async def smtp_AUTH(self, arg: str | None) -> None:
        """As aiosmtpd, with mechanism names in any case and not within a transaction (RFC 4954 §4)."""
        if self.transaction.mail_from:
            raise Refusal(503, "5.5.1", "AUTH is not allowed within a mail transaction")
        mechanism, space, rest = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + space + rest)

    async def answer_or_ask(self, initial: str | None, prompt: str) -> bytes | None:
        """The client's initial response decoded, or his answer to ``prompt``; ``None`` when he was refused already."""
        if initial is not None:
            return b"" if initial == "=" else _decoded(initial)
        answer = await self.challenge_auth(prompt)
        if answer is MISSING:
            return None
        if len(answer) > _LONGEST_ANSWER * 3 // 4:
            raise Refusal(500, "5.5.2", "AUTH answer too long")
        return bytes(answer)

    async def log_in(self, login: bytes, password: bytes) -> AuthResult:
        """Check with the credentials; three failures end the connection (promise E5)."""
        began = self.loop.time()
        source = await self.door.credentials.check(login, password, self.network)
        if source is not None:
            return AuthResult(success=True, auth_data=source)
        self._auth_failures += 1
        _log.warning("smtp_login_failed", network=self.network, failures=self._auth_failures)
        # From the beginning: a hash takes its time, and a login that does not exist must not be told by its absence.
        await asyncio.sleep(began + self._penalty() - self.loop.time())
        if self._auth_failures >= self.limits.max_auth_failures:
            raise Refusal(421, "4.7.0", "Too many failed logins")
        return AuthResult(success=False, handled=False, message="535 5.7.8 Authentication credentials invalid")

    def _penalty(self) -> float:
        step, most = self.limits.guess_delay.total_seconds(), self.limits.max_guess_delay.total_seconds()
        return min(most, step * max(1, self.door.credentials.failures(self.network)))


class AuthHooks:
    """The two mechanisms, async so that hashing leaves the loop (traps.md 4)."""

    async def auth_PLAIN(self, session: Auth, args: list[str]) -> AuthResult:
        """RFC 4616: authorization identity (empty, or the login itself), login, password."""
        answer = await session.answer_or_ask(args[1] if len(args) > 1 else None, "")
        if answer is None:
            return AuthResult(success=False)
        parts = answer.split(b"\0")
        if len(parts) != 3 or parts[0] not in {b"", parts[1]}:
            raise Refusal(501, "5.5.2", "Cannot read the PLAIN answer")
        return await session.log_in(parts[1], parts[2])

    async def auth_LOGIN(self, session: Auth, args: list[str]) -> AuthResult:
        """The old two-step mechanism that much hospital software still speaks."""
        login = await session.answer_or_ask(args[1] if len(args) > 1 else None, "Username:")
        password = None if login is None else await session.answer_or_ask(None, "Password:")
        if login is None or password is None:
            return AuthResult(success=False)
        return await session.log_in(login, password)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Refusal(501, "5.5.2", _BAD_BASE64) from error
