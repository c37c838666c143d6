"""How the letter is protected for a mailbox: the strongest form that its owner is known to read, never clear text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from directory import Certificate, Directory, OpenPgpKey
from directory.fold import domain_of
from gateway.addressing.policy import AddressingPolicy, Floor
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Stopped
from gateway.letter import Form, MssTls, OpenPgp, Protection, Reason, Smime


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A protection and why this one."""

    protection: Protection = field(repr=False)
    reason: Reason


def protect(
    mailbox: str, directory: Directory, policy: AddressingPolicy, now: datetime, *, in_mssante: bool
) -> Protected | Stopped:
    """The key of the most trusted source, of one source a certificate before an OpenPGP key, else MSSanté's TLS.

    An expired key never encrypts, and never stands in the way of a valid one. Every other valid key goes on behind the
    first: whether it may encrypt at all is told when it is used; no lower source comes before a higher one (CR-15).
    """
    floor = policy.floor(mailbox, domain_of(mailbox))
    certificates, keys = directory.certificates(mailbox), directory.openpgp_keys(mailbox)
    valid = [one for one in certificates if one.valid_at(now)]
    strong = [one for one in valid if one.gcm or floor < Floor.GCM]
    usable = [one for one in keys if one.valid_at(now)]
    candidates: list[Certificate | OpenPgpKey] = [*strong, *(usable if floor < Floor.GCM else [])]
    candidates.sort(key=lambda one: one.source.rank)  # stable: of one source, certificates stay before OpenPGP keys
    if candidates:
        first, *others = (_of_certificate(one) if isinstance(one, Certificate) else _of_key(one) for one in candidates)
        code = "certificate" if isinstance(first, Smime) else "openpgp"
        reason = because(code, source=candidates[0].source.value)
        return Protected(protection=replace(first, alternatives=tuple(others)), reason=reason)
    if valid or usable:
        return Stopped(reasons=(because("below-floor"),))
    if in_mssante and policy.mss_tls_allowed and floor is Floor.MSS_TLS:
        return Protected(protection=MssTls(), reason=because("mss-tls"))
    return Stopped(reasons=(_why_none(certificates, keys, now),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The forms that an addressee's software reads, and who says so."""

    forms: frozenset[Form]
    reason: Reason


def forms_read(mailbox: str, directory: Directory, policy: AddressingPolicy, *, in_mssante: bool) -> Read:
    """What was set for the mailbox, its practitioner or its domain; else the settings, inside and outside MSSanté."""
    told, domain = directory.told(mailbox), domain_of(mailbox)
    if told.forms is not None:
        return _read((form for form in Form if form.value in (told.forms or ())), f"reads-by-{told.forms_set_for}")
    if domain in policy.forms:
        return _read(policy.forms[domain], "reads-by-settings")
    return _read(policy.mss_forms if in_mssante else policy.default_forms, "reads-by-default")


def _read(forms: Iterable[Form], code: str) -> Read:
    read = frozenset(forms)
    return Read(forms=read, reason=because(code, forms=", ".join(["text", *sorted(form.value for form in read)])))


def _of_certificate(one: Certificate) -> Smime:
    return Smime(certificate=one.der, gcm=one.gcm)


def _of_key(one: OpenPgpKey) -> OpenPgp:
    return OpenPgp(key=one.key, fingerprint=one.fingerprint)


def _why_none(certificates: list[Certificate], keys: list[OpenPgpKey], now: datetime) -> Reason:
    if keys or any(one.not_after < now for one in certificates):
        return because("certificate-expired")
    return because("certificate-not-yet-valid" if certificates else "no-key")
