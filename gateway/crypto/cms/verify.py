"""SignedData, reading side: whose signatures hold over these bytes; why one does not is one stable code.

pyHanko judges the signature itself; whether its certificate counts is asked of a :class:`Trust`. Nothing is fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from asn1crypto import cms
from cryptography import x509

from gateway.crypto.certificates import UNREADABLE, addresses_of, organisation_domains
from gateway.crypto.cms.structures import BAD_BYTES, Asn1
from gateway.crypto.cms.told import Told, told_by
from gateway.errors import NotOpened

_DIGESTS = {"sha256", "sha384", "sha512"}
_CLOCKS = timedelta(minutes=5)
"""How far ahead a signer's clock may be."""
_MOST = 10
"""Signers of one message: each costs a path to an anchor."""
_BAD_SIGNATURE = (*BAD_BYTES, *UNREADABLE, AssertionError, NotImplementedError)
"""What asn1crypto, pyHanko and the primitives raise on a foreign SignerInfo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A certificate (DER) whose key did sign, what else the message encloses, and the moment at which it must count."""

    certificate: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(repr=False, default=())
    revocations: tuple[bytes, ...] = field(repr=False, default=())
    """RevocationInfoChoice elements of the message: CRLs, and OCSP answers (RFC 5652 §10.2.1, RFC 5940)."""
    moment: datetime


class Trust(Protocol):
    """Says whether a signer's certificate may vouch for a mail."""

    def why_not(self, signer: Signer) -> str:
        """Empty when it may; else a stable code."""

    def vouches(self, beside: Signer) -> bool:
        """Whether another certificate of the message, in the place of its signer's, is an authority's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsSignature:
    """One signer's signature: verified when ``why_not`` is empty.

    Codes: malformed, no-signed-attributes, weak-digest, signer-certificate-missing, content-changed,
    signed-in-the-future, and those of the :class:`Trust` that was asked.
    """

    algorithms: tuple[str, ...] = ()
    addresses: tuple[str, ...] = field(repr=False, default=())
    domains: tuple[str, ...] = field(repr=False, default=())
    """Whose organisation's the certificate is, when it names no mailbox."""
    subject: str = field(repr=False, default="")
    signed_at: datetime | None = None
    certificate: bytes = field(repr=False, default=b"")
    told: Told = field(repr=False, default_factory=Told)
    """How he wants to be written to; nothing unless verified."""
    why_not: str = ""


def signatures(signed: Asn1, content: bytes, *, at: datetime, trust: Trust) -> tuple[CmsSignature, ...]:
    """Judge every SignerInfo over ``content``.

    A certificate counts at the moment of signing, or at ``at`` when that is earlier (CR-20). NotOpened ``not-cms`` when
    there is none to judge, ``too-many-layers`` when there are more than anybody has use for.
    """
    try:
        if len(signed["signer_infos"]) > _MOST:
            raise NotOpened("too-many-layers")
        each_alone = [_alone(signed, signer) for signer in signed["signer_infos"]]
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error
    if not each_alone:
        raise NotOpened("not-cms")
    return tuple(_judged(one, content, at, trust) for one in each_alone)


def encapsulated(signed: Asn1) -> bytes | None:
    """The content inside an opaque SignedData, or ``None`` when it is detached."""
    try:
        content = signed["encap_content_info"]["content"].native
    except BAD_BYTES as error:
        raise NotOpened("not-cms") from error
    return content if isinstance(content, bytes) else None


def _alone(signed: Asn1, signer: Asn1) -> cms.SignedData:
    """The same SignedData, detached and with one signer."""
    fields = {name: signed[name] for name in ("version", "digest_algorithms")}
    for name, kind in (("certificates", cms.CertificateSet), ("crls", cms.RevocationInfoChoices)):
        if isinstance(signed[name], kind):
            fields[name] = signed[name]
    inner = {"content_type": signed["encap_content_info"]["content_type"].dotted}
    return cms.SignedData({**fields, "encap_content_info": inner, "signer_infos": [signer]})


