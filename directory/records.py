"""What the directory answers with: frozen records, names out of ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class MailboxKind(StrEnum):
    """Kind of BAL (TRE_R257-TypeBAL)."""

    PERSONAL = "PER"
    ORGANISATION = "ORG"
    APPLICATION = "APP"
    PRACTICE = "CAB"


class Source(StrEnum):
    """Where a key or a mailbox comes from, most trusted first."""

    DIRECTORY = "directory"
    ADMINISTRATOR = "administrator"
    VERIFIED_MAIL = "verified-mail"
    WKD = "wkd"
    LDAP = "ldap"

    @property
    def rank(self) -> int:
        """0 is the most trusted."""
        return list(Source).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One BAL of one person or organisation; several lines of the extraction about it are one record."""

    kind: MailboxKind
    address: str = field(repr=False)
    domain: str
    national_id: str | None = None
    """IDNPS: ``8`` and RPPS, or ``0`` and ADELI; ``None`` for an organisation."""
    structure: str = ""
    """FINESS or SIRET without its type digit; empty for a box that follows the person."""
    service: str = ""
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    profession: str = ""
    skills: tuple[str, ...] = ()
    accepts: bool | None = None
    """Column 18, Dématérialisation: ``False`` is a refusal of electronic mail; ``None`` when not stated."""
    organisation: str = ""
    street: str = field(repr=False, default="")
    postcode: str = ""
    city: str = ""
    source: Source = Source.DIRECTORY
    rank: int | None = None
    """The administrator's order of preference, 1 first."""

    @property
    def rpps(self) -> str | None:
        """The 11 digits, when the national id is an RPPS."""
        national = self.national_id or ""
        return national[1:] if len(national) == 12 and national.startswith("8") else None

    @property
    def personal(self) -> bool:
        """Whether it belongs to a person (PER, CAB)."""
        return self.kind in {MailboxKind.PERSONAL, MailboxKind.PRACTICE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One activity of a practitioner: where, as what (Personne_activite)."""

    profession: str = ""
    skill: str = ""
    mode: str = ""
    structures: tuple[str, ...] = ()
    """FINESS, SIRET and technical number of the place, without type digits."""
    entity: str = ""
    """FINESS of the legal entity (établissement juridique) that the place belongs to, where the file tells it."""
    phone: str = field(repr=False, default="")
    """As the file has it; empty when it has none."""
    organisation: str = ""
    street: str = field(repr=False, default="")
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """A person of the directory with every place of activity known."""

    national_id: str
    civility: str = ""
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    profession: str = ""
    offices: tuple[Office, ...] = ()

    @property
    def phones(self) -> tuple[str, ...]:
        """The numbers of the places of activity, each once."""
        return tuple(dict.fromkeys(office.phone for office in self.offices if office.phone))

    @property
    def rpps(self) -> str | None:
        """The 11 digits, when the national id is an RPPS."""
        return self.national_id[1:] if len(self.national_id) == 12 and self.national_id.startswith("8") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One hit of a search, for a person's eyes: names never resolve an addressee."""

    national_id: str | None
    rpps: str | None
    name: str = field(repr=False)
    profession: str = ""
    skills: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    mailboxes: tuple[str, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """An S/MIME certificate that encrypts to a mailbox."""

    mailbox: str = field(repr=False)
    der: bytes = field(repr=False)
    fingerprint: str
    not_before: datetime
    not_after: datetime
    source: Source
    gcm: bool = False
    """Whether the holder says that AES-256-GCM can be read (RFC 4262 in the certificate, or told by the source)."""

    def valid_at(self, moment: datetime) -> bool:
        """Whether ``moment`` is inside its validity (RFC 5280 §4.1.2.5)."""
        return self.not_before <= moment <= self.not_after


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpKey:
    """An OpenPGP transferable public key of a mailbox."""

    mailbox: str = field(repr=False)
    key: bytes = field(repr=False)
    fingerprint: str
    expires_at: datetime | None
    source: Source

    def valid_at(self, moment: datetime) -> bool:
        """Whether it has not expired by ``moment``."""
        return self.expires_at is None or moment < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A practitioner is away; his letters go to the substitute when one is named."""

    rpps: str
    starts_at: datetime
    ends_at: datetime
    substitute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """One national file as it was last imported."""

    kind: str
    name: str
    published_at: datetime | None
    imported_at: datetime
    rows: int
    rejected: int
    duplicates: int
    sha256: str

    def age(self, now: datetime) -> timedelta:
        """How old what it says is: since its publication when the name tells it, else since the import."""
        return now - (self.published_at or self.imported_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How much the directory knows, and since when."""

    files: tuple[FileStatus, ...] = ()
    as_of: datetime | None = None
    """The older file's date, or the last delta's where that is later."""
    mailboxes: int = 0
    personal: int = 0
    organisations: int = 0
    practitioners: int = 0
    activities: int = 0
    domains: int = 0
    white_list_domains: int = 0
    white_list_generated_at: datetime | None = None
    white_list_fetched_at: datetime | None = None
    certificates: int = 0
    openpgp_keys: int = 0
    entries: int = 0
    absences: int = 0
