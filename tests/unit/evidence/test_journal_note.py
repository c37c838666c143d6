"""Checkpoints in the form of C2SP: what we sign we open again, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import JournalRefused
from gateway.journal_note import Checkpoint, opened, origin, signed, verifier_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
HEAD = Checkpoint(origin=origin("hospital.test"), size=20852163, root=sha256(b"root").digest())
NOTE = signed(HEAD, PUBLIC, KEY.sign)


def test_a_checkpoint_has_three_lines_an_empty_one_and_a_signature():
    lines = NOTE.split("\n")
    assert lines[:2] == ["hospital.test/huitaine/journal", "20852163"]
    assert lines[3] == lines[5] == ""
    assert lines[4].startswith("— hospital.test/huitaine/journal ")
    assert NOTE.startswith(HEAD.text)


def test_the_published_key_is_name_id_and_key():
    name, key_id, encoded = verifier_key(HEAD.origin, PUBLIC).split("+", 2)
    assert name == HEAD.origin
    assert key_id == sha256(name.encode() + b"\n\x01" + PUBLIC).hexdigest()[:8]
    assert encoded == b64encode(b"\x01" + PUBLIC).decode()


def test_what_was_signed_is_opened_again():
    assert opened(NOTE, PUBLIC) == HEAD


def test_a_witness_s_signature_beside_ours_is_passed_over():
    assert opened(f"{NOTE}— witness.example {b64encode(bytes(68)).decode()}\n", PUBLIC) == HEAD
    text, _, marks = NOTE.partition("\n\n")
    assert opened(f"{text}\n\n— witness.example AAAA\n{marks}", PUBLIC) == HEAD


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        HEAD.text,
        NOTE.replace("20852163", "20852164"),
        NOTE.replace("20852163", "020852163"),
        NOTE.replace("20852163", "-1"),
        NOTE.replace("hospital.test", "hospital.evil"),
        NOTE.replace("\n\n", "\nmore\n\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace(b64encode(HEAD.root).decode(), b64encode(HEAD.root[:31]).decode()),
        NOTE.replace(b64encode(HEAD.root).decode(), "é" * 44),
        NOTE[:-6] + "AAA=\n",
        NOTE.split("\n\n")[0] + "\n\n",
    ],
)
def test_anything_else_is_refused(note: str):
    with pytest.raises(JournalRefused):
        opened(note, PUBLIC)


def test_another_key_is_refused():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    with pytest.raises(JournalRefused) as refused:
        opened(NOTE, other)
    assert "key of this journal" in refused.value.detail
