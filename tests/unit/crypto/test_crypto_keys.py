"""Keys on disk and in files: encrypted, private, whole or not at all, and never the wrong one."""

from __future__ import annotations

import json
import os
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.crypto.authority import certificates_pem, new_key, to_p12, to_pem
from gateway.crypto.keys import load_identity, load_pem_identity
from gateway.crypto.keystore import KeyStore
from gateway.crypto.private_file import private_folder, read_private, write_private
from gateway.errors import KeyStoreRefused

FAST = 1 << 12


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", b"mot de passe", cost=FAST)


def test_a_key_comes_back_with_its_certificate_and_chain(store, hospital_ec):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate, hospital_ec.chain)
    back = store.signing_identity("signing")
    assert back.certificate == hospital_ec.certificate
    assert back.chain == hospital_ec.chain
    assert back.private_key.private_numbers() == hospital_ec.private_key.private_numbers()


def test_an_rsa_key_comes_back(store, hospital):
    store.put("signing", hospital.private_key, hospital.certificate)
    assert store.signing_identity("signing").private_key.private_numbers() == hospital.private_key.private_numbers()


def test_an_openpgp_key_comes_back(store, hospital_pgp):
    store.put_openpgp("openpgp", hospital_pgp)
    assert store.openpgp_key("openpgp") == hospital_pgp


def test_the_list_tells_names_and_kinds_without_a_password(store, hospital_ec, hospital_pgp, tmp_path):
    assert store.list() == ()
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.put_openpgp("openpgp", hospital_pgp)
    other = KeyStore(tmp_path / "keys", b"another", cost=FAST)
    assert [(each.name, each.kind) for each in other.list()] == [("openpgp", "openpgp"), ("signing", "smime")]
    assert other.list()[1].certificates == (hospital_ec.certificate,)


