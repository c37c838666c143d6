"""What addressees' software reads, as an administrator tells it; and keys that no lower source ever downgrades."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pysequoia import Tsk
from typer.testing import CliRunner

from commands.directory import app
from directory import (
    Directory,
    DirectoryError,
    SetFor,
    Source,
    add_certificate,
    add_entry,
    add_openpgp_key,
    set_forms,
    set_gcm,
)
from tests.unit.directory.test_directory_local import BOX, NOW, OTHER, RPPS, make, named


@pytest.fixture
def directory(tmp_path):
    directory = Directory.open(tmp_path)
    yield directory
    directory.close()


@pytest.fixture
def run(tmp_path, monkeypatch):
    settings = tmp_path / "huitaine.toml"
    settings.write_text('[gateway]\nmode = "test"\ndata = "."\n[directory.forms]\n"autre.example" = ["original"]\n')
    monkeypatch.setenv("HUITAINE_CONFIG", str(settings))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "240")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def told(directory):
    found = directory.told(BOX)
    return found.forms, found.forms_set_for


def test_the_nearest_word_wins_mailbox_then_practitioner_then_domain(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX)
    assert told(directory) == (None, None)
    set_forms(tmp_path, "ORDINAIRE.example", frozenset({"pdf"}))
    assert told(directory) == ({"pdf"}, SetFor.DOMAIN)
    set_forms(tmp_path, RPPS, frozenset({"xdm"}))
    assert told(directory) == ({"xdm"}, SetFor.PRACTITIONER)
    set_forms(tmp_path, BOX, frozenset({"hprim-body"}))
    assert told(directory) == ({"hprim-body"}, SetFor.MAILBOX)
    set_forms(tmp_path, BOX, frozenset())
    assert told(directory) == ({"xdm"}, SetFor.PRACTITIONER)


def test_a_mailbox_that_two_practitioners_share_follows_neither(tmp_path, directory):
    add_entry(tmp_path, RPPS, BOX)
    add_entry(tmp_path, OTHER, BOX)
    set_forms(tmp_path, RPPS, frozenset({"xdm"}))
    assert told(directory) == (None, None)


def test_each_capability_is_looked_for_by_itself(tmp_path, directory):
    set_forms(tmp_path, "@ordinaire.example", frozenset({"pdf"}))
    set_gcm(tmp_path, BOX, gcm=True)
    found = directory.told(BOX)
    assert (found.forms, found.forms_set_for, found.gcm) == ({"pdf"}, SetFor.DOMAIN, True)
    set_gcm(tmp_path, "@ordinaire.example", gcm=False)
    set_gcm(tmp_path, BOX, gcm=None)
    assert directory.told(BOX).gcm is False
    assert directory.told(BOX).forms == {"pdf"}


@pytest.mark.parametrize("said", [True, False])
def test_what_the_administrator_says_of_gcm_goes_before_the_certificate(tmp_path, directory, said):
    add_certificate(tmp_path, BOX, make(None, *named(BOX)))
    assert [one.gcm for one in directory.certificates(BOX)] == [False]
    set_gcm(tmp_path, BOX, gcm=said)
    assert [one.gcm for one in directory.certificates(BOX)] == [said]


@pytest.mark.parametrize("subject", ["nobody", "123", "a@b", "@", "x y.example", "9990000000a"])
def test_a_subject_that_is_neither_mailbox_nor_number_nor_domain_is_refused(tmp_path, subject):
    with pytest.raises(DirectoryError) as caught:
        set_forms(tmp_path, subject, frozenset({"pdf"}))
    assert caught.value.code in {"bad-address", "bad-number"}


@pytest.mark.parametrize("lower", [Source.LDAP, Source.WKD, Source.VERIFIED_MAIL])
def test_the_same_key_found_again_at_a_lower_source_keeps_the_higher_one(tmp_path, directory, lower):
    der, key = make(None, *named(BOX)), bytes(Tsk.generate(f"Dr <{BOX}>").extract_certificate())
    add_certificate(tmp_path, BOX, der, source=Source.ADMINISTRATOR)
    add_openpgp_key(tmp_path, BOX, key, source=Source.ADMINISTRATOR)
    assert add_certificate(tmp_path, BOX, der, source=lower).source is Source.ADMINISTRATOR
    assert add_openpgp_key(tmp_path, BOX, key, source=lower).source is Source.ADMINISTRATOR
    found = [*directory.certificates(BOX), *directory.openpgp_keys(BOX)]
    assert [one.source for one in found] == [Source.ADMINISTRATOR] * 2


def test_set_takes_pairs_and_show_tells_what_is_read_and_by_whose_word(run, tmp_path):
    assert run("set", BOX, f"rpps={RPPS}").exit_code == 0
    assert run("set", RPPS, "reads=pdf,hprim-body", "gcm=yes").exit_code == 0
    add_certificate(tmp_path, BOX, make(None, *named(BOX), until=NOW + timedelta(days=3000)), source=Source.LDAP)
    (box,) = json.loads(run("show", RPPS, "--format", "json").stdout)["mailboxes"]
    assert (box["forms"], box["forms_by"], box["gcm"]) == ("hprim-body, pdf", "practitioner", True)
    (key,) = box["keys"]
    assert (key["kind"], key["source"], key["state"]) == ("smime", "ldap", "usable")
    assert "practitioner" in run("show", RPPS).stdout
    assert run("set", RPPS, "reads=", "gcm=").exit_code == 0
    (box,) = json.loads(run("show", RPPS, "--format", "json").stdout)["mailboxes"]
    assert (box["forms_by"], box["gcm"]) == ("default", None)


def test_an_expired_key_is_shown_as_what_it_is(run, tmp_path):
    run("set", BOX, f"rpps={RPPS}")
    add_certificate(tmp_path, BOX, make(None, *named(BOX), until=NOW))
    (box,) = json.loads(run("show", RPPS, "--format", "json").stdout)["mailboxes"]
    assert (box["certificates"], box["keys"][0]["state"]) == (0, "expired")


def test_a_domain_of_the_settings_is_told_apart_from_the_default(run):
    run("set", "un@autre.example", f"rpps={RPPS}")
    (box,) = json.loads(run("show", RPPS, "--format", "json").stdout)["mailboxes"]
    assert (box["forms"], box["forms_by"]) == ("original", "settings")


@pytest.mark.parametrize(
    ("pair", "code"), [("reads", 2), ("font=big", 2), ("gcm=maybe", 3), ("rank=first", 3), ("reads=docx", 3)]
)
def test_a_pair_that_says_nothing_known_is_refused_and_sets_nothing(run, directory, pair, code):
    assert run("set", BOX, "reads=pdf", pair).exit_code == code
    assert told(directory) == (None, None)
