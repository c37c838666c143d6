"""What earlier versions wrote at rest must open for ever: one file of each format, kept as it was made."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.crypto.keystore import KeyStore
from gateway.crypto.private_file import private_folder, write_private
from gateway.crypto.ring import KeyRing
from gateway.crypto.vault import Vault, open_chunk


def test_a_key_file_of_version_1_opens(vectors: Path, tmp_path: Path):
    private_folder(tmp_path / "keys")
    write_private(tmp_path / "keys" / "vector.key", (vectors / "crypto" / "keystore-v1.key").read_bytes())
    identity = KeyStore(tmp_path / "keys", b"vecteur").signing_identity("vector")
    assert "vecteur@essai.example" in identity.certificate.subject.rfc4514_string()


def test_a_letter_sealed_by_version_1_opens(vectors: Path, tmp_path: Path):
    vector = json.loads((vectors / "crypto" / "vault-v1.json").read_text())
    write_private(tmp_path / "master", bytes.fromhex(vector["master"]))
    vault = KeyRing(Vault.open(tmp_path / "master"))
    key = vault.unwrap(bytes.fromhex(vector["wrapped"]))
    clear = open_chunk(key, vector["letter"], vector["number"], bytes.fromhex(vector["sealed"]))
    assert clear == bytes.fromhex(vector["clear"])
    vault.hold([vault.new_key("pseudonyms", as_in_0_1=True)])
    assert vault.pseudonym(vector["purpose"], vector["text"]) == vector["pseudonym"]
