"""Small examples that standards print: algorithm identifiers, a certificate, a protected header section."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, encodebytes
from pathlib import Path

import pytest
from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import load_der_private_key

from gateway.crypto.certificates import read_certificate
from gateway.crypto.cms import names
from gateway.crypto.cms.der import algorithm
from gateway.crypto.cms.mechanisms import mechanism_of
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.errors import NoProtection
from tests.unit.crypto.cms_people import encrypt_gcm, person

FOLDER = Path(__file__).parents[2] / "vectors" / "cms"


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    read = json.loads((FOLDER / "rfc_examples.json").read_text())
    return {name: b64decode(value) for name, value in read.items() if name != "origin"}


def test_rfc_8418_the_scheme_names_its_key_wrap_as_we_write_it(examples):
    wrap = algorithm(names.AES256_WRAP)
    assert algorithm(names.ECDH_HKDF_SHA384, wrap) == examples["ecdh_hkdf_sha384_with_aes256_wrap"]


def _hkdf_sha256(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with the standard library: no salt, 32 octets, which is one block."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_rfc_8418_x25519_is_agreed_as_the_standard_spells_it(authority):
    """No other program here writes such a message: so each step is taken by hand, with none of our code."""
    one = person(authority, "x25519")
    content = cms.ContentInfo.load(encrypt_gcm(b"Bonjour", [CmsRecipient(one.certificate)]))["content"]
    (info,) = (each.chosen for each in content["recipient_infos"])
    assert info["key_encryption_algorithm"]["algorithm"].dotted == "1.2.840.113549.1.9.16.3.19"  # -hkdf-sha256-scheme
    wrap = info["key_encryption_algorithm"]["parameters"].dump()
    assert wrap.hex() == "300b" + "060960864801650304012d"  # id-aes256-wrap without parameters
    theirs = X25519PublicKey.from_public_bytes(info["originator"].chosen.untag().contents[-32:])
    length = core.OctetString((256).to_bytes(4, "big"), explicit=("context", 2))
    shared = bytes((0x30, len(wrap) + len(length.dump()))) + wrap + length.dump()  # ECC-CMS-SharedInfo, no ukm
    (sealed,) = (each["encrypted_key"].native for each in info["recipient_encrypted_keys"])
    key = aes_key_unwrap(_hkdf_sha256(one.private_key.exchange(theirs), shared), sealed)
    inner = content["auth_encrypted_content_info"]
    nonce = core.Sequence.load(inner["content_encryption_algorithm"]["parameters"].dump())[0].native
    assert AESGCM(key).decrypt(nonce, inner["encrypted_content"].native + content["mac"].native, None) == b"Bonjour"


def test_rfc_8419_ed25519_signs_under_the_identifier_that_the_standard_prints(examples, authority):
    one = person(authority, "ed25519")
    assert mechanism_of(one.certificate, one.private_key).signature_algorithm == examples["ed25519"]


def test_rfc_8410_the_example_is_signed_and_yet_refused_for_it_encodes_defaults(examples):
    """An erratum of the standard: DER leaves ``critical FALSE`` out. It is one refusal, and no letter stops for it."""
    parsed = asn1_x509.Certificate.load(examples["x25519_certificate"])
    key = load_der_private_key(examples["ed25519_private_key"], None).public_key()
    key.verify(parsed["signature_value"].native, parsed["tbs_certificate"].dump())
    with pytest.raises(InvalidSignature):
        key.verify(parsed["signature_value"].native, parsed["tbs_certificate"].dump() + b" ")
    with pytest.raises(NoProtection) as refused:
        read_certificate(examples["x25519_certificate"])
    assert refused.value.detail == "unreadable-certificate"


# RFC 9788, appendix C.3.1.2 ------------------------------------------------------------------------------------------


@pytest.fixture
def opened(authority, now):
    """The payload of the example between its two layers, made of our own keys, under a header section as given."""
    alice = person(authority, "p256", address="alice@smime.example")
    bob = person(authority, "p256", address="bob@smime.example")
    payload = (FOLDER / "rfc9788_payload.eml").read_bytes().replace(b"\n", b"\r\n")

    def run(subject: bytes = b"[...]", sender: bytes = b"Alice <alice@smime.example>") -> OpenedMail:
        signed = (
            b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n--b\r\n'
            + payload
            + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + encodebytes(DetachedSigner(alice).sign(payload, now)).replace(b"\n", b"\r\n")
            + b"--b--\r\n"
        )
        mail = (
            b"From: " + sender + b"\r\nTo: Bob <bob@smime.example>\r\nSubject: " + subject + b"\r\n"
            b"Date: Sat, 20 Feb 2021 10:09:02 -0500\r\nMessage-ID: <smime-signed-enc-hp-baseline@example>\r\n"
            b"User-Agent: Sample MUA Version 1.0\r\n"
            b"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + encodebytes(encrypt_gcm(signed, [CmsRecipient(bob.certificate)])).replace(b"\n", b"\r\n")
        )
        return open_mail(mail, OpeningKeys(smime=(bob,)), at=now, trust_roots=authority.roots)

    return run


def test_rfc_9788_the_fields_inside_are_the_ones_that_count(opened):
    mail = opened()
    assert mail.authenticated
    assert mail.headers.text("subject") == "smime-signed-enc-hp-baseline"
    assert mail.headers.text("user-agent") == "Sample MUA Version 1.0"
    assert mail.headers.addresses("from", "to") == ("alice@smime.example", "bob@smime.example")
    assert mail.headers.protection == "signed-and-encrypted"
    assert mail.remarks == ()


def test_rfc_9788_what_stands_outside_changes_nothing_inside_and_a_foreign_sender_is_told(opened):
    assert opened(subject=b"Une autre lettre").headers.text("subject") == "smime-signed-enc-hp-baseline"
    foreign = opened(sender=b"Mallory <mallory@smime.example>")
    assert foreign.headers.addresses("from") == ("alice@smime.example",)
    assert foreign.remarks != () or not foreign.authenticated
