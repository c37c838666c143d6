"""What an authority answered, read as far as it takes to know how long it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

_WITHOUT_END = timedelta(minutes=30)
"""How long an answer of OCSP without nextUpdate holds: newer is always available (RFC 6960 §4.2.2.1)."""
_CLOCKS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement in DER and until when it need not be asked again; its signature is not checked here."""

    content: bytes = field(repr=False)
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is still the word of its authority."""
        return at < self.until


class NoStatement(Exception):
    """Nobody answered, or what came is no statement that holds now; the code says which."""


def read_crl(content: bytes, at: datetime) -> Statement:
    """A list (RFC 5280 §5) in DER or PEM; NoStatement when it is none or no longer the current one."""
    try:
        load = x509.load_pem_x509_crl if content.startswith(b"-----BEGIN") else x509.load_der_x509_crl
        found = load(content)
        until, since = found.next_update_utc, found.last_update_utc
    except ValueError as error:
        raise NoStatement("no-crl") from error
    return _current(found.public_bytes(Encoding.DER), since, until or since + _WITHOUT_END, at)


def read_ocsp(content: bytes, at: datetime) -> Statement:
    """An answer (RFC 6960 §4.2); NoStatement when it is none, refuses, or is no longer the current one."""
    try:
        found = ocsp.load_der_ocsp_response(content)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise NoStatement("ocsp-refused")
        since, until = found.this_update_utc, found.next_update_utc
    except ValueError as error:
        raise NoStatement("no-ocsp") from error
    return _current(content, since, until or since + _WITHOUT_END, at)


def _current(content: bytes, since: datetime, until: datetime, at: datetime) -> Statement:
    if not since - _CLOCKS <= at < until:
        raise NoStatement("not-current")
    return Statement(content=content, until=until)
