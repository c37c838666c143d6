"""`huitaine keys gather`: of a file of OpenPGP keys, those that a certifier vouches for are taken, no others."""

from __future__ import annotations

import json
from functools import partial

import pytest

from directory import Directory
from directory.records import Source

pytestmark = pytest.mark.peer
SIGNED, UNSIGNED, SIGNS_ONLY = "signee@cabinet.example", "autre@cabinet.example", "signe.seulement@cabinet.example"
VICTIM = "victime@cabinet.example"
"""Whom the owner of a signed key adds to it afterwards: nobody vouches for that."""


@pytest.fixture
def run(place, run_keys):
    return partial(run_keys, "gather")


@pytest.fixture
def gathered(gpg, tmp_path):
    """A file of a certifier's key and three others, of which it signed two; gives the file and its fingerprint."""
    gpg("--quick-gen-key", "Ordre d'essai <ordre@essai.example>", "ed25519", "cert,sign", "1y")
    for address in (SIGNED, UNSIGNED):
        gpg("--quick-gen-key", f"Dr <{address}>", "future-default", "default", "1y")
    gpg("--quick-gen-key", f"Dr <{SIGNS_ONLY}>", "ed25519", "sign", "1y")
    for address in (SIGNED, SIGNS_ONLY):
        gpg("--default-key", "ordre@essai.example", "--quick-sign-key", fingerprint(gpg, address))
    gpg("--quick-add-uid", SIGNED, f"Dr: {VICTIM} <{VICTIM}>")
    (tmp_path / "all.asc").write_bytes(gpg("--armor", "--export"))
    return tmp_path / "all.asc", fingerprint(gpg, "ordre@essai.example")


def fingerprint(gpg, address):
    listed = gpg("--with-colons", "--list-keys", address).decode().splitlines()
    return next(line.split(":")[9] for line in listed if line.startswith("fpr"))


def test_what_the_certifier_signed_is_taken_and_nothing_else(run, gathered, tmp_path):
    file, certifier = gathered
    data = tmp_path / "here" / "data"
    rows = json.loads(run(file, "--certifier", certifier, "--format", "json"))
    assert sorted(row["valid"] for row in rows) == ["", SIGNS_ONLY, SIGNED]
    assert any({SIGNED, VICTIM} == set(row["addresses"].split(", ")) for row in rows)
    assert Directory.open(data).openpgp_keys(SIGNED) == []
    rows = json.loads(run(file, "--certifier", certifier, "--add", "--format", "json"))
    assert {row["valid"]: row["outcome"] for row in rows} == {SIGNED: "taken", "": "", SIGNS_ONLY: "not-for-encryption"}
    (kept,) = Directory.open(data).openpgp_keys(SIGNED)
    assert kept.source is Source.ADMINISTRATOR
    assert Directory.open(data).openpgp_keys(UNSIGNED) == Directory.open(data).openpgp_keys(VICTIM) == []


def test_a_certifier_who_is_not_there_vouches_for_nobody(run, gathered, tmp_path):
    file, certifier = gathered
    assert "no key with that full fingerprint" in run(file, "--certifier", "0" * 40, "--add", code=3)
    (tmp_path / "junk").write_bytes(b"junk")
    run(tmp_path / "junk", "--certifier", certifier, code=3)


def test_a_certifier_who_signed_none_takes_none(run, gpg, tmp_path):
    gpg("--quick-gen-key", "Ordre <ordre@essai.example>", "ed25519", "cert,sign", "1y")
    gpg("--quick-gen-key", f"Dr <{UNSIGNED}>", "future-default", "default", "1y")
    (tmp_path / "all.asc").write_bytes(gpg("--armor", "--export"))
    run(tmp_path / "all.asc", "--certifier", fingerprint(gpg, "ordre@essai.example"), "--add", code=1)
    assert Directory.open(tmp_path / "here" / "data").openpgp_keys(UNSIGNED) == []
