"""What the audit of keys finds: weak ones, those that end, those that two people share, those that do not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import prod

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x448, x25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from gateway.crypto.audit.algorithms import SHIPPED, _measured, read_algorithms
from gateway.crypto.audit.calendar import KeyEnd, calendar
from gateway.crypto.audit.problems import AuditedKey, Problem, problems
from gateway.crypto.audit.weak import has_close_primes, is_roca, weakness_of
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.errors import SettingsRefused

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL_PRIMES = [n for n in range(3, 168, 2) if all(n % d for d in range(3, n, 2))]


def fits(_):
    return ""


def codes(keys, *, at=NOW, within=timedelta(days=30), unfit=fits):
    found = problems(keys, read_algorithms(), now=at, within=within, unfit=unfit)
    return [(each.name, each.code) for each in found]


# weak moduli --------------------------------------------------------------------------------------------------------


def roca_prime(start):
    """A prime as the library of CVE-2017-15361 made them: k·M + (65537^a mod M)."""
    primorial = 2 * prod(SMALL_PRIMES)
    rest = pow(65537, start, primorial)
    k = 3 + start
    while not _is_prime(k * primorial + rest):
        k += 1
    return k * primorial + rest


def _is_prime(n):
    return all(n % small for small in SMALL_PRIMES) and pow(2, n - 1, n) == 1


def test_a_modulus_of_the_roca_library_is_told_and_a_sound_one_is_not(gp):
    assert is_roca(roca_prime(5) * roca_prime(77))
    sound = gp.private_key.public_key().public_numbers().n
    assert not is_roca(sound)


def test_primes_too_close_are_told_and_distant_ones_are_not(gp):
    first = _next_prime(1 << 512)
    assert has_close_primes(first * _next_prime(first + 1))
    assert has_close_primes(first * first)
    assert not has_close_primes(gp.private_key.public_key().public_numbers().n, rounds=50)


def _next_prime(n):
    n |= 1
    while not _is_prime(n):
        n += 2
    return n


def openpgp_key(algorithm, *numbers):
    """A public key packet of version 4 (RFC 9580 §5.5.2.2), old format."""
    integers = (
        bits.to_bytes(2, "big") + n.to_bytes((bits + 7) // 8, "big") for n in numbers for bits in [n.bit_length()]
    )
    body = b"\x04" + bytes(4) + bytes([algorithm]) + b"".join(integers)
    return b"\x99" + len(body).to_bytes(2, "big") + body


def of_openpgp(packets):
    return codes([AuditedKey(name="pgp", identity="x", openpgp=packets)])


def test_the_keys_inside_an_openpgp_certificate_are_measured_too(gp, hospital_pgp):
    sound = gp.private_key.public_key().public_numbers().n
    roca = roca_prime(5) * roca_prime(77)
    assert of_openpgp(OpenPgpSigner(hospital_pgp).public_key) == []
    assert of_openpgp(openpgp_key(1, sound, 65537)) == []
    assert of_openpgp(openpgp_key(1, sound, 65537) + openpgp_key(1, roca, 65537)) == [("pgp", "roca")]
    assert of_openpgp(openpgp_key(1, sound, 3)) == [("pgp", "low-exponent")]
    assert of_openpgp(openpgp_key(1, sound >> 1024 | 1, 65537)) == [("pgp", "weak-key")]


@pytest.mark.parametrize("packet", [openpgp_key(17, 3, 5, 7, 11), openpgp_key(1, 9, 1)], ids=["DSA", "no RSA"])
def test_an_openpgp_key_of_an_algorithm_that_nobody_should_use_is_told(packet):
    assert of_openpgp(packet) == [("pgp", "unknown-algorithm")]


def test_each_weakness_has_its_word(gp):
    close = _next_prime(1 << 520)
    assert weakness_of(RSAPublicNumbers(65537, close * _next_prime(close + 2)).public_key()) == "close-primes"
    roca = prod(roca_prime(start) for start in (5, 9, 77, 123, 200))
    assert weakness_of(RSAPublicNumbers(65537, roca).public_key()) == "roca"
    n = gp.private_key.public_key().public_numbers().n
    assert weakness_of(RSAPublicNumbers(3, n).public_key()) == "low-exponent"
    assert weakness_of(gp.private_key.public_key()) == ""
    assert weakness_of(ec.generate_private_key(ec.SECP256R1()).public_key()) == ""


# the dated table ----------------------------------------------------------------------------------------------------


def test_the_table_is_data_and_says_from_when(gp, gp_ec):
    rules = read_algorithms()
    assert rules.why_not(gp.certificate, date(2026, 1, 1)) == ""
    assert rules.why_not(gp.certificate, date(2031, 1, 1)) == "weak-key"
    assert rules.why_not(gp_ec.certificate, date(2031, 1, 1)) == ""
    assert rules.weak_from(gp.certificate, date(2026, 1, 1), date(2032, 1, 1)) == date(2031, 1, 1)
    assert rules.weak_from(gp.certificate, date(2026, 1, 1), date(2030, 1, 1)) is None


def test_another_table_changes_the_answer(tmp_path, gp):
    table = tmp_path / "algorithms.toml"
    table.write_text(SHIPPED.read_text().replace("2031-01-01", "2026-06-01"))
    rules = read_algorithms(table)
    assert rules.why_not(gp.certificate, NOW.date()) == "weak-key"
    table.write_text(SHIPPED.read_text().replace('"rsa"', '"other"'))
    assert read_algorithms(table).why_not(gp.certificate, NOW.date()) == "unknown-algorithm"
    table.write_text(SHIPPED.read_text().replace('"sha1"', '"sha256"'))
    assert read_algorithms(table).why_not(gp.certificate, NOW.date()) == "weak-signature"


@pytest.mark.parametrize("content", ["[[key", "", '[[key]]\nalgorithm = "rsa"\nleast = 1\nfrom = 7\n[[signature]]\n'])
def test_what_is_no_table_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(SettingsRefused) as refused:
        read_algorithms(path)
    assert refused.value.detail == "mine.toml: not a table of algorithms"


def test_an_unknown_signature_algorithm_vouches_for_nothing(gp):
    class Odd:
        """A certificate whose signature algorithm cryptography does not know."""

        def public_key(self):
            return gp.certificate.public_key()

        @property
        def signature_hash_algorithm(self):
            raise UnsupportedAlgorithm("?")

    assert read_algorithms().why_not(Odd(), NOW.date()) == "weak-signature"


def test_every_kind_of_key_is_measured():
    measured = {
        "ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
        "x25519": x25519.X25519PrivateKey.generate().public_key(),
    }
    assert {name: _measured(key) for name, key in measured.items()} == {name: (name, 256) for name in measured}
    assert _measured(x448.X448PrivateKey.generate().public_key())[1] == 0


# problems -----------------------------------------------------------------------------------------------------------


def smime(holder, name, **changes):
    leaf = holder.certificate
    facts = {"identity": leaf.serial_number, "addresses": frozenset({name}), "end": leaf.not_valid_after_utc}
    return AuditedKey(name=name, certificate=leaf, **{**facts, **changes})


def test_a_good_key_has_no_problem(gp_ec):
    assert codes([smime(gp_ec, "gp@essai.example")]) == []


def test_ends_are_told_before_and_after_they_come(gp_ec):
    key = smime(gp_ec, "gp@essai.example")
    end = gp_ec.certificate.not_valid_after_utc
    assert codes([key], at=end - timedelta(days=3)) == [(key.name, "expires-soon")]
    assert codes([key], at=end) == [(key.name, "expired")]
    (found,) = problems([key], read_algorithms(), now=end, within=timedelta(0), unfit=fits)
    assert found == Problem(name=key.name, code="expired", at=end)


def test_a_key_kept_for_opening_may_be_over_weak_and_shared(gp):
    old = smime(gp, "gateway-2020", ours=True, retired=True, end=NOW - timedelta(days=1))
    assert codes([old, smime(gp, "gp@essai.example")], at=NOW) == []
    used = smime(gp, "gateway-2020", ours=True, end=NOW - timedelta(days=1))
    assert (used.name, "expired") in codes([used])


def test_a_certificate_that_outlives_its_algorithm_is_told_with_the_day(authority):
    long = authority.issue(address="gp@essai.example", not_after=datetime(2035, 1, 1, tzinfo=UTC))
    found = problems([smime(long, "gp@essai.example")], read_algorithms(), now=NOW, within=timedelta(0), unfit=fits)
    assert [(each.code, each.at) for each in found] == [("weak-before-its-end", datetime(2031, 1, 1, tzinfo=UTC))]


def test_a_weak_modulus_is_told_once(gp):
    weak = RSAPublicNumbers(3, gp.private_key.public_key().public_numbers().n).public_key()

    class Weak:
        """gp's certificate with an exponent of 3."""

        def public_key(self):
            return weak

    key = AuditedKey(name="gp@essai.example", identity="x", certificate=Weak())
    assert codes([key], unfit=lambda _: "weak-key") == [("gp@essai.example", "low-exponent")]


