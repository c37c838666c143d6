"""OpenPGP: gpg opens what we seal, we open what gpg seals, and no key that should not be used is used."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pysequoia
import pytest

from gateway.crypto.authority import TestAuthority
from gateway.crypto.keyring import Keyring
from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpRecipient, OpenPgpSigner, addresses_of, public_keys
from gateway.crypto.openpgp_bounded import LARGEST, decrypt_bounded
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.seal import Sealer
from gateway.errors import KeyStoreRefused, NoProtection, NotOpened
from gateway.letter import ComposedMail, OpenPgp
from tests.peers.running import need

HOSPITAL = "sortie.chirurgie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"
Gpg = Callable[..., bytes]


def _mail(armor: bytes, sender: str = HOSPITAL) -> bytes:
    return (
        b"From: " + sender.encode() + b'\r\nContent-Type: multipart/encrypted; boundary="b"; '
        b'protocol="application/pgp-encrypted"\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n'
        b"Version: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + armor + b"\r\n--b--\r\n"
    )


def _fingerprint(gpg: Gpg, address: str) -> str:
    return re.findall(rb"^fpr:+([0-9A-F]{40})", gpg("--with-colons", "-k", address), re.MULTILINE)[0].decode()


@pytest.fixture
def opened(keys: OpeningKeys, authority: TestAuthority, now):
    def run(content: bytes, changed: OpeningKeys | None = None):
        return open_mail(content, changed or keys, at=now, trust_roots=authority.roots)

    return run


@pytest.fixture
def seal(sealer: Sealer, compose: Callable[..., ComposedMail]):
    def run(key: bytes, **fields: str) -> bytes:
        return sealer.seal(compose(OpenPgp(key=key, **fields))).content

    return run


@pytest.mark.peer
@pytest.mark.parametrize("algorithm", ["default", "rsa2048"])
def test_gpg_opens_and_verifies_what_we_seal(gpg: Gpg, seal, hospital_pgp, entity, algorithm, tmp_path):
    gpg("--quick-gen-key", f"Dr <{GP}>", "rsa2048" if algorithm == "rsa2048" else "future-default", "default", "1y")
    if algorithm == "rsa2048":
        gpg("--quick-add-key", _fingerprint(gpg, GP), "rsa2048", "encr", "1y")
    gpg("--import", content=OpenPgpSigner(hospital_pgp).public_key)
    armor = read_entity(split(read_entity(seal(gpg("--export", GP))))[1]).content()
    assert gpg("--trust-model", "always", "--decrypt", content=armor) == entity
    assert b"GOODSIG" in gpg(
        "--trust-model", "always", "-o", str(tmp_path / "o"), "--decrypt", content=armor, status=True
    )


@pytest.mark.peer
def test_we_open_and_verify_what_gpg_seals(gpg: Gpg, opened, gp_pgp, entity):
    gpg("--quick-gen-key", f"Hopital <{HOSPITAL}>", "future-default", "default", "1y")
    gpg("--import", content=OpenPgpSigner(gp_pgp).public_key)
    armor = gpg("--trust-model", "always", "--armor", "-u", HOSPITAL, "-r", GP, "--sign", "--encrypt", content=entity)
    keys = OpeningKeys(openpgp=(OpenPgpSecret(gp_pgp),), correspondents=(gpg("--export", HOSPITAL),))
    mail = opened(_mail(armor), keys)
    assert mail.entity == entity
    assert mail.authenticated
    assert [layer.kind for layer in mail.layers] == ["openpgp-encrypted", "openpgp-signed"]
    assert mail.layers[0].algorithms == ("seipdv1",)
    assert opened(_mail(armor, "autre@example.org"), keys).layers[1].why_not == "signer-is-not-from"
    unknown = opened(_mail(armor), OpeningKeys(openpgp=keys.openpgp))
    assert unknown.layers[1].why_not == "unknown-signer"
    assert not unknown.authenticated


@pytest.mark.peer
def test_a_message_that_would_fill_the_memory_does_not_open(gpg: Gpg, opened, gp_pgp):
    """A hundred kilobytes that are a hundred megabytes and more; twice compressed they would be any number."""
    gpg("--import", content=OpenPgpSigner(gp_pgp).public_key)
    made = ("--trust-model", "always", "--compress-algo", "zip", "-r", GP, "--encrypt")
    bomb = gpg(*made, content=bytes(LARGEST + 1))
    assert len(bomb) < 1 << 20
    with pytest.raises(NotOpened) as refused:
        opened(_mail(bomb))
    assert refused.value.detail == "not-decrypted"
    one = gpg(*made, content=bytes(1000))
    assert decrypt_bounded(one, OpenPgpSecret(gp_pgp).decryptor, 1000) == bytes(1000)
    with pytest.raises((NotOpened, OSError)):
        decrypt_bounded(one, OpenPgpSecret(gp_pgp).decryptor, 999)


@pytest.mark.peer
def test_a_detached_signature_of_gpg_verifies_and_a_change_is_seen(gpg: Gpg, opened, entity):
    gpg("--quick-gen-key", f"Hopital <{HOSPITAL}>", "future-default", "default", "1y")
    signature = gpg("--armor", "--detach-sign", content=entity)
    keys = OpeningKeys(correspondents=(gpg("--export", "--armor", HOSPITAL),))
    head = b"From: " + HOSPITAL.encode() + b'\r\nContent-Type: multipart/signed; boundary="s"; micalg=pgp-sha512; '
    head += b'protocol="application/pgp-signature"\r\n\r\n--s\r\n'
    tail = b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n" + signature + b"--s--\r\n"
    assert opened(head + entity + tail, keys).authenticated
    changed = opened(head + entity.replace(b"finale", b"FINALE") + tail, keys)
    assert changed.layers[0].why_not == "content-changed"
    assert opened(head + entity + tail.replace(signature, b"no signature\n"), keys).layers[0].why_not == "not-signed"


def test_an_unsigned_message_opens_as_nobodys(opened, gp_pgp, entity):
    armor = pysequoia.encrypt(entity, recipients=[pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key)])
    mail = opened(_mail(armor))
    assert [layer.kind for layer in mail.layers] == ["openpgp-encrypted"]
    assert not mail.authenticated


def test_every_sampled_flip_of_the_protected_part_is_refused(opened, gp_pgp, entity):
    recipient = pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key)
    message = pysequoia.encrypt(entity, recipients=[recipient], armor=False)
    assert opened(_mail_binary(message)).entity == entity
    for at in range(200, len(message), 23):
        bad = bytearray(message)
        bad[at] ^= 4
        with pytest.raises(NotOpened) as refused:
            opened(_mail_binary(bytes(bad)))
        assert refused.value.detail == "not-decrypted"


def _mail_binary(message: bytes) -> bytes:
    return _mail(pysequoia.armor(message, pysequoia.ArmorKind.Message).encode())


# Keys that must not be used: PySequoia would use all of them ----------------------------------------------------------


def _code(key: bytes, now, fingerprint: str = "", address: str = GP) -> str:
    with pytest.raises(NoProtection) as refused:
        OpenPgpRecipient.choose(key, fingerprint=fingerprint, address=address, at=now)
    return refused.value.detail


def test_pysequoia_encrypts_to_expired_and_revoked_keys_and_we_do_not(now):
    dead = pysequoia.Tsk.generate(user_id=f"<{GP}>", validity_seconds=60)
    public = bytes(dead.extract_certificate())
    assert _code(public, now + timedelta(hours=1)) == "expired"
    live = pysequoia.Tsk.generate(user_id=f"<{GP}>")
    certificate = live.extract_certificate()
    revoked = bytes(certificate) + bytes(certificate.revoke(live.certifier()))
    assert pysequoia.encrypt(b"x", recipients=[pysequoia.Cert.from_bytes(revoked)])  # the trap that we fence
    assert _code(revoked, now) == "revoked"


@pytest.mark.peer
def test_an_expired_subkey_is_left_out_and_a_live_one_is_used(gpg: Gpg, now):
    gpg("--quick-gen-key", f"Dr <{GP}>", "ed25519", "cert,sign", "2y")
    fingerprint = _fingerprint(gpg, GP)
    assert _code(gpg("--export", GP), now) == "no-encryption-subkey"
    gpg("--quick-add-key", fingerprint, "cv25519", "encr", "1d")
    assert _code(gpg("--export", GP), now + timedelta(days=2)) == "no-encryption-subkey"
    gpg("--quick-add-key", fingerprint, "cv25519", "encr", "1y")
    both = gpg("--export", GP)
    chosen = OpenPgpRecipient.choose(both, fingerprint=fingerprint, address=GP, at=now + timedelta(days=2))
    assert len(bytes(chosen.certificate)) < len(both)
    everything = OpenPgpRecipient.choose(both, fingerprint=fingerprint, address=GP, at=now)
    assert everything.until is not None
    assert everything.until < now + timedelta(days=2)


@pytest.mark.peer
def test_a_revoked_subkey_is_left_out(gpg: Gpg, now):
    gpg("--quick-gen-key", f"Dr <{GP}>", "future-default", "default", "2y")
    edit = b"key 1\nrevkey\ny\n0\n\ny\nsave\n"
    gpg("--command-fd", "0", "--edit-key", GP, content=edit)
    assert _code(gpg("--export", GP), now) == "no-encryption-subkey"


def test_a_key_that_is_not_the_addressees_is_refused(gp_pgp, now):
    public = OpenPgpSigner(gp_pgp).public_key
    assert _code(public, now, address="autre@medecin-essai.mssante.fr") == "address-mismatch"
    assert _code(public, now, fingerprint="0" * 40) == "fingerprint-mismatch"
    assert _code(b"junk", now) == "unreadable-key"
    fingerprint = pysequoia.Cert.from_bytes(public).fingerprint
    spaced = " ".join(fingerprint.upper()[at : at + 4] for at in range(0, 40, 4))
    OpenPgpRecipient.choose(public, fingerprint=spaced, address=GP, at=now)


def test_a_remembered_key_is_checked_again_when_its_time_is_over(hospital_pgp, now, entity):
    short = bytes(pysequoia.Tsk.generate(user_id=f"<{GP}>", validity_seconds=600).extract_certificate())
    signer = OpenPgpSigner(hospital_pgp)
    known = {"fingerprint": "", "address": GP}
    signer.seal(entity, short, at=now, **known)
    signer.seal(entity, short, at=now, **known)
    with pytest.raises(NoProtection) as refused:
        signer.seal(entity, short, at=now + timedelta(hours=1), **known)
    assert refused.value.detail == "expired"


def test_memory_of_keys_is_bounded(hospital_pgp, gp_pgp, now, entity, monkeypatch):
    monkeypatch.setattr("gateway.crypto.openpgp._REMEMBERED", 1)
    signer = OpenPgpSigner(hospital_pgp)
    for fingerprint in ("", pysequoia.Cert.from_bytes(OpenPgpSigner(gp_pgp).public_key).fingerprint):
        signer.seal(entity, OpenPgpSigner(gp_pgp).public_key, fingerprint=fingerprint, address=GP, at=now)
    assert len(signer._recipients) == 1


def test_what_is_no_secret_key_neither_signs_nor_opens(gp_pgp):
    public = OpenPgpSigner(gp_pgp).public_key
    for content in (b"junk", public):
        with pytest.raises(KeyStoreRefused):
            OpenPgpSigner(content)
        with pytest.raises(KeyStoreRefused):
            OpenPgpSecret(content)
    with pytest.raises(KeyStoreRefused):
        public_keys(b"junk")
    assert repr(OpenPgpSecret(gp_pgp)) == "OpenPgpSecret(hidden)"


def test_addresses_are_read_from_user_ids():
    key = pysequoia.Tsk.generate(user_ids=["Dr Essai <a@example.org>", "b@example.org", "no address"])
    assert sorted(addresses_of(key.extract_certificate())) == ["a@example.org", "b@example.org"]


# Keyrings -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    need("gpg", "gpgconf")
    with tempfile.TemporaryDirectory(prefix="hring") as home:
        ring = Keyring(Path(home) / "g")
        yield ring
        ring.close()


@pytest.mark.peer
def test_a_keyring_takes_lists_trusts_exports_and_gives_up_a_key(keyring: Keyring, gp_pgp, now):
    public = OpenPgpSigner(gp_pgp).public_key
    (fingerprint,) = keyring.add(public)
    (listed,) = keyring.list()
    assert listed.fingerprint == fingerprint
    assert listed.user_ids == (f"Docteur Essai <{GP}>",)
    assert listed.trust == "undefined"
    keyring.trust(fingerprint, "fully")
    assert keyring.list()[0].trust == "fully"
    exported = keyring.export(fingerprint)
    assert pysequoia.Cert.from_bytes(exported).fingerprint == fingerprint.lower()
    OpenPgpRecipient.choose(exported, fingerprint=fingerprint, address=GP, at=now)
    keyring.delete(fingerprint)
    assert keyring.list() == ()


@pytest.mark.peer
def test_gpg_and_pysequoia_share_a_secret_key(keyring: Keyring, gp_pgp, opened, seal, entity):
    (fingerprint,) = keyring.add(gp_pgp)
    assert keyring.list(secret=True)[0].fingerprint == fingerprint
    secret = keyring.export_secret(fingerprint)
    keys = OpeningKeys(openpgp=(OpenPgpSecret(secret),))
    assert opened(seal(keyring.export(fingerprint)), keys).entity == entity


@pytest.mark.peer
def test_a_keyring_takes_full_fingerprints_only(keyring: Keyring, gp_pgp):
    (fingerprint,) = keyring.add(OpenPgpSigner(gp_pgp).public_key)
    for name in (GP, fingerprint[-16:], "0" * 40, ""):
        with pytest.raises(KeyStoreRefused):
            keyring.export(name)
    with pytest.raises(KeyStoreRefused):
        keyring.add(b"junk")
    with pytest.raises(KeyStoreRefused):
        keyring.export_secret(fingerprint)


def test_a_home_too_deep_for_the_agents_socket_is_refused_at_once(tmp_path):
    with pytest.raises(KeyStoreRefused) as refused:
        Keyring(tmp_path / ("x" * 90))
    assert "too long a path" in refused.value.detail


@pytest.mark.peer
def test_the_keyrings_folder_is_private(keyring: Keyring):
    assert keyring._home.stat().st_mode & 0o777 == 0o700
    assert repr(keyring) == "Keyring(hidden)"
