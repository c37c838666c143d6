"""The header of the CDA that we make: the schema's order at every depth, people, ids, and what our own reader finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from gateway.document import Attachment, Identifier, NamedAddressee, Role
from gateway.identifiers import Rpps
from gateway.letter import Form
from gateway.parsers.read import read

V3 = {"v": "urn:hl7-org:v3"}
SEQUENCES = {
    "ClinicalDocument": (
        "realmCode typeId templateId id code title effectiveTime confidentialityCode languageCode setId versionNumber "
        "recordTarget author custodian informationRecipient legalAuthenticator participant documentationOf "
        "relatedDocument componentOf component"
    ),
    "patientRole": "id addr telecom patient",
    "patient": "name administrativeGenderCode birthTime birthplace",
    "assignedAuthor": "id code addr telecom assignedPerson representedOrganization",
    "assignedEntity": "id code addr telecom assignedPerson representedOrganization",
    "representedOrganization": "id name telecom addr standardIndustryClassCode",
    "representedCustodianOrganization": "id name telecom addr",
    "intendedRecipient": "id addr telecom informationRecipient receivedOrganization",
    "participant": "functionCode time associatedEntity",
    "associatedEntity": "id code addr telecom associatedPerson scopingOrganization",
    "legalAuthenticator": "time signatureCode assignedEntity",
    "serviceEvent": "id code effectiveTime performer",
    "performer": "functionCode time assignedEntity",
    "encompassingEncounter": "id code effectiveTime location",
    "healthCareFacility": "id code location serviceProviderOrganization",
}
"""Sequences of POCD_MT000040 as far as we write them: an element out of place makes the document invalid."""

GP = NamedAddressee(role=Role.GP, place="x", rpps=Rpps("10000000028"), family="EXEMPLE", given="Camille")
REFERRER = NamedAddressee(role=Role.REFERRER, place="x", rpps=Rpps("10000000036"), family="AUTRE", given="Dominique")
COPY = NamedAddressee(role=Role.COPY, place="x", rpps=Rpps("10000000044"), family="COPIE", given="Claude")


@pytest.fixture
def packed(compose, unzipped, discharge, pdf):
    def make(**changes):
        attachment = Attachment(name="a.pdf", media_type="application/pdf", content=pdf)
        document = replace(discharge, attachments=(attachment,), **changes)
        opened = compose(document, forms=(Form.XDM,))
        archive = opened.file("IHE_XDM.zip")
        return document, opened, archive, unzipped(archive)["IHE_XDM/SUBSET01/DOC0001.XML"]

    return make


@pytest.fixture
def full(packed, discharge):
    return lambda **more: packed(
        legal_authenticator=discharge.author,
        validated_at=datetime(2026, 1, 13, 9, 30, tzinfo=UTC),
        addressees=(GP, REFERRER, COPY),
        replaces="1.2.250.1.999.1.58131",
        id="1.2.250.1.999.1.58132",
        **more,
    )


def test_every_element_stands_where_the_schema_wants_it(full):
    root = etree.fromstring(full()[3])
    checked = set()
    for node in root.iter(etree.Element):
        name = etree.QName(node).localname
        if name in SEQUENCES:
            order = SEQUENCES[name].split()
            places = [order.index(etree.QName(child).localname) for child in node]
            assert places == sorted(places), name
            checked.add(name)
    assert checked == set(SEQUENCES) - {"receivedOrganization"}


def test_the_gp_the_referrer_and_the_copies_are_in_it(full):
    root = etree.fromstring(full()[3])
    gp = root.find("v:participant[@typeCode='INF'][v:functionCode]/v:associatedEntity", V3)
    assert gp.find("v:id", V3).get("extension") == "810000000028"
    referrer = root.find("v:participant[@typeCode='REF']/v:associatedEntity/v:id", V3)
    assert referrer.get("extension") == "810000000036"
    copies = root.findall("v:informationRecipient/v:intendedRecipient/v:id", V3)
    assert [copy.get("extension") for copy in copies] == ["810000000044"]


def test_a_doctor_without_a_number_is_left_out_and_the_text_says_so(packed):
    nobody = NamedAddressee(role=Role.COPY, place="x", family="SANSNUMERO")
    _, opened, _, cda = packed(addressees=(GP, nobody))
    assert b"SANSNUMERO" not in cda
    assert "SANSNUMERO (copie)" in opened.text
    assert "autres destinataires" in opened.text.partition("le document CDA")[2]


def test_our_own_reader_finds_in_the_archive_what_the_letter_said(full):
    document, _, archive, _ = full()
    reading = read(archive, name="IHE_XDM.zip")
    assert [f.code for f in reading.findings if f.severity != "note"] == []
    (back,) = reading.documents
    assert back.kind == document.kind
    assert (back.patient.family, back.patient.given, back.patient.birth_date) == ("TESTINI", "Amélie", "1978-02-14")
    assert (back.patient.sex, back.patient.used_family, back.patient.birth_place) == ("F", "ESSAYEUR", "63220")
    assert {number.value for number in back.patient.identifiers} == {"IPP0004711", "279035121518989"}
    assert back.stay == replace(document.stay, file_number=None)
    assert (back.written_at, back.validated_at) == (document.written_at, document.validated_at)
    assert back.legal_authenticator.rpps == document.legal_authenticator.rpps
    assert (back.author.family, back.author.title, back.author.organisation) == ("INVENTE", "DR", "Médecine A")
    assert (back.id, back.replaces) == ("1.2.250.1.999.1.58132", "1.2.250.1.999.1.58131")
    assert {(one.role, one.rpps) for one in back.addressees} == {(Role.GP, GP.rpps), (Role.REFERRER, REFERRER.rpps)}
    assert [one.content for one in back.attachments] == [document.attachments[0].content]


def test_what_the_header_cannot_say_is_said_in_the_text(packed):
    text = packed(urgent=True)[1].text.partition("CE QUE LES FICHIERS")[2]
    lost = " ".join(text.split())
    assert "dans le document CDA : texte ; n° de dossier 26H0000815" in lost
    assert "urgence" in lost


def test_a_withdrawal_bears_the_id_of_what_it_withdraws(packed):
    _, _, archive, cda = packed(cancels="1.2.250.1.999.1.58132^7")
    assert etree.fromstring(cda).find("v:id", V3).attrib == {"root": "1.2.250.1.999.1.58132", "extension": "7"}
    assert read(archive).documents[0].cancels == "1.2.250.1.999.1.58132^7"


def test_a_number_that_is_no_oid_never_becomes_the_id_of_two_documents(packed, full):
    """A partial and a final report of one order share its number: software would refuse the second as known."""
    first, second = packed(id="ORDER7")[3], packed(id="ORDER7", text="final")[3]
    ids = {etree.fromstring(cda).find("v:id", V3).get("root") for cda in (first, second)}
    assert all(one.startswith("2.25.") for one in ids)
    replaced, opened = packed(id="ORDER7", replaces="ORDER7")[3], packed(replaces="ORDER7")[1]
    parent = etree.fromstring(replaced).find("v:relatedDocument/v:parentDocument/v:id", V3)
    assert parent.attrib == {"root": "1.2.250.1.999.1", "extension": "ORDER7"}
    assert "remplacement du document ORDER7" in " ".join(opened.text.split())
    control = etree.fromstring(full()[3]).find("v:id", V3)
    assert control.get("root") == "1.2.250.1.999.1.58132", "an OID is the sender's own id and stays"


@pytest.mark.parametrize(
    ("kind", "value", "national"),
    [("FINEG", "750000000", "1750000000"), ("IDNST", "1750000000", "1750000000"), ("U", "LABX", None)],
)
def test_an_organisation_is_named_by_its_national_number_alone(packed, discharge, kind, value, national):
    author = replace(discharge.author, organisation_id=Identifier(value=value, type=kind))
    node = etree.fromstring(packed(author=author)[3]).find("v:author/v:assignedAuthor/v:representedOrganization", V3)
    found = node.find("v:id", V3)
    assert (None if found is None else found.get("extension")) == national


@pytest.mark.parametrize(("letter", "code"), [("I", "03"), ("E", "07"), ("R", "19"), (None, "03")])
def test_the_submission_set_says_what_kind_of_stay_it_was(packed, unzipped, discharge, letter, code):
    archive = packed(stay=replace(discharge.stay, patient_class=letter))[2]
    metadata = unzipped(archive)["IHE_XDM/SUBSET01/METADATA.XML"].decode()
    scheme = metadata.partition("urn:uuid:aa543740-bdda-424e-8c96-df4873be8500")[2]
    assert f'nodeRepresentation="{code}"' in scheme[:200]
