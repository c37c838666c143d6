"""What was changed on the way does not open: every byte of an AEAD message, every kind of recipient (CR-34, CR-38)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import issuer_and_serial
from gateway.crypto.cms.decrypt import Decrypted, decrypt, inflate, read_content_info
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, SET, algorithm, integer, oid, tlv
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import Person, encrypt_cbc, encrypt_gcm, person

TEXT = b"Content-Type: text/plain\r\n\r\nx"
KINDS = ("rsa", "p256", "x25519", "ml-kem-768")


@pytest.fixture(scope="session")
def readers(authority: TestAuthority) -> dict[str, Person]:
    return {kind: person(authority, kind) for kind in (*KINDS, "p384")}


def opened(ber: bytes, *mine: Person) -> Decrypted:
    kind, content = read_content_info(ber)
    return decrypt(kind, content, mine)


def refused(ber: bytes, *mine: Person) -> NotOpened:
    with pytest.raises(NotOpened) as caught:
        opened(ber, *mine)
    return caught.value


def sealed(readers: dict[str, Person], kind: str, *, by_key_id: bool = False) -> bytes:
    meant = [CmsRecipient(readers[kind].certificate, by_key_id=by_key_id)]
    if meant[0].kem:
        meant.append(CmsRecipient(readers["p256"].certificate))
    return encrypt_gcm(TEXT, meant)


def changed(der: bytes, at: int, flip: int) -> bytes:
    return der[:at] + bytes((der[at] ^ flip,)) + der[at + 1 :]


def is_open(ber: bytes, *mine: Person) -> bool:
    try:
        return bool(opened(ber, *mine))
    except NotOpened:
        return False


@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("kind", ["rsa", "p256", "x25519"])
def test_cr_38_a_flip_of_any_byte_of_an_aead_message_is_refused(readers, kind, by_key_id):
    der = sealed(readers, kind, by_key_id=by_key_id)
    assert opened(der, readers[kind]).content == TEXT  # the control
    flips = ((at, 1 << at % 8) for at in range(len(der)))
    assert [flip for flip in flips if is_open(changed(der, *flip), readers[kind])] == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_cr_38_any_change_of_any_byte_of_an_aead_message_is_refused(readers, data: st.DataObject):
    kind = data.draw(st.sampled_from(["rsa", "p256", "p384", "x25519"]))
    der = sealed(readers, kind, by_key_id=data.draw(st.booleans()))
    at, flip = data.draw(st.integers(0, len(der) - 1)), data.draw(st.integers(1, 255))
    assert not is_open(changed(der, at, flip), readers[kind])


@pytest.mark.parametrize("kind", ["ml-kem-768"])
def test_a_changed_key_encapsulation_is_refused(readers, kind):
    """A thousand octets of ciphertext: every seventh, and all of what surrounds it."""
    der = sealed(readers, kind)
    start = der.index(oid(names.ORI_KEM))
    places = [*range(start, start + 120), *range(start + 120, len(der), 7)]
    assert [at for at in places if is_open(changed(der, at, 0x40), readers[kind])] == []


# Another recipient, and what an attacker can write himself ----------------------------------------------------------


@pytest.mark.parametrize("form", [encrypt_cbc, encrypt_gcm])
@pytest.mark.parametrize("kind", KINDS)
def test_whoever_is_not_meant_does_not_open_it(readers, authority, kind, form):
    meant = [CmsRecipient(readers[one].certificate) for one in dict.fromkeys((kind, "p384"))]
    der = form(TEXT, meant)
    assert opened(der, readers[kind]).content == TEXT
    assert refused(der, person(authority, kind)).detail == "not-decrypted"


def test_cr_34_every_failure_has_the_same_word(readers):
    """Bad padding, bad tag, another recipient, an unknown cipher, a broken recipient: told apart by nobody."""
    gcm, cbc = sealed(readers, "rsa"), encrypt_cbc(TEXT, [CmsRecipient(readers["rsa"].certificate)])
    wrong_tag = refused(changed(gcm, len(gcm) - 1, 1), readers["rsa"])
    wrong_padding = refused(changed(cbc, len(cbc) - 17, 1), readers["rsa"])
    nobody = refused(gcm, readers["p256"])
    no_key = refused(gcm)
    cipher = refused(cbc.replace(oid(names.AES256_CBC), oid("2.16.840.1.101.3.4.1.41")), readers["rsa"])
    found = {(one.detail, str(one), one.status) for one in (wrong_tag, wrong_padding, nobody, no_key, cipher)}
    assert len(found) == 1


def test_a_wrong_pkcs1_block_fails_at_the_content_and_not_before(readers, monkeypatch):
    """RFC 3218 §2.3.2: a random content key takes its place, so the cipher runs as it would with a right one."""
    key = readers["rsa"].certificate.public_key()
    short, noise = key.encrypt(b"k" * 31, padding.PKCS1v15()), bytes(255) + b"\1"
    for block in (short, noise, b"\1" * 255 + b"\2", b"\1" * 10, b"\xff" * 256):
        tried: list[bytes] = []
        monkeypatch.setattr("gateway.crypto.cms.decrypt._Gcm.open", lambda _, used, tried=tried: tried.append(used))
        opened(gcm_by_hand(readers, wrapped=block), readers["rsa"])
        assert len(tried[0]) == 32


def gcm_by_hand(
    readers: dict[str, Person],
    *,
    wrapped: bytes | None = None,
    scheme: bytes = algorithm(names.RSA_ENCRYPTION, NULL),
    version: int = 0,
    **fields: Any,
) -> bytes:
    """An AuthEnvelopedData whose one RecipientInfo is written here."""
    content_key, key = b"k" * 32, readers["rsa"].certificate.public_key()
    sealed_key = key.encrypt(content_key, padding.PKCS1v15()) if wrapped is None else wrapped
    who = issuer_and_serial(readers["rsa"].certificate)
    info = tlv(SEQUENCE, integer(version), who, scheme, tlv(OCTETS, sealed_key))
    return auth_enveloped(content_key, b"n" * 12, recipients=tlv(SET, info), **fields)


def auth_enveloped(
    key: bytes,
    nonce: bytes,
    *,
    recipients: bytes,
    content_type: str = names.DATA,
    attributes: bytes = b"",
    tag: int = 16,
    told: int = 16,
) -> bytes:
    """RFC 5083 §2.1 by hand; ``attributes`` is the content of authAttrs."""
    beside = tlv(SET, attributes) if attributes else None
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(beside or b"")
    both = encryptor.update(TEXT) + encryptor.finalize() + encryptor.tag
    cipher = algorithm(names.AES256_GCM, tlv(SEQUENCE, tlv(OCTETS, nonce), integer(told)))
    info = tlv(SEQUENCE, oid(content_type), cipher, tlv(0x80, both[:-16]))
    authenticated = tlv(0xA1, attributes) if attributes else b""
    body = tlv(SEQUENCE, integer(0), recipients, info, authenticated, tlv(OCTETS, both[-16:][:tag]))
    return tlv(SEQUENCE, oid(names.AUTH_ENVELOPED_DATA), tlv(0xA0, body))


# What stands beside the ciphertext (CR-04) --------------------------------------------------------------------------


def attribute(kind: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, oid(kind), tlv(SET, value))


STATED = attribute(names.CONTENT_TYPE, oid(names.SIGNED_DATA))
DATED = attribute(names.SIGNING_TIME, tlv(0x17, b"260101000000Z"))


@pytest.mark.parametrize(
    ("content_type", "attributes", "opens"),
    [
        (names.DATA, b"", True),
        (names.DATA, attribute(names.CONTENT_TYPE, oid(names.DATA)), True),
        (names.DATA, DATED, True),
        (names.DATA, STATED, False),
        (names.SIGNED_DATA, STATED, True),
        (names.SIGNED_DATA, STATED + DATED, True),
        (names.SIGNED_DATA, b"", False),
        (names.SIGNED_DATA, DATED, False),
        (names.SIGNED_DATA, STATED + STATED, False),
    ],
)
def test_cr_04_authenticated_attributes_are_covered_and_name_the_content(readers, content_type, attributes, opens):
    der = gcm_by_hand(readers, content_type=content_type, attributes=attributes)
    assert is_open(der, readers["rsa"]) is opens


def test_cr_04_changed_attributes_are_refused(readers):
    der = gcm_by_hand(readers, content_type=names.SIGNED_DATA, attributes=STATED + DATED)
    at = der.index(b"260101")
    assert is_open(der, readers["rsa"])
    assert not is_open(changed(der, at, 1), readers["rsa"])


@pytest.mark.parametrize(
    ("tag", "told", "opens"), [(16, 16, True), (12, 12, True), (16, 12, False), (12, 16, False), (8, 8, False)]
)
def test_a_tag_has_the_length_that_is_told_and_at_least_twelve_octets(readers, tag, told, opens):
    assert is_open(gcm_by_hand(readers, tag=tag, told=told), readers["rsa"]) is opens


# How the content key travels ----------------------------------------------------------------------------------------

SHA1 = "1.3.14.3.2.26"
SHA256 = hashes.SHA256()
OLD = hashes.SHA1()  # noqa: S303 - what senders still put into OAEP and key derivations


def oaep(digest: str, mask: str, *, mgf: str = names.MGF1, parameters: bytes = NULL) -> bytes:
    hashed, masked = algorithm(digest, parameters), algorithm(mgf, algorithm(mask, NULL))
    return algorithm(names.RSAES_OAEP, tlv(SEQUENCE, tlv(0xA0, hashed), tlv(0xA1, masked)))


@pytest.mark.parametrize(
    ("scheme", "digest", "mask", "opens"),
    [
        (oaep(names.SHA256, names.SHA256), hashes.SHA256(), hashes.SHA256(), True),
        (oaep(names.SHA384, names.SHA256), hashes.SHA384(), hashes.SHA256(), True),
        (oaep(SHA1, SHA1), OLD, OLD, True),
        (algorithm(names.RSAES_OAEP, tlv(SEQUENCE)), OLD, OLD, True),
        (algorithm(names.RSAES_OAEP, NULL), OLD, OLD, True),
        (algorithm(names.RSAES_OAEP), OLD, OLD, True),
        (oaep(names.SHA256, names.SHA256), OLD, OLD, False),
        (oaep(names.SHA256, names.SHA256, mgf="1.2.840.113549.1.1.9"), hashes.SHA256(), hashes.SHA256(), False),
        (oaep(names.SHA256, names.SHA256, parameters=integer(1)), hashes.SHA256(), hashes.SHA256(), False),
        (oaep("1.2.840.113549.2.5", names.SHA256), hashes.SHA256(), hashes.SHA256(), False),
    ],
)
def test_oaep_opens_with_the_parameters_that_are_told_and_no_others(readers, scheme, digest, mask, opens):
    key = readers["rsa"].certificate.public_key()
    wrapped = key.encrypt(b"k" * 32, padding.OAEP(padding.MGF1(mask), digest, None))
    assert is_open(gcm_by_hand(readers, wrapped=wrapped, scheme=scheme), readers["rsa"]) is opens


@pytest.mark.parametrize(
    ("scheme", "opens"),
    [
        (algorithm(names.RSA_ENCRYPTION, NULL), True),
        (algorithm(names.RSA_ENCRYPTION), True),
        (algorithm(names.RSA_ENCRYPTION, integer(1)), False),
        (algorithm(names.RSASSA_PSS), False),
    ],
)
def test_pkcs1_has_no_parameters_and_nothing_else_is_key_transport(readers, scheme, opens):
    assert is_open(gcm_by_hand(readers, scheme=scheme), readers["rsa"]) is opens


def test_a_recipient_info_of_another_version_is_refused(readers):
    assert is_open(gcm_by_hand(readers, version=0), readers["rsa"])
    assert not is_open(gcm_by_hand(readers, version=2), readers["rsa"])


@pytest.mark.parametrize("kind", [names.ED25519, names.X25519, names.EC_PUBLIC_KEY])
@pytest.mark.parametrize("reader", ["p256", "x25519"])
def test_the_originators_key_is_of_the_recipients_kind(readers, reader, kind):
    own = {"p256": names.EC_PUBLIC_KEY, "x25519": names.X25519}[reader]
    mail = cms.ContentInfo.load(sealed(readers, reader))
    key = mail["content"]["recipient_infos"][0].chosen["originator"].chosen
    told = tlv(0xA1, algorithm(kind), key["public_key"].dump())
    der = mail.dump().replace(key.dump(), told)
    if len(told) == len(key.dump()):
        assert is_open(der, readers[reader]) is (kind == own)
    assert is_open(mail.dump(), readers[reader])


@pytest.mark.parametrize("parameters", [b"", NULL, oid("1.2.840.10045.3.1.7"), oid("1.3.132.0.34")])
def test_the_originators_curve_may_be_told_and_is_ours(readers, parameters):
    der = agreed_by_hand(readers["p256"], kind=algorithm(names.EC_PUBLIC_KEY, parameters))
    assert is_open(der, readers["p256"]) is (parameters != oid("1.3.132.0.34"))


@pytest.mark.parametrize(
    ("scheme", "told", "digest"),
    [
        ("1.3.133.16.840.63.0.2", "ecdh-sha1kdf", OLD),
        ("1.3.132.1.11.0", "ecdh-sha224kdf", hashes.SHA224()),
        ("1.3.132.1.14.1", "ecdh-sha256kdf", hashes.SHA256()),
        (names.ECDH_SHA512KDF, "ecdh-sha512kdf", hashes.SHA512()),
        (names.ECDH_HKDF_SHA384, "ecdh-hkdf-sha384", hashes.SHA384()),
    ],
)
@pytest.mark.parametrize("material", [None, b"m" * 16])
@pytest.mark.parametrize("wrap", names.WRAPS)
def test_every_agreement_of_rfc_5753_opens(readers, scheme, told, digest, material, wrap):
    der = agreed_by_hand(readers["p256"], scheme=scheme, digest=digest, material=material, wrap=wrap)
    mail = opened(der, readers["p256"])
    assert (mail.content, mail.algorithms[1]) == (TEXT, told)


@pytest.mark.parametrize("change", [{"scheme": "1.3.132.1.99.1"}, {"wrap": names.AES256_CBC}, {"point": b"\x04" * 65}])
def test_an_agreement_that_cannot_be_is_refused(readers, change):
    assert not is_open(agreed_by_hand(readers["p256"], **change), readers["p256"])
    assert is_open(agreed_by_hand(readers["p256"]), readers["p256"])


def agreed_by_hand(
    reader: Person,
    *,
    scheme: str = names.ECDH_SHA256KDF,
    digest: hashes.HashAlgorithm = SHA256,
    material: bytes | None = None,
    wrap: str = names.AES256_WRAP,
    kind: bytes = algorithm(names.EC_PUBLIC_KEY),
    point: bytes | None = None,
) -> bytes:
    """KeyAgreeRecipientInfo of RFC 5753 §3.1.1, with everything that a sender may choose."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    secret = ephemeral.exchange(ec.ECDH(), reader.certificate.public_key())
    size = names.WRAPS.get(wrap, 32)
    wrapping_algorithm = algorithm(wrap)
    beside = tlv(0xA0, tlv(OCTETS, material)) if material else b""
    shared = tlv(SEQUENCE, wrapping_algorithm, beside, tlv(0xA2, tlv(OCTETS, (size * 8).to_bytes(4, "big"))))
    hkdf = scheme in {names.ECDH_HKDF_SHA256, names.ECDH_HKDF_SHA384, names.ECDH_HKDF_SHA512}
    kdf = HKDF(digest, size, None, shared) if hkdf else X963KDF(digest, size, shared)
    sealed_key = aes_key_wrap(kdf.derive(secret), b"k" * 32)
    public = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    originator = tlv(0xA0, tlv(0xA1, kind, tlv(0x03, b"\0", point or public)))
    named = tlv(SEQUENCE, issuer_and_serial(reader.certificate), tlv(OCTETS, sealed_key))
    more = tlv(0xA1, tlv(OCTETS, material)) if material else b""
    parts = (integer(3), originator, more, tlv(SEQUENCE, oid(scheme), wrapping_algorithm), tlv(SEQUENCE, named))
    return auth_enveloped(b"k" * 32, b"n" * 12, recipients=tlv(SET, tlv(0xA1, *parts)))


