"""EnvelopedData and AuthEnvelopedData: every recipient, cipher and way to name him; asn1crypto judges the DER."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import Encoding

from directory import keys as directory_keys
from directory.errors import DirectoryError
from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms.agreement import agreed
from gateway.crypto.cms.decrypt import Decrypted, _Gcm, decrypt, read_content_info
from gateway.crypto.cms.der import time
from gateway.crypto.cms.encapsulation import read_kem, wrapping_key
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.unwrap import ContentKey
from gateway.errors import NoProtection, NotOpened
from tests.unit.crypto.cms_people import Person, encrypt_cbc, encrypt_gcm, person, pss_person

KINDS = ("rsa", "p256", "p384", "p521", "brainpool", "x25519", "ml-kem-768", "ml-kem-1024")
TEXT = b"Content-Type: text/plain\r\n\r\nCompte rendu d'essai\r\n"
SIZES = {128: 16, 192: 24, 256: 32}
FORMS: dict[str, Callable[..., bytes]] = {"cbc": encrypt_cbc, "gcm": encrypt_gcm}


@pytest.fixture(scope="session")
def people(authority: TestAuthority) -> dict[str, Person]:
    return {kind: person(authority, kind) for kind in KINDS}


def sealed_to(one: Person, beside: Person, form: str, *, by_key_id: bool = False, **choices) -> bytes:
    """Sealed to one; beside an ML-KEM key there must be a classical one."""
    meant = [CmsRecipient(one.certificate, by_key_id=by_key_id)]
    if meant[0].kem:
        meant.append(CmsRecipient(beside.certificate))
    return FORMS[form](TEXT, meant, **choices)


def opened(ber: bytes, *mine: Person) -> Decrypted:
    kind, content = read_content_info(ber)
    return decrypt(kind, content, mine)


@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sealed_to_a_key_of_any_kind_opens(people, kind, form, bits, by_key_id):
    der = sealed_to(people[kind], people["p256"], form, by_key_id=by_key_id, bits=bits)
    mail = opened(der, people[kind])
    assert mail.content == TEXT
    assert mail.algorithms[0] == f"aes{bits}-{form}"
    assert mail.intact == (form == "gcm")
    assert TEXT not in der


@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_asn1crypto_would_write_the_same_bytes(people, kind, form, by_key_id):
    der = sealed_to(people[kind], people["p256"], form, by_key_id=by_key_id)
    info = cms.ContentInfo.load(der, strict=True)
    assert info.dump(force=True) == der
    for each in info["content"]["recipient_infos"]:
        if each.name == "ori":
            assert read_kem(each.chosen).native  # every field is read
            assert read_kem(each.chosen).dump(force=True) == each.chosen["ori_value"].dump()
        else:
            assert each.chosen.native


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("rsa", "rsaes-oaep"),
        ("p256", "ecdh-sha256kdf"),
        ("p384", "ecdh-sha384kdf"),
        ("p521", "ecdh-sha512kdf"),
        ("brainpool", "ecdh-sha256kdf"),
        ("x25519", "x25519-hkdf-sha256"),
        ("ml-kem-768", "ml-kem-768"),
        ("ml-kem-1024", "ml-kem-1024"),
    ],
)
def test_how_the_content_key_travelled_is_told(people, kind, told):
    assert opened(sealed_to(people[kind], people["p256"], "gcm"), people[kind]).algorithms[1] == told


def test_pkcs1_is_what_cbc_takes_when_nothing_is_said(people):
    assert opened(sealed_to(people["rsa"], people["rsa"], "cbc"), people["rsa"]).algorithms[1] == "rsa"
    with_oaep = sealed_to(people["rsa"], people["rsa"], "cbc", oaep=True)
    assert opened(with_oaep, people["rsa"]).algorithms[1] == "rsaes-oaep"


@pytest.mark.parametrize(
    ("kinds", "by_key_id", "version"),
    [
        (["rsa"], False, "v0"),
        (["rsa"], True, "v2"),
        (["p256"], False, "v2"),
        (["rsa", "x25519"], False, "v2"),
        (["rsa", "ml-kem-768"], False, "v3"),
    ],
)
def test_the_version_is_what_rfc_5652_says(people, kinds, by_key_id, version):
    meant = [CmsRecipient(people[kind].certificate, by_key_id=by_key_id) for kind in kinds]
    assert cms.ContentInfo.load(encrypt_cbc(TEXT, meant))["content"]["version"].native == version
    assert cms.ContentInfo.load(encrypt_gcm(TEXT, meant))["content"]["version"].native == "v0"  # RFC 5083 §2.1


@pytest.mark.parametrize("form", FORMS)
def test_each_of_several_recipients_opens_it(people, form):
    der = FORMS[form](TEXT, [CmsRecipient(people[kind].certificate) for kind in KINDS])
    assert all(opened(der, people[kind]).content == TEXT for kind in KINDS)
    assert opened(der, *people.values()).content == TEXT


@pytest.mark.parametrize("form", FORMS)
def test_a_post_quantum_key_is_never_alone(people, form):
    alone = [CmsRecipient(people[kind].certificate) for kind in ("ml-kem-768", "ml-kem-1024")]
    with pytest.raises(NoProtection) as refused:
        FORMS[form](TEXT, alone)
    assert refused.value.detail == "no-classical-recipient"
    assert FORMS[form](TEXT, [*alone, CmsRecipient(people["rsa"].certificate)])


def test_a_key_that_cannot_encrypt_is_refused(authority: TestAuthority, tmp_path: Path):
    for one in (person(authority, "ed25519"), pss_person(authority, tmp_path)):
        with pytest.raises(NoProtection) as refused:
            CmsRecipient(one.certificate)
        assert refused.value.detail == "unsupported-key"


def test_a_key_that_cryptography_does_not_know_is_refused(people):
    broken = asn1_x509.Certificate.load(people["p256"].certificate.public_bytes(Encoding.DER))
    broken["tbs_certificate"]["subject_public_key_info"]["algorithm"] = {"algorithm": "1.2.3.4"}
    with pytest.raises(NoProtection) as refused:
        CmsRecipient(x509.load_der_x509_certificate(broken.dump(force=True)))
    assert refused.value.detail == "unsupported-key"


def test_a_certificate_without_key_identifier_is_found_by_the_usual_digest(authority: TestAuthority):
    plain = person(authority, "p256", with_ski=False)
    assert opened(encrypt_gcm(TEXT, [CmsRecipient(plain.certificate, by_key_id=True)]), plain).content == TEXT


def test_nothing_is_used_twice(people):
    recipient = CmsRecipient(people["p256"].certificate)
    seen: set[bytes] = set()
    for _ in range(50):
        content = cms.ContentInfo.load(encrypt_gcm(TEXT, [recipient]))["content"]
        info = content["auth_encrypted_content_info"]["content_encryption_algorithm"]["parameters"]
        (kari,) = (each.chosen for each in content["recipient_infos"])
        (sealed,) = (each["encrypted_key"].native for each in kari["recipient_encrypted_keys"])
        seen |= {info.dump(), sealed, kari["originator"].dump(), content["mac"].native}
    assert len(seen) == 4 * 50


def test_thirty_recipient_infos_cost_eight_private_key_operations(people, authority, monkeypatch):
    der = encrypt_gcm(TEXT, [CmsRecipient(people["p256"].certificate)] * 30)
    impostor = replace(people["p256"], private_key=person(authority, "p256").private_key)
    tried = []

    def counted(*given):
        tried.append(given)
        return agreed(*given)

    monkeypatch.setattr("gateway.crypto.cms.unwrap.agreed", counted)
    with pytest.raises(NotOpened):
        opened(der, impostor)
    assert len(tried) == 8
    assert opened(der, people["p256"]).content == TEXT


def test_a_recipient_info_that_is_broken_does_not_hide_one_that_opens(people):
    right = cms.ContentInfo.load(encrypt_gcm(TEXT, [CmsRecipient(people["p256"].certificate)]))
    wrong = cms.ContentInfo.load(encrypt_gcm(b"other", [CmsRecipient(people["rsa"].certificate)]))
    right["content"]["recipient_infos"] = [*wrong["content"]["recipient_infos"], *right["content"]["recipient_infos"]]
    assert opened(right.dump(force=True), people["rsa"], people["p256"]).content == TEXT


def test_recipient_infos_that_we_do_not_know_are_skipped(people):
    mail = cms.ContentInfo.load(encrypt_gcm(TEXT, [CmsRecipient(people["p256"].certificate)]))
    strangers = [
        cms.RecipientInfo("ori", {"ori_type": "1.2.3.4", "ori_value": core.Null()}),
        cms.RecipientInfo(
            "pwri",
            {"version": 0, "key_encryption_algorithm": {"algorithm": "aes256_wrap"}, "encrypted_key": b"x" * 40},
        ),
    ]
    mail["content"]["recipient_infos"] = [*strangers, *mail["content"]["recipient_infos"]]
    assert opened(mail.dump(force=True), people["p256"]).content == TEXT


def test_the_example_of_rfc_9936_derives_as_we_do(vectors: Path):
    """The vector is of ML-KEM-512, which we do not take: everything after the shared secret is the same."""
    vector = json.loads((vectors / "cms" / "ml-kem-512.json").read_text())
    _, content = read_content_info(bytes.fromhex(vector["cms"]))
    (info,) = (read_kem(each.chosen) for each in content["recipient_infos"])
    wrapping = wrapping_key(info, bytes.fromhex(vector["shared_secret"]))
    assert wrapping == bytes.fromhex(vector["kek"])
    key = aes_key_unwrap(wrapping, info["encrypted_key"].native)
    assert _Gcm(content).open(key) == vector["content"].encode()


def test_a_content_key_does_not_show():
    assert repr(ContentKey(key=b"secret", scheme="rsa")) == "ContentKey(rsa)"
    assert "Compte" not in repr(Decrypted(content=TEXT, algorithms=("aes256-gcm", "rsa"), intact=True))


@pytest.mark.parametrize("year", [1950, 2049, 2050, 2999])
def test_times_are_utc_to_2049_and_generalized_after(year):
    """RFC 5652 §11.3."""
    moment = datetime(year, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))
    told = core.UTCTime.load(time(moment)) if year < 2050 else core.GeneralizedTime.load(time(moment))
    assert told.native == moment


@pytest.mark.parametrize("kind", KINDS)
def test_the_directory_takes_a_certificate_of_every_kind_that_seals(people, kind):
    der = people[kind].certificate.public_bytes(Encoding.DER)
    assert directory_keys.read_certificate(der).der == der


def test_the_directory_takes_no_certificate_that_only_signs(authority: TestAuthority):
    with pytest.raises(DirectoryError):
        directory_keys.read_certificate(person(authority, "ed25519").certificate.public_bytes(Encoding.DER))
