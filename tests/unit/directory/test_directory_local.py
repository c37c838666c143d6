"""What this hospital knows besides: keys, forms, entries, preferences, absences."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pysequoia import Tsk

from directory import (
    Absence,
    Directory,
    DirectoryError,
    Source,
    add_absence,
    add_certificate,
    add_entry,
    add_openpgp_key,
    import_files,
    prefer,
    remove_absence,
    remove_entry,
    remove_key,
    set_forms,
)
from directory.sharing import SHARED_KEYS
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, write

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOX = "cabinet@ordinaire.example"
RPPS, OTHER = "99900000001", "99900000002"


@pytest.fixture
def directory(tmp_path):
    directory = Directory.open(tmp_path)
    yield directory
    directory.close()


def make(key=None, *names, usage=("key_agreement",), purposes=(), until=NOW + timedelta(days=300), subject=None):
    """A self-signed certificate (DER)."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "Essai")]
    attributes += [x509.NameAttribute(NameOID.EMAIL_ADDRESS, subject)] if subject else []
    builder = x509.CertificateBuilder().subject_name(x509.Name(attributes)).issuer_name(x509.Name(attributes))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(until)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    if usage is not None:
        flags = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False
        ) | dict.fromkeys(usage, True)  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, hashed).public_bytes(Encoding.DER)


def named(*addresses):
    return [x509.RFC822Name(address) for address in addresses]


def refused(call, *values, **more):
    with pytest.raises(DirectoryError) as caught:
        call(*values, **more)
    return caught.value.code


# --- certificates ---------------------------------------------------------------------------------------------------


def test_a_certificate_is_kept_with_its_validity_and_source(tmp_path, directory):
    der = make(None, *named("Cabinet@Ordinaire.example"))
    added = add_certificate(tmp_path, BOX.upper(), der)
    assert directory.certificates("CABINET@ordinaire.example") == [added]
    assert (added.der, added.source, added.gcm) == (der, Source.ADMINISTRATOR, False)
    assert added.valid_at(NOW)
    assert not added.valid_at(NOW + timedelta(days=301))
    assert not added.valid_at(NOW - timedelta(days=2))


def test_pem_is_taken_too_and_the_same_certificate_again_is_one(tmp_path, directory):
    der = make(None, *named(BOX))
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    add_certificate(tmp_path, BOX, pem, source=Source.LDAP)
    add_certificate(tmp_path, BOX, der, source=Source.DIRECTORY)
    assert [one.source for one in directory.certificates(BOX)] == [Source.DIRECTORY]


def test_certificates_come_most_trusted_first_then_longest(tmp_path, directory):
    for source, days in (
        (Source.WKD, 900),
        (Source.ADMINISTRATOR, 10),
        (Source.ADMINISTRATOR, 20),
        (Source.DIRECTORY, 5),
    ):
        add_certificate(tmp_path, BOX, make(None, *named(BOX), until=NOW + timedelta(days=days)), source=source)
    found = directory.certificates(BOX)
    assert [one.source for one in found] == [
        Source.DIRECTORY, Source.ADMINISTRATOR, Source.ADMINISTRATOR, Source.WKD,
    ]  # fmt: skip
    assert found[1].not_after > found[2].not_after


def test_an_address_in_the_subject_counts_when_there_is_no_other(tmp_path):
    assert add_certificate(tmp_path, BOX, make(subject=BOX))


def test_an_internationalised_address_counts(tmp_path):
    address = "prénom@ordinaire.example".encode()
    utf8 = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([12, len(address)]) + address)
    assert add_certificate(tmp_path, address.decode(), make(None, utf8))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-a-certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not-a-certificate"),
        (lambda: make(None, *named(BOX), usage=("digital_signature",)), "not-for-encryption"),
        (lambda: make(ed25519.Ed25519PrivateKey.generate(), *named(BOX), usage=None), "not-for-encryption"),
        (lambda: make(None, *named(BOX), purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)), "not-for-mail"),
        (lambda: make(rsa.generate_private_key(65537, 1024), *named(BOX)), "weak-key"),  # noqa: S505 (on purpose)
        (lambda: make(None, *named("autre@ordinaire.example")), "other-name"),
        (make, "other-name"),
    ],
)
def test_a_certificate_that_cannot_encrypt_to_the_mailbox_is_refused(tmp_path, directory, content, code):
    assert refused(add_certificate, tmp_path, BOX, content() if callable(content) else content) == code
    assert directory.certificates(BOX) == []