@pytest.mark.parametrize(
    ("told", "opens"),
    [
        ({}, True),
        ({"kdf": names.HKDF_SHA512}, True),
        ({"material": b"m"}, True),
        ({"wrap": names.AES128_WRAP, "size": 16}, True),
        ({"size": 16}, False),
        ({"kind": names.ML_KEM_1024}, False),
        ({"kdf": "1.2.3.4"}, False),
        ({"wrap": "1.2.3.4"}, False),
        ({"version": 3}, False),
    ],
)
def test_every_choice_of_rfc_9629_opens_and_no_other(readers, told, opens):
    assert is_open(encapsulated_by_hand(readers["ml-kem-768"], **told), readers["ml-kem-768"]) is opens


def encapsulated_by_hand(
    reader: Person,
    *,
    version: int = 0,
    kind: str = names.ML_KEM_768,
    kdf: str = names.HKDF_SHA256,
    size: int = 32,
    material: bytes | None = None,
    wrap: str = names.AES256_WRAP,
) -> bytes:
    """KEMRecipientInfo of RFC 9629 §3."""
    secret, ciphertext = reader.certificate.public_key().encapsulate()
    more = tlv(0xA0, tlv(OCTETS, material)) if material else b""
    digest = {names.HKDF_SHA512: hashes.SHA512()}.get(kdf, hashes.SHA256())
    wrapping = HKDF(digest, size, None, tlv(SEQUENCE, algorithm(wrap), integer(size), more)).derive(secret)
    info = tlv(
        SEQUENCE,
        integer(version),
        issuer_and_serial(reader.certificate),
        algorithm(kind),
        tlv(OCTETS, ciphertext),
        algorithm(kdf),
        integer(size),
        more,
        algorithm(wrap),
        tlv(OCTETS, aes_key_wrap(wrapping, b"k" * 32)),
    )
    recipients = tlv(SET, tlv(0xA4, oid(names.ORI_KEM), info))
    return auth_enveloped(b"k" * 32, b"n" * 12, recipients=recipients)


