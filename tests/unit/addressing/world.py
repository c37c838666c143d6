"""A small invented world: practitioners, practices, a white list, and letters to address in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from directory import import_files, update_white_list
from gateway.addressing import AddressingPolicy
from gateway.document import Document, Identifier, Kind, NamedAddressee, Original, Patient, Role, Wishes
from gateway.identifiers import LetterId, Rpps
from gateway.letter import Addressed, Door, Envelope, Held, KeptLetter, Mode, ParsedLetter, ReceivedLetter, Recipient
from tests.unit.directory.signing import SIGNER, authority, list_xml, sign, signer_of
from tests.unit.directory.synthetic import (
    ACTIVITY_HEADER,
    MAILBOX_HEADER,
    activity_line,
    mailbox_line,
    write,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OURS = "passerelle.example"
INS = "279035121518989"  # the national test patient, key right

ONE = Rpps("99000000001")
CABINET_AND_GENERIC = Rpps("99000000002")
TWO_PLACES = Rpps("99000000003")
REFUSES = Rpps("99000000004")
PRACTICE_ONLY = Rpps("99000000005")
TWO_SERVICES = Rpps("99000000006")
NO_BOX = Rpps("99000000007")
OUTSIDE = Rpps("99000000008")
SPECIALIST = Rpps("99000000009")
ONE_REFUSED = Rpps("99000000010")
SUBSTITUTE = Rpps("99000000011")
ALIKE = Rpps("99000000012")
NURSE = Rpps("99000000013")
TWO_NAMES = Rpps("99000000014")
REFUSING_HOUSE = Rpps("99000000015")
TWO_SECRETARIES = Rpps("99000000016")
ONE_SERVICE = Rpps("99000000017")
EMPLOYED_TOO = Rpps("99000000018")
SHARING, SHARING_TOO = Rpps("99000000019"), Rpps("99000000020")
HOST, GUEST = Rpps("99000000021"), Rpps("99000000022")
OF_A_SITE, OF_A_GROUP = Rpps("99000000023"), Rpps("99000000024")
UNKNOWN = Rpps("99999999999")
ADELI = "759900001"

_BOXES = [
    mailbox_line("un@medecin.mss.example", "8" + ONE, skill="SM26"),
    mailbox_line("deux@cabinet.mss.example", "8" + CABINET_AND_GENERIC, structure="990000001", skill="SM26"),
    mailbox_line("deux@medecin.mss.example", "8" + CABINET_AND_GENERIC, skill="SM26"),
    mailbox_line("trois@cabinet.mss.example", "8" + TWO_PLACES, structure="990000001"),
    mailbox_line("trois@ch.mss.example", "8" + TWO_PLACES, structure="990000002"),
    mailbox_line("quatre@medecin.mss.example", "8" + REFUSES, accepts="N"),
    mailbox_line("huit@parti.example", "8" + OUTSIDE),
    mailbox_line("neuf@medecin.mss.example", "8" + SPECIALIST, skill="SM27"),
    mailbox_line("dix@medecin.mss.example", "8" + ONE_REFUSED, accepts="N"),
    mailbox_line("dix@cabinet.mss.example", "8" + ONE_REFUSED),
    mailbox_line("onze@medecin.mss.example", "8" + SUBSTITUTE, skill="SM26"),
    mailbox_line("b.douze@cabinet.mss.example", "8" + ALIKE, structure="990000001"),
    mailbox_line("a.douze@cabinet.mss.example", "8" + ALIKE, structure="990000001"),
    mailbox_line("infirmier@medecin.mss.example", "8" + NURSE).replace("|10|Médecin|", "|60|Infirmier|"),
    mailbox_line("martin@medecin.mss.example", "8" + TWO_NAMES, family="MARTIN"),
    mailbox_line("durand@cabinet.mss.example", "8" + TWO_NAMES, family="DURAND", structure="990000001"),
    mailbox_line("maison@ch.mss.example", structure="990000013", accepts="N"),
    mailbox_line("radio@ch.mss.example", structure="990000013", service="Radiologie"),
    mailbox_line("treize@medecin.mss.example", "0" + ADELI),
    mailbox_line("secretariat@cabinet.mss.example", structure="990000010", organisation="CABINET DU CANAL"),
    mailbox_line("cardio@ch.mss.example", structure="990000011", service="Cardiologie"),
    mailbox_line("chirurgie@ch.mss.example", structure="990000011", service="Chirurgie"),
    mailbox_line("accueil@ch.mss.example", structure="990000014", service="Accueil"),
    mailbox_line("secretaires@ch.mss.example", structure="990000014", service="Secrétariat médical"),
    mailbox_line("rhumato@ch.mss.example", structure="990000014", service="Rhumatologie"),
    mailbox_line("dialyse@ch.mss.example", structure="990000015", service="Dialyse"),
    mailbox_line("ensemble@cabinet.mss.example", "8" + SHARING),
    mailbox_line("ensemble@cabinet.mss.example", "8" + SHARING_TOO),
    mailbox_line("hote@cabinet.mss.example", "8" + HOST),
    mailbox_line("hote@cabinet.mss.example", structure="990000016"),
    mailbox_line("siege@ch.mss.example", structure="990000017", service="Admissions"),
    mailbox_line("groupe@cabinet.mss.example", structure="990000018"),
    mailbox_line("sans.lieu@cabinet.mss.example"),
    mailbox_line("ferme@ch.mss.example", structure="990000012", service="Accueil", accepts="N"),
]
_ACTIVITIES = [
    activity_line("8" + PRACTICE_ONLY, finess="990000010"),
    activity_line("8" + TWO_SERVICES, finess="990000011"),
    activity_line("8" + REFUSING_HOUSE, finess="990000013"),
    activity_line("8" + TWO_SECRETARIES, finess="990000014"),
    activity_line("8" + ONE_SERVICE, finess="990000015"),
    activity_line("8" + EMPLOYED_TOO, finess="990000010", mode="S"),
    activity_line("8" + EMPLOYED_TOO, finess="990000098", mode="L"),
    activity_line("8" + GUEST, finess="990000016"),
    activity_line("8" + OF_A_SITE, finess="990000019", entity="1990000017"),
    activity_line("8" + OF_A_GROUP, siret="99000001800011", technical="R10000000018"),
    activity_line("8" + OF_A_GROUP, finess="990000015", mode="S"),
    activity_line("8" + NO_BOX, finess="990000099"),
]
LISTED = ("medecin.mss.example", "cabinet.mss.example", "ch.mss.example", "patient.mss.example")


def build(folder: Path) -> None:
    """The national files and the white list of this world."""
    boxes = write(folder / "boxes.txt", iter([MAILBOX_HEADER, *_BOXES]))
    activities = write(folder / "activities.txt", iter([ACTIVITY_HEADER, *_ACTIVITIES]))
    assert import_files(folder, [boxes, activities]).published
    issuer = authority()
    content = sign(list_xml(dict.fromkeys(LISTED, "CN=mss.operateur.example,OU=1990000001,C=FR")), signer_of(issuer))
    update_white_list(folder, content, authorities=issuer.pem, common_name=SIGNER, clock=lambda: NOW)


def policy(**more: object) -> AddressingPolicy:
    """Production, MSSanté's TLS allowed: what a test changes it names."""
    known: dict[str, object] = {
        "our_domain": OURS,
        "mode": Mode.PRODUCTION,
        "mss_tls_allowed": True,
        "generic_domains": ("medecin.mss.example",),
        "patient_domain": "patient.mss.example",
    }
    return AddressingPolicy(**(known | more))  # type: ignore[arg-type]


