"""RFC 4134 §5: what somebody else sealed with RSA in 1999; the key travels as we read it, the ciphers are refused."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from gateway.crypto.cms.decrypt import decrypt, read_content_info
from gateway.crypto.cms.unwrap import content_keys
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import Person

CARL = bytes.fromhex("3012" + "3110300e0603550403" + "1307") + b"CarlRSA"
"""CN=CarlRSA in a PrintableString, as the message has it; names are compared byte for byte."""
SERIAL = 0x46346BC7800056BC11D36E2ECD5D71D0


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    return json.loads((Path(__file__).parents[2] / "vectors" / "cms" / "rfc4134.json").read_text())


@pytest.fixture(scope="module")
def bob(examples) -> Person:
    """His key, in a certificate of ours that has the name and number of his: messages know him by nothing else."""
    return bob_with(examples, serial=SERIAL)


def bob_with(examples: dict[str, str], *, serial: int) -> Person:
    key = load_der_private_key(b64decode(examples["bob_private_key"]), None)
    somebody = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BobRSA")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(somebody)
        .issuer_name(somebody)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(1999, 9, 19, tzinfo=UTC))
        .not_valid_after(datetime(2039, 12, 31, tzinfo=UTC))
    )
    certificate = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    renamed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    renamed["tbs_certificate"]["issuer"] = asn1_x509.Name.load(CARL)
    return Person(certificate=x509.load_der_x509_certificate(renamed.dump(force=True)), private_key=key, chain=())


@pytest.mark.parametrize("example", ["5.1", "5.2"])
def test_the_content_key_of_example_5_is_had_with_bobs_key(examples, bob, example):
    """5.2 has a second RecipientInfo by a key of a mailing list, which is skipped."""
    _, content = read_content_info(b64decode(examples[example]))
    (take,) = content_keys(content["recipient_infos"], [bob], {"5.1": 24, "5.2": 5}[example])
    assert take().scheme == "rsa"
    assert take().key == take().key  # what does not unpad is random, and another each time (CR-10)
    assert content_keys(content["recipient_infos"], [bob_with(examples, serial=SERIAL + 1)], 24) == []


def test_example_5_1_says_what_the_standard_says_it_does(examples, bob):
    """The content key is the right one: with it, and with the 3DES that we refuse, the sample text comes out."""
    _, content = read_content_info(b64decode(examples["5.1"]))
    (take,) = content_keys(content["recipient_infos"], [bob], 24)
    info = content["encrypted_content_info"]
    vector = info["content_encryption_algorithm"]["parameters"].native
    decryptor = Cipher(TripleDES(take().key), modes.CBC(vector)).decryptor()
    unpadder = padding.PKCS7(64).unpadder()
    padded = decryptor.update(info["encrypted_content"].native) + decryptor.finalize()
    assert unpadder.update(padded) + unpadder.finalize() == examples["content"].encode()


def test_example_5_1_opens_from_an_archive_and_rc2_in_40_bits_does_not(examples, bob):
    kind, content = read_content_info(b64decode(examples["5.1"]))
    opened = decrypt(kind, content, [bob], archive=True)
    assert (opened.content.decode(), opened.algorithms, opened.intact) == (
        examples["content"], ("des-ede3-cbc", "rsa"), False,
    )  # fmt: skip
    with pytest.raises(NotOpened):
        decrypt(*read_content_info(b64decode(examples["5.2"])), [bob], archive=True)


@pytest.mark.parametrize("example", ["5.1", "5.2"])
def test_cr_12_triple_des_and_rc2_do_not_open_although_the_key_is_ours(examples, bob, example):
    kind, content = read_content_info(b64decode(examples[example]))
    with pytest.raises(NotOpened) as refused:
        decrypt(kind, content, [bob])
    assert refused.value.detail == "not-decrypted"
