# ruff: noqa: E501 (segments and XML are read best as they are sent)
"""What the demonstration's hospital hands in: invented people, one letter of every shape."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from email.message import EmailMessage
from hashlib import sha1
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import typst

GP = "99900000011"
GP_MAILBOX = "camille.exemple@gp.test"
SECOND_GP = "99900000029"
SECOND_MAILBOX = "adam.hoda@gp.test"
PARIS = ZoneInfo("Europe/Paris")
INS_TEST = "1.2.250.1.213.1.4.10"

DIRECTORY_COLUMNS = (
    "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|"
    "Identification Structure|Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|"
    "Catégorie profession|Libellé de catégorie profession|Code Profession|Libellé Profession|Code savoir-faire|"
    "Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|"
    "L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL|"
    "L4COMPLEMENTNUMEROVOIE structure BAL|NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|"
    "L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL|"
    "Département structure BAL|Pays structure BAL"
)


def directory() -> str:
    """An extraction of the national directory with two invented GPs."""
    people = ((GP, GP_MAILBOX, "EXEMPLE", "Camille"), (SECOND_GP, SECOND_MAILBOX, "HODA", "Adam"))
    lines = [
        f"PER|{box}|8|{rpps}|8{rpps}||||DR|{family}|{given}|C|Civil|10|Médecin|SM26|Médecine générale|O|"
        "CABINET D'ESSAI||||12||RUE|DES ESSAIS||99999 VILLE-ESSAI|99999|99|FRANCE"
        for rpps, box, family, given in people
    ]
    return "\n".join((DIRECTORY_COLUMNS, *lines)) + "\n"


def pdf(title: str, text: str) -> bytes:
    """A one-page PDF/A; the text is data, never markup."""
    source = (
        '#set page(paper: "a4")\n#set text(font: "Libertinus Serif", lang: "fr")\n= #sys.inputs.title\n#sys.inputs.text'
    )
    return typst.compile(source.encode(), sys_inputs={"title": title, "text": text}, pdf_standards=["a-3b"])


def hprim_lab(day: datetime) -> bytes:
    """A lab result as HPRIM Médecin, ISO-8859-1."""
    date = day.strftime("%d/%m/%Y")
    return f"""IPP0004711
TESTINI
AMELIE
12 RUE DES ESSAIS

99999 VILLE-ESSAI
14/02/1978
278029999912310
26D0012345
{date}
LABESSAI   labo.essai
MED0001    camille.exemple

Laboratoire ESSAI - examen du {date}