def test_no_secret_byte_is_on_the_disk(store, hospital_ec, hospital_pgp, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.put_openpgp("openpgp", hospital_pgp)
    scalar = hospital_ec.private_key.private_numbers().private_value.to_bytes(32, "big")
    for path in (tmp_path / "keys").iterdir():
        content = path.read_bytes()
        assert scalar not in content
        assert scalar.hex().encode() not in content
        assert hospital_pgp[:40] not in content


def test_files_are_private_whatever_the_umask(store, hospital_ec, tmp_path):
    before = os.umask(0)
    try:
        store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys" / "signing.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.key"]


def test_a_wrong_password_opens_nothing(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    with pytest.raises(KeyStoreRefused) as refused:
        KeyStore(tmp_path / "keys", b"Mot de passe", cost=FAST).signing_identity("signing")
    assert refused.value.detail == "signing: wrong password or damaged file"


def test_another_certificate_cannot_be_slipped_in(store, hospital_ec, gp_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.put("other", gp_ec.private_key, gp_ec.certificate)
    path = tmp_path / "keys" / "signing.key"
    document = json.loads(path.read_text())
    document["certificates"] = json.loads((tmp_path / "keys" / "other.key").read_text())["certificates"]
    path.write_text(json.dumps(document))
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("signing")


def test_a_renamed_file_is_not_another_key(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    (tmp_path / "keys" / "signing.key").rename(tmp_path / "keys" / "backup.key")
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("backup")


def test_rename_sets_a_key_aside_and_frees_its_name(store, hospital_ec, gp_ec):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.rename("signing", "signing-1")
    store.put("signing", gp_ec.private_key, gp_ec.certificate)
    assert store.signing_identity("signing-1").certificate == hospital_ec.certificate


def test_a_name_already_taken_is_never_overwritten(store, hospital_ec, gp_ec):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    with pytest.raises(KeyStoreRefused):
        store.put("signing", gp_ec.private_key, gp_ec.certificate)
    assert store.signing_identity("signing").certificate == hospital_ec.certificate


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", ".hidden", "x" * 64])
def test_a_name_is_never_a_path(store, name):
    with pytest.raises(KeyStoreRefused):
        store.signing_identity(name)


def test_a_key_that_is_not_the_certificates_is_refused(store, hospital_ec, gp_ec):
    with pytest.raises(KeyStoreRefused):
        store.put("signing", hospital_ec.private_key, gp_ec.certificate)


def test_the_wrong_kind_is_refused(store, hospital_pgp, hospital_ec):
    store.put_openpgp("openpgp", hospital_pgp)
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("openpgp")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"version": 2, "kind": "smime"}'])
def test_a_file_that_is_no_key_is_refused(store, tmp_path, content):
    private_folder(tmp_path / "keys")
    write_private(tmp_path / "keys" / "signing.key", content)
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("signing")


def test_a_file_asking_for_too_much_memory_is_refused(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    path = tmp_path / "keys" / "signing.key"
    path.write_text(path.read_text().replace(f'"scrypt_n": {FAST}', '"scrypt_n": 1073741824'))
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("signing")


def test_a_file_open_to_others_is_refused(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    (tmp_path / "keys" / "signing.key").chmod(0o640)
    with pytest.raises(KeyStoreRefused) as refused:
        store.signing_identity("signing")
    assert "chmod 600" in refused.value.detail


def test_a_folder_open_to_others_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(KeyStoreRefused):
        private_folder(tmp_path)


def test_only_a_plain_file_holds_a_secret(tmp_path):
    write_private(tmp_path / "real", b"secret")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("", "pipe"):
        with pytest.raises(KeyStoreRefused):
            read_private(tmp_path / name)
    assert read_private(tmp_path / "real") == b"secret"


def test_a_folder_that_is_missing_is_one_clear_refusal(tmp_path):
    with pytest.raises(KeyStoreRefused, match="Key store"):
        write_private(tmp_path / "missing" / "x", b"secret")
    with pytest.raises(KeyStoreRefused) as refused:
        read_private(tmp_path / "x")
    assert refused.value.detail == "x: missing"


def test_replacing_is_asked_for(tmp_path):
    write_private(tmp_path / "x", b"one")
    write_private(tmp_path / "x", b"two", replace=True)
    assert read_private(tmp_path / "x") == b"two"


# Files that people bring --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [b"secret", None])
def test_a_p12_gives_the_identity(hospital_ec, password):
    back = load_identity(to_p12(hospital_ec, password), password)
    assert back.certificate == hospital_ec.certificate
    assert set(back.chain) == set(hospital_ec.chain)


def test_a_pem_gives_the_identity_in_any_order(hospital_ec):
    key, _, rest = to_pem(hospital_ec, b"secret").partition(b"-----BEGIN CERTIFICATE-----")
    shuffled = certificates_pem(hospital_ec.chain) + b"-----BEGIN CERTIFICATE-----" + rest + key
    assert load_pem_identity(shuffled, b"secret").certificate == hospital_ec.certificate


def test_a_wrong_password_of_a_file_is_refused(hospital_ec):
    with pytest.raises(KeyStoreRefused):
        load_identity(to_p12(hospital_ec, b"secret"), b"wrong")
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(to_pem(hospital_ec, b"secret"), b"wrong")
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(to_pem(hospital_ec, b"secret"), None)
    with pytest.raises(KeyStoreRefused):
        load_identity(b"not a file", b"x")


def test_a_file_without_the_pair_is_refused(hospital_ec, gp_ec):
    key = to_pem(hospital_ec, None).partition(b"-----BEGIN CERTIFICATE-----")[0]
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(key, None)
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(key + certificates_pem((gp_ec.certificate,)), None)
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(certificates_pem((gp_ec.certificate,)), None)


def test_a_key_that_cannot_open_smime_is_refused():
    key = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(KeyStoreRefused):
        load_pem_identity(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), None)


def test_keys_never_show(hospital, store):
    assert repr(hospital) == "SigningIdentity(hidden)"
    assert repr(store) == "KeyStore(hidden)"


def test_an_authority_issues_for_hosts_addresses_and_numbers(authority):
    server = authority.issue(address="127.0.0.1", kind="server", key="p256")
    names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    client = authority.issue(address="gw.essai.example", kind="client", key="p384")
    names = client.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gw.essai.example"]
    server.certificate.verify_directly_issued_by(authority.issuer.certificate)
    authority.issuer.certificate.verify_directly_issued_by(authority.root.certificate)
    assert new_key("rsa3072").key_size == 3072


# roll-over ----------------------------------------------------------------------------------------------------------


def test_a_retired_key_opens_and_no_longer_signs(store, hospital_ec, gp_ec):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate, hospital_ec.chain)
    store.retire("signing", "signing-2026")
    store.put("signing", gp_ec.private_key, gp_ec.certificate)
    with pytest.raises(KeyStoreRefused) as refused:
        store.signing_identity("signing-2026")
    assert "opening only" in refused.value.detail
    assert [each.certificate for each in store.opening_identities()] == [gp_ec.certificate, hospital_ec.certificate]
    assert [(key.name, key.retired) for key in store.list()] == [("signing", False), ("signing-2026", True)]


def test_a_retired_key_stays_retired_when_it_is_renamed_or_certified(store, hospital_ec):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.retire("signing", "old")
    store.certify("old", (hospital_ec.certificate,))
    store.rename("old", "older")
    assert [(key.name, key.retired) for key in store.list()] == [("older", True)]


def test_nobody_without_the_password_brings_a_retired_key_back(store, hospital_ec, tmp_path):
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    store.retire("signing", "old")
    path = tmp_path / "keys" / "old.key"
    document = json.loads(path.read_text())
    del document["use"]
    path.write_text(json.dumps(document))
    with pytest.raises(KeyStoreRefused):
        store.signing_identity("old")


def test_openpgp_keys_are_given_for_opening(store, hospital_pgp, hospital_ec):
    store.put_openpgp("openpgp", hospital_pgp)
    store.put("signing", hospital_ec.private_key, hospital_ec.certificate)
    assert store.openpgp_keys() == (hospital_pgp,)


def test_without_a_token_in_the_settings_none_is_asked(store):
    with pytest.raises(KeyStoreRefused) as refused:
        store.token.find(b"")
    assert "token_module" in refused.value.detail