def test_mail_protection_among_the_purposes_is_enough(tmp_path):
    purposes = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    assert add_certificate(tmp_path, BOX, make(None, *named(BOX), purposes=purposes, usage=None))


def test_another_name_is_accepted_when_somebody_says_so(tmp_path, directory):
    add_certificate(tmp_path, BOX, make(), any_name=True)
    assert len(directory.certificates(BOX)) == 1


def test_one_key_under_two_mailboxes_that_it_does_not_name_is_refused(tmp_path, directory):
    key = ec.generate_private_key(ec.SECP256R1())
    add_certificate(tmp_path, BOX, make(key, *named(BOX)))
    other = "autre@ordinaire.example"
    assert refused(add_certificate, tmp_path, other, make(key, *named(other))) == "key-of-another"
    assert directory.certificates(other) == []
    shared = make(key, *named(BOX, other))
    assert add_certificate(tmp_path, other, shared)


def put_under(tmp_path, mailbox, row="certificate"):
    """A second process writes what no command takes: all of one table once more, under another mailbox."""
    with closing(sqlite3.connect(tmp_path / "addressees.db")) as database, database:
        columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({row})")]
        values = ", ".join("?" if name == "mailbox" else name for name in columns)
        database.execute(f"INSERT INTO {row} SELECT {values} FROM {row}", (mailbox,))  # noqa: S608 (own names)


def test_a_key_under_a_mailbox_that_it_does_not_name_is_found_until_it_is_taken_away(tmp_path, directory):
    assert directory.keys_of_another() == ()
    fingerprint = add_certificate(tmp_path, BOX, make(None, *named(BOX))).fingerprint
    assert directory.keys_of_another() == ()
    put_under(tmp_path, "autre@ordinaire.example")
    assert directory.keys_of_another() == (fingerprint[:16],)
    remove_key(tmp_path, "autre@ordinaire.example", fingerprint)
    assert directory.keys_of_another() == ()


def test_an_openpgp_key_under_a_mailbox_that_it_does_not_name_is_found(tmp_path, directory):
    key = Tsk.generate(f"Cabinet <{BOX}>").extract_certificate()
    added = add_openpgp_key(tmp_path, BOX, bytes(key))
    put_under(tmp_path, "autre@ordinaire.example", "openpgp")
    assert directory.keys_of_another() == (added.fingerprint[:16].lower(),)


def test_a_key_of_two_mailboxes_that_it_names_and_one_in_two_certificates_are_nobody_elses(tmp_path, directory):
    key, other = ec.generate_private_key(ec.SECP256R1()), "autre@ordinaire.example"
    for mailbox in (BOX, other):
        add_certificate(tmp_path, mailbox, make(key, *named(BOX, other)))
    renewed = ec.generate_private_key(ec.SECP256R1())
    for _ in range(2):
        add_certificate(tmp_path, BOX, make(renewed, *named(BOX)))
    assert directory.keys_of_another() == ()


def test_an_older_certificate_of_the_same_key_that_names_one_of_them_alone_is_told(tmp_path, directory):
    key, other = ec.generate_private_key(ec.SECP256R1()), "autre@ordinaire.example"
    add_certificate(tmp_path, BOX, make(key, *named(BOX)))
    add_certificate(tmp_path, other, make(key, *named(BOX, other)))
    assert len(directory.keys_of_another()) == 1


def test_bytes_that_are_no_key_any_more_name_nobody(tmp_path, directory):
    add_certificate(tmp_path, BOX, make(None, *named(BOX, "autre@ordinaire.example")))
    put_under(tmp_path, "autre@ordinaire.example")
    assert directory.keys_of_another() == ()
    with closing(sqlite3.connect(tmp_path / "addressees.db")) as database, database:
        database.execute("UPDATE certificate SET der = x'00'")
    assert len(directory.keys_of_another()) == 1


