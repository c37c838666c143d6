"""What the hospital says about itself once for all letters: who sends, in which words, under which codes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.compose.address import checked_address
from gateway.errors import PermanentFailure, SettingsRefused

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = frozenset({"service", "date", "reference"})
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A code of a French value set with its code system and the words that the value set gives it."""

    code: str
    system: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeProfile:
    """Settings of this station; ``SettingsRefused`` when they could never make a valid mail."""

    sender: str
    """The applicative mailbox (BAL APP): From, return path and Disposition-Notification-To are this one address."""
    sender_name: str
    """``<Entité fonctionnelle>``, the From label of an applicative mailbox (référentiel #2, ECO.2.2.7)."""
    nil: str
    """X-MSS-NIL, the product reference given by Convergence."""
    hospital: str
    reply_to: str | None = None
    """Where a GP's answer goes when the sender of the letter does not say: a mailbox that somebody reads."""
    subject_outside: str = "{service} – document du {date} – réf. {reference}"
    """Subject outside MSSanté: only these three fields exist, so no patient can be written into it."""
    ask_mdn: bool = True
    language: str = "fr"
    oid: str = ""
    """OID of the hospital: authority of its patient numbers and source of its submission sets."""
    structure_id: str = ""
    """National number of the hospital with its type digit (``1`` + FINESS, ``3`` + SIRET): IDNST."""
    facility: Coded = Coded(code="SA01", system="1.2.250.1.71.4.2.4", label="Etablissement public de santé")
    practice: Coded = Coded(code="ETABLISSEMENT", system="1.2.250.1.213.1.1.4.9", label="Etablissement de santé")
    class_codes: tuple[tuple[str, str], ...] = field(default=())
    """Pairs (type code, class code) that replace the built-in ones: the national table is not public."""

    def __post_init__(self) -> None:
        for address in filter(None, (self.sender, self.reply_to)):
            try:
                checked_address(address)
            except PermanentFailure as refused:
                raise SettingsRefused(f"compose: not a mail address: {address!r}") from refused
        unknown = set(_PLACEHOLDER.findall(self.subject_outside)) - _KNOWN
        if unknown:
            raise SettingsRefused(f"compose: subject_outside knows service, date and reference, not {sorted(unknown)}")
        for text in (self.sender_name, self.nil, self.hospital, self.subject_outside):
            if not text.isprintable():
                raise SettingsRefused("compose: control characters in a name, the NIL or the subject")
        if self.oid and not _OID.fullmatch(self.oid):
            raise SettingsRefused(f"compose: not an OID: {self.oid!r}")
