"""`huitaine keys` as typed: keys of a PKCS #11 token, roll-over with overlap, the audit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from commands import keys as keys_command
from commands.check_settings import check_settings
from config.settings import load
from directory.local import connect
from gateway.crypto.authority import certificates_pem, to_pem
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.seal import Sealer
from gateway.letter import MssTls, Smime
from gateway.moments import utc_now
from gateway.service.from_settings.keystores import gateway_keys
from tests.peers.softhsm import fresh_token
from tests.unit.crypto.cms_people import person

SORTIE = "sortie@hopital-essai.mssante.fr"
GP = "dr.essai@medecin-essai.mssante.fr"


@pytest.fixture
def with_token(place):
    """The same with SoftHSM in its settings."""
    token = fresh_token()
    secret = place / "here" / "secrets" / "token-pin"
    secret.write_text(token.pin)
    secret.chmod(0o600)
    settings = place / "here" / "huitaine.toml"
    crypto = f'\n[crypto]\ntoken_module = "{token.module}"\ntoken_label = "{token.label}"\n'
    settings.write_text(settings.read_text() + crypto)
    return place


def listed(run_keys):
    return {row["name"]: row for row in json.loads(run_keys("list", "--format", "json"))}


def issued(authority, request, **dates):
    issuer, now = authority.issuer, datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates.get("since", now - timedelta(days=1)))
        .not_valid_after(dates.get("until", now + timedelta(days=365)))
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


def asked_and_answered(run_keys, place, authority, name, *options):
    run_keys("create", name, "--address", SORTIE, "--request", "ask.csr", *options)
    request = x509.load_pem_x509_csr((place / "ask.csr").read_bytes())
    assert request.is_signature_valid
    answer = certificates_pem((issued(authority, request), authority.issuer.certificate))
    (place / "answer.pem").write_bytes(answer)
    run_keys("import", name, place / "answer.pem")


def store_of(place):
    return gateway_keys(load(place / "here" / "huitaine.toml"))


# a key of the token -------------------------------------------------------------------------------------------------


@pytest.mark.peer
def test_a_letter_signed_by_the_token_verifies_and_one_to_it_opens(
    run_keys, with_token, authority, compose, openssl, der_of
):
    """From the request to the answer, a signature that OpenSSL accepts, an envelope that only the token opens."""
    asked_and_answered(run_keys, with_token, authority, "hsm", "--token")
    assert listed(run_keys)["hsm"]["kind"] == "token"
    identity = store_of(with_token).signing_identity("hsm")
    sealed = Sealer(identity=identity, openpgp=None, clock=utc_now).seal(compose(MssTls())).content
    assert b"Compte rendu" in openssl("-verify", "-CAfile", "roots.pem", "-certfile", "chain.pem", content=sealed)
    to_us = compose(Smime(certificate=der_of(identity)), mailbox=SORTIE)
    letter = Sealer(identity=identity, openpgp=None, clock=utc_now).seal(to_us).content
    keys = OpeningKeys(smime=store_of(with_token).opening_identities())
    opened = open_mail(letter, keys, at=utc_now(), trust_roots=authority.roots)
    assert opened.parts[0].content.startswith(b"Compte rendu")
    document = json.loads((with_token / "here" / "data" / "keys" / "hsm.key").read_text())
    assert document["kind"] == "token"
    assert len(document["key"]) < 64  # the place in the token alone


@pytest.mark.peer
def test_a_key_that_the_tokens_own_tool_made_takes_the_place_of_a_file(run_keys, with_token, authority):
    asked_and_answered(run_keys, with_token, authority, "hsm", "--token")
    run_keys("import", "same", with_token / "answer.pem", "--token")
    store = store_of(with_token)
    assert store.signing_identity("same").certificate == store.signing_identity("hsm").certificate
    (with_token / "foreign.pem").write_bytes(certificates_pem((authority.issuer.certificate,)))
    assert "no key of that certificate" in run_keys("import", "other", with_token / "foreign.pem", "--token", code=3)
    run_keys("rotate", "gateway", "same")
    assert sorted(row["kind"] for row in listed(run_keys).values()) == ["smime-retired", "token", "token"]
    assert store_of(with_token).signing_identity("gateway").private_key.key_size == 3072


def test_without_a_token_in_the_settings_the_keys_to_set_are_named(run_keys, place):
    assert "token_module" in run_keys("create", "hsm", "--address", SORTIE, "--token", code=3)


# roll-over ----------------------------------------------------------------------------------------------------------


def test_what_was_encrypted_to_the_old_key_still_opens_after_the_rotation(run_keys, place, authority, compose, der_of):
    old = store_of(place).signing_identity("gateway")
    to_us = compose(Smime(certificate=der_of(old)), mailbox="passerelle@hopital-essai.mssante.fr")
    letter = Sealer(identity=old, openpgp=None, clock=utc_now).seal(to_us).content
    asked_and_answered(run_keys, place, authority, "next")
    assert "kept for opening" in run_keys("rotate", "gateway", "next")
    store = store_of(place)
    assert store.signing_identity("gateway").certificate != old.certificate
    opened = open_mail(letter, OpeningKeys(smime=store.opening_identities()), at=utc_now(), trust_roots=())
    assert opened.parts[0].content.startswith(b"Compte rendu")
    retired = next(row for row in listed(run_keys).values() if row["kind"] == "smime-retired")
    assert "opening only" in _refusal(store, retired["name"])


def _refusal(store, name):
    with pytest.raises(Exception, match="cannot be opened") as refused:
        store.signing_identity(name)
    return refused.value.detail


def test_an_ed25519_key_of_ours_signs_what_holds_and_its_narrow_audience_is_told(run_keys, place, authority, compose):
    """RFC 8419; OpenSSL 3.0 calls such a signature invalid (CR-03), so whoever takes such a key is told."""
    one = person(authority, "ed25519", address=SORTIE)
    (place / "new.pem").write_bytes(one.pem + b"".join(each.public_bytes(Encoding.PEM) for each in one.chain))
    assert json.loads(run_keys("audit", "--format", "json")) == []
    run_keys("rotate", "gateway", place / "new.pem")
    (told,) = json.loads(run_keys("audit", "--format", "json", code=1))
    assert (told["name"], told["problem"]) == ("gateway", "few-verify")
    assert ("crypto.identity", "few-verify") in [(each.place, each.code) for each in check_settings()]
    store = gateway_keys(load(place / "here" / "huitaine.toml"))
    sealer = Sealer(identity=store.signing_identity("gateway"), openpgp=None, clock=utc_now)
    mail = compose(MssTls(), sender=SORTIE, headers=(("From", SORTIE), ("To", GP)))
    opened = open_mail(sealer.seal(mail).content, OpeningKeys(), at=utc_now(), trust_roots=authority.roots)
    assert opened.authenticated
    assert opened.layers[0].algorithms == ("ed25519", "sha512")


def test_control_an_rsa_key_is_for_everybody(run_keys, place):
    assert "few-verify" not in [each.code for each in check_settings()]


def test_a_key_that_may_not_sign_yet_takes_nobodys_place(run_keys, place, authority):
    run_keys("create", "next", "--address", SORTIE, "--request", "ask.csr")
    assert "has not come from the authority" in run_keys("rotate", "gateway", "next", code=3)
    late = authority.issue(address=SORTIE, key="p256", not_before=datetime.now(UTC) + timedelta(days=3))
    (place / "late.pem").write_bytes(to_pem(late, None))
    assert "not valid before" in run_keys("rotate", "gateway", place / "late.pem", code=3)
    assert "missing" in run_keys("rotate", "gateway", "absent", code=3)
    assert "missing" in run_keys("rotate", "gateway", "gateway", code=3)
    run_keys("rotate", "gateway", code=2)
    assert store_of(place).signing_identity("gateway")


def test_an_openpgp_key_gives_way_to_another(run_keys, place):
    for name in ("pgp", "pgp-next"):
        run_keys("create", name, "--address", SORTIE, "--openpgp")
    run_keys("rotate", "pgp", "pgp-next")
    kinds = sorted(row["kind"] for row in listed(run_keys).values())
    assert kinds == ["openpgp", "openpgp-retired", "smime"]
    assert len(store_of(place).openpgp_keys()) == 2


# audit --------------------------------------------------------------------------------------------------------------


def audit(run_keys, *options, code=1):
    return [
        (row["name"], row["problem"]) for row in json.loads(run_keys("audit", "--format", "json", *options, code=code))
    ]


def test_one_key_of_two_mailboxes_is_told_though_the_import_would_refuse_it(run_keys, place, authority):
    shared = authority.issue(address=GP, key="p256")
    (place / "gp.pem").write_bytes(certificates_pem((shared.certificate,)))
    run_keys("import", GP, place / "gp.pem")
    assert "key" in run_keys("import", "other@medecin-essai.mssante.fr", place / "gp.pem", "--any-name", code=3)
    database = connect(place / "here" / "data" / "addressees.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(certificate)")]
    chosen = ", ".join("'other@medecin-essai.mssante.fr'" if name == "mailbox" else name for name in columns)
    database.execute(f"INSERT INTO certificate SELECT {chosen} FROM certificate")  # noqa: S608 (our own words)
    database.close()
    found = audit(run_keys)
    assert (GP, "key-of-another") in found
    assert ("other@medecin-essai.mssante.fr", "key-of-another") in found
    assert ("other@medecin-essai.mssante.fr", "address-mismatch") in found


def test_an_addressees_openpgp_key_is_looked_at_too(run_keys, place):
    stranger = OpenPgpSigner(OpenPgpSigner.generate("<someone@else.example>")).public_key
    (place / "key.pgp").write_bytes(stranger)
    run_keys("import", GP, place / "key.pgp", "--any-name")
    assert audit(run_keys) == [(GP, "address-mismatch")]


def test_the_settings_own_table_of_algorithms_decides(run_keys, place):
    assert audit(run_keys, code=0) == []
    shipped = Path("gateway/crypto/audit/algorithms.toml")
    shipped = Path(keys_command.__file__).parents[1] / shipped
    (place / "here" / "mine.toml").write_text(shipped.read_text().replace("least = 2048", "least = 8192"))
    settings = place / "here" / "huitaine.toml"
    settings.write_text(settings.read_text() + '\n[crypto]\nalgorithms = "mine.toml"\n')
    assert audit(run_keys) == [("gateway", "weak-key")]
    (place / "here" / "mine.toml").write_text("nonsense")
    assert "not a table" in run_keys("audit", code=3)


def test_the_ends_of_keys_come_as_a_calendar(run_keys, place):
    run_keys("audit", "--calendar", place / "keys.ics")
    content = (place / "keys.ics").read_text()
    assert content.count("BEGIN:VEVENT") == 1
    assert "SUMMARY:gateway" in content
    run_keys("audit", "--calendar", place / "absent" / "keys.ics", code=3)


def test_a_retired_key_that_is_over_is_no_problem(run_keys, place, authority):
    old = authority.issue(
        address=SORTIE,
        key="p256",
        not_before=datetime.now(UTC) - timedelta(days=9),
        not_after=datetime.now(UTC) - timedelta(days=1),
    )
    (place / "old.pem").write_bytes(to_pem(old, None))
    run_keys("import", "old", place / "old.pem")
    assert audit(run_keys) == [("old", "expired")]
    store_of(place).retire("old", "older")
    assert audit(run_keys, code=0) == []
