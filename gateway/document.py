"""What a letter says: one model for HPRIM, HL7 v2, CDA, XDM and ordinary mail.

Values are text as sent, with a decimal point for a comma. Names, identifiers and content never show in ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from gateway.identifiers import Adeli, Rpps


class Role(StrEnum):
    """Why somebody gets the letter."""

    GP = "gp"
    REFERRER = "referrer"
    COPY = "copy"
    PATIENT = "patient"
    ORGANISATION = "organisation"


class Severity(StrEnum):
    """How much a finding matters: an error refuses the document."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the reader noticed: where, a stable code, and words in English that hold no patient data.

    ``detail`` may quote the letter and is shown only to whoever already holds the file (``huitaine check``).
    """

    severity: Severity
    place: str
    code: str
    message: str
    detail: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Kind of document: LOINC or TRE_A05 code of JDV_J07 when the sender states it."""

    loinc: str | None
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A patient's, stay's or professional's number with who assigned it."""

    value: str = field(repr=False)
    authority: str = ""
    """OID, FINESS or name of the assigning authority; empty when the format has none."""
    type: str = ""
    """HL7 table 0203 as used in France: INS, PI, NIR, NH, AN, VN, RPPS, ADELI, IDNPS, FINEG…"""
    qualified: bool = False
    """Only for an INS, and only when the sender says so (PID-32 = VALI)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Traits as sent; ``birth_date`` is ISO when it is a calendar date, else the text as sent."""

    family: str = field(repr=False)
    given: str = field(repr=False)
    birth_date: str = field(repr=False, default="")
    sex: str | None = None
    used_family: str = field(repr=False, default="")
    address: tuple[str, ...] = field(repr=False, default=())
    birth_place: str = field(repr=False, default="")
    identifiers: tuple[Identifier, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The hospital stay that the letter is about; times are aware (Europe/Paris when the format has no offset)."""

    visit: str | None = field(repr=False, default=None)
    file_number: str | None = field(repr=False, default=None)
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    unit: str | None = None
    hospital: str | None = None
    patient_class: str | None = None
    """PV1-2: I in-patient, O out-patient, E emergency, R recurring, N not applicable…"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Professional:
    """A doctor or an organisation that wrote, validated or sent the letter."""

    rpps: Rpps | None = None
    adeli: Adeli | None = None
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    title: str = field(repr=False, default="")
    organisation: str = ""
    organisation_id: Identifier | None = None
    telecom: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAddressee:
    """Somebody the document itself names as one who should get it; at least one of the numbers or the mailbox helps."""

    role: Role
    place: str
    rpps: Rpps | None = None
    adeli: Adeli | None = None
    mailbox: str | None = field(repr=False, default=None)
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    organisation_id: Identifier | None = None
    local_code: str = field(repr=False, default="")
    """The sender's own code for this person: never a key of the directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The same result in a second unit (HPRIM Médecin, RES-11 to RES-14)."""

    value: str = field(repr=False)
    unit: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of a lab report; a title line has a label and no value."""

    label: str
    code: str = ""
    value: str = field(repr=False, default="")
    comparator: str | None = None
    unit: str = ""
    low: str = ""
    high: str = ""
    flag: str = ""
    status: str = ""
    numeric: bool = False
    second: Measure | None = None
    comment: str = field(repr=False, default="")
    alternate_code: str = ""
    """The same examination in another coding (CDA ``code/translation``, HL7 v2 OBX-3.4)."""
    observed_at: datetime | None = None
    """When it was observed or the specimen taken (CDA ``observation/effectiveTime``, HL7 v2 OBX-14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of a letter, in reading order; what stands before it at a lower ``level`` is its chapter."""

    title: str = field(repr=False)
    code: str = ""
    """LOINC code of the section, empty when the sender states none."""
    text: str = field(repr=False, default="")
    """Its own words, without those of the sections inside it; they are also in ``Document.text``."""
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with the document; ``name`` is what the sender called it and never a path."""

    name: str = field(repr=False)
    media_type: str
    content: bytes = field(repr=False)
    text: str = field(repr=False, default="")
    """The words of a PDF, page by page, read only where its document has no words of its own."""
    conformance: str = ""
    """What a PDF claims in its metadata: ``PDF/A-1B``, ``PDF/A-3A``; empty when nothing (ISO 19005)."""

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The document's own bytes, never altered: the HPRIM record, the CDA, the HL7 message, the XDM archive."""

    format: str
    """hprim-medecin, hprim-sante, hl7v2, cda, xdm, mime, pdf, text; ``file`` for a picture of an archive"""
    content: bytes = field(repr=False)
    media_type: str = "application/octet-stream"
    name: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the sender asks for besides delivery (CI-SIS metadata OBX); ``None`` when not stated."""

    to_professionals: bool | None = None
    to_patient: bool | None = None
    patient_may_answer: bool = True
    to_dmp: bool | None = None
    hidden_from_professionals: bool | None = None
    hidden_from_patient: bool | None = None
    hidden_from_legal_representatives: bool | None = None
    secret_connection: bool | None = None
    confidentiality_changed: bool | None = None
    """MODIF_CONF_CODE: a replacement changes nothing but who may see the document."""
    acknowledge_reception: bool | None = None
    acknowledge_reading: bool | None = None
    reply_to: str | None = None
    body_for_professionals: str = field(repr=False, default="")
    body_for_patient: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document about one patient (or about nobody stated: an ordinary mail)."""

    kind: Kind
    original: Original
    patient: Patient | None = None
    stay: Stay | None = None
    author: Professional | None = None
    legal_authenticator: Professional | None = None
    written_at: datetime | None = None
    validated_at: datetime | None = None
    addressees: tuple[NamedAddressee, ...] = ()
    title: str = field(repr=False, default="")
    text: str = field(repr=False, default="")
    sections: tuple[Section, ...] = field(repr=False, default=())
    """Where the format has titled sections (CDA); ``text`` holds all of them in reading order."""
    results: tuple[Result, ...] = field(repr=False, default=())
    attachments: tuple[Attachment, ...] = ()
    replaces: str | None = None
    cancels: str | None = None
    urgent: bool = False
    partial: bool = False
    """Its own status says that a final one is to follow (TXA-17, OBR-25)."""
    wishes: Wishes = Wishes()
    control_id: str | None = None
    """MSH-10 of the message it came in, quoted back by ZAM (IG-TRANS, OBX-4)."""
    id: str | None = None
    """``root`` or ``root^extension`` (ClinicalDocument/id, TXA-12): what a later ``replaces`` or ``cancels`` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One ADT message: what happened to a stay (PAM.fr 2.11); all four candidate times are kept."""

    trigger: str
    """MSH-9.2: A01, A03, A13, Z99…"""
    patient: Patient
    stay: Stay
    control_id: str = ""
    movement_id: str | None = field(repr=False, default=None)
    """ZBE-1 whole, as sent: which movement a cancellation or correction is about."""
    original_trigger: str | None = None
    """ZBE-6, the movement that a Z99 or a cancellation is about."""
    action: str | None = None
    """ZBE-4: INSERT, UPDATE or CANCEL."""
    historic: bool | None = None
    """ZBE-5: told after later movements of the same stay were."""
    care_unit: str | None = None
    """ZBE-8, who nurses; ``stay.unit`` is who is medically responsible (ZBE-7)."""
    nature: str | None = None
    """ZBE-9: S, H, M, L, D and what they combine to; C corrects a status."""
    pv1_45: datetime | None = None
    zbe_2: datetime | None = None
    evn_6: datetime | None = None
    evn_2: datetime | None = None
    disposition: str | None = None
    """PV1-36."""
    exit_mode: str | None = None
    """ZFM-2: 9 is death, 0, 6 and 7 are transfers, 8 is home."""
    destination: str | None = None
    """ZFM-4: 1 MCO, 2 SSR, 3 SLD, 4 PSY, 6 HAD, 7 social home; ``None`` is home."""
    care_path: str | None = None
    """PV2-7: who sent the patient (TO, TR, TN, NT, CS, SM, TU)."""
    no_gp: bool = False
    """PV2-7 = SM: the patient has no GP."""
    dmp_status: str | None = None
    """ZFA-1: ACTIF, FERME or INEXISTANT."""
    dmp_opposed: bool | None = None
    """ZFA-9: informed and opposed (IO) to the DMP being fed, or not (INO); it says nothing about mail."""
    dmp_consultation: str | None = None
    """ZFA-11: NA, INC or IC."""
    protected: bool | None = None
    """PD1-12: who has no authority of his own gets nothing of this patient; ``None`` when not stated."""
    gps: tuple[NamedAddressee, ...] = ()
    prior_patient: Patient | None = None
    """MRG, for A40 and A47."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that a reader found in the bytes: several documents when the file held several."""

    format: str
    variant: str = ""
    charset: str = ""
    documents: tuple[Document, ...] = ()
    movements: tuple[Movement, ...] = ()
    findings: tuple[Finding, ...] = ()
    processing: str | None = None
    """P, T or D (MSH-11, HPRIM Santé 7.12); ``None`` when the format has none."""
    control_id: str | None = None
    already_sealed: bool = False
    """The bytes are a mail that is encrypted or signed: nothing in it may be changed."""

    @property
    def accepted(self) -> bool:
        """Whether nothing refuses it and there is something in it."""
        refused = any(finding.severity is Severity.ERROR for finding in self.findings)
        return not refused and bool(self.documents or self.movements or self.already_sealed)
