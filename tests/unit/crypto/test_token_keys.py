"""Keys that never leave their PKCS #11 token (SoftHSM) sign and open as any other, and fail as told (CR-10, CR-32)."""

from __future__ import annotations

import copy
import sys
from datetime import UTC, datetime

import pkcs11
import pytest
from asn1crypto import cms, core
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from gateway.crypto.cms import names
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.requests import stand_in
from gateway.crypto.tokens.keys import TokenRsaKey, token_key
from gateway.crypto.tokens.token import Token, TokenPlace
from gateway.errors import KeyStoreRefused, TokenUnavailable
from tests.peers.softhsm import MODULE, fresh_token

pytestmark = pytest.mark.peer
SHA256 = hashes.SHA256()
PSS = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=32)
OAEP = {
    name: padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
    for name, digest in (("sha1", hashes.SHA1()), ("sha256", SHA256))  # noqa: S303 (what SoftHSM has)
}


@pytest.fixture(scope="module")
def place():
    return fresh_token()


@pytest.fixture(scope="module")
def token(place):
    opened = Token(place)
    yield opened
    opened.close()


def made(token, kind):
    key_id, spki = token.generate("essai", kind)
    return token_key(token, key_id, spki)


@pytest.fixture(scope="module")
def rsa_key(token):
    return made(token, "rsa2048")


@pytest.fixture(scope="module")
def curve_key(token):
    return made(token, "p256")


@pytest.mark.parametrize("scheme", [padding.PKCS1v15(), PSS], ids=["pkcs1", "pss"])
def test_an_rsa_signature_of_the_token_verifies_outside(rsa_key, scheme):
    signature = rsa_key.sign(b"content", scheme, SHA256)
    rsa_key.public_key().verify(signature, b"content", scheme, SHA256)
    with pytest.raises(InvalidSignature):
        rsa_key.public_key().verify(signature, b"Content", scheme, SHA256)


def test_an_ecdsa_signature_of_the_token_verifies_outside(curve_key):
    scheme = ec.ECDSA(SHA256)
    signature = curve_key.sign(b"content", scheme)
    curve_key.public_key().verify(signature, b"content", scheme)
    with pytest.raises(InvalidSignature):
        curve_key.public_key().verify(signature, b"Content", scheme)


@pytest.mark.parametrize("scheme", [padding.PKCS1v15(), OAEP["sha1"]], ids=["pkcs1", "oaep-sha1"])
def test_the_token_takes_a_content_key_out_of_its_envelope(rsa_key, scheme):
    sealed = rsa_key.public_key().encrypt(b"k" * 32, scheme)
    assert rsa_key.decrypt(sealed, scheme) == b"k" * 32


def test_softhsm_2_6_1_knows_oaep_with_sha_1_alone(rsa_key):
    sealed = rsa_key.public_key().encrypt(b"k" * 32, OAEP["sha256"])
    with pytest.raises(ValueError, match="not decrypted"):
        rsa_key.decrypt(sealed, OAEP["sha256"])


def test_what_the_token_cannot_open_is_not_told_to_correspondents(rsa_key, curve_key, monkeypatch):
    """Who knows that we read GCM sends its key by OAEP with SHA-256, which SoftHSM 2.6.1 does not know."""
    assert not rsa_key.opens_oaep()
    assert _told(rsa_key) == CBC
    assert _told(curve_key)[:2] == [names.AES256_GCM, names.AES128_GCM]
    monkeypatch.setattr(TokenRsaKey, "opens_oaep", lambda _: True)
    assert _told(rsa_key) == [names.AES256_GCM, names.AES128_GCM, *CBC, names.RSAES_OAEP]


CBC = [names.AES256_CBC, names.AES192_CBC, names.AES128_CBC]


def _told(key):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    own = stand_in(key, "bal-app@hopital-essai.mssante.fr", "Essai", at=at)
    signer = DetachedSigner(SigningIdentity(certificate=own, private_key=key))
    info = cms.ContentInfo.load(signer.sign(b"", at))
    attributes = info["content"]["signer_infos"][0]["signed_attrs"]
    (listed,) = (each["values"][0] for each in attributes if each["type"].dotted == names.SMIME_CAPABILITIES)
    return [each[0].dotted for each in core.SequenceOf.load(listed.dump(), spec=core.Sequence)]


@pytest.mark.parametrize("scheme", [padding.PKCS1v15(), OAEP["sha1"]], ids=["pkcs1", "oaep-sha1"])
def test_whatever_is_wrong_with_a_ciphertext_is_the_same_error(rsa_key, scheme):
    for wrong in (b"\x01" * 256, b"short", b""):
        with pytest.raises(ValueError, match=r"^not decrypted$"):
            rsa_key.decrypt(wrong, scheme)


def test_the_token_agrees_on_a_secret_as_both_sides_compute_it(curve_key):
    other = ec.generate_private_key(ec.SECP256R1())
    shared = curve_key.exchange(ec.ECDH(), other.public_key())
    assert shared == other.exchange(ec.ECDH(), curve_key.public_key())
    with pytest.raises(ValueError, match="not agreed"):
        curve_key.exchange(ec.ECDH(), ec.generate_private_key(ec.SECP384R1()).public_key())


def test_the_key_itself_is_never_given_out(rsa_key, curve_key):
    for key in (rsa_key, curve_key):
        with pytest.raises(KeyStoreRefused):
            key.private_numbers()
        with pytest.raises(KeyStoreRefused):
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        assert copy.copy(key) is copy.deepcopy(key) is key
        assert "hidden" in repr(key)
    assert rsa_key.key_size == 2048
    assert curve_key.key_size == 256
    assert isinstance(curve_key.curve, ec.SECP256R1)