def test_what_a_sealer_holds_against_a_key_is_told(gp_ec):
    key = smime(gp_ec, "gp@essai.example")
    assert codes([key], unfit=lambda _: "address-mismatch") == [(key.name, "address-mismatch")]


def test_one_key_under_two_names_is_told_for_both(gp_ec):
    """CR-21: whoever holds it reads the other one's letters."""
    keys = [smime(gp_ec, "a@essai.example", identity="k"), smime(gp_ec, "b@essai.example", identity="k")]
    assert codes(keys) == [("a@essai.example", "key-of-another"), ("b@essai.example", "key-of-another")]
    both = frozenset({"a@essai.example", "b@essai.example"})
    assert codes([smime(gp_ec, name, identity="k", addresses=both) for name in sorted(both)]) == []


def test_an_addressee_with_our_own_key_is_told(gp_ec):
    ours = smime(gp_ec, "gateway", ours=True, identity="k", addresses=frozenset({"sortie@essai.example"}))
    assert codes([ours, smime(gp_ec, "gp@essai.example", identity="k")]) != []
    himself = smime(gp_ec, "sortie@essai.example", identity="k")
    assert codes([ours, himself]) == []


# the calendar -------------------------------------------------------------------------------------------------------


def test_ends_are_events_that_a_calendar_reads_and_a_second_import_replaces():
    ends = [
        KeyEnd(name="gateway", fingerprint="ab", at=NOW, words="gateway: clé, « fin »; à renouveler \\ " + "é" * 80)
    ]
    one = calendar(ends, now=NOW, reminder=timedelta(days=30))
    assert one == calendar(ends, now=NOW, reminder=timedelta(days=30))
    lines = one.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert b"DTSTART;VALUE=DATE:20261122" in lines
    assert b"TRIGGER:-P30D" in lines
    assert all(len(line) <= 75 for line in lines)
    unfolded = one.replace(b"\r\n ", b"").decode()
    assert "SUMMARY:gateway: clé\\, « fin »\\; à renouveler \\\\ " + "é" * 80 in unfolded
    uids = {line for line in calendar([*ends, *ends], now=NOW, reminder=timedelta(1)).split(b"\r\n") if b"UID" in line}
    assert len(uids) == 1


def test_a_line_break_in_a_name_makes_no_new_property():
    end = KeyEnd(name="x", fingerprint="", at=NOW, words="a\nSUMMARY:b")
    assert b"\\nSUMMARY:b" in calendar([end], now=NOW, reminder=timedelta(1))
