"""What a letter is at each station: a new frozen type each time, made by that station alone.

    ReceivedLetter → KeptLetter → ParsedLetter → AddressedLetter → ComposedMail → SealedMail → Outcome → Receipt

What a document *says* is in ``document.py``. Clear text never shows in ``repr``; a ``SealedMail`` has no way back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from gateway.document import Document, Finding, Patient, Role, Stay
from gateway.identifiers import Adeli, DeliveryId, LetterId, Rpps


class Door(StrEnum):
    """Where a letter came in."""

    SMTP = "smtp"
    MLLP = "mllp"
    FOLDER = "folder"
    IMAP = "imap"


class Mode(StrEnum):
    """Test and production identities never mix (design.md, decision 16)."""

    TEST = "test"
    PRODUCTION = "production"


# 1. door ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One RCPT TO with its DSN parameters, case kept (RFC 3461 §4)."""

    address: str
    notify: tuple[str, ...] = ()
    orcpt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """RFC 5321 envelope; ``sender`` is empty for the null reverse-path."""

    sender: str = ""
    recipients: tuple[Recipient, ...] = ()
    ret: str | None = None
    envid: str | None = None


class Fate(StrEnum):
    """What became of a mail in a watched mailbox; kept until it is certainly gone from there."""

    TAKEN = "taken"
    REFUSED = "refused"
    """And whoever sent it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailKey:
    """A mail in a watched mailbox: the numbers that name it there for good (RFC 3501 §2.3.1.1), and what it says."""

    account: str
    uidvalidity: int
    uid: int
    sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLetter:
    """What a door holds before anything is durable.

    ``replay_key`` is what makes a second hand-over of the same letter recognisable at this door (with the source):
    Message-ID, envelope and body for SMTP; MSH-10 and body for MLLP; the bytes for a folder; the digest for IMAP.
    """

    id: LetterId
    door: Door
    source: str
    envelope: Envelope
    content: bytes = field(repr=False)
    received_at: datetime
    name: str = field(repr=False, default="")
    replay_key: bytes = field(repr=False, default=b"")
    mail: MailKey | None = None
    """Of the IMAP door: written down as taken in the same commit."""
    peer: dict[str, object] | None = field(repr=False, compare=False, default=None)
    """The certificate that another operator's server showed and TLS verified; never kept."""


# 2. keep ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    """On disk, sealed at rest, fsynced: only now may a door say yes. ``again`` marks a replay of an earlier letter."""

    received: ReceivedLetter
    again: bool = False
    answer: bytes = field(repr=False, default=b"")
    """What the door answered the first time (the HL7 ACK), when it was recorded."""

    @property
    def id(self) -> LetterId:
        """The letter's id: the first one's when this is a replay."""
        return self.received.id


# 3. read ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedLetter:
    """One patient's documents out of a kept letter (or a mail about nobody stated)."""

    id: LetterId
    kept: KeptLetter
    format: str
    documents: tuple[Document, ...]
    findings: tuple[Finding, ...] = ()
    already_sealed: bool = False

    @property
    def patient(self) -> Patient | None:
        """The one patient all documents are about."""
        return self.documents[0].patient if self.documents else None

    @property
    def stay(self) -> Stay | None:
        """The stay of the first document that states one."""
        return next((document.stay for document in self.documents if document.stay), None)


# 4. address ---------------------------------------------------------------------------------------------------------


class Form(StrEnum):
    """A shape in which practice software takes a letter; readable text is always there besides."""

    PDF = "pdf"
    HPRIM_BODY = "hprim-body"
    HPRIM_ATTACHED = "hprim-attached"
    XDM = "xdm"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True, kw_only=True)
class Smime:
    """Sign, then encrypt to this certificate (DER); ``gcm`` only when the addressee is known to read it."""

    certificate: bytes = field(repr=False)
    gcm: bool = False
    alternatives: tuple[Smime | OpenPgp, ...] = field(repr=False, default=())
    """The addressee's other keys in the order to try: one that cannot be used blocks none that can (CR-15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgp:
    """Sign and encrypt as PGP/MIME to this transferable public key (binary or armored)."""

    key: bytes = field(repr=False)
    fingerprint: str = ""
    alternatives: tuple[Smime | OpenPgp, ...] = field(repr=False, default=())
    """As for ``Smime``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MssTls:
    """Signature, then mutual TLS alone: only inside the MSSanté trust space and only where the policy allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsReceived:
    """The sender sealed it already: the bytes pass unchanged."""


Protection = Smime | OpenPgp | MssTls | AsReceived
_PROTECTIONS = {OpenPgp: "openpgp", MssTls: "mss-tls", AsReceived: "as-received"}


def protection_name(protection: Protection) -> str:
    """The word of ``letters show``: smime-gcm, smime-cbc, openpgp, mss-tls, as-received."""
    if isinstance(protection, Smime):
        return "smime-gcm" if protection.gcm else "smime-cbc"
    return _PROTECTIONS[type(protection)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who is meant: by number when there is one, never by name alone."""

    role: Role
    rpps: Rpps | None = None
    mailbox: str | None = field(repr=False, default=None)
    notify: tuple[str, ...] = ()
    orcpt: str | None = None
    adeli: Adeli | None = None
    """His older number, when the letter names him by it: two of the same role must stay two."""
    instead: bool = False
    """Escalation chose ``mailbox``: the letter is addressed as if its envelope named that one and no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One step of a decision: a stable code and words for the trace (never the patient's)."""

    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """One addressee with one mailbox and how to protect the letter for it."""

    addressee: Addressee
    mailbox: str
    protection: Protection
    forms: frozenset[Form] = frozenset()
    in_mssante: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One addressee who cannot be written to now: the letter waits, the sender is told, nothing goes in clear."""

    addressee: Addressee
    reason: Reason
    reasons: tuple[Reason, ...] = ()
    chosen: str | None = field(repr=False, default=None)
    """The mailbox, where one was found that only lacks a protection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedLetter:
    """A parsed letter with an outcome for each addressee."""

    parsed: ParsedLetter
    outcomes: tuple[Addressed | Held, ...]


