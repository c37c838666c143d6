"""The CDA that we make around a PDF when the source has none."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

import pytest
from lxml import etree

from gateway.compose.cda_header import read_header
from gateway.document import Attachment, Original
from gateway.letter import Form

V3 = {"v": "urn:hl7-org:v3"}
ORDER = [
    "realmCode",
    "typeId",
    "templateId",
    "id",
    "code",
    "title",
    "effectiveTime",
    "confidentialityCode",
    "languageCode",
    "setId",
    "versionNumber",
    "recordTarget",
    "author",
    "custodian",
    "legalAuthenticator",
    "documentationOf",
    "relatedDocument",
    "componentOf",
    "component",
]
"""CDA.xsd is a sequence: an element out of place makes the whole document invalid."""


@pytest.fixture
def made(compose, unzipped, discharge, pdf):
    def make(**changes):
        attachment = Attachment(name="a.pdf", media_type="application/pdf", content=pdf)
        document = replace(discharge, attachments=(attachment,), **changes)
        archive = compose(document, forms=(Form.XDM,)).file("IHE_XDM.zip")
        return unzipped(archive)["IHE_XDM/SUBSET01/DOC0001.XML"]

    return make


def test_the_pdf_is_its_body_byte_for_byte(made, pdf):
    text = etree.fromstring(made()).find("v:component/v:nonXMLBody/v:text", V3)
    assert dict(text.attrib) == {"mediaType": "application/pdf", "representation": "B64"}
    assert b64decode(text.text) == pdf


def test_its_elements_stand_in_the_order_of_the_schema(made):
    names = [etree.QName(node).localname for node in etree.fromstring(made(replaces="1.2.3^4"))]
    places = [ORDER.index(name) for name in names]
    assert places == sorted(places)


def test_our_own_reader_of_headers_finds_in_it_what_the_letter_said(made):
    header = read_header(made(replaces="1.2.3^4"))
    assert (header.code.code, header.code.system) == ("11490-0", "2.16.840.1.113883.6.1")
    assert header.unstructured
    assert header.effective_time == "20260113100000+0100"
    assert header.start == "20260109090000+0100"
    assert header.replaced == "1.2.3^4"
    assert header.author_person.startswith("810000000010^INVENTE^Claire")
    assert header.id.startswith("2.25.")


def test_nobody_is_made_to_have_signed(made, discharge):
    assert etree.fromstring(made()).find("v:legalAuthenticator", V3) is None
    signed = etree.fromstring(made(legal_authenticator=discharge.author))
    assert signed.find("v:legalAuthenticator/v:assignedEntity/v:id", V3).get("extension") == "810000000010"


def test_without_a_stated_kind_there_is_none_and_the_text_says_so(compose, discharge):
    opened = compose(replace(discharge, kind=replace(discharge.kind, loinc=None)), forms=(Form.XDM,))
    assert "IHE_XDM.zip" not in opened.files
    assert "Impossible d'écrire l'archive IHE_XDM : le type de document n'est pas indiqué" in " ".join(
        opened.text.split()
    )


def test_two_documents_of_one_letter_have_ids_of_their_own(compose, unzipped, discharge):
    one = replace(discharge, original=Original(format="hl7v2", content=b"1"))
    two = replace(discharge, original=Original(format="hl7v2", content=b"2"), text="autre")
    files = unzipped(compose(one, two, forms=(Form.XDM,)).file("IHE_XDM.zip"))
    ids = {read_header(content).id for name, content in files.items() if name.endswith(("1.XML", "2.XML"))}
    assert len(ids) == 2
