"""SignedData, reading side: pyHanko judges the signature and the path, we say why not in one stable code.

Nothing is fetched from a network. Revocation is not asked for here: the directory and the relying policy do that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.general import CMSExtractionError, CMSStructuralError, extract_certificate_info
from pyhanko.sign.validation import async_validate_cms_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import InvalidCertificateError

from gateway.crypto.certificates import addresses_of
from gateway.crypto.cms.structures import BAD_BYTES, Asn1
from gateway.errors import NotOpened

_DIGESTS = ("sha256", "sha384", "sha512")
_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"},
    extd_key_usage={"email_protection", "any_extended_key_usage"},
    explicit_extd_key_usage_required=False,
)
_CLOCKS = timedelta(minutes=5)
"""How far ahead a signer's clock may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsSignature:
    """One signer's signature: verified when ``why_not`` is empty.

    Codes: malformed, no-signed-attributes, weak-digest, signer-certificate-missing, content-changed,
    signed-in-the-future, certificate-expired, certificate-not-yet-valid, wrong-usage, untrusted-signer.
    """

    algorithms: tuple[str, ...] = ()
    addresses: tuple[str, ...] = field(repr=False, default=())
    subject: str = field(repr=False, default="")
    signed_at: datetime | None = None
    certificate: bytes = field(repr=False, default=b"")
    why_not: str = ""


def signatures(
    signed: Asn1, content: bytes, *, at: datetime, trust_roots: Sequence[x509.Certificate]
) -> tuple[CmsSignature, ...]:
    """Judge every SignerInfo over ``content``; NotOpened ``not-cms`` when there is none to judge.

    A certificate counts at the moment of signing, or at ``at`` when that is earlier (CR-20).
    """
    try:
        each_alone = [_alone(signed, signer) for signer in signed["signer_infos"]]
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error
    if not each_alone:
        raise NotOpened("not-cms")
    return tuple(_judged(one, content, at, trust_roots) for one in each_alone)


def encapsulated(signed: Asn1) -> bytes | None:
    """The content inside an opaque SignedData, or ``None`` when it is detached."""
    try:
        content = signed["encap_content_info"]["content"].native
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error
    return content if isinstance(content, bytes) else None


def _alone(signed: Asn1, signer: Asn1) -> cms.SignedData:
    """The same SignedData, detached and with one signer: pyHanko judges no other."""
    fields = {name: signed[name] for name in ("version", "digest_algorithms")}
    if isinstance(signed["certificates"], cms.CertificateSet):
        fields["certificates"] = signed["certificates"]
    inner = {"content_type": signed["encap_content_info"]["content_type"].dotted}
    return cms.SignedData({**fields, "encap_content_info": inner, "signer_infos": [signer]})


def _judged(one: Asn1, content: bytes, at: datetime, roots: Sequence[x509.Certificate]) -> CmsSignature:
    try:
        signer = one["signer_infos"][0]
        digest = str(signer["digest_algorithm"]["algorithm"].native)
        algorithms = (str(signer["signature_algorithm"]["algorithm"].native), digest)
        if not isinstance(signer["signed_attrs"], cms.CMSAttributes) or not len(signer["signed_attrs"]):
            return CmsSignature(algorithms=algorithms, why_not="no-signed-attributes")
        if digest not in _DIGESTS:
            return CmsSignature(algorithms=algorithms, why_not="weak-digest")
        certificate = extract_certificate_info(one).signer_cert
        signed_at = _signing_time(signer)
        why_not = _why_not(one, content, certificate, signed_at, at, roots)
        return _named(certificate, algorithms, signed_at, why_not)
    except CMSExtractionError:
        return CmsSignature(why_not="signer-certificate-missing")
    except (*BAD_BYTES, CMSStructuralError, SignatureValidationError):
        return CmsSignature(why_not="malformed")


def _named(certificate: Asn1, algorithms: tuple[str, ...], signed_at: datetime | None, why_not: str) -> CmsSignature:
    der = certificate.dump()
    parsed = x509.load_der_x509_certificate(der)
    return CmsSignature(
        algorithms=algorithms,
        addresses=addresses_of(parsed),
        subject=parsed.subject.rfc4514_string(),
        signed_at=signed_at,
        certificate=der,
        why_not=why_not,
    )


def _signing_time(signer: Asn1) -> datetime | None:
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            moment = attribute["values"][0].native
            return moment if isinstance(moment, datetime) else None
    return None


def _why_not(
    one: Asn1,
    content: bytes,
    certificate: Asn1,
    signed_at: datetime | None,
    at: datetime,
    roots: Sequence[x509.Certificate],
) -> str:
    moment = min(signed_at or at, at)
    digest = hashlib.new(one["signer_infos"][0]["digest_algorithm"]["algorithm"].native, content).digest()
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root.public_bytes(Encoding.DER)) for root in roots],
        moment=moment,
        best_signature_time=moment,
        allow_fetching=False,
    )
    for chatty in ("pyhanko", "pyhanko_certvalidator"):
        # It logs each signer it does not trust, by name and with a traceback; our answer says why in a code.
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    status = _finished(
        async_validate_cms_signature(one, raw_digest=digest, validation_context=context, key_usage_settings=_USAGE)
    )
    if not (status.intact and status.valid):
        return "content-changed"
    if signed_at is not None and signed_at > at + _CLOCKS:
        return "signed-in-the-future"
    return _certificate_why_not(certificate, moment) or ("" if status.trusted else "untrusted-signer")


def _certificate_why_not(certificate: Asn1, moment: datetime) -> str:
    if moment > certificate.not_valid_after:
        return "certificate-expired"
    if moment < certificate.not_valid_before:
        return "certificate-not-yet-valid"
    try:
        _USAGE.validate(certificate)
    except InvalidCertificateError:
        return "wrong-usage"
    return ""


def _finished(coroutine: Asn1) -> Asn1:
    """Run pyHanko's coroutine to its end, also when the caller is inside an event loop; it waits for nothing."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
