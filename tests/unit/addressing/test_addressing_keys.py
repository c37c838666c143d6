"""Which of an addressee's keys seals, and what the trace says of each that does not (CR-15, CR-20)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pysequoia import Tsk

from directory import Source, add_certificate, add_openpgp_key
from gateway.addressing import Floor
from gateway.document import Role
from gateway.letter import MssTls, OpenPgp, Smime
from tests.unit.addressing import world
from tests.unit.addressing.world import (
    DAY,
    NOW,
    certificate_for,
    codes,
    document,
    held,
    letter,
    named,
    only,
    policy,
    sent,
)

BOX = "un@medecin.mss.example"
TRUSTED = [Source.DIRECTORY, Source.ADMINISTRATOR, Source.VERIFIED_MAIL, Source.LDAP]


@pytest.fixture
def outcomes(address):
    def asked(**rules):
        return address(letter(document(named(Role.GP, rpps=world.ONE))), policy(**rules) if rules else None)

    return asked


def published(folder):
    key = bytes(Tsk.generate(f"Dr Un <{BOX}>").extract_certificate())
    return add_openpgp_key(folder, BOX, key, source=Source.WKD)


def over(folder, source):
    add_certificate(folder, BOX, certificate_for(BOX, begins=NOW - 9 * DAY, ends=NOW - DAY), source=source)


def test_what_the_domain_publishes_serves_where_nobody_else_has_a_key(outcomes, folder):
    published(folder)
    outcome = sent(outcomes())
    assert isinstance(outcome.protection, OpenPgp)
    assert codes(outcome)[-1] == "openpgp"
    assert "wkd" in outcome.reasons[-1].words


@pytest.mark.parametrize("source", TRUSTED)
def test_what_the_domain_publishes_never_stands_in_for_a_key_that_is_over(outcomes, folder, source):
    """A web server that is taken over must not get the letters by waiting for a certificate's end."""
    published(folder)
    over(folder, source)
    asked = outcomes(mss_tls_allowed=False)
    assert held(asked) == "certificate-expired"
    assert {"key-less-trusted", "key-expired"} <= set(codes(only(asked)))


@pytest.mark.parametrize("source", TRUSTED)
def test_what_the_domain_publishes_is_not_even_an_alternative(outcomes, folder, source):
    published(folder)
    add_certificate(folder, BOX, certificate_for(BOX), source=source)
    outcome = sent(outcomes())
    assert isinstance(outcome.protection, Smime)
    assert outcome.protection.alternatives == ()
    assert codes(outcome)[-2:] == ["key-less-trusted", "certificate"]


def test_a_renewed_certificate_from_a_signed_mail_serves_when_the_directorys_is_over(outcomes, folder):
    over(folder, Source.DIRECTORY)
    add_certificate(folder, BOX, certificate_for(BOX), source=Source.VERIFIED_MAIL)
    outcome = sent(outcomes())
    assert codes(outcome)[-2:] == ["key-expired", "certificate"]
    assert "directory" in outcome.reasons[-2].words
    assert "verified-mail" in outcome.reasons[-1].words


def test_each_key_that_is_passed_over_is_told_with_its_reason(outcomes, folder):
    over(folder, Source.ADMINISTRATOR)
    add_certificate(folder, BOX, certificate_for(BOX, begins=NOW + DAY, ends=NOW + 9 * DAY), source=Source.LDAP)
    add_certificate(folder, BOX, certificate_for(BOX), source=Source.DIRECTORY)
    assert held(outcomes(floors={BOX: Floor.GCM})) == "below-floor"
    told = codes(only(outcomes(floors={BOX: Floor.GCM})))
    assert told[-4:-1] == ["key-below-floor", "key-expired", "key-not-yet-valid"]
    assert codes(sent(outcomes()))[-3:] == ["key-expired", "key-not-yet-valid", "certificate"]


def test_tls_alone_is_explained_by_the_keys_that_did_not_serve(outcomes, folder):
    over(folder, Source.DIRECTORY)
    outcome = sent(outcomes(mss_tls_allowed=True))
    assert isinstance(outcome.protection, MssTls)
    assert codes(outcome)[-2:] == ["key-expired", "mss-tls"]


def test_a_key_that_ends_while_the_letter_waits_is_looked_at_anew(outcomes, folder):
    add_certificate(folder, BOX, certificate_for(BOX, begins=NOW - DAY, ends=NOW + timedelta(seconds=1)))
    assert isinstance(sent(outcomes()).protection, Smime)
