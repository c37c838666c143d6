"""What comes in: our own mails and openssl's, in every form a client may send, open and are judged rightly."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import names
from gateway.crypto.cms.der import OCTETS, SEQUENCE, integer, oid, tlv
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.crypto.wire import base64_lines
from gateway.errors import NotOpened
from gateway.letter import ComposedMail, MssTls, OpenPgp, Smime

Compose = Callable[..., ComposedMail]
HEAD = b"From: sortie.chirurgie@hopital-essai.mssante.fr\r\nMIME-Version: 1.0\r\n"
P7M = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"


@pytest.fixture
def opened(keys: OpeningKeys, authority: TestAuthority, now):
    def run(content: bytes, **changes):
        given = {"keys": keys, "at": now, "trust_roots": authority.roots, **changes}
        return open_mail(content, given.pop("keys"), **given)

    return run


@pytest.fixture
def protections(der_of, gp, gp_ec, gp_pgp):
    return {
        "cbc": Smime(certificate=der_of(gp)),
        "gcm": Smime(certificate=der_of(gp), gcm=True),
        "cbc-ec": Smime(certificate=der_of(gp_ec)),
        "gcm-ec": Smime(certificate=der_of(gp_ec), gcm=True),
        "openpgp": OpenPgp(key=OpenPgpSigner(gp_pgp).public_key),
        "mss-tls": MssTls(),
    }


@pytest.mark.parametrize("form", ["cbc", "gcm", "cbc-ec", "gcm-ec", "openpgp", "mss-tls"])
def test_what_we_seal_comes_back_byte_for_byte(compose: Compose, sealer: Sealer, opened, protections, entity, form):
    mail = opened(sealer.seal(compose(protections[form])).content)
    assert mail.entity == entity
    assert mail.authenticated
    assert [part.name for part in mail.parts] == ["", "lettre.pdf"]
    assert mail.parts[1].content == b"%PDF-1.4\n"
    assert mail.layers[-1].signer == "sortie.chirurgie@hopital-essai.mssante.fr"


def test_json_of_an_opened_mail_has_the_promised_shape(compose: Compose, sealer: Sealer, opened, protections):
    told = opened(sealer.seal(compose(protections["cbc"])).content).as_json()
    assert [layer["kind"] for layer in told["layers"]] == ["smime-encrypted", "smime-signed"]
    assert set(told["layers"][1]) >= {"kind", "algorithms", "signer", "verified", "why_not"}
    assert told["layers"][0]["intact"] is False
    assert told["layers"][1]["verified"] is True
    assert set(told["parts"][0]) == {"name", "media_type", "size", "sha256"}


# What openssl makes -------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize(
    "arguments",
    [
        ("-aes256", "-recip", "gp.crt"),
        ("-aes128", "-recip", "gp.crt"),
        ("-aes256", "-stream", "-recip", "gp.crt"),
        ("-aes256", "-keyid", "-recip", "gp.crt"),
        ("-aes256", "-recip", "gp.crt", "-keyopt", "rsa_padding_mode:oaep"),
        ("-aes256", "-recip", "gp.crt", "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"),
        ("-aes256", "-recip", "gp_ec.crt"),
        ("-aes256", "-recip", "gp_ec.crt", "-keyopt", "ecdh_kdf_md:sha256"),
        ("-aes256", "-keyid", "-recip", "gp_ec.crt"),
        ("-aes-256-gcm", "-recip", "gp.crt"),
        ("-aes-256-gcm", "-stream", "-recip", "gp.crt"),
        ("-aes-128-gcm", "-recip", "gp_ec.crt"),
        ("-aes256", "-recip", "hospital.crt", "-recip", "gp.crt"),
    ],
    ids=" ".join,
)
def test_every_envelope_of_openssl_opens(openssl, opened, entity, arguments):
    sealed = openssl("-encrypt", "-binary", "-outform", "DER", *arguments, content=entity)
    mail = opened(HEAD + P7M + base64_lines(sealed))
    assert mail.entity == entity
    assert not mail.authenticated  # encrypted by somebody: that proves nothing of who
    assert mail.layers[0].intact == ("gcm" in mail.layers[0].algorithms[0])


@pytest.mark.peer
@pytest.mark.parametrize("opaque", [True, False])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_signatures_of_openssl_verify_detached_and_opaque(openssl, opened, entity, opaque, digest):
    form = ("-nodetach",) if opaque else ()
    signed = openssl("-sign", "-signer", "hospital.pem", "-certfile", "chain.pem", "-md", digest, *form, content=entity)
    mail = opened(HEAD.replace(b"\r\n", b"\n") + signed)
    assert mail.authenticated, mail.layers
    assert [part.name for part in mail.parts] == ["", "lettre.pdf"]


@pytest.mark.peer
def test_sign_then_encrypt_then_sign_of_openssl_opens_in_three_layers(openssl, opened, entity):
    sign = ("-sign", "-signer", "hospital.pem", "-certfile", "chain.pem")
    inner = openssl(*sign, "-nodetach", content=entity)
    sealed = openssl("-encrypt", "-aes256", "-recip", "gp.crt", content=inner)
    outer = openssl(*sign, content=sealed)
    mail = opened(HEAD.replace(b"\r\n", b"\n") + outer)
    assert [layer.kind for layer in mail.layers] == ["smime-signed", "smime-encrypted", "smime-signed"]
    assert mail.authenticated


@pytest.mark.peer
def test_a_signature_outside_the_envelope_alone_does_not_authenticate(openssl, opened, entity):
    sealed = openssl("-encrypt", "-aes256", "-recip", "gp.crt", content=entity)
    outer = openssl("-sign", "-signer", "hospital.pem", "-certfile", "chain.pem", content=sealed)
    mail = opened(HEAD.replace(b"\r\n", b"\n") + outer)
    assert mail.layers[0].verified
    assert not mail.authenticated


@pytest.mark.peer
def test_two_signers_are_both_shown_and_one_stranger_spoils_it(openssl, opened, entity):
    two = ("-sign", "-signer", "hospital.pem", "-signer", "gp.pem", "-certfile", "chain.pem")
    mail = opened(HEAD.replace(b"\r\n", b"\n") + openssl(*two, content=entity))
    assert sorted(layer.why_not for layer in mail.layers) == ["", "signer-is-not-from"]
    assert not mail.authenticated


def test_a_compressed_letter_is_inflated_and_a_bomb_is_not(opened, entity, monkeypatch):
    def compressed(content: bytes) -> bytes:  # Debian's openssl has no zlib, so by hand (RFC 3274 §1.1)
        data = tlv(0xA0, tlv(OCTETS, zlib.compress(content)))
        inner = tlv(SEQUENCE, oid(names.DATA), data)
        body = tlv(SEQUENCE, integer(0), tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.3.8")), inner)
        return HEAD + P7M + base64_lines(tlv(SEQUENCE, oid(names.COMPRESSED_DATA), tlv(0xA0, body)))

    assert opened(compressed(entity)).entity == entity
    monkeypatch.setattr("gateway.crypto.cms.decrypt._INFLATED", 1000)
    with pytest.raises(NotOpened):
        opened(compressed(entity + b"x" * 10_000))


# BER as other software writes it ------------------------------------------------------------------------------------


def _indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


def test_three_nested_octet_strings_of_indefinite_length_open(compose, sealer, opened, protections, entity):
    """The KIM sample and BouncyCastle write them so (CR-06)."""
    mail = read_entity(sealer.seal(compose(protections["gcm"])).content)
    content = cms.ContentInfo.load(mail.content())["content"]
    info = content["auth_encrypted_content_info"]
    sealed = info["encrypted_content"].native
    pieces = [tlv(OCTETS, sealed[at : at + 100]) for at in range(0, len(sealed), 100)]
    nested = _indefinite(0x24, *pieces)
    inner = _indefinite(
        0x30,
        oid(names.DATA),
        info["content_encryption_algorithm"].dump(),
        _indefinite(0xA0, _indefinite(0x24, nested)),
    )
    body = _indefinite(0x30, integer(0), content["recipient_infos"].dump(), inner, content["mac"].dump())
    ber = _indefinite(0x30, oid(names.AUTH_ENVELOPED_DATA), _indefinite(0xA0, body))
    assert opened(HEAD + P7M + base64_lines(ber)).entity == entity


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: application/x-pkcs7-mime; smime-type=ENVELOPED-DATA\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=authenticated-enveloped-data\r\n",
        b"Content-Type: application/pkcs7-mime\r\n",
        b'Content-Type: application/octet-stream; name="x.P7M"\r\n',
        b'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n',
    ],
)
def test_the_content_decides_whatever_the_header_says(compose, sealer, opened, protections, entity, header):
    body = read_entity(sealer.seal(compose(protections["cbc"])).content).body
    assert opened(HEAD + header + b"Content-Transfer-Encoding: base64\r\n\r\n" + body).entity == entity


def test_a_mail_inside_the_envelope_answers_for_its_own_sender(compose, sealer, opened, protections):
    """RFC 8551 §3.1 wrapping, as KIM does it: the inner From counts."""
    inner = b"From: sortie.chirurgie@hopital-essai.mssante.fr\r\nSubject: dedans\r\n"
    letter = b"Content-Type: message/rfc822\r\n\r\n" + inner + b"Content-Type: text/plain\r\n\r\nBonjour\r\n"
    mail = opened(sealer.seal(compose(protections["cbc"], entity=letter)).content)
    assert [layer.kind for layer in mail.layers] == ["smime-encrypted", "smime-signed", "message"]
    assert mail.parts[0].content == b"Bonjour\r\n"
    assert mail.authenticated


def test_a_mail_saved_with_bare_line_feeds_still_verifies(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["mss-tls"])).content.replace(b"\r\n", b"\n")
    assert opened(content).authenticated


# Signatures that must not count -------------------------------------------------------------------------------------


def _why(mail) -> list[str]:
    return [layer.why_not for layer in mail.layers if layer.verified is not None]


def test_a_changed_letter_is_shown_as_changed(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["mss-tls"])).content.replace(b"finale", b"FINALE")
    mail = opened(content)
    assert _why(mail) == ["content-changed"]
    assert not mail.authenticated


def test_without_its_signature_a_letter_is_nobodys(compose, sealer, opened, protections):
    signed = read_entity(sealer.seal(compose(protections["mss-tls"])).content)
    stripped = opened(HEAD + split(signed)[0])
    assert stripped.layers == ()
    assert not stripped.authenticated


def test_the_signature_of_another_letter_does_not_fit(compose, sealer, opened, protections):
    one = sealer.seal(compose(protections["mss-tls"])).content
    other = sealer.seal(compose(protections["mss-tls"], entity=b"Content-Type: text/plain\r\n\r\nautre\r\n")).content
    signature = split(read_entity(other))[1]
    mail = opened(one.replace(split(read_entity(one))[1], signature))
    assert _why(mail) == ["content-changed"]


def test_a_trusted_signer_who_is_not_the_sender_does_not_count(compose, gp_ec, opened, protections, now):
    other = Sealer(identity=gp_ec, openpgp=None, clock=lambda: now)
    assert _why(opened(other.seal(compose(protections["cbc"])).content)) == ["signer-is-not-from"]


def test_two_from_fields_are_nobody(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["mss-tls"])).content
    assert _why(opened(b"From: evil@example.org\r\n" + content)) == ["signer-is-not-from"]


def test_a_signer_of_another_authority_is_untrusted(compose, opened, protections, now):
    stranger = TestAuthority.create("Autre", at=now).issue(
        address="sortie.chirurgie@hopital-essai.mssante.fr", key="p256"
    )
    sealer = Sealer(identity=stranger, openpgp=None, clock=lambda: now)
    assert _why(opened(sealer.seal(compose(protections["cbc"])).content)) == ["untrusted-signer"]


def test_without_trust_roots_nobody_is_trusted(compose, sealer, opened, protections):
    assert _why(opened(sealer.seal(compose(protections["cbc"])).content, trust_roots=())) == ["untrusted-signer"]


def test_a_certificate_counts_at_the_moment_of_signing(compose, authority, opened, protections, now):
    address = "sortie.chirurgie@hopital-essai.mssante.fr"
    short = authority.issue(address=address, key="p256", not_before=now, not_after=now + timedelta(days=1))
    content = Sealer(identity=short, openpgp=None, clock=lambda: now).seal(compose(protections["cbc"])).content
    assert opened(content, at=now + timedelta(days=30)).authenticated
    assert _why(opened(content, at=now - timedelta(days=1))) == ["signed-in-the-future"]


@pytest.mark.peer
def test_a_signature_made_after_expiry_is_told_so(openssl, authority, opened, entity, past, tmp_path):
    from gateway.crypto.authority import to_pem

    address = "sortie.chirurgie@hopital-essai.mssante.fr"
    expired = authority.issue(address=address, key="p256", not_before=past(30), not_after=past(2))
    (tmp_path / "expired.pem").write_bytes(to_pem(expired, None))
    signed = openssl("-sign", "-signer", "expired.pem", "-certfile", "chain.pem", content=entity)
    assert _why(opened(HEAD.replace(b"\r\n", b"\n") + signed)) == ["certificate-expired"]


@pytest.mark.peer
def test_a_servers_certificate_signs_no_letter(openssl, authority, opened, entity, tmp_path):
    from gateway.crypto.authority import to_pem

    server = authority.issue(address="smtp.hopital-essai.mssante.fr", kind="server", key="p256")
    (tmp_path / "server.pem").write_bytes(to_pem(server, None))
    signed = openssl("-sign", "-signer", "server.pem", "-certfile", "chain.pem", content=entity)
    assert _why(opened(HEAD.replace(b"\r\n", b"\n") + signed)) == ["wrong-usage"]


@pytest.mark.peer
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-md", "sha1"), "weak-digest"),
        (("-noattr",), "no-signed-attributes"),
        (("-nocerts",), "signer-certificate-missing"),
    ],
)
def test_a_weak_or_bare_signature_does_not_count(openssl, opened, entity, arguments, code):
    signed = openssl("-sign", "-signer", "hospital.pem", *arguments, content=entity)
    assert _why(opened(HEAD.replace(b"\r\n", b"\n") + signed)) == [code]


# Mails that must not open -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["cbc", "gcm", "cbc-ec", "gcm-ec", "openpgp"])
def test_somebody_elses_key_opens_nothing(compose, sealer, opened, protections, authority, hospital_pgp, form):
    stranger = authority.issue(address="autre@medecin-essai.mssante.fr", key="p256")
    keys = OpeningKeys(smime=(stranger,), openpgp=(OpenPgpSecret(hospital_pgp),))
    with pytest.raises(NotOpened) as refused:
        opened(sealer.seal(compose(protections[form])).content, keys=keys)
    assert str(refused.value) == "Sealed mail cannot be opened"


def test_a_certificate_of_the_same_name_with_another_key_opens_nothing(
    compose, sealer, opened, protections, gp, hospital: SigningIdentity
):
    impostor = replace(gp, private_key=hospital.private_key)
    for form in ("cbc", "gcm"):
        with pytest.raises(NotOpened) as refused:
            opened(sealer.seal(compose(protections[form])).content, keys=OpeningKeys(smime=(impostor,)))
        assert refused.value.detail == "not-decrypted"


def test_every_sampled_byte_flip_of_a_gcm_letter_is_refused_or_changes_nothing(
    compose, sealer, opened, protections, entity
):
    """CR-38. Bytes that the standard leaves unprotected (versions, names of recipients) never give other words."""
    content = sealer.seal(compose(protections["gcm-ec"], entity=b"Content-Type: text/plain\r\n\r\nBonjour\r\n")).content
    good = read_entity(content)
    der = good.content()
    refused = 0
    for at in range(0, len(der), 3):
        bad = bytearray(der)
        bad[at] ^= 1 << (at % 8)
        try:
            mail = opened(HEAD + P7M + base64_lines(bytes(bad)))
        except NotOpened:
            refused += 1
        else:
            assert mail.authenticated
    assert refused > len(der) // 3 * 0.9


def test_every_flip_of_ciphertext_or_tag_of_a_gcm_letter_is_refused(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["gcm-ec"], entity=b"Content-Type: text/plain\r\n\r\nBonjour\r\n")).content
    der = read_entity(content).content()
    envelope = cms.ContentInfo.load(der)["content"]
    sealed = envelope["auth_encrypted_content_info"]["encrypted_content"].contents
    start = der.index(sealed)
    for at in [*range(start, start + len(sealed), 97), *range(len(der) - 16, len(der))]:
        bad = bytearray(der)
        bad[at] ^= 0x10
        with pytest.raises(NotOpened):
            opened(HEAD + P7M + base64_lines(bytes(bad)))


def test_a_cbc_letter_with_a_changed_block_never_counts_as_the_senders(compose, sealer, opened, protections):
    der = bytearray(read_entity(sealer.seal(compose(protections["cbc"])).content).content())
    der[len(der) // 2] ^= 1
    try:
        mail = opened(HEAD + P7M + base64_lines(bytes(der)))
    except NotOpened:
        return
    assert not mail.authenticated


@pytest.mark.parametrize("size", [0, 1, 16, 200, 1000])
def test_cut_short_a_mail_is_refused_quietly(compose, sealer, opened, protections, size):
    content = sealer.seal(compose(protections["gcm"])).content
    body = read_entity(content).content()
    with pytest.raises(NotOpened):
        opened(HEAD + P7M + base64_lines(body[:size]))


def test_an_encrypted_part_among_others_is_left_closed(compose, sealer, opened, protections):
    """Efail's direct way out: a decrypted part between two halves of a link (CR-23)."""
    sealed = sealer.seal(compose(protections["cbc"])).content
    part = sealed[sealed.index(b"Content-Type: application/pkcs7-mime") :]
    mixed = (
        HEAD + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b'--m\r\nContent-Type: text/html\r\n\r\n<img src="http://example.org/\r\n--m\r\n'
        + part
        + b'--m\r\nContent-Type: text/html\r\n\r\n">\r\n--m--\r\n'
    )
    mail = opened(mixed)
    assert mail.layers == ()
    assert mail.parts[1].media_type == "application/pkcs7-mime"