def test_a_recipient_info_of_another_kind_than_our_key_opens_nothing(readers, authority):
    """The certificate is named, but the key beside it is of another kind."""
    der = sealed(readers, "rsa")
    for kind in ("p256", "x25519", "ml-kem-768", "ed25519"):
        other = replace(readers["rsa"], private_key=person(authority, kind).private_key)
        assert not is_open(der, other)
    assert not is_open(sealed(readers, "p256"), replace(readers["p256"], private_key=readers["rsa"].private_key))
    assert is_open(der, readers["rsa"])


# What is no envelope ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no zlib at all", zlib.compress(TEXT)[:-4], zlib.compress(TEXT)])
def test_compressed_data_is_whole_or_refused(content):
    data = tlv(SEQUENCE, oid(names.DATA), tlv(0xA0, tlv(OCTETS, content)))
    body = tlv(SEQUENCE, integer(0), algorithm("1.2.840.113549.1.9.16.3.8"), data)
    _, read = read_content_info(tlv(SEQUENCE, oid(names.COMPRESSED_DATA), tlv(0xA0, body)))
    if content == zlib.compress(TEXT):
        assert inflate(read) == TEXT
        return
    with pytest.raises(NotOpened) as caught:
        inflate(read)
    assert caught.value.detail == "not-decompressed"


