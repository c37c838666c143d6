"""Path validation behind one wrapper: pyhanko-certvalidator judges (RFC 5280 §6), we say why not in one stable code.

Its traps, fenced here: a path is refused at the first certificate whose revocation is unknown, before a revoked one
further down is looked at, so each certificate is asked about alone; cached statements are overlooked for a certificate
that names no place to ask unless they are *required*; and it is asynchronous, also when it waits for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, pairwise
from typing import Any, TypeVar

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

from gateway.crypto.certificates import UNREADABLE
from gateway.crypto.trust.pointers import crl_urls, ocsp_urls
from gateway.crypto.trust.policy import Statements, Strictness, Trust

T = TypeVar("T")

_BAD_CERTIFICATE = (*UNREADABLE, TypeError, KeyError, AttributeError, RecursionError)
_MOST_ABOVE = 12
"""Certificates that cross-sign one another double the paths to try with each pair: twelve give some eighty."""
_NOT_ASKED = RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK)
_OF_THE_LAST = RevocationCheckingPolicy(RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Trusted when ``why_not`` is empty.

    ``why_not``: untrusted, expired, not-yet-valid, weak-signature, unreadable, revoked, revocation-unknown.
    ``revocation``: not-asked, good, revoked, unknown (nobody answered), unpublished (one names nobody to ask); the
    last two with an empty ``why_not`` are the soft rule at work.
    """

    why_not: str = ""
    revocation: str = "not-asked"
    path: tuple[x509.Certificate, ...] = field(repr=False, default=())
    """From the anchor down to the certificate itself."""


def judge(
    certificate: x509.Certificate,
    above: Iterable[x509.Certificate],
    trust: Trust,
    *,
    valid_at: datetime,
    known_at: datetime,
) -> Verdict:
    """Whether a path leads from ``certificate`` to an anchor, each certificate valid at ``valid_at``, none revoked.

    ``above`` came with it and proves nothing by itself; the first dozen is looked at. Revocation is judged by what is
    known at ``known_at``: whoever stole a key writes any signing time he likes.
    """
    # It logs each certificate that it does not believe, by name; our answer says why not in a code.
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    try:
        others = [_asn1(each) for each in (*trust.between, *islice(above, _MOST_ABOVE))]
        path = finished(_found(_asn1(certificate), others, _context(trust, others, valid_at)))
    except (ValidationError, PathBuildingError) as error:
        return Verdict(why_not=_code(error))
    except _BAD_CERTIFICATE:
        return Verdict(why_not="unreadable")
    chain = tuple(x509.load_der_x509_certificate(each.dump()) for each in path.iter_certs(include_root=True))
    if trust.revocation.strictness is Strictness.OFF:
        return Verdict(path=chain)
    return _of_revocation(
        [_state(issuer, below, chain, trust, known_at) for issuer, below in pairwise(chain)], trust, chain
    )


def finished(coroutine: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine of the library is sent and yields
    """Run a coroutine of pyHanko to its end, also when the caller is inside an event loop; it waits for nothing."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def _of_revocation(states: list[str], trust: Trust, chain: tuple[x509.Certificate, ...]) -> Verdict:
    """The worst of the path."""
    state = next((each for each in ("revoked", "unknown", "unpublished") if each in states), "good")
    is_refused = state == "revoked" or (state != "good" and trust.revocation.strictness is Strictness.HARD)
    code = "revoked" if state == "revoked" else "revocation-unknown"
    return Verdict(why_not=code if is_refused else "", revocation=state, path=chain)


def _state(
    issuer: x509.Certificate,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    trust: Trust,
    known_at: datetime,
) -> str:
    """good, revoked, unknown or unpublished, of one certificate of a path that holds otherwise."""
    # One that has expired since is judged by what was said in its last moment: afterwards lists leave it out.
    moment = min(known_at, *(each.not_valid_after_utc for each in chain))
    others = [_asn1(each) for each in chain]
    for said in trust.revocation.evidence.about(certificate, issuer):
        with suppress(ValidationError, PathBuildingError, *_BAD_CERTIFICATE):
            try:
                finished(_found(_asn1(certificate), others, _context(trust, others, moment, said)))
            except RevokedError:
                return "revoked"
            return "good"
    return "unknown" if crl_urls(certificate) or ocsp_urls(certificate) else "unpublished"


def _context(
    trust: Trust, others: list[asn1_x509.Certificate], moment: datetime, said: Statements | None = None
) -> ValidationContext:
    return ValidationContext(
        trust_roots=[_asn1(each) for each in trust.anchors],
        other_certs=others,
        moment=moment,
        allow_fetching=False,  # neither AIA nor anything else: what is known was handed in
        crls=said.crls if said else (),
        ocsps=said.ocsps if said else (),
        # An answer is fetched after the mail came: what it says of the time before counts as well.
        revinfo_policy=CertRevTrustPolicy(_OF_THE_LAST if said else _NOT_ASKED, retroactive_revinfo=True),
    )


async def _found(
    certificate: asn1_x509.Certificate, others: list[asn1_x509.Certificate], context: ValidationContext
) -> ValidationPath:
    return await CertificateValidator(certificate, others, context).async_validate_path()


def _code(error: Exception) -> str:
    match error:
        case ExpiredError():
            return "expired"
        case NotYetValidError():
            return "not-yet-valid"
        case DisallowedAlgorithmError():
            return "weak-signature"
        case PathBuildingError() | InvalidCertificateError() | _:
            return "untrusted"


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
