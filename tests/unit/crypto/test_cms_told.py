"""What a signer tells of how to write to him: his certificate for encryption, named in each way, and what he opens."""

from __future__ import annotations

from datetime import datetime

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import issuer_and_serial, key_identifier
from gateway.crypto.cms.decrypt import read_content_info
from gateway.crypto.cms.der import OCTETS, SEQUENCE, SET, oid, tlv
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.told import Told, told_by
from tests.unit.crypto.cms_people import Person, person

PREFERENCE = "1.2.840.113549.1.9.16.2.11"


@pytest.fixture
def signer(authority: TestAuthority) -> Person:
    return person(authority, "p256")


@pytest.fixture
def reader(authority: TestAuthority) -> Person:
    return person(authority, "x25519")


def telling(signer: Person, reader: Person, preference: bytes, now: datetime) -> Told:
    """What a message of ``signer`` tells that encloses ``reader``'s certificate and says so."""
    info = cms.ContentInfo.load(DetachedSigner(signer).sign(b"x", now))
    enclosed = cms.CertificateChoices.load(_der(reader))
    info["content"]["certificates"] = [*info["content"]["certificates"], enclosed]
    attributes = info["content"]["signer_infos"][0]["signed_attrs"]
    if preference:
        told = tlv(SEQUENCE, oid(PREFERENCE), tlv(SET, preference))
        info["content"]["signer_infos"][0]["signed_attrs"] = [*attributes, cms.CMSAttribute.load(told)]
    _, signed = read_content_info(info.dump())
    return told_by(signed, cms.Certificate.load(_der(signer)))


def _der(one: Person) -> bytes:
    return one.certificate.public_bytes(Encoding.DER)


def _named(one: Person) -> list[bytes]:
    """RFC 8551 §2.5.3, all IMPLICIT: IssuerAndSerialNumber, RecipientKeyIdentifier, SubjectKeyIdentifier."""
    digest = key_identifier(one.certificate)
    return [b"\xa0" + issuer_and_serial(one.certificate)[1:], tlv(0xA1, tlv(OCTETS, digest)), tlv(0x82, digest)]


@pytest.mark.parametrize("way", [0, 1, 2], ids=["issuer", "recipient key id", "subject key id"])
def test_the_certificate_to_write_to_is_the_one_that_is_named(signer, reader, now, way):
    told = telling(signer, reader, _named(reader)[way], now)
    assert told.encrypt_to == _der(reader)
    assert told.capabilities[0] == names.AES256_GCM


@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_certificate_that_is_named_but_not_enclosed_is_nobodys(authority, signer, reader, now, way):
    other = person(authority, "p384")
    assert telling(signer, reader, _named(other)[way], now).encrypt_to == b""


def test_without_a_preference_the_certificate_that_signs_is_written_to(signer, reader, now):
    assert telling(signer, reader, b"", now).encrypt_to == _der(signer)


def test_what_cannot_be_read_tells_nothing():
    assert told_by(cms.SignedData.load(b"\x30\x00"), None) == Told()