HEMATOLOGIE
Hémoglobine                 11,4 *g/dL      12,0 - 16,0
BIOCHIMIE
Glycémie à jeun              0,91  g/L       0,74 - 1,06
Validé par : Dr B. FICTIF, biologiste
****LAB****
TEX|HEMATOLOGIE
RES|Hémoglobine|HB|N|11.4|g/dL|12.0|16.0|L|F||||
TEX|BIOCHIMIE
RES|Glycémie à jeun|GLYC|N|0.91|g/L|0.74|1.06|N|F|5.05|mmol/L|4.11|5.88
****FIN****
****FINFICHIER****
""".replace("\n", "\r\n").encode("iso-8859-1")


def hprim_two_patients(day: datetime) -> bytes:
    """Two patients in one file: they must never share a mail."""
    date = day.strftime("%d/%m/%Y")
    records = [
        f"P00{n}\n{family}\n{given}\n1 RUE DES ESSAIS\n\n99999 VILLE-ESSAI\n{birth}\n\n26D{n}\n{date}\n"
        f"LABESSAI   labo.essai\nMED0001    camille.exemple\n\nCompte rendu d'examen : sans particularité.\n****FIN****\n"
        for n, family, given, birth in (
            (1, "ESSAIMARTIN", "PAUL", "01/01/1950"),
            (2, "ESSAIDURAND", "LEA", "02/02/1962"),
        )
    ]
    return ("".join(records) + "****FINFICHIER****\n").replace("\n", "\r\n").encode("iso-8859-1")


def _msh(event: str, structure: str, control: str, at: datetime, version: str, profile: str) -> str:
    stamp = _local(at)
    return (
        f"MSH|^~\\&|DPI|CH-ESSAI|HUITAINE|CH-ESSAI|{stamp}||{event}^{structure}|{control}|T|{version}|||||FRA|"
        f"UNICODE UTF-8|||{profile}"
    )


def _pid() -> str:
    return (
        f"PID|1||000047^^^CH-ESSAI&990000001&M^PI~279035121518989^^^ASIP-SANTE-INS-NIR&{INS_TEST}&ISO^INS||"
        "TESTINI^AMELIE^AMELIE^^^^L||19790328|F|||12 RUE DES ESSAIS^^VILLE-ESSAI^^99999^FRA^H~^^^^^^BDL^^63220|||||||"
        "26000047^^^CH-ESSAI&990000001&M^AN||||||||||||||VALI"
    )


def _pv1(admitted: datetime, discharged: datetime | None) -> str:
    fields = {2: "I", 3: "MEDA^^^CH-ESSAI", 19: "V26000047^^^CH-ESSAI&990000001&M^VN", 44: _local(admitted)}
    if discharged:
        fields[45] = _local(discharged)
    return "|".join(["PV1", "1", *(fields.get(n, "") for n in range(2, 46))])


def _local(at: datetime) -> str:
    """HL7 times of a French hospital are local and have no offset."""
    return at.astimezone(PARIS).strftime("%Y%m%d%H%M%S")


def adt(trigger: str, control: str, at: datetime, admitted: datetime, discharged: datetime | None) -> bytes:
    """Admission (A01) or discharge (A03) with the declared GP (ROL ODRP)."""
    event = _local(at)
    structure = {"A01": "A01^ADT_A01", "A03": "A03^ADT_A03"}[trigger]
    segments = [
        _msh("ADT", structure, control, at, "2.5^FRA^2.11", "2.11^IHE_FRANCE-2.11-PAM"),
        f"EVN||{event}||||{event}",
        _pid(),
        f"ROL||UC|ODRP|{GP}^EXEMPLE^Camille^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS",
        _pv1(admitted, discharged),
        f"ZBE|{control}^CH-ESSAI^990000001|{event}||INSERT|N||Médecine A^^^^^CH-ESSAI&990000001&M^UF^^^6268||HMS",
    ]
    return ("\r".join(segments) + "\r").encode()


def oru(control: str, at: datetime) -> bytes:
    """A plain lab result: OBR and OBX, the prescriber in OBR-16."""
    doctor = f"{SECOND_GP}^HODA^Adam^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    stamp = _local(at)
    segments = [
        _msh("ORU^R01", "ORU_R01", control, at, "2.5", ""),
        _pid(),
        _pv1(at - timedelta(days=2), None),
        f"ORC|RE|26D777||||||||||{doctor}",
        f"OBR|1|26D777||11502-2^CR d'examens biologiques^LN|||{stamp}|||||||||{doctor}||||||{stamp}|||F",
        "OBX|1|NM|718-7^Hémoglobine^LN||11.4|g/dL|12.0-16.0|L|||F",
        "OBX|2|NM|2345-7^Glycémie à jeun^LN||0.91|g/L|0.74-1.06|N|||F",
        "NTE|1||Contrôle conseillé à distance.",
    ]
    return ("\r".join(segments) + "\r").encode()


def cda(at: datetime, admitted: datetime, discharged: datetime, document: bytes) -> bytes:
    """A CDA N1 around a PDF: a discharge letter with its GP, its stay and its legal authenticator."""
    moment = "{:%Y%m%d%H%M%S}+0000"
    doctor = '<id root="1.2.250.1.71.4.2.1" extension="899900000094"/>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.2.8.2.1"/><templateId root="1.2.250.1.213.1.1.1.1"/>
<id root="1.2.250.1.999.1.58132"/>
<code code="11490-0" displayName="Lettre de liaison à la sortie d'un établissement de soins" codeSystem="2.16.840.1.113883.6.1"/>
<title>Lettre de liaison à la sortie</title><effectiveTime value="{moment.format(at)}"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="fr-FR"/>
<recordTarget><patientRole><id root="{INS_TEST}" extension="279035121518989"/><patient>
<name><given>AMELIE</given><family qualifier="BR">TESTINI</family></name>
<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19790328"/></patient></patientRole></recordTarget>
<author><time value="{moment.format(at)}"/><assignedAuthor>{doctor}
<assignedPerson><name><given>Anne</given><family>FICTIVE</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.250.1.71.4.2.2" extension="1990000001"/>
<name>CH d'essai</name></representedCustodianOrganization></assignedCustodian></custodian>
<legalAuthenticator><time value="{moment.format(at)}"/><signatureCode code="S"/><assignedEntity>{doctor}
<assignedPerson><name><given>Anne</given><family>FICTIVE</family></name></assignedPerson></assignedEntity></legalAuthenticator>
<participant typeCode="INF"><functionCode code="PCP" codeSystem="2.16.840.1.113883.5.88"/><associatedEntity classCode="PROV">
<id root="1.2.250.1.71.4.2.1" extension="8{GP}"/><associatedPerson><name><given>Camille</given><family>EXEMPLE</family></name></associatedPerson>
</associatedEntity></participant>
<componentOf><encompassingEncounter><effectiveTime><low value="{moment.format(admitted)}"/><high value="{moment.format(discharged)}"/>
</effectiveTime><location><healthCareFacility><code code="SA01" codeSystem="1.2.250.1.71.4.2.4"/></healthCareFacility></location>
</encompassingEncounter></componentOf>
<component><nonXMLBody><text mediaType="application/pdf" representation="B64">{b64encode(document).decode()}</text></nonXMLBody></component>
</ClinicalDocument>
""".encode()


