"""What an authority answered, read as far as it takes to know how long it holds.

asn1crypto reads, as for the judgement itself: it takes times with fractions of a second, which real responders write
and stricter readers refuse, and a list of many thousand entries in no time, because it looks at none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asn1crypto import crl, ocsp, pem

from gateway.crypto.cms.structures import BAD_BYTES

_WITHOUT_END = timedelta(minutes=30)
"""How long an answer of OCSP without nextUpdate holds: newer is always available (RFC 6960 §4.2.2.1)."""
_CLOCKS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement in DER and until when it need not be asked again; its signature is not checked here."""

    content: bytes = field(repr=False)
    since: datetime
    """When its authority wrote it (thisUpdate)."""
    until: datetime
    heard: datetime
    """When its authority was asked."""

    def holds(self, at: datetime) -> bool:
        """Whether it is still the word of its authority."""
        return at < self.until


class NoStatement(Exception):
    """Nobody answered, or what came is no statement that holds now; the code says which."""


def read_crl(content: bytes, at: datetime) -> Statement:
    """A list (RFC 5280 §5) in DER or PEM; NoStatement when it is none or no longer the current one."""
    try:
        der = pem.unarmor(content)[2] if pem.detect(content) else content
        listed = crl.CertificateList.load(der, strict=True)["tbs_cert_list"]
        since, until = listed["this_update"].native, listed["next_update"].native
    except BAD_BYTES as error:
        raise NoStatement("no-crl") from error
    return _current(der, since, until, at)


def read_ocsp(content: bytes, at: datetime) -> Statement:
    """An answer (RFC 6960 §4.2) about one certificate; NoStatement when it is none, refuses, or is not current."""
    try:
        found = ocsp.OCSPResponse.load(content, strict=True)
        if found["response_status"].native != "successful":
            raise NoStatement("ocsp-refused")
        (said,) = found.response_data["responses"]
        since, until = said["this_update"].native, said["next_update"].native
    except BAD_BYTES as error:
        raise NoStatement("no-ocsp") from error
    return _current(content, since, until, at)


def _current(content: bytes, since: object, until: object, at: datetime) -> Statement:
    if not isinstance(since, datetime):
        raise NoStatement("without-time")
    end = until if isinstance(until, datetime) else since + _WITHOUT_END
    if not since - _CLOCKS <= at < end:
        raise NoStatement("not-current")
    return Statement(content=content, since=since, until=end, heard=at)
