"""What addressees' signed mails tell of how to write to them: their certificate for encryption, and what they can open.

A mail is believed when its signature holds for its sender, under the authorities of ``[crypto] incoming_authorities``
(RFC 8551 §2.5.2, §2.5.3). It never takes the place of what a more trusted source says (CR-15).
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from config.settings import Settings
from directory.changes import add_certificate
from directory.errors import DirectoryError
from directory.records import Source
from gateway.beside import beside
from gateway.crypto.certificates import as_organisations, check_recipient
from gateway.errors import HuitaineError, NoProtection, NotOpened, TokenUnavailable
from gateway.service.alarms.incidents import OPENINGS_FAIL, SIGNERS_UNCHECKED, Incidents
from gateway.service.from_settings.keystores import gateway_keys, openpgp_secrets
from gateway.service.road.backlog import Backlog

if TYPE_CHECKING:
    from gateway.crypto.opened import OpenedMail
    from gateway.crypto.openpgp_process import AgentTurns

_SIGNED = (b"pkcs7", b"multipart/signed")
_GCM = "2.16.840.1.101.3.4.1.46"
"""AES-256-GCM (RFC 5084)."""
_FRESH = timedelta(days=30)
"""An old mail that somebody sends again must not bring back what its signer used then (RFC 8551 §2.7.1)."""
_HEARD = 1024
"""Mails that are not heard twice."""
_MOST = 64
_OCTETS = 64 << 20
"""What waits while an authority or a card is silent; a GP whose mail finds no room teaches with his next one."""
Open = Callable[[bytes], "OpenedMail"]
"""Takes a mail apart with our own keys and authorities; raises NotOpened."""


class Learning:
    """Hears every mail that comes to the receipts mailbox; what it cannot use changes nothing."""

    def __init__(
        self,
        folder: Path,
        open_one: Open,
        *,
        clock: Callable[[], datetime],
        on_unknown: Callable[[], None] = lambda: None,
        organisations: Collection[str] = (),
    ) -> None:
        """``folder`` is the directory's; ``on_unknown`` hears when nobody answered for a signer's certificate.

        ``organisations`` are the domains whose one certificate stands for all their mailboxes (CR-16).
        """
        self._organisations = organisations
        self._folder, self._open, self._clock, self._on_unknown = folder, open_one, clock, on_unknown
        self._heard: deque[bytes] = deque(maxlen=_HEARD)
        self._lock = Lock()
        self._backlog = Backlog(self.learn, most=_MOST, octets=_OCTETS)

    async def __call__(self, content: bytes) -> None:
        """On return it waits for its turn: nothing of it is worth an error, or a receipt's wait.

        It may be opened by a card, and about its signer authorities are asked.
        """
        if not await beside(len(content), _is_signed, content):
            return
        digest = (await beside(len(content), sha256, content)).digest()
        # A mail that cannot be moved away is offered again and again: a key is tried once on each (CR-34).
        if self._is_new(digest) and not self._backlog.offer(content):
            self._forget(digest)
            structlog.get_logger().warning("nothing-learned", why="no-room", digest=digest.hex())

    @property
    def is_idle(self) -> bool:
        """Whether every mail that it took has had its turn."""
        return self._backlog.is_idle

    async def end(self) -> None:
        """No other mail has its turn; the one that has it keeps nobody waiting."""
        if left := self._backlog.end():
            structlog.get_logger().info("nothing-learned", why="stopping", mails=left)

    def learn(self, content: bytes) -> None:
        """Now, without looking first whether there is anything to learn."""
        try:
            mail = self._open(content)
            self._tell_unknown(mail)
            told = self._told(mail)
        except TokenUnavailable as error:  # no key was tried on it: it may come again
            self._forget(sha256(content).digest())
            _say_why_not(content, error)
            return
        except (HuitaineError, DirectoryError, sqlite3.Error) as error:
            _say_why_not(content, error)
            return
        except Exception as error:  # noqa: BLE001 - a mail that we cannot even refuse must not hold the receipts up
            structlog.get_logger().error("nothing-learned", why=type(error).__name__)
            return
        if told:
            structlog.get_logger().info("certificate-learned", gcm=told == "gcm")

    def _is_new(self, digest: bytes) -> bool:
        with self._lock:
            is_new = digest not in self._heard
            if is_new:
                self._heard.append(digest)
            return is_new

    def _forget(self, digest: bytes) -> None:
        with self._lock, suppress(ValueError):
            self._heard.remove(digest)

    def _tell_unknown(self, mail: OpenedMail) -> None:
        if any(layer.revocation == "unknown" for layer in mail.layers):
            self._on_unknown()
            structlog.get_logger().warning("revocation-unknown", code="revocation-unknown")

    def _told(self, mail: OpenedMail) -> str:
        """Keep the certificate of the innermost signature; gives ``gcm``, ``cbc``, or nothing when there is none."""
        signed = [layer for layer in mail.layers if layer.verified and layer.told.encrypt_to]
        senders = mail.headers.addresses("from")
        if not mail.authenticated or not signed or len(senders) != 1:
            return ""
        told, signed_at, mailbox, now = signed[-1].told, signed[-1].signed_at, senders[0], self._clock()
        if signed_at is None or now - signed_at > _FRESH:
            return ""
        allowed, reads_gcm = self._organisations, _GCM in told.capabilities
        check_recipient(told.encrypt_to, mailbox, now, organisations=allowed)
        source = Source.VERIFIED_MAIL
        add_certificate(self._folder, mailbox, told.encrypt_to, source=source, gcm=reads_gcm, organisations=allowed)
        return "gcm" if reads_gcm else "cbc"


def _is_signed(content: bytes) -> bool:
    """Whether it may be, as far as can be told without taking it apart."""
    lowered = content.lower()
    return any(sign in lowered for sign in _SIGNED)


def _say_why_not(content: bytes, error: Exception) -> None:
    """The digest is that of the mailbox's own line; what a station says of a mail that does not open is its detail."""
    detail = error.detail if isinstance(error, NotOpened | NoProtection) else ""
    why = detail or getattr(error, "code", "") or type(error).__name__
    structlog.get_logger().info("nothing-learned", why=why, digest=sha256(content).hexdigest())