def test_schemes_that_are_not_ours_are_refused(rsa_key):
    with pytest.raises(ValueError, match="SHA-256"):
        rsa_key.sign(b"", padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (that is the point)
    with pytest.raises(ValueError, match="PSS"):
        rsa_key.sign(b"", OAEP["sha256"], SHA256)


def test_a_key_that_the_tokens_own_tool_made_is_found_by_its_certificate(token, rsa_key, curve_key):
    for key in (rsa_key, curve_key):
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found = token_key(token, token.find(spki), spki)
        assert type(found) is type(key)
    with pytest.raises(KeyStoreRefused, match="cannot be opened") as refused:
        token.find(b"another")
    assert "no key of that certificate" in refused.value.detail


def test_other_kinds_of_keys_in_the_token_are_passed_over(token, rsa_key):
    parameters = token._opened().create_domain_parameters(pkcs11.KeyType.DSA, _dsa_parameters(), local=True)
    parameters.generate_keypair(id=b"dsa", label="dsa", store=True)
    with pytest.raises(KeyStoreRefused):
        token.find(b"another")
    spki = (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(KeyStoreRefused):
        token_key(token, b"dsa", spki)


def _dsa_parameters():
    numbers = dsa.generate_parameters(1024).parameter_numbers()
    attribute = pkcs11.Attribute
    parts = {attribute.PRIME: numbers.p, attribute.SUBPRIME: numbers.q, attribute.BASE: numbers.g}
    return {name: value.to_bytes((value.bit_length() + 7) // 8, "big") for name, value in parts.items()}


def test_a_key_that_is_gone_from_the_token_is_told(token):
    spki = rsa.generate_private_key(65537, 2048).public_key()
    key = token_key(token, b"gone", spki.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyStoreRefused) as refused:
        key.sign(b"", padding.PKCS1v15(), SHA256)
    assert "not in it any more" in refused.value.detail


def test_a_session_that_the_token_ended_is_opened_anew(token, rsa_key):
    rsa_key.sign(b"before", padding.PKCS1v15(), SHA256)
    token._session.close()
    rsa_key.sign(b"after", padding.PKCS1v15(), SHA256)
    token.close()
    token.close()
    rsa_key.sign(b"closed twice", padding.PKCS1v15(), SHA256)


def test_a_token_that_stays_away_means_that_the_letter_waits(rsa_key, token, monkeypatch):
    token.close()
    monkeypatch.setattr(pkcs11, "lib", _away)
    with pytest.raises(TokenUnavailable) as waits:
        rsa_key.sign(b"", padding.PKCS1v15(), SHA256)
    assert not waits.value.permanent
    with pytest.raises(TokenUnavailable):
        token.generate("other", "p256")


@pytest.mark.parametrize("trouble", [pkcs11.DeviceError, pkcs11.TokenNotPresent])
def test_a_token_that_goes_away_in_mid_letter_gives_no_letter_up(token, rsa_key, curve_key, monkeypatch, trouble):
    """Taken for a wrong ciphertext, its silence would refuse a mail for good."""
    sealed = rsa_key.public_key().encrypt(b"k" * 32, padding.PKCS1v15())

    def gone(*_):
        raise trouble

    with monkeypatch.context() as away:
        away.setattr(token, "_key", gone)
        with pytest.raises(TokenUnavailable):
            rsa_key.decrypt(sealed, padding.PKCS1v15())
        with pytest.raises(TokenUnavailable):
            curve_key.exchange(ec.ECDH(), curve_key.public_key())
        assert not rsa_key.opens_oaep()
    assert rsa_key.decrypt(sealed, padding.PKCS1v15()) == b"k" * 32


def _away(_):
    raise pkcs11.TokenNotPresent


def test_a_signature_that_the_token_does_not_give_means_that_the_letter_waits(token, curve_key):
    as_rsa = token_key(token, curve_key._id, _rsa_spki())
    with pytest.raises(TokenUnavailable):
        as_rsa.sign(b"", padding.PKCS1v15(), SHA256)


def _rsa_spki():
    public = rsa.generate_private_key(65537, 2048).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_login_is_the_whole_processs(place, token, rsa_key):
    rsa_key.sign(b"", padding.PKCS1v15(), SHA256)
    other = Token(place)
    other.generate("second", "p256")
    other.close()


def test_wrong_module_label_and_pin_are_each_one_clear_line(place, token):
    token.close()
    wrong = {
        "no module": TokenPlace(module=MODULE.with_name("absent.so"), label=place.label, pin=place.pin),
        "none has the label": TokenPlace(module=MODULE, label="absent", pin=place.pin),
        "the PIN is wrong": TokenPlace(module=MODULE, label=place.label, pin="0000"),
    }
    for words, each in wrong.items():
        with pytest.raises(KeyStoreRefused) as refused:
            Token(each).generate("x", "p256")
        assert words in refused.value.detail
        assert place.pin not in refused.value.detail
        assert place.pin not in repr(each)
    assert "hidden" in repr(token)


def test_without_the_library_the_extra_to_install_is_named(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(KeyStoreRefused) as refused:
        Token(place).generate("x", "p256")
    assert "huitaine[hsm]" in refused.value.detail


def test_public_halves_are_what_the_token_says(token):
    _, spki = token.generate("plain", "p256")
    assert isinstance(load_der_public_key(spki), ec.EllipticCurvePublicKey)
