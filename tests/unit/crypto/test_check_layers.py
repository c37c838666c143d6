"""`huitaine check` on mails as gateways seal them: each layer that shows without a key, for whom and by whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysequoia.packet import PacketPile, Tag

from commands.check_sealed import layers
from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms.enveloped import encrypt_gcm
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.crypto.wire import base64_lines
from gateway.letter import ComposedMail, MssTls, OpenPgp, Smime
from tests.unit.crypto.cms_people import person
from tests.unit.crypto.conftest import HOSPITAL

Compose = Callable[..., ComposedMail]
Der = Callable[[SigningIdentity], bytes]


@pytest.mark.parametrize(("gcm", "cipher"), [(False, "aes256_cbc"), (True, "2.16.840.1.101.3.4.1.46")])
def test_an_smime_envelope_tells_its_cipher_and_whose_certificate_opens_it(
    sealer: Sealer, compose: Compose, der_of: Der, gp: SigningIdentity, gcm: bool, cipher: str
) -> None:
    sealed = sealer.seal(compose(Smime(certificate=der_of(gp), gcm=gcm)))
    (layer,) = layers(sealed.content)
    assert layer["kind"] == "smime-encrypted"
    assert layer["algorithms"][0] in {cipher, "aes256_gcm"}
    assert f"{gp.certificate.serial_number:X}" in layer["for"][0]


def test_a_signed_mail_tells_its_signer(sealer: Sealer, compose: Compose) -> None:
    sealed = sealer.seal(compose(MssTls()))
    (layer,) = layers(sealed.content)
    assert (layer["kind"], layer["signer"]) == ("smime-signed", HOSPITAL)


def test_a_signed_mail_is_judged_by_the_authorities_that_are_believed(
    sealer: Sealer, compose: Compose, authority: TestAuthority
) -> None:
    content = sealer.seal(compose(MssTls())).content
    assert [(one["verified"], one["why_not"]) for one in layers(content, authority.roots)] == [(True, None)]
    assert [(one["verified"], one["why_not"]) for one in layers(content)] == [(False, "untrusted-signer")]
    changed = content.replace(b"finale", b"FINALE")
    assert [one["why_not"] for one in layers(changed, authority.roots)] == ["content-changed"]


def test_what_only_a_key_opens_is_judged_by_nobody(
    sealer: Sealer, compose: Compose, der_of: Der, gp: SigningIdentity, authority: TestAuthority
) -> None:
    (layer,) = layers(sealer.seal(compose(Smime(certificate=der_of(gp)))).content, authority.roots)
    assert (layer["verified"], layer["why_not"]) == (None, None)


@pytest.mark.peer
def test_recipients_by_key_identifier_and_by_curve_are_named(
    openssl: Callable[..., bytes], gp_ec: SigningIdentity
) -> None:
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    for arguments, words in ((("-keyid",), "key "), ((), f"{gp_ec.certificate.serial_number:X}")):
        asked = ("-encrypt", "-binary", "-outform", "DER", "-aes256", *arguments, "-recip", "gp_ec.crt")
        (layer,) = layers(head + base64_lines(openssl(*asked, content=b"x")))
        assert words in layer["for"][0]


@pytest.mark.peer
def test_an_opaque_signature_is_told_like_a_detached_one(openssl: Callable[..., bytes]) -> None:
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    opaque = openssl(
        "-sign", "-nodetach", "-binary", "-outform", "DER", "-signer", "hospital.pem", content=b"A: b\r\n\r\nx"
    )
    (layer,) = layers(head + base64_lines(opaque))
    assert layer["signer"] == HOSPITAL


def test_an_openpgp_mail_tells_the_key_that_opens_it(sealer: Sealer, compose: Compose, gp_pgp: bytes) -> None:
    key = OpenPgpSigner(gp_pgp).public_key
    sealed = sealer.seal(compose(OpenPgp(key=key)))
    (layer,) = layers(sealed.content)
    assert layer["kind"] == "openpgp-encrypted"
    assert layer["algorithms"] in (["seipdv1"], ["seipdv2"])
    subkeys = {packet.fingerprint.upper() for packet in PacketPile.from_bytes(key) if packet.tag == Tag.PublicSubkey}
    assert layer["for"][0].removeprefix("key ") in subkeys


@given(at=st.integers(0, 5000), byte=st.integers(0, 255))
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_a_damaged_mail_tells_what_is_left(
    sealer: Sealer, compose: Compose, der_of: Der, gp: SigningIdentity, at: int, byte: int
) -> None:
    content = bytearray(sealer.seal(compose(Smime(certificate=der_of(gp)))).content)
    content[at % len(content)] = byte
    assert all(layer["kind"] for layer in layers(bytes(content)))


def test_a_recipient_with_a_post_quantum_key_is_named_beside_the_other(
    authority: TestAuthority, gp: SigningIdentity
) -> None:
    """ML-KEM travels as another kind of recipient (RFC 9629 §3)."""
    safe = person(authority, "ml-kem-768")
    sealed = encrypt_gcm(b"x", [CmsRecipient(gp.certificate), CmsRecipient(safe.certificate)])
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (layer,) = layers(head + base64_lines(sealed))
    serials = [f"{each.certificate.serial_number:X}" for each in (gp, safe)]
    assert [whose.rpartition(", ")[2] for whose in layer["for"]] == serials