def learning(
    settings: Settings, clock: Callable[[], datetime], incidents: Incidents, agent: AgentTurns | None = None
) -> Learning | None:
    """What learns as the settings say; ``None`` when they name no authority for mail that comes in.

    ``agent`` are the turns of all that use the GnuPG home of the settings.
    """
    if settings.crypto.incoming_authorities is None and not settings.crypto.domain_authorities:
        return None
    on_unknown = incidents.counting(SIGNERS_UNCHECKED)
    opening = _restrained(settings, _opening(settings, clock, agent), clock, incidents.counting(OPENINGS_FAIL))
    allowed = as_organisations(settings.crypto.organisation_certificates)
    return Learning(settings.gateway.data, opening, clock=clock, on_unknown=on_unknown, organisations=allowed)


def _restrained(settings: Settings, open_one: Open, clock: Callable[[], datetime], on_rest: Callable[[], None]) -> Open:
    """The same, until a sender's mails do not open again and again (CR-34)."""
    from gateway.crypto.failed_openings import FailedOpenings, source_of  # noqa: PLC0415 - for who opens

    window = timedelta(minutes=settings.crypto.failed_openings_minutes)
    failed = FailedOpenings(most=settings.crypto.failed_openings, window=window, clock=clock, on_rest=on_rest)

    def open_it(content: bytes) -> OpenedMail:
        with failed.trying(source_of(content)):
            return open_one(content)

    return open_it


def _opening(settings: Settings, clock: Callable[[], datetime], agent: AgentTurns | None) -> Open:
    """Opens with every key of the key store; they are unlocked when the first signed mail comes."""
    from gateway.crypto.open import OpeningKeys, open_mail  # noqa: PLC0415 - half a second, for whom authorities matter
    from gateway.crypto.reception import Reception  # noqa: PLC0415 - as above
    from gateway.crypto.trust.policy import Revocation, Strictness  # noqa: PLC0415 - as above
    from gateway.service.from_settings.trusting import by_domain, evidence, signers_authorities  # noqa: PLC0415 - as above

    anchors = signers_authorities(settings)
    strictness = Strictness(settings.crypto.incoming_revocation)
    revocation = Revocation(strictness=strictness, evidence=evidence(settings, clock))
    allowed = as_organisations(settings.crypto.organisation_certificates)
    reception = Reception(revocation=revocation, by_domain=by_domain(settings), organisations=allowed)
    unlocked: list[OpeningKeys] = []

    def open_one(content: bytes) -> OpenedMail:
        if not unlocked:
            store = gateway_keys(settings)
            unlocked.append(
                OpeningKeys(smime=store.opening_identities(), openpgp=openpgp_secrets(settings, store, agent))
            )
        return open_mail(content, unlocked[0], at=clock(), trust_roots=anchors, reception=reception)

    return open_one