def test_looking_for_shared_keys_counts_in_the_index_alone(tmp_path):
    add_certificate(tmp_path, BOX, make(None, *named(BOX)))
    with closing(sqlite3.connect(tmp_path / "addressees.db")) as database:
        plan = [words for *_, words in database.execute(f"EXPLAIN QUERY PLAN {SHARED_KEYS}")]
    assert "SCAN certificate USING COVERING INDEX certificate_key" in plan
    assert "SCAN certificate" not in plan


# --- OpenPGP --------------------------------------------------------------------------------------------------------


def test_an_openpgp_key_is_kept_binary_and_found(tmp_path, directory):
    key = Tsk.generate(f"Cabinet <{BOX}>").extract_certificate()
    added = add_openpgp_key(tmp_path, BOX, str(key).encode())
    assert directory.openpgp_keys(BOX.upper()) == [added]
    assert added.fingerprint == key.fingerprint.upper()
    assert added.valid_at(NOW)


def test_a_key_that_gpg_made_is_taken_with_its_expiry(tmp_path, directory):
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    made, signs_only = [*gpg, "--quick-generate-key"], "signature@ordinaire.example"
    subprocess.run([*made, f"Cabinet <{BOX}>", "future-default", "default", "2y"], check=True, capture_output=True)
    subprocess.run([*made, f"C <{signs_only}>", "ed25519", "sign", "2y"], check=True, capture_output=True)
    key, signer = (
        subprocess.run([*gpg, "--armor", "--export", who], check=True, capture_output=True).stdout
        for who in (BOX, signs_only)
    )
    secret = subprocess.run([*gpg, "--export-secret-keys", BOX], check=True, capture_output=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    added = add_openpgp_key(tmp_path, BOX, key)
    assert added.expires_at is not None
    assert timedelta(days=728) < added.expires_at - datetime.now(UTC) < timedelta(days=732)
    assert directory.openpgp_keys(BOX) == [added]
    assert refused(add_openpgp_key, tmp_path, signs_only, signer) == "not-for-encryption"
    assert refused(add_openpgp_key, tmp_path, BOX, secret) == "secret-key"


def test_a_secret_key_is_refused_however_it_is_written(tmp_path, directory):
    secret = Tsk.generate(f"Cabinet <{BOX}>")
    assert refused(add_openpgp_key, tmp_path, BOX, str(secret).encode()) == "secret-key"
    assert refused(add_openpgp_key, tmp_path, BOX, bytes(secret)) == "secret-key"
    assert directory.openpgp_keys(BOX) == []


def test_what_is_no_key_or_names_another_is_refused(tmp_path):
    other = Tsk.generate("Autre <autre@ordinaire.example>").extract_certificate()
    assert refused(add_openpgp_key, tmp_path, BOX, b"") == "not-a-key"
    assert refused(add_openpgp_key, tmp_path, BOX, b"nonsense") == "not-a-key"
    assert refused(add_openpgp_key, tmp_path, BOX, bytes(other)) == "other-name"
    add_openpgp_key(tmp_path, "autre@ordinaire.example", bytes(other))
    assert refused(add_openpgp_key, tmp_path, BOX, bytes(other), any_name=True) == "key-of-another"


def test_a_revoked_key_is_refused(tmp_path):
    secret = Tsk.generate(f"Cabinet <{BOX}>")
    certificate = secret.extract_certificate()
    revoked = certificate.merge(
        type(certificate).from_bytes(bytes(certificate) + bytes(certificate.revoke(secret.certifier())))
    )
    assert refused(add_openpgp_key, tmp_path, BOX, bytes(revoked)) == "revoked-key"


def test_keys_are_removed_by_fingerprint(tmp_path, directory):
    added = add_certificate(tmp_path, BOX, make(None, *named(BOX)))
    key = add_openpgp_key(tmp_path, BOX, bytes(Tsk.generate(f"C <{BOX}>").extract_certificate()))
    remove_key(tmp_path, BOX, added.fingerprint.upper())
    remove_key(tmp_path, BOX, key.fingerprint.lower())
    assert directory.certificates(BOX) == []
    assert directory.openpgp_keys(BOX) == []
    assert refused(remove_key, tmp_path, BOX, key.fingerprint) == "no-such-key"


# --- forms, entries, preferences ------------------------------------------------------------------------------------


def test_forms_are_set_for_a_mailbox_or_its_domain_and_forgotten(tmp_path, directory):
    set_forms(tmp_path, "@Ordinaire.example", frozenset({"pdf"}))
    assert directory.told(BOX).forms == {"pdf"}
    set_forms(tmp_path, BOX, frozenset({"text", "hprim-body"}))
    assert directory.told(BOX).forms == {"text", "hprim-body"}
    assert directory.told("autre@ordinaire.example").forms == {"pdf"}
    set_forms(tmp_path, BOX, frozenset())
    assert directory.told(BOX).forms == {"pdf"}
    assert refused(set_forms, tmp_path, BOX, frozenset({"docx"})) == "unknown-form"
    assert refused(set_forms, tmp_path, "nobody", frozenset({"pdf"})) == "bad-address"


def test_an_entry_is_a_mailbox_of_its_practitioner_in_both_directions(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX.upper())
    (box,) = directory.by_rpps(RPPS)
    assert (box.address, box.source, box.rpps) == (BOX, Source.ADMINISTRATOR, RPPS)
    assert directory.by_mailbox(BOX) == [box]
    remove_entry(tmp_path, RPPS, BOX)
    assert directory.by_rpps(RPPS) == []
    assert refused(add_entry, tmp_path, "12", BOX) == "bad-number"


def test_an_entry_that_the_national_file_confirms_is_not_doubled(tmp_path, directory):
    import_files(tmp_path, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, mailbox_line(BOX, "8" + RPPS)]))])
    add_entry(tmp_path, RPPS, BOX)
    assert [box.source for box in directory.by_rpps(RPPS)] == [Source.DIRECTORY]
    assert [box.source for box in directory.by_mailbox(BOX)] == [Source.DIRECTORY]
    add_entry(tmp_path, OTHER, BOX)
    assert {box.rpps for box in directory.by_mailbox(BOX)} == {RPPS, OTHER}