def _judged(one: Asn1, content: bytes, at: datetime, trust: Trust) -> CmsSignature:
    try:
        signer = one["signer_infos"][0]
        digest = str(signer["digest_algorithm"]["algorithm"].native)
        algorithms = (str(signer["signature_algorithm"]["algorithm"].native), digest)
        if not isinstance(signer["signed_attrs"], cms.CMSAttributes) or not len(signer["signed_attrs"]):
            return CmsSignature(algorithms=algorithms, why_not="no-signed-attributes")
        if not _digests(signer) <= _DIGESTS:
            return CmsSignature(algorithms=algorithms, why_not="weak-digest")
        certificate = _certificate_of(one, signer["sid"])
        if certificate is None:
            return CmsSignature(algorithms=algorithms, why_not="signer-certificate-missing")
        why_not = _holds(one, content, certificate) or _counts(one, certificate, at, trust)
        told = Told() if why_not else _believed(told_by(one, certificate), one, certificate, at, trust)
        return _named(certificate, algorithms, _signing_time(signer), told, why_not)
    except _BAD_SIGNATURE:
        return CmsSignature(why_not="malformed")


def _digests(signer: Asn1) -> set[str]:
    """Every digest the signature rests on: of the content, of the attributes."""
    found = {str(signer["digest_algorithm"]["algorithm"].native)}
    with contextlib.suppress(ValueError):  # rsaEncryption names none of its own
        found.add(str(signer["signature_algorithm"].hash_algo))
    return found


def _certificate_of(one: Asn1, sid: Asn1) -> Asn1 | None:
    """The enclosed certificate that a SignerIdentifier names (RFC 5652 §5.3)."""
    for certificate in _enclosed(one):
        if sid.name == "subject_key_identifier":
            if certificate.key_identifier == sid.chosen.native:
                return certificate
        elif (
            certificate.serial_number == sid.chosen["serial_number"].native
            and certificate.issuer.hashable == sid.chosen["issuer"].hashable
        ):
            return certificate
    return None


def _enclosed(one: Asn1) -> list[Asn1]:
    if not isinstance(one["certificates"], cms.CertificateSet):
        return []
    return [each.chosen for each in one["certificates"] if each.name == "certificate"]


def _holds(one: Asn1, content: bytes, certificate: Asn1) -> str:
    """Whether the signature is this key's over these bytes."""
    from pyhanko.sign.validation.generic_cms import (  # noqa: PLC0415 - slow to import, for whoever verifies only
        validate_sig_integrity,
    )

    signer = one["signer_infos"][0]
    digest = hashlib.new(signer["digest_algorithm"]["algorithm"].native, content).digest()
    kind = one["encap_content_info"]["content_type"].native
    intact, valid = validate_sig_integrity(signer, certificate, kind, digest)
    return "" if intact and valid else "content-changed"


def _counts(one: Asn1, certificate: Asn1, at: datetime, trust: Trust) -> str:
    """Whether the certificate may vouch, at the moment of signing as far as that may be believed."""
    signed_at = _signing_time(one["signer_infos"][0])
    if signed_at is not None and signed_at > at + _CLOCKS:
        return "signed-in-the-future"
    return trust.why_not(_with_all_enclosed(one, certificate.dump(), min(signed_at or at, at)))


def _believed(told: Told, one: Asn1, certificate: Asn1, at: datetime, trust: Trust) -> Told:
    """What he tells, without a certificate that no authority vouches for.

    The signature covers the name of his certificate for encryption, not the certificate: a relay may put another in its
    place that has the same issuer and serial number, and a key of his own.
    """
    if told.encrypt_to in {b"", certificate.dump()}:
        return told
    is_vouched = trust.vouches(_with_all_enclosed(one, told.encrypt_to, at))
    return told if is_vouched else replace(told, encrypt_to=b"")


def _with_all_enclosed(one: Asn1, certificate: bytes, moment: datetime) -> Signer:
    lists = one["crls"] if isinstance(one["crls"], cms.RevocationInfoChoices) else ()
    return Signer(
        certificate=certificate,
        others=tuple(der for other in _enclosed(one) if (der := other.dump()) != certificate),
        revocations=tuple(each.dump() for each in lists),
        moment=moment,
    )


def _named(
    certificate: Asn1, algorithms: tuple[str, ...], signed_at: datetime | None, told: Told, why_not: str
) -> CmsSignature:
    der = certificate.dump()
    parsed = x509.load_der_x509_certificate(der)
    return CmsSignature(
        algorithms=algorithms,
        addresses=addresses_of(parsed),
        domains=organisation_domains(parsed),
        subject=parsed.subject.rfc4514_string(),
        signed_at=signed_at,
        certificate=der,
        told=told,
        why_not=why_not,
    )


def _signing_time(signer: Asn1) -> datetime | None:
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            moment = attribute["values"][0].native
            return moment if isinstance(moment, datetime) else None
    return None
