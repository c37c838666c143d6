"""How the letter is protected for a mailbox: the strongest form that its owner is known to read, never clear text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from directory import Certificate, Known, OpenPgpKey, Source
from directory.fold import domain_of
from gateway.addressing.policy import AddressingPolicy, Floor
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Stopped
from gateway.letter import Form, MssTls, OpenPgp, Protection, Reason, Smime

Key = Certificate | OpenPgpKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A protection and why this one; ``passed_over`` says of each other key why it was not taken."""

    protection: Protection = field(repr=False)
    reason: Reason
    passed_over: tuple[Reason, ...] = ()


def protect(known: Known, policy: AddressingPolicy, now: datetime, *, in_mssante: bool) -> Protected | Stopped:
    """The key of the most trusted source, of one source a certificate before an OpenPGP key, else MSSanté's TLS.

    An expired key never encrypts, and never stands in the way of a valid one. Every other key that may serve goes on
    behind the first: whether it can encrypt at all is told when it is used; no lower source comes before a higher one,
    and what a domain publishes of itself counts only where nobody else has a key (CR-15).
    """
    floor = policy.floor(known.mailbox, domain_of(known.mailbox))
    keys: list[Key] = [*known.certificates, *known.openpgp_keys]
    refusals = [(one, _why_not(one, keys, floor, now)) for one in keys]
    passed_over = tuple(because(code, source=one.source.value) for one, code in refusals if code)
    candidates = [one for one, code in refusals if not code]
    if candidates:
        return _sealed_for(candidates, passed_over)
    if any(code == "key-below-floor" for _, code in refusals):
        return Stopped(reasons=(*passed_over, because("below-floor")))
    if in_mssante and policy.mss_tls_allowed and floor is Floor.MSS_TLS:
        return Protected(protection=MssTls(), reason=because("mss-tls"), passed_over=passed_over)
    return Stopped(reasons=(*passed_over, _why_none({code for _, code in refusals})))


def _sealed_for(candidates: list[Key], passed_over: tuple[Reason, ...]) -> Protected:
    candidates.sort(key=lambda one: one.source.rank)  # stable: of one source, certificates stay before OpenPGP keys
    first, *others = (_of_certificate(one) if isinstance(one, Certificate) else _of_key(one) for one in candidates)
    code = "certificate" if isinstance(first, Smime) else "openpgp"
    reason = because(code, source=candidates[0].source.value)
    return Protected(protection=replace(first, alternatives=tuple(others)), reason=reason, passed_over=passed_over)


def _why_not(one: Key, keys: list[Key], floor: Floor, now: datetime) -> str:
    """The code why a key is not even tried, or nothing."""
    if one.source is Source.WKD and any(each.source is not Source.WKD for each in keys):
        return "key-less-trusted"
    if isinstance(one, Certificate) and now < one.not_before:
        return "key-not-yet-valid"
    if not one.valid_at(now):
        return "key-expired"
    reads_gcm = isinstance(one, Certificate) and one.gcm
    return "" if reads_gcm or floor < Floor.GCM else "key-below-floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The forms that an addressee's software reads, and who says so."""

    forms: frozenset[Form]
    reason: Reason


def forms_read(known: Known, policy: AddressingPolicy, *, in_mssante: bool) -> Read:
    """What was set for the mailbox, its practitioner or its domain; else the settings, inside and outside MSSanté."""
    told, domain = known.told, domain_of(known.mailbox)
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


def _why_none(codes: set[str]) -> Reason:
    if "key-expired" in codes:
        return because("certificate-expired")
    return because("certificate-not-yet-valid" if codes else "no-key")
