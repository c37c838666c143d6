"""What an addressee's software reads, as the administrator told it: of a mailbox, a practitioner or a domain.

The nearest word wins, each capability by itself: what was set for the mailbox, else for the practitioner whose mailbox
it is, else for the domain. When nobody said, the settings' defaults hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from directory.changes import changing, checked_mailbox, checked_rpps
from directory.errors import DirectoryError
from directory.fold import fold_domain, is_mailbox
from directory.records import Certificate, OpenPgpKey

FORMS = ("text", "pdf", "hprim-body", "hprim-attached", "xdm", "original")
"""What practice software may read; text is always sent besides."""
_GCM = {True: "gcm", False: "cbc"}
"""How the answer to "does it read AES-256-GCM?" is kept beside the forms."""


class SetFor(StrEnum):
    """Whom a capability was set for, nearest first."""

    MAILBOX = "mailbox"
    PRACTITIONER = "practitioner"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of one mailbox; ``None`` where nobody said."""

    forms: frozenset[str] | None = None
    forms_set_for: SetFor | None = None
    gcm: bool | None = None
    """Whether it opens AES-256-GCM; overrides what a certificate says of itself (design.md, decision 15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a mailbox can open: what was told of it, and its keys, the most trusted source first, expired ones too."""

    mailbox: str = field(repr=False)
    told: Told
    certificates: list[Certificate]
    openpgp_keys: list[OpenPgpKey]


def told_of(subjects: Iterable[tuple[SetFor, str]], names_of: Callable[[str], frozenset[str]]) -> Told:
    """Put together what was set for the subjects, nearest first; ``names_of`` reads one subject's row."""
    forms, set_for, gcm = None, None, None
    for kind, subject in subjects:
        names = names_of(subject)
        if forms is None and names.intersection(FORMS):
            forms, set_for = names.intersection(FORMS), kind
        if gcm is None and names.intersection(_GCM.values()):
            gcm = _GCM[True] in names
    return Told(forms=forms, forms_set_for=set_for, gcm=gcm)


def set_forms(folder: Path, subject: str, forms: frozenset[str]) -> None:
    """What a mailbox, a practitioner (RPPS) or a domain (with or without ``@``) reads; none forgets the setting.

    Raises ``unknown-form``, ``bad-address`` or ``bad-number``.
    """
    unknown = sorted(forms - set(FORMS))
    if unknown:
        raise DirectoryError("unknown-form", f"{unknown[0]}: unknown; known are {', '.join(FORMS)}")
    _change(folder, subject, lambda names: names.difference(FORMS) | forms)


def set_gcm(folder: Path, subject: str, *, gcm: bool | None) -> None:
    """Whether a mailbox, a practitioner or a domain opens AES-256-GCM; ``None`` leaves it to the certificates."""
    said = frozenset() if gcm is None else frozenset({_GCM[gcm]})
    _change(folder, subject, lambda names: names.difference(_GCM.values()) | said)


def _change(folder: Path, subject: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
    key = _key(subject)
    with changing(folder) as database:
        rows = database.execute("SELECT names FROM form WHERE subject = ?", (key,)).fetchall()
        names = change(frozenset(name for (told,) in rows for name in told.split()))
        database.execute("DELETE FROM form WHERE subject = ?", (key,))
        if names:
            database.execute("INSERT INTO form VALUES (?,?)", (key, " ".join(sorted(names))))


def _key(subject: str) -> str:
    """How a subject stands in the table: ``box@domain``, ``@domain`` or eleven digits."""
    local, at, domain = subject.strip().rpartition("@")
    if local or not domain:
        return checked_mailbox(subject)
    if not at and domain.isdigit():
        return checked_rpps(domain)
    if "." not in domain or not is_mailbox(f"x@{domain}"):
        raise DirectoryError("bad-address", "neither a mailbox, an RPPS nor a domain")
    return "@" + fold_domain(domain)
