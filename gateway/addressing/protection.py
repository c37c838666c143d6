"""How the letter is protected for a mailbox: the strongest form that its owner is known to read, never clear text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from directory import Certificate, Directory, OpenPgpKey
from directory.fold import domain_of
from gateway.addressing.choice import Stopped
from gateway.addressing.policy import AddressingPolicy, Floor
from gateway.addressing.reasons import because
from gateway.letter import Form, MssTls, OpenPgp, Protection, Reason, Smime


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A protection and why this one."""

    protection: Protection = field(repr=False)
    reason: Reason


def protect(
    mailbox: str, directory: Directory, policy: AddressingPolicy, now: datetime, *, in_mssante: bool
) -> Protected | Stopped:
    """A certificate, else an OpenPGP key, else MSSanté's TLS where allowed; most trusted source first.

    An expired key never encrypts, and never stands in the way of a valid one. Every other valid key goes on behind the
    first: whether it may encrypt at all is told when it is used (CR-15).
    """
    floor = policy.floor(mailbox, domain_of(mailbox))
    certificates, keys = directory.certificates(mailbox), directory.openpgp_keys(mailbox)
    valid = [one for one in certificates if one.valid_at(now)]
    strong = [one for one in valid if one.gcm or floor < Floor.GCM]
    usable = [one for one in keys if one.valid_at(now)]
    pgp = [_of_key(one) for one in usable] if floor < Floor.GCM else []
    if strong:
        first, *others = (_of_certificate(one) for one in strong)
        reason = because("certificate", source=strong[0].source.value)
        return Protected(protection=replace(first, alternatives=(*others, *pgp)), reason=reason)
    if pgp:
        reason = because("openpgp", source=usable[0].source.value)
        return Protected(protection=replace(pgp[0], alternatives=tuple(pgp[1:])), reason=reason)
    if valid or usable:
        return Stopped(reasons=(because("below-floor"),))
    if in_mssante and policy.mss_tls_allowed and floor is Floor.MSS_TLS:
        return Protected(protection=MssTls(), reason=because("mss-tls"))
    return Stopped(reasons=(_why_none(certificates, keys, now),))


def forms_read(mailbox: str, directory: Directory, policy: AddressingPolicy, *, in_mssante: bool) -> frozenset[Form]:
    """What the mailbox, else its domain, reads; defaults inside and outside MSSanté."""
    told = directory.forms(mailbox)
    if told is not None:
        return frozenset(form for form in Form if form.value in told)
    otherwise = policy.mss_forms if in_mssante else policy.default_forms
    return policy.forms.get(domain_of(mailbox), otherwise)


def _of_certificate(one: Certificate) -> Smime:
    return Smime(certificate=one.der, gcm=one.gcm)


def _of_key(one: OpenPgpKey) -> OpenPgp:
    return OpenPgp(key=one.key, fingerprint=one.fingerprint)


def _why_none(certificates: list[Certificate], keys: list[OpenPgpKey], now: datetime) -> Reason:
    if keys or any(one.not_after < now for one in certificates):
        return because("certificate-expired")
    return because("certificate-not-yet-valid" if certificates else "no-key")
