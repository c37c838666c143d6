"""Invented letters, and what a GP's software finds in the mail that comes of them."""

from __future__ import annotations

import email
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.policy import compat32
from io import BytesIO
from zipfile import ZipFile

import pytest

from gateway.compose import ComposeProfile, Composer
from gateway.document import (
    Document,
    Identifier,
    Kind,
    Original,
    Patient,
    Professional,
    Result,
    Role,
    Stay,
)
from gateway.identifiers import DeliveryId, LetterId, Rpps
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Addressee,
    ComposedMail,
    Door,
    Envelope,
    Form,
    KeptLetter,
    MssTls,
    ParsedLetter,
    Protection,
    ReceivedLetter,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PDF = b"%PDF-1.4\n% invented\n" + bytes(range(256)) * 4 + b"\n%%EOF\n"

PROFILE = ComposeProfile(
    sender="passerelle_app@ch-exemple.mssante.fr",
    sender_name="CH Exemple",
    nil="DEV000000",
    hospital="CH Exemple",
    reply_to="secretariat@ch-exemple.mssante.fr",
    oid="1.2.250.1.999.1",
    structure_id="1750000000",
)

PATIENT = Patient(
    family="TESTINI",
    given="Amélie",
    birth_date="1978-02-14",
    sex="F",
    used_family="ESSAYEUR",
    address=("12 RUE DES ESSAIS", "99999 VILLE-ESSAI"),
    birth_place="63220",
    identifiers=(
        Identifier(value="IPP0004711", authority="1.2.250.1.999.1", type="PI"),
        Identifier(value="279035121518989", authority="1.2.250.1.213.1.4.10", type="INS", qualified=True),
    ),
)

LETTER = Document(
    kind=Kind(loinc="11490-0", label="Lettre de liaison à la sortie d'un établissement de soins"),
    original=Original(format="hl7v2", content=b"MSH|^~\\&|invented\r", media_type="application/hl7-v2"),
    patient=PATIENT,
    stay=Stay(
        visit="V26000815",
        file_number="26H0000815",
        admitted_at=datetime(2026, 1, 9, 8, 0, tzinfo=UTC),
        discharged_at=datetime(2026, 1, 13, 10, 15, tzinfo=UTC),
        unit="Médecine A",
        hospital="CH Exemple",
    ),
    author=Professional(
        rpps=Rpps("10000000010"),
        family="INVENTE",
        given="Claire",
        title="Dr",
        organisation="Médecine A",
        telecom=("tel:+33100000000", "mailto:medecine-a@ch-exemple.mssante.fr"),
    ),
    written_at=datetime(2026, 1, 13, 9, 0, tzinfo=UTC),
    text=(
        "Cher Confrère,\n\nVotre patiente a été hospitalisée pour pneumopathie.\nApyrexie à 48 h.\n"
        "Antécédents : asthme.\nExamen : râles crépitants à droite.\n\n"
        "Traitement de sortie :\n- amoxicilline 1 g x 3 par jour, 5 jours\n\n- paracétamol 1 g si besoin\n\n"
        "Conclusion : pneumopathie franche lobaire aiguë d'évolution favorable.\n\n"
        "Bien confraternellement,\nDr C. INVENTE\n"
    ),
)


def number(label: str, code: str, value: str, unit: str, **more: str) -> Result:
    return Result(label=label, code=code, value=value, unit=unit, status="F", numeric=True, **more)


LAB = Document(
    kind=Kind(loinc="11502-2", label="CR d'examens biologiques"),
    original=Original(format="hl7v2", content=b"MSH|^~\\&|lab\r"),
    patient=PATIENT,
    written_at=datetime(2026, 1, 12, 8, 15, tzinfo=UTC),
    author=Professional(organisation="LABESSAI"),
    results=(
        Result(label="HEMATOLOGIE"),
        number("Hémoglobine", "HB", "11.4", "g/dL", low="12.0", high="16.0", flag="L"),
        number("Potassium", "K", "6.8", "mmol/L", low="3.5", high="5.1", flag="HH"),
        number("Sodium", "NA", "150", "mmol/L", low="136", high="145"),
        number("CRP", "CRP", "5.0", "mg/L", comparator="<", high="5.0", flag="N"),
        Result(label="Aspect du sérum", value="Limpide", status="F", comment="Contrôle conseillé | à distance."),
    ),
)

CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="1.2.250.1.213.1.1.1.29"/><id root="1.2.250.1.999.1.58132"/>
<code code="11490-0" displayName="Lettre de liaison à la sortie d'un établissement de soins"
 codeSystem="2.16.840.1.113883.6.1"/><title>Lettre  de sortie</title>
<effectiveTime value="20260113100000+0100"/>
<confidentialityCode code="R" displayName="Restreint" codeSystem="2.16.840.1.113883.5.25"/>
<languageCode code="fr-FR"/>
<recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="279035121518989"/></patientRole></recordTarget>
<author><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="810000000010"/>
<code code="G15_10/SM26" displayName="Médecin - Médecine générale (SM)" codeSystem="1.2.250.1.213.1.1.4.5"/>
<assignedPerson><name><given>Claire</given><family>INVENTE</family></name></assignedPerson>
<representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1750000000"/><name>CH Exemple</name>
</representedOrganization></assignedAuthor></author>
<documentationOf><serviceEvent><effectiveTime><low value="20260109090000+0100"/><high value="202601131115+0100"/>
</effectiveTime></serviceEvent></documentationOf>
<component><structuredBody><component><section><text>Évolution favorable.</text></section></component></structuredBody>
</component></ClinicalDocument>
""".encode()


TLS = MssTls()


@dataclass(frozen=True)
class Opened:
    """A composed mail as the standard library's parser sees it: a reader that is none of ours."""

    mail: ComposedMail
    message: Message

    def header(self, name: str) -> str | None:
        return next((value for field, value in self.mail.headers if field == name), None)

    @property
    def parts(self) -> list[Message]:
        return [part for part in self.message.walk() if not part.is_multipart()]

    @property
    def text(self) -> str:
        first = self.parts[0]
        return first.get_payload(decode=True).decode(first.get_content_charset()).replace("\r\n", "\n")

    @property
    def files(self) -> dict[str, bytes]:
        return {part.get_filename(): part.get_payload(decode=True) for part in self.parts if part.get_filename()}

    def file(self, ending: str) -> bytes:
        return next(content for name, content in self.files.items() if name.endswith(ending))


def letter_of(*documents: Document, content: bytes = b"") -> ParsedLetter:
    received = ReceivedLetter(
        id=LetterId("01KF0000000000000000000000"),
        door=Door.FOLDER,
        source="test",
        envelope=Envelope(),
        content=content,
        received_at=NOW,
    )
    return ParsedLetter(
        id=received.id,
        kept=KeptLetter(received=received),
        format="xdm" if content else documents[0].original.format,
        documents=documents,
    )


@pytest.fixture
def compose() -> Callable[..., Opened]:
    def composed(
        *documents: Document,
        forms: tuple[Form, ...] = (),
        in_mssante: bool = True,
        content: bytes = b"",
        role: Role = Role.GP,
        profile: ComposeProfile = PROFILE,
        protection: Protection = TLS,
        mailbox: str = "camille.exemple@test-ci-sis.mssante.fr",
    ) -> Opened:
        addressed = Addressed(
            addressee=Addressee(role=role),
            mailbox=mailbox,
            protection=protection,
            forms=frozenset(forms),
            in_mssante=in_mssante,
        )
        mail = Composer(profile=profile, clock=lambda: NOW).compose(
            AddressedLetter(parsed=letter_of(*documents, content=content), outcomes=(addressed,)),
            addressed,
            delivery=DeliveryId("01KF0000000000000000000001"),
            message_id="<01KF.1@ch-exemple.mssante.fr>",
        )
        return Opened(mail, email.message_from_bytes(mail.entity, policy=compat32))

    return composed


@pytest.fixture
def profile() -> ComposeProfile:
    return PROFILE


@pytest.fixture
def patient() -> Patient:
    return PATIENT


@pytest.fixture
def discharge() -> Document:
    return LETTER


@pytest.fixture
def lab() -> Document:
    return LAB


@pytest.fixture
def cda() -> bytes:
    return CDA


@pytest.fixture
def pdf() -> bytes:
    return PDF


@pytest.fixture
def addressed_letter() -> Callable[..., ParsedLetter]:
    return letter_of


@pytest.fixture
def unzipped() -> Callable[[bytes], dict[str, bytes]]:
    def read(archive: bytes) -> dict[str, bytes]:
        with ZipFile(BytesIO(archive)) as packed:
            return {name: packed.read(name) for name in packed.namelist()}

    return read