def test_layers_without_end_are_refused(opened):
    bomb = HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 30 + b"Content-Type: text/plain\r\n\r\nx\r\n"
    with pytest.raises(NotOpened) as refused:
        opened(bomb)
    assert refused.value.detail == "too-many-layers"


def test_a_third_part_beside_the_signed_one_is_refused(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["mss-tls"])).content
    boundary = read_entity(content).parameter("boundary").encode()
    extra = b"--" + boundary + b"\r\nContent-Type: text/plain\r\n\r\najout\r\n"
    with pytest.raises(NotOpened):
        opened(content.replace(b"--" + boundary + b"--", extra + b"--" + boundary + b"--"))


@pytest.mark.peer
def test_a_signature_without_its_content_has_nothing_inside(openssl, opened, entity):
    """Opaque by its type, detached by its content; and the other way round."""
    sign = ("-sign", "-binary", "-outform", "DER", "-signer", "hospital.pem", "-certfile", "chain.pem")
    detached, opaque = openssl(*sign, content=entity), openssl(*sign, "-nodetach", content=entity)
    assert opened(HEAD + P7M + base64_lines(opaque)).authenticated
    with pytest.raises(NotOpened) as refused:
        opened(HEAD + P7M + base64_lines(detached))
    assert refused.value.detail == "nothing-inside"
    for signature, code in ((detached, None), (opaque, "not-cms")):
        part = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        both = b"--b\r\n" + entity + b"\r\n--b\r\n" + part + base64_lines(signature) + b"--b--\r\n"
        mail = HEAD + b"Content-Type: multipart/signed; boundary=b; protocol=x\r\n\r\n" + both
        if code is None:
            assert opened(mail).authenticated
            continue
        with pytest.raises(NotOpened) as refused:
            opened(mail)
        assert refused.value.detail == code


def test_an_openpgp_mail_of_one_part_or_three_is_refused(compose, sealer, opened, protections):
    content = sealer.seal(compose(protections["openpgp"])).content
    boundary = b"--" + read_entity(content).parameter("boundary").encode()
    assert opened(content).authenticated
    for end in (b"", boundary + b"\r\n\r\najout\r\n" + boundary + b"--"):
        with pytest.raises(NotOpened) as refused:
            opened(content.replace(boundary + b"--", end) if end else content.replace(b"encrypted.asc", b"x")[:400])
        assert refused.value.detail == "not-two-parts"


def test_more_parts_than_anybody_sends_are_refused(opened, monkeypatch):
    monkeypatch.setattr("gateway.crypto.open._MAXIMUM_PARTS", 3)
    for number in (3, 4):
        mail = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * number + b"--b--\r\n"
        if number == 3:
            assert len(opened(mail).parts) == 3
            continue
        with pytest.raises(NotOpened) as refused:
            opened(mail)
        assert refused.value.detail == "too-many-parts"


async def test_opening_works_inside_an_event_loop(compose, sealer, opened, protections):
    assert opened(sealer.seal(compose(protections["cbc"])).content).authenticated
