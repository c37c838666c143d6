"""What a signed mail tells of how to answer it: which certificate to encrypt to, and what its writer can open."""

from __future__ import annotations

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms import names
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.told import Told, told_by
from gateway.crypto.cms.verify import signatures
from tests.unit.crypto.cms_people import believing

CONTENT = b"Content-Type: text/plain\r\n\r\nessai\r\n"


def encoded(identity):
    return identity.certificate.public_bytes(Encoding.DER)


def signed_by(identity, now, *enclosed, preference=None):
    """SignedData of ours with more certificates, and a preference put among the attributes."""
    signed = cms.ContentInfo.load(DetachedSigner(identity).sign(CONTENT, now))["content"].untag()
    others = [cms.CertificateChoices(name="certificate", value=cms.Certificate.load(encoded(one))) for one in enclosed]
    signed["certificates"] = cms.CertificateSet([*signed["certificates"], *others])
    if preference is not None:
        told = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.9.16.2.11").dump() + tlv(0x31, preference))
        signer = signed["signer_infos"][0]
        attributes = b"".join(each.dump() for each in signer["signed_attrs"]) + told
        signer["signed_attrs"] = cms.CMSAttributes.load(tlv(0x31, attributes))
    return cms.SignedData.load(signed.dump())


def tlv(tag, content):
    length = len(content)
    assert length < 0x10000
    head = bytes([length]) if length < 0x80 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + head + content


def own(identity):
    return cms.Certificate.load(encoded(identity))


def test_the_certificate_that_signs_also_encrypts_when_no_other_is_named(hospital, now):
    told = told_by(signed_by(hospital, now), own(hospital))
    assert told.encrypt_to == encoded(hospital)
    assert names.AES256_GCM in told.capabilities


def test_outlooks_second_certificate_is_found_by_issuer_and_serial(hospital, gp, now):
    named = cms.IssuerAndSerialNumber({"issuer": own(gp).issuer, "serial_number": own(gp).serial_number})
    preference = tlv(0xA0, core.Sequence.load(named.dump()).contents)
    assert told_by(signed_by(hospital, now, gp, preference=preference), own(hospital)).encrypt_to == encoded(gp)


@pytest.mark.parametrize("form", ["recipientKeyId", "subjectAltKeyIdentifier"])
def test_a_second_certificate_is_found_by_its_key_identifier(authority, form, now):
    signer, issuer = authority.issuer, authority.root  # both have a subject key identifier
    key_id = own(issuer).key_identifier
    preference = tlv(0xA1, tlv(0x04, key_id)) if form == "recipientKeyId" else tlv(0x82, key_id)
    told = told_by(signed_by(signer, now, issuer, preference=preference), own(signer))
    assert told.encrypt_to == encoded(issuer)


def test_a_preference_for_a_certificate_that_is_not_there_tells_none(hospital, now):
    told = told_by(signed_by(hospital, now, preference=tlv(0x82, b"elsewhere")), own(hospital))
    assert told.encrypt_to == b""


def test_a_preference_without_any_certificate_enclosed_tells_none(hospital, now):
    signed = signed_by(hospital, now, preference=tlv(0x82, b"elsewhere"))
    signed["certificates"] = None
    assert told_by(cms.SignedData.load(signed.dump()), own(hospital)).encrypt_to == b""


def test_attributes_that_cannot_be_read_tell_nothing(hospital, now):
    assert told_by(signed_by(hospital, now, preference=b"\xa0\x02\x05\x00"), own(hospital)) == Told()


def test_without_capabilities_none_are_told(hospital, now):
    signed = signed_by(hospital, now)
    signer = signed["signer_infos"][0]
    signer["signed_attrs"] = [each for each in signer["signed_attrs"] if each["type"].native != "smime_capabilities"]
    told = told_by(cms.SignedData.load(signed.dump()), own(hospital))
    assert told.capabilities == ()
    assert told.encrypt_to == encoded(hospital)


def test_a_verified_signature_carries_what_it_tells(hospital, authority, now):
    signed = signed_by(hospital, now)
    (found,) = signatures(signed, CONTENT, at=now, trust=believing(authority.roots, now))
    assert found.why_not == ""
    assert found.told.encrypt_to == encoded(hospital)
