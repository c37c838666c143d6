"""Corners a user may meet: a key file that holds half of what it should, text that anybody could have changed."""

from __future__ import annotations

from base64 import b64encode, encodebytes

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12

from gateway.crypto.authority import certificates_pem
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.keys import load_certificates, load_identity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.results import as_mail
from gateway.errors import KeyStoreRefused, NoProtection
from tests.unit.crypto.cms_people import encrypt_cbc
from tests.unit.crypto.conftest import HOSPITAL


@pytest.mark.parametrize("lacking", ["key", "certificate"])
def test_a_pkcs12_file_needs_the_key_and_its_certificate(hospital, lacking):
    key = None if lacking == "key" else hospital.private_key
    certificate = None if lacking == "certificate" else hospital.certificate
    half = pkcs12.serialize_key_and_certificates(b"essai", key, certificate, list(hospital.chain), NoEncryption())
    with pytest.raises(KeyStoreRefused) as refused:
        load_identity(half, None)
    assert "pkcs12: needs one private key and its certificate" in refused.value.detail
    whole = pkcs12.serialize_key_and_certificates(
        b"essai", hospital.private_key, hospital.certificate, list(hospital.chain), NoEncryption()
    )
    assert load_identity(whole, None).certificate == hospital.certificate


def test_certificates_are_read_from_der_and_from_pem_and_from_nothing_else(hospital):
    both = (hospital.certificate, *hospital.chain)
    assert load_certificates(hospital.certificate.public_bytes(Encoding.DER)) == (hospital.certificate,)
    assert load_certificates(certificates_pem(both)) == both
    for rubbish in (b"", b"rubbish", b"\x30\x00"):
        with pytest.raises(KeyStoreRefused) as refused:
            load_certificates(rubbish)
        assert "no certificate in the file" in refused.value.detail


def test_words_that_anybody_could_have_changed_are_kept_as_words(gp, now, authority):
    """CR-24: an unsigned CBC envelope. Its plain text is shown as plain text, a file beside it under a number."""
    entity = (
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n'
        b'--m\r\nContent-Type: text/html; name="a.html"\r\n\r\n<img src="http://example.org/?">\r\n--m--\r\n'
    )
    sealed = encodebytes(encrypt_cbc(entity, [CmsRecipient(gp.certificate)])).replace(b"\n", b"\r\n")
    head = f"From: {HOSPITAL}\r\n".encode() + b"Content-Type: application/pkcs7-mime\r\n"
    content = head + b"Content-Transfer-Encoding: base64\r\n\r\n" + sealed
    mail = open_mail(content, OpeningKeys(smime=(gp,)), at=now, trust_roots=authority.roots)
    written = as_mail(mail, "passerelle.invalid")
    assert mail.malleable
    text, file = written.split(b"--" + written.partition(b'boundary="')[2].partition(b'"')[0])[1:3]
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in text
    assert b64encode(b"Bonjour")[:8] in text
    assert b"Content-Type: application/octet-stream\r\n" in file
    assert b'filename="part-002.bin"' in file
    assert b"text/html" not in written
    assert b"a.html" not in written


def test_a_protection_of_no_kind_we_know_lets_nothing_out(compose, sealer):
    """No path of the sealer gives clear text, not even one that its types rule out."""
    with pytest.raises((TypeError, NoProtection)):
        sealer.seal(compose(object()))
