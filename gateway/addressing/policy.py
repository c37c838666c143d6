"""What the settings decide about addressing; everything else is the directory's or the letter's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum

from gateway.letter import Form, Mode


class Unknown(StrEnum):
    """What happens to a mailbox that the directory does not know."""

    ALLOW = "allow"
    HOLD = "hold"


class Floor(IntEnum):
    """The least protection that a destination may get."""

    MSS_TLS = 0
    ENCRYPTED = 1
    GCM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressingPolicy:
    """One gateway's rules. Domains and mailboxes are compared in lower case."""

    our_domain: str
    """``<rpps>@rpps.<our domain>`` asks the directory, ``auto@<our domain>`` takes whom the documents name."""
    mode: Mode = Mode.TEST
    test_domains: frozenset[str] = frozenset()
    """In test the only domains that a letter may leave for; in production they are refused."""
    mss_tls_allowed: bool = False
    """Inside MSSanté and without a key: signature and mutual TLS alone."""
    white_list_required: bool = True
    white_list_cut_off: timedelta | None = None
    """A list made longer ago than this lets nothing out to MSSanté any more."""
    stale_after: timedelta | None = None
    """National files older than this are told in the trace of everybody who was looked for in them."""
    unknown_mailboxes: Mapping[str, Unknown] = field(default_factory=dict)
    """Per source; a source not named here holds in production and allows in test."""
    floors: Mapping[str, Floor] = field(default_factory=dict)
    """Per mailbox or domain; the mailbox's own wins."""
    default_forms: frozenset[Form] = frozenset({Form.PDF, Form.HPRIM_ATTACHED})
    mss_forms: frozenset[Form] = frozenset({Form.PDF, Form.XDM})
    forms: Mapping[str, frozenset[Form]] = field(default_factory=dict)
    """Per domain; what the directory was told about a mailbox or domain wins."""
    generic_domains: tuple[str, ...] = ("medecin.mssante.fr",)
    """Operators' domains that follow a practitioner wherever he works, preferred first."""
    post_services: frozenset[str] = frozenset({"SECRETARIAT", "SECRETARIAT MEDICAL", "ACCUEIL"})
    """Services that open the letters of a whole practice, folded (:func:`directory.fold.fold`)."""
    patient_domain: str = "patient.mssante.fr"

    def unknown_mailbox(self, source: str) -> Unknown:
        """What ``source`` may do with a mailbox that the directory does not know."""
        otherwise = Unknown.HOLD if self.mode is Mode.PRODUCTION else Unknown.ALLOW
        return self.unknown_mailboxes.get(source, otherwise)

    def floor(self, mailbox: str, domain: str) -> Floor:
        """The least protection for a mailbox."""
        return self.floors.get(mailbox.lower(), self.floors.get(domain, Floor.MSS_TLS))