def xdm(document: bytes) -> bytes:
    """The same CDA as an ``IHE_XDM.zip``."""
    described = (Path(__file__).parent / "METADATA.XML").read_text(encoding="utf-8")
    described = described.replace("HASH", sha1(document, usedforsecurity=False).hexdigest())
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("INDEX.HTM", "<html><body>IHE_XDM</body></html>")
        archive.writestr("README.TXT", "Huitaine")
        archive.writestr("IHE_XDM/SUBSET01/METADATA.XML", described.replace("SIZE", str(len(document))))
        archive.writestr("IHE_XDM/SUBSET01/DOC0001.XML", document)
    return out.getvalue()


def mdm(control: str, at: datetime, admitted: datetime, discharged: datetime, document: bytes) -> bytes:
    """The discharge letter as MDM^T02 of the CI-SIS volet: the CDA in OBX-5, sender, recipient and flags."""
    code = "11490-0^Lettre de liaison à la sortie d'un établissement de soins^LN"
    person = "ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    encoded = b64encode(cda(at, admitted, discharged, document)).decode()
    flags = {
        "MASQUE_PS": "N",
        "INVISIBLE_PATIENT": "N",
        "INVISIBLE_REP_LEGAUX": "N",
        "CONNEXION_SECRETE": "N",
        "MODIF_CONF_CODE": "N",
        "DESTDMP": "N",
        "DESTMSSANTEPS": "Y",
        "DESTMSSANTEPAT": "N",
        "ACK_RECEPTION": "Y",
        "ACK_LECTURE_MSS": "Y",
    }
    segments = [
        _msh("MDM^T02", "MDM_T02", control, at, "2.6", "2.1^CISIS_CDA_HL7_V2"),
        f"EVN||{_local(at)}",
        _pid(),
        _pv1(admitted, discharged),
        "ORC|NW",
        f"OBR|1|||{code}",
        "TXA|1|11490-0|TEXT|||||||||1.2.250.1.999.1.58132|||||AU",
        f"OBX|1|ED|{code}||^text^XML^Base64^{encoded}||||||F",
        f"PRT||UC||SB^Send by^participation|99900000094^FICTIVE^Anne^^^^^^{person}|||CH ESSAI^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^990000001",
        f"PRT||UC||RCT^Result Copies To^participation|{GP}^EXEMPLE^Camille^^^^^^{person}||||||||||^^X.400^{GP_MAILBOX}",
    ]
    segments += [
        f"OBX|{n}|CWE|{name}^{name}^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F"
        for n, (name, value) in enumerate(flags.items(), start=2)
    ]
    return ("\r".join(segments) + "\r").encode()


def hprim_mail(record: bytes) -> bytes:
    """A laboratory's mail whose attachment is an HPRIM file."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "secretary@hospital.test", GP_MAILBOX
    mail["Subject"], mail["Message-ID"] = "Résultats", "<demo-lab@hospital.test>"
    mail.set_content("Résultats en pièce jointe.\n")
    mail.add_attachment(record, maintype="application", subtype="octet-stream", filename="26D0012345.hpr")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def secretary(sender: str, document: bytes) -> bytes:
    """An ordinary mail with a PDF, as a secretary writes it."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, GP_MAILBOX
    mail["Subject"] = "Courrier de consultation"
    mail["Message-ID"] = "<demo-secretary@hospital.test>"
    mail.set_content("Bonjour,\n\nVeuillez trouver ci-joint le courrier de consultation.\n\nLe secrétariat\n")
    mail.add_attachment(document, maintype="application", subtype="pdf", filename="consultation.pdf")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