def test_what_is_local_survives_an_import(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX)
    import_files(
        tmp_path, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, mailbox_line("a@b.example", "8" + OTHER)]))]
    )
    assert directory.by_rpps(RPPS)
    status = directory.status()
    assert (status.entries, status.mailboxes, status.certificates) == (1, 1, 0)


def test_a_preference_is_the_rank_of_a_mailbox(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX)
    prefer(tmp_path, BOX, 3)
    assert directory.by_rpps(RPPS)[0].rank == 3
    prefer(tmp_path, BOX, None)
    assert directory.by_rpps(RPPS)[0].rank is None


# --- absences -------------------------------------------------------------------------------------------------------


def test_an_absence_covers_its_moments_whatever_the_zone(tmp_path, directory):
    paris = timezone(timedelta(hours=1))
    start, end = datetime(2026, 3, 2, 0, 0, tzinfo=paris), datetime(2026, 3, 9, 0, 0, tzinfo=paris)
    add_absence(tmp_path, Absence(rpps=RPPS, starts_at=start, ends_at=end, substitute=OTHER))
    assert directory.absence(RPPS, NOW).substitute == OTHER
    assert directory.absence(RPPS, start) == directory.absence(RPPS, NOW)
    assert directory.absence(RPPS, start - timedelta(seconds=1)) is None
    assert directory.absence(RPPS, end) is None
    assert directory.absence(OTHER, NOW) is None
    remove_absence(tmp_path, RPPS, start)
    assert directory.absence(RPPS, NOW) is None