# 5. compose ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedMail:
    """One mail for one addressee, in clear, in memory only.

    ``entity`` is a whole MIME entity (its own Content-Type header, CRLF line ends, 7-bit) ready to be signed;
    ``headers`` are the RFC 5322 fields that stay outside (already encoded, without line ends), ``Date:`` excepted:
    the sealer writes it, because it must be the moment of sealing (design.md, decision 15).
    ``protected_subject`` is the true subject (encoded) where the outer one is neutral: it travels inside (RFC 9788).
    """

    letter: LetterId
    delivery: DeliveryId
    message_id: str
    sender: str
    mailbox: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    entity: bytes = field(repr=False)
    protection: Protection = field(repr=False)
    protected_subject: str = field(repr=False, default="")
    losses: str = ""
    """What the forms that were written have no place for, in codes alone: ``hprim: absent sex; pdf: …``."""


# 6. seal ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMail:
    """Signed, then encrypted: RFC 5322 bytes with CRLF line ends, as they go over the wire before dot-stuffing."""

    letter: LetterId
    delivery: DeliveryId
    message_id: str
    sender: str
    mailbox: str
    content: bytes = field(repr=False)
    protected_by: str
    sealed_at: datetime
    losses: str = ""
    """As its :class:`ComposedMail` has them."""
    refused: tuple[str, ...] = ()
    """Why keys of the addressee's that came before the one that was used were not: one code for each, in order."""
    for_organisation: bool = False
    """Whether the certificate is his whole organisation's: any of its mailboxes may open it (CR-16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetted:
    """What may be used of an addressee's keys, and a code for each that may not."""

    protection: Protection
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One addressed letter on its way to one addressee: what stations 5 to 7 work on."""

    letter: AddressedLetter
    addressed: Addressed
    delivery: DeliveryId
    attempt: int


# 7. hand over -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The next hop said 250: it has taken responsibility (proof ``accepted``)."""

    at: datetime
    code: int = 250
    status: str = "2.0.0"
    dsn_offered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Not now; ``ambiguous`` when the connection died after the dot: the next hop may hold it."""

    at: datetime
    status: str
    reason: str
    code: int | None = None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Never; the sender gets a DSN. ``ambiguous``: the last attempt may have left all the same."""

    at: datetime
    status: str
    reason: str
    code: int | None = None
    expired: bool = False
    ambiguous: bool = False


Outcome = Done | RetryAt | GiveUp


class DeliveryState(StrEnum):
    """Where one letter to one addressee stands; the last four are final."""

    READY = "ready"
    LEASED = "leased"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# 8. hear back -------------------------------------------------------------------------------------------------------


class Proof(IntEnum):
    """What is proved, never inferred upwards (design.md, decision 13)."""

    NONE = 0
    ACCEPTED = 1
    DELIVERED = 2
    PROCESSED = 3
    DISPLAYED = 4
    INTEGRATED = 5

    @property
    def word(self) -> str:
        """The word of the JSON shapes."""
        return self.name.lower()


class ReceiptKind(StrEnum):
    """What a receipt says happened."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    DELAYED = "delayed"
    FAILED = "failed"
    PROCESSED = "processed"
    DISPLAYED = "displayed"
    DELETED = "deleted"
    INTEGRATED = "integrated"
    NOT_INTEGRATED = "not-integrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One statement about one addressee of one mail, as a DSN, an MDN or a failure mail makes it."""

    kind: ReceiptKind
    message_id: str | None
    """Original-Message-ID, or the Message-ID of the returned headers; without it nothing can be matched."""
    envid: str | None = None
    addressee: str | None = field(repr=False, default=None)
    final_addressee: str | None = field(repr=False, default=None)
    at: datetime | None = None
    status: str | None = None
    code: str | None = None
    control_id: str | None = None
    """MSH-10 of the HL7 message that is answered, where it is: it must be the letter's own."""
    reporter: str = "dsn"
