"""The archive: where its files are, that the CDA is the one handed in, and that METADATA.XML tells the truth of it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha1

import pytest
from lxml import etree

from gateway.compose.cda_header import read_header
from gateway.compose.metadata import utc_digits
from gateway.document import Attachment, Original, Wishes
from gateway.errors import UnreadableDocument
from gateway.letter import Form

RIM = {"rim": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"}
DOC, META = "IHE_XDM/SUBSET01/DOC0001.XML", "IHE_XDM/SUBSET01/METADATA.XML"


class Metadata:
    """METADATA.XML by XPath: schemes and slots as mssante.md §2.2 lists them."""

    def __init__(self, content: bytes) -> None:
        self.root = etree.fromstring(content)

    def slots(self, name: str, inside: str = "rim:ExtrinsicObject") -> list[str]:
        path = f"//{inside}/rim:Slot[@name='{name}']/rim:ValueList/rim:Value/text()"
        return [str(value) for value in self.root.xpath(path, namespaces=RIM)]

    def codes(self, scheme: str) -> list[str]:
        path = f"//rim:Classification[@classificationScheme='urn:uuid:{scheme}']/@nodeRepresentation"
        return [str(value) for value in self.root.xpath(path, namespaces=RIM)]

    def external(self, scheme: str) -> list[str]:
        path = f"//rim:ExternalIdentifier[@identificationScheme='urn:uuid:{scheme}']/@value"
        return [str(value) for value in self.root.xpath(path, namespaces=RIM)]


@pytest.fixture
def packed(compose, unzipped, discharge, cda):
    def pack(change=lambda document: document, content: bytes = cda):
        document = change(replace(discharge, original=Original(format="cda", content=content)))
        return unzipped(compose(document, forms=(Form.XDM,)).file("IHE_XDM.zip"))

    return pack


def test_the_archive_has_the_layout_of_the_profile_and_the_cda_byte_for_byte(packed, cda):
    files = packed()
    assert list(files) == ["INDEX.HTM", "README.TXT", META, DOC]
    assert files[DOC] == cda
    assert b"TESTINI" not in files["INDEX.HTM"] + files["README.TXT"]


def test_the_metadata_tell_hash_size_and_name_of_the_file(packed, cda):
    read = Metadata(packed()[META])
    assert read.slots("hash") == [sha1(cda, usedforsecurity=False).hexdigest()]
    assert read.slots("size") == [str(len(cda))]
    assert read.slots("URI") == ["DOC0001.XML"]


def test_the_metadata_repeat_the_header_of_the_cda(packed):
    read = Metadata(packed()[META])
    assert read.slots("creationTime") == ["20260113090000"], "UTC"
    assert read.slots("serviceStartTime") == ["20260109080000"]
    assert read.slots("serviceStopTime") == ["20260113101500"]
    assert read.slots("languageCode") == ["fr-FR"]
    assert read.codes("f0306f51-975f-434e-a61c-c59651d33983") == ["11490-0"]
    assert read.codes("a09d5840-386c-46f2-b5ad-9c3699a4309d") == ["urn:asip:ci-sis:ldl-ses:2017"]
    assert read.codes("41a5887f-8865-4c09-adf7-e362475b143a") == ["10"]
    assert read.codes("f4f85eac-e6cb-4883-b524-f2705394840f") == ["R"]
    assert read.codes("aa543740-bdda-424e-8c96-df4873be8500") == ["03"]
    assert read.external("2e82c1f6-a085-4c72-9da3-8640a32e42ab") == ["1.2.250.1.999.1.58132"]
    assert read.slots("authorPerson", "rim:ExtrinsicObject/rim:Classification") == [
        "810000000010^INVENTE^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    ]
    assert read.slots("authorInstitution", "rim:RegistryPackage/rim:Classification") == [
        "CH Exemple^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750000000"
    ]


def test_the_patient_is_told_by_ins_own_number_and_traits(packed):
    read = Metadata(packed()[META])
    ins = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert read.external("58a6f841-87b3-4a3e-92fd-a8ffeff98427") == [ins]
    assert read.external("6b5aea1a-874d-4603-a4bc-96a0a7b38446") == [ins]
    assert read.slots("sourcePatientId") == ["IPP0004711^^^&1.2.250.1.999.1&ISO^PI"]
    assert read.slots("sourcePatientInfo") == [
        "PID-5|TESTINI^Amélie^^^^^L",
        "PID-5|ESSAYEUR^Amélie^^^^^D",
        "PID-7|19780214",
        "PID-8|F",
        "PID-11|^^^^^^BDL^^63220",
    ]


def test_the_submission_set_holds_each_document(packed):
    root = Metadata(packed()[META]).root
    (link,) = root.xpath("//rim:Association", namespaces=RIM)
    assert link.get("sourceObject") == root.xpath("//rim:RegistryPackage/@id", namespaces=RIM)[0]
    assert link.get("targetObject") == root.xpath("//rim:ExtrinsicObject/@id", namespaces=RIM)[0]
    nodes = root.xpath("//rim:Classification/@classificationNode", namespaces=RIM)
    assert nodes == ["urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"]
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_what_the_sender_hides_and_replaces_is_in_the_metadata(packed):
    hidden = Wishes(hidden_from_patient=True, hidden_from_professionals=True)
    read = Metadata(packed(lambda document: replace(document, wishes=hidden, replaces="1.2.3"))[META])
    assert read.codes("f4f85eac-e6cb-4883-b524-f2705394840f") == ["R", "MASQUE_PS", "INVISIBLE_PATIENT"]
    assert read.slots("urn:action:extraMetadataSlot") == ["C"]
    gone = Metadata(packed(lambda document: replace(document, cancels="1.2.3"))[META])
    assert gone.slots("urn:action:extraMetadataSlot") == ["D"]
    assert Metadata(packed()[META]).slots("urn:action:extraMetadataSlot") == []


def test_the_same_letter_makes_the_same_archive(compose, discharge, cda):
    given = replace(discharge, original=Original(format="cda", content=cda))
    first, second = (compose(given, forms=(Form.XDM,)).mail.entity for _ in range(2))
    assert first == second


def test_an_archive_that_came_goes_on_as_it_is_and_its_files_are_not_attached_twice(compose, discharge, cda):
    made = compose(replace(discharge, original=Original(format="cda", content=cda)), forms=(Form.XDM,))
    archive = made.file("IHE_XDM.zip")
    inside = Attachment(name="DOC0001.XML", media_type="text/xml", content=cda)
    other = Attachment(name="notes.xml", media_type="text/xml", content=b"<notes/>")
    given = replace(discharge, original=Original(format="xdm", content=archive), attachments=(inside, other))
    opened = compose(given, given)
    assert opened.file("IHE_XDM.zip") == archive
    assert sorted(name for name in opened.files if not name.endswith(".pdf")) == ["IHE_XDM.zip", "notes.xml"]
    assert opened.header("X-MSS-CODECDA") == "11490-0"


def test_an_archive_of_several_documents_is_not_packed_anew(compose, unzipped, discharge, cda):
    one = replace(discharge, original=Original(format="cda", content=cda))
    two = replace(discharge, original=Original(format="cda", content=cda.replace(b"58132", b"58133")))
    came = compose(one, two, forms=(Form.XDM,)).file("IHE_XDM.zip")
    assert len(unzipped(came)) == 5
    for forms in ((), (Form.XDM,), (Form.PDF,)):
        opened = compose(one, two, forms=forms, content=came)
        assert opened.file("IHE_XDM.zip") == came
        assert not [name for name in opened.files if name.endswith(".xml")]
        assert opened.header("Subject").startswith("XDM/1.0/DDM+2 documents")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<ClinicalDocument",
        b"<html/>",
        b'<!DOCTYPE r [<!ENTITY a "b">]><ClinicalDocument xmlns="urn:hl7-org:v3"><component/></ClinicalDocument>',
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id/></ClinicalDocument>',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_cda_is_refused_in_one_line(content):
    with pytest.raises(UnreadableDocument) as refused:
        read_header(content)
    assert refused.value.findings[0].code == "not-a-cda"


def test_only_the_header_of_a_cda_is_read(cda):
    long = cda.replace(b"</section>", b" " * 40000 + b"</section>")
    assert read_header(long.replace(b"</structuredBody>", b"<broken")).id == "1.2.250.1.999.1.58132"
    with pytest.raises(UnreadableDocument):
        read_header(cda.replace(b"<recordTarget>", b"<broken"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("20260113100000+0100", "20260113090000"),
        ("202607131000", "20260713080000"),
        ("20260113100000.123-0500", "20260113150000"),
        ("20260113", "20260113"),
        ("20269913100000", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_times_become_utc_and_dates_stay_dates(text, shown):
    assert utc_digits(text) == shown