def named(role: Role = Role.GP, **more: object) -> NamedAddressee:
    return NamedAddressee(role=role, place="PRT-5", **more)  # type: ignore[arg-type]


def patient(*, oid: str = "1.2.250.1.213.1.4.8", qualified: bool = True, ins: str = INS, born: str = "1979-03-28"):
    identifier = Identifier(value=ins, authority=oid, type="INS", qualified=qualified)
    return Patient(family="PAT-TROIS", given="DOMINIQUE", birth_date=born, identifiers=(identifier,))


def document(*names: NamedAddressee, wishes: Wishes | None = None, who: Patient | None = None) -> Document:
    return Document(
        kind=Kind(loinc="11490-0", label="Lettre de liaison"),
        original=Original(format="hl7v2", content=b""),
        patient=who,
        addressees=names,
        wishes=wishes or Wishes(),
    )


def letter(*documents: Document, to: tuple[str | Recipient, ...] = (), sealed: bool = False) -> ParsedLetter:
    recipients = tuple(Recipient(address=one) if isinstance(one, str) else one for one in to)
    received = ReceivedLetter(
        id=LetterId("01HX0000000000000000000000"),
        door=Door.SMTP,
        source="dpi",
        envelope=Envelope(sender="dpi@ch.example", recipients=recipients),
        content=b"",
        received_at=NOW,
    )
    kept = KeptLetter(received=received)
    return ParsedLetter(id=received.id, kept=kept, format="hl7v2", documents=documents, already_sealed=sealed)


def certificate_for(
    mailbox: str,
    *,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=300),
    gcm: bool = False,
) -> bytes:
    """A self-signed certificate (P-256) that encrypts to ``mailbox``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cabinet d'essai")])
    usage = x509.KeyUsage(False, False, False, False, True, False, False, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(mailbox)]), critical=False)
    )
    if gcm:
        # SEQUENCE { SEQUENCE { OID aes256-GCM } }
        capabilities = bytes.fromhex("300d300b060960864801650304012e")
        oid = x509.ObjectIdentifier("1.2.840.113549.1.9.15")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, capabilities), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def only(outcomes):
    assert len(outcomes) == 1, outcomes
    return outcomes[0]


def sent(outcomes) -> Addressed:
    outcome = only(outcomes)
    assert isinstance(outcome, Addressed), outcome.reasons
    return outcome


def held(outcomes) -> str:
    outcome = only(outcomes)
    assert isinstance(outcome, Held), outcome
    assert outcome.reasons[-1] == outcome.reason
    return outcome.reason.code


def codes(outcome) -> list[str]:
    return [reason.code for reason in outcome.reasons]
