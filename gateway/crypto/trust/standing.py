"""One judgement a certificate for as long as its authorities' word may be taken, so that a letter costs a look-up."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from gateway.crypto.certificates import check_time, read_certificate
from gateway.crypto.trust.addressees import Standing
from gateway.crypto.trust.domains import judge_mailboxes
from gateway.crypto.trust.path import Verdict
from gateway.crypto.trust.policy import Strictness, Trust
from gateway.errors import NoProtection

_REMEMBERED = 16_384
_GOOD = timedelta(hours=1)
_OTHERWISE = timedelta(minutes=1)


class AddresseesTrust:
    """Judges addressees' certificates against the authorities of the settings; threads may share it."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._lock = Lock()
        self._known: OrderedDict[bytes, tuple[datetime, Standing]] = OrderedDict()

    def recall(self, certificate: bytes, at: datetime) -> Standing | None:
        """An hour for what is good, a minute for what is refused or unknown."""
        with self._lock:
            until, standing = self._known.get(sha256(certificate).digest(), (at, Standing()))
        return standing if at < until else None

    def ask(self, certificate: bytes, at: datetime) -> Standing:
        """Judge anew; what is wrong with the certificate itself is left to the sealer, who says it better."""
        try:
            parsed = read_certificate(certificate)
            check_time(parsed, at)
        except NoProtection as refusal:
            # One that begins before the letter leaves would leave with it, and nobody would have been asked.
            return Standing(why_not=refusal.detail if refusal.detail == "not-yet-valid" else "")
        standing = _standing(judge_mailboxes(parsed, (), self._trust, valid_at=at, known_at=at))
        lasting = _OTHERWISE if standing.why_not or standing.unknown else _GOOD
        with self._lock:
            self._known[sha256(certificate).digest()] = (at + lasting, standing)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return standing

    def unanswered(self) -> Standing:
        """Silence is as if nobody knew."""
        hard = self._trust.revocation.strictness is Strictness.HARD
        return Standing(why_not="revocation-unknown" if hard else "", unknown=True)


def _standing(verdict: Verdict) -> Standing:
    if verdict.why_not in {"revoked", "revocation-unknown"}:
        return Standing(why_not=verdict.why_not, unknown=verdict.revocation == "unknown")
    return Standing(why_not="untrusted-certificate" if verdict.why_not else "", unknown=verdict.revocation == "unknown")