def test_of_two_absences_the_one_begun_last_counts(tmp_path, directory):
    for days, substitute in ((9, None), (2, OTHER)):
        starts = NOW - timedelta(days=days)
        add_absence(tmp_path, Absence(rpps=RPPS, starts_at=starts, ends_at=NOW + timedelta(1), substitute=substitute))
    assert directory.absence(RPPS, NOW).substitute == OTHER


@pytest.mark.parametrize(
    ("absence", "code"),
    [
        (Absence(rpps=RPPS, starts_at=NOW, ends_at=NOW), "bad-period"),
        (Absence(rpps=RPPS, starts_at=NOW, ends_at=NOW + timedelta(1), substitute=RPPS), "own-substitute"),
        (Absence(rpps=RPPS, starts_at=NOW, ends_at=NOW + timedelta(1), substitute="Dr X"), "bad-number"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(tmp_path, absence, code):
    assert refused(add_absence, tmp_path, absence) == code


def test_a_reader_that_came_before_the_first_entry_sees_it(tmp_path, directory):
    assert directory.by_rpps(RPPS) == []
    (tmp_path / "addressees.db").touch()
    assert directory.by_rpps(RPPS) == []
    add_entry(tmp_path, RPPS, BOX)
    assert directory.by_rpps(RPPS)


def test_no_record_shows_a_mailbox_or_key_in_its_repr(tmp_path):
    added = add_certificate(tmp_path, BOX, make(None, *named(BOX)))
    assert BOX not in repr(added)
    assert "der" not in repr(added)


def test_a_file_of_another_version_is_refused_and_left_alone(tmp_path, directory):
    import sqlite3

    with sqlite3.connect(tmp_path / "addressees.db") as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    assert refused(directory.by_rpps, RPPS) == "schema"
    assert refused(add_entry, tmp_path, RPPS, BOX) == "schema"


def _settle(path):
    """As if the file had last changed a minute ago: its answers may be remembered."""
    import os
    import time

    moment = time.time_ns() - 60_000_000_000
    os.utime(path, ns=(moment, moment))


def test_an_answer_that_is_remembered_ends_with_the_next_change(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX)
    _settle(tmp_path / "addressees.db")
    for _ in range(3):
        assert len(directory.by_rpps(RPPS)) == 1
        assert directory.by_rpps(OTHER) == []
    add_entry(tmp_path, OTHER, BOX)
    assert len(directory.by_rpps(OTHER)) == 1
    remove_entry(tmp_path, RPPS, BOX)
    assert directory.by_rpps(RPPS) == []


def test_a_fresh_file_is_asked_each_time_even_when_its_time_does_not_move(tmp_path, directory):
    import os

    path = tmp_path / "addressees.db"
    add_entry(tmp_path, OTHER, "autre@ordinaire.example")
    before = path.stat()
    assert directory.by_rpps(RPPS) == []
    add_entry(tmp_path, RPPS, BOX)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # two changes within one tick of the clock
    assert path.stat().st_size == before.st_size
    assert len(directory.by_rpps(RPPS)) == 1


def test_a_restored_file_is_opened_anew(tmp_path, directory):
    import shutil

    add_entry(tmp_path, RPPS, BOX)
    shutil.copy(tmp_path / "addressees.db", tmp_path / "backup.db")
    add_entry(tmp_path, OTHER, BOX)
    assert directory.by_rpps(OTHER)
    (tmp_path / "backup.db").replace(tmp_path / "addressees.db")
    assert directory.by_rpps(OTHER) == []
    assert directory.by_rpps(RPPS)
    (tmp_path / "addressees.db").unlink()
    assert directory.by_rpps(RPPS) == []


def test_what_is_remembered_has_a_bound(tmp_path, directory, monkeypatch):
    from directory import local

    monkeypatch.setattr(local, "_REMEMBERED", 3)
    add_entry(tmp_path, RPPS, BOX)
    _settle(tmp_path / "addressees.db")
    for number in range(20):
        assert directory.told(f"x{number}@b.example").forms is None
    assert len(directory._local._answers) <= 3
    assert len(directory.by_rpps(RPPS)) == 1
