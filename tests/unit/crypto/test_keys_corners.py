"""The rarer ways in which a key, a file of one, or a keyring does not do as asked: each one clear line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.crypto import openpgp, openpgp_gpg, openpgp_open
from gateway.crypto.keyring import Keyring
from gateway.crypto.keys import load_pem_identity
from gateway.crypto.keystore import KeyStore
from gateway.crypto.openpgp import OpenPgpSigner, public_keys
from gateway.crypto.private_file import read_private
from gateway.crypto.ring import CHECKPOINTS, KeyRing
from gateway.crypto.vault import Vault, create_master_key
from gateway.errors import KeyStoreRefused, NoProtection

GP = "dr.essai@medecin-essai.mssante.fr"


def refusal(work, *arguments):
    with pytest.raises(KeyStoreRefused) as refused:
        work(*arguments)
    return refused.value.detail


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", b"mot de passe", cost=1 << 12)


def test_a_kind_of_key_that_signs_no_mail_is_not_taken_for_one(store):
    key, signer, now = X25519PrivateKey.generate(), Ed25519PrivateKey.generate(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "essai")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = dated.sign(signer, None)
    store.put("agreement", key, certificate)
    assert refusal(store.signing_identity, "agreement") == "agreement: not a key that signs"
    file = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    assert "keys sign S/MIME" in refusal(load_pem_identity, file, None)


def test_a_damaged_certificate_is_told_by_the_list_too(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    path = tmp_path / "keys" / "signing.key"
    document = json.loads(path.read_text())
    for damaged in (["AAAA"], ["?"], [7]):
        path.write_text(json.dumps({**document, "certificates": damaged}))
        assert refusal(store.list) == "key file: damaged certificate"


def test_a_private_file_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "loop: cannot be opened" in refusal(read_private, tmp_path / "loop")


# the ring and the vault ---------------------------------------------------------------------------------------------


@pytest.fixture
def ring(tmp_path):
    create_master_key(tmp_path / "master")
    made = KeyRing(Vault.open(tmp_path / "master"), {"lab": "clinic"})
    made.hold([made.new_key("tenant"), made.new_key(CHECKPOINTS)])
    return made


def test_the_ring_signs_checkpoints_with_a_key_of_their_own(ring):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    Ed25519PublicKey.from_public_bytes(ring.public_key()).verify(ring.sign(b"end"), b"end")
    assert ring.tenants == {"", "clinic"}


def test_without_the_keys_of_a_database_nothing_is_named(ring):
    assert "was not opened with this vault" in refusal(ring.pseudonym, "visit", "7")


def test_a_master_that_is_forgotten_opens_nothing_more(tmp_path, ring):
    wrapped = ring.vault.wrap(b"k" * 32)
    ring.vault.forget(ring.vault.current)
    assert "put the former file back" in refusal(ring.vault.unwrap, wrapped)


# OpenPGP ------------------------------------------------------------------------------------------------------------


def test_what_the_library_refuses_to_encrypt_to_is_no_protection(hospital_pgp, gp_pgp, now, monkeypatch):
    def refuses(*_, **__):
        raise RuntimeError("a path of the library's own")

    signer = OpenPgpSigner(hospital_pgp)
    monkeypatch.setattr(openpgp.pysequoia, "encrypt", refuses)
    with pytest.raises(NoProtection) as refused:
        signer.seal(b"x", OpenPgpSigner(gp_pgp).public_key, fingerprint="", address=GP, at=now)
    assert refused.value.detail == "openpgp-refused"
    assert repr(signer) == "OpenPgpSigner(hidden)"


def test_a_file_without_any_key_is_told():
    assert refusal(public_keys, b"") == "openpgp: no key in the file"


def test_where_there_is_no_gpg_a_compressed_signature_stays_unjudged(monkeypatch, gp_pgp):
    monkeypatch.setattr(openpgp_gpg, "MEMORY", Path("/nonexistent"))
    assert openpgp_gpg.signer_of_compressed(b"", b"", (gp_pgp, None), []) is None


def test_a_message_without_protected_data_names_no_format(gp_pgp):
    assert openpgp_open.protection(bytes(pysequoia.Tsk.from_bytes(gp_pgp).extract_certificate())) == ()


@pytest.mark.peer
def test_what_gpg_does_not_do_as_asked_is_told(tmp_path_factory, gp_pgp, monkeypatch):
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hc") as home:
        ring = Keyring(Path(home) / "g")
        (fingerprint,) = ring.add(OpenPgpSigner(gp_pgp).public_key)
        monkeypatch.setattr(ring._gpg, "trust_keys", lambda *_: SimpleNamespace(returncode=2))
        monkeypatch.setattr(ring._gpg, "delete_keys", lambda *_: SimpleNamespace(status="no such key"))
        assert "did not set the trust" in refusal(ring.trust, fingerprint, "fully")
        assert "did not delete" in refusal(ring.delete, fingerprint)
        ring.close()
