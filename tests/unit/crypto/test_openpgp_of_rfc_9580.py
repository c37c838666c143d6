"""RFC 9580, appendix A: what the standard itself printed for a key of version 6, opened and verified by our reader."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest

from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.openpgp import OpenPgpRecipient
from gateway.crypto.openpgp_open import OpenPgpSecret, decrypt, verify_detached
from gateway.errors import NoProtection, NotOpened

VECTORS = Path(__file__).parents[2] / "vectors" / "openpgp" / "rfc9580.json"
HEAD = (
    b'From: a@b.example\r\nContent-Type: multipart/encrypted; boundary="b"; '
    b'protocol="application/pgp-encrypted"\r\n\r\n'
    b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\n\r\n"
)
HINT = range(4, 37)
"""Version and fingerprint of the addressee's subkey (RFC 9580 §5.1.2)."""


@pytest.fixture(scope="module")
def examples() -> dict[str, list[str]]:
    return json.loads(VECTORS.read_text())


def armor(lines: list[str]) -> bytes:
    return "\r\n".join((*lines, "")).encode()


@pytest.fixture(scope="module")
def reader(examples) -> OpenPgpSecret:
    return OpenPgpSecret(armor(examples["a4_secret_key"]))


def opened(message: bytes, *readers: OpenPgpSecret) -> OpenedMail:
    content = HEAD + message + b"--b--\r\n"
    return open_mail(content, OpeningKeys(openpgp=readers), at=datetime.now(UTC), trust_roots=())


def test_a_8_a_message_to_a_key_of_version_6_opens(examples, reader):
    mail = opened(armor(examples["a8_message"]), reader)
    assert [part.content for part in mail.parts] == [examples["a8_content"].encode()]
    assert [(layer.kind, layer.algorithms) for layer in mail.layers] == [("openpgp-encrypted", ("seipdv2",))]
    assert not mail.authenticated


def test_cr_38_a_flip_of_any_byte_of_that_message_is_refused(examples, reader):
    """But where it says whose key it is for: that is a hint only, and PySequoia tries the key all the same."""
    whole = b64decode("".join(examples["a8_message"][2:-1]))
    assert decrypt(whole, [reader], []).content == examples["a8_content"].encode()
    assert [at for at in range(len(whole)) if _opens_changed(whole, at, reader)] == list(HINT)


def _opens_changed(whole: bytes, at: int, reader: OpenPgpSecret) -> bool:
    try:
        decrypt(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :], [reader], [])
    except NotOpened:
        return False
    return True


def test_a_6_a_text_signed_by_that_key_verifies_and_a_change_is_seen(examples):
    known = [pysequoia.Cert.from_bytes(armor(examples["a4_secret_key"]))]
    text = "\r\n".join(examples["a6_text"]).encode()
    signature = armor(examples["a6_signature"])
    judged = verify_detached(text, signature, known)
    assert (judged.why_not, judged.fingerprint) == ("", examples["fingerprint"])
    assert verify_detached(text.replace(b"tofu", b"meat"), signature, known).why_not == "content-changed"


def test_a_certificate_without_an_address_is_nobodys(examples):
    """A.3 names no user: such a key is refused however well it is known (CR-16)."""
    certificate = bytes(pysequoia.Cert.from_bytes(armor(examples["a4_secret_key"])))
    with pytest.raises(NoProtection) as refused:
        OpenPgpRecipient.choose(
            certificate, fingerprint=examples["fingerprint"], address="a@b.example", at=datetime.now(UTC)
        )
    assert refused.value.detail == "address-mismatch"