@pytest.mark.parametrize(
    ("padded", "opens"),
    [
        (TEXT + b"\3\3\3", True),
        (TEXT + b"\2\3\3", False),
        (TEXT + b"\0\0\0", False),
        (TEXT + b"\x11" * 3, False),
        (TEXT, False),
        (b"", False),
    ],
)
def test_cbc_whose_padding_or_length_is_wrong_is_refused(readers, padded, opens):
    encryptor = Cipher(algorithms.AES(b"k" * 32), modes.CBC(b"i" * 16)).encryptor()
    whole = len(padded) // 16 * 16
    sealed_text = encryptor.update(padded[:whole]) + b"x" * (len(padded) - whole)
    assert is_open(cbc_by_hand(readers, b"i" * 16, sealed_text), readers["rsa"]) is opens


def cbc_by_hand(readers: dict[str, Person], iv: bytes, sealed_text: bytes, cipher: str = names.AES256_CBC) -> bytes:
    sealed_key = readers["rsa"].certificate.public_key().encrypt(b"k" * 32, padding.PKCS1v15())
    who = issuer_and_serial(readers["rsa"].certificate)
    info = tlv(SEQUENCE, integer(0), who, algorithm(names.RSA_ENCRYPTION, NULL), tlv(OCTETS, sealed_key))
    encrypted = tlv(SEQUENCE, oid(names.DATA), algorithm(cipher, tlv(OCTETS, iv)), tlv(0x80, sealed_text))
    body = tlv(SEQUENCE, integer(0), tlv(SET, info), encrypted)
    return tlv(SEQUENCE, oid(names.ENVELOPED_DATA), tlv(0xA0, body))
