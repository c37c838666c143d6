"""One letter on its way to one addressee: all that composing needs, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.compose.profile import ComposeProfile
from gateway.compose.words import Words, words_of
from gateway.document import Document, Role
from gateway.identifiers import DeliveryId, whole_of
from gateway.letter import Addressed, Form, ParsedLetter

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A parsed letter, who it is for, in whose name, and the moment of composing."""

    parsed: ParsedLetter
    addressed: Addressed
    profile: ComposeProfile
    delivery: DeliveryId
    message_id: str = field(repr=False)
    now: datetime

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents, all about one patient."""
        return self.parsed.documents

    @property
    def forms(self) -> frozenset[Form]:
        """What this addressee's software reads."""
        return self.addressed.forms

    @property
    def in_mssante(self) -> bool:
        """Whether the mailbox is inside the trust space."""
        return self.addressed.in_mssante

    @property
    def archive(self) -> bytes | None:
        """The XDM archive that the letter came as, when the whole of it is about this patient."""
        content = self.parsed.kept.received.content
        whole = self.parsed.format == "xdm" and whole_of(self.parsed.id) == self.parsed.id
        return content if whole and content.startswith(b"PK\x03\x04") else None

    @property
    def for_patient(self) -> bool:
        """Whether the addressee is the patient: other words, and perhaps no answer wanted."""
        return self.addressed.addressee.role is Role.PATIENT

    @property
    def words(self) -> Words:
        """Labels in the language of the profile."""
        return words_of(self.profile.language)

    @property
    def service(self) -> str:
        """Who writes, as a reader knows them: unit, else organisation, else hospital."""
        first = self.documents[0]
        author = first.author.organisation if first.author else ""
        unit = (first.stay.unit if first.stay else None) or ""
        return unit.strip() or author.strip() or self.profile.hospital

    @property
    def about(self) -> datetime:
        """The letter's own date: written, else validated, else received."""
        first = self.documents[0]
        return first.written_at or first.validated_at or self.parsed.kept.received.received_at


def day(moment: datetime) -> str:
    """``JJ/MM/AAAA`` of the legal day (Europe/Paris)."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y")


def moment(when: datetime) -> str:
    """``JJ/MM/AAAA HH:MM`` of Europe/Paris."""
    return when.astimezone(PARIS).strftime("%d/%m/%Y %H:%M")
