"""Corners a user may meet: a key file that holds half of what it should, text that anybody could have changed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, encodebytes
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12

from gateway.crypto.authority import certificates_pem
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.verify import Signer
from gateway.crypto.keys import load_certificates, load_identity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.results import as_mail
from gateway.crypto.trust.policy import Trust
from gateway.crypto.trust.signers import SignersTrust
from gateway.errors import KeyStoreRefused, NoProtection, ReaderUnavailable
from gateway.letter import OpenPgp
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


def _held() -> Iterator[str]:
    """What the descriptors of this process lead to."""
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile by another thread
            yield str(each.readlink())


def test_a_machine_that_starts_no_process_does_not_blame_an_openpgp_mail_and_leaves_nothing_open(
    compose, sealer, gp_pgp, now, monkeypatch
):
    """What is inside is taken out through a process that counts it: a machine without coreutils opens it later."""
    sealed = sealer.seal(compose(OpenPgp(key=OpenPgpSigner(gp_pgp).public_key))).content
    keys = OpeningKeys(openpgp=(OpenPgpSecret(gp_pgp),))
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        with pytest.raises(ReaderUnavailable) as refused:
            open_mail(sealed, keys, at=now, trust_roots=())
    assert not refused.value.permanent
    assert not any("memfd:" in name for name in _held())
    assert open_mail(sealed, keys, at=now, trust_roots=()).parts


def test_a_certificate_beside_a_signer_that_cannot_be_read_is_vouched_for_by_nobody(authority, gp, now, vectors: Path):
    """RFC 8410's example encodes a default: asn1crypto finds it in a message, cryptography does not read it."""
    example = b64decode(json.loads((vectors / "cms" / "rfc_examples.json").read_text())["x25519_certificate"])
    trust = SignersTrust(trust=Trust(anchors=authority.roots), at=now)
    others = tuple(each.public_bytes(Encoding.DER) for each in gp.chain)
    assert not trust.vouches(Signer(certificate=example, others=others, moment=now))
    assert trust.vouches(Signer(certificate=gp.certificate.public_bytes(Encoding.DER), others=others, moment=now))
