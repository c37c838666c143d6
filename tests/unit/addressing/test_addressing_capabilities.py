"""What an addressee reads is obeyed and told in the trace; keys are taken in the order of their sources (CR-15)."""

from __future__ import annotations

import pytest
from pysequoia import Tsk

from directory import Source, add_certificate, add_openpgp_key, set_forms, set_gcm
from gateway.letter import Form, OpenPgp, Smime
from tests.unit.addressing import world
from tests.unit.addressing.test_addressing_mailbox import ONE_BOX, certificate_for, policy, to_gp
from tests.unit.addressing.world import codes, sent


def told(outcome):
    (reason,) = (reason for reason in outcome.reasons if reason.code.startswith("reads-"))
    return reason


@pytest.mark.parametrize(
    ("subject", "code"),
    [(ONE_BOX, "reads-by-mailbox"), (world.ONE, "reads-by-practitioner"), ("medecin.mss.example", "reads-by-domain")],
)
def test_the_trace_tells_what_is_read_and_whose_word_that_is(address, folder, subject, code):
    set_forms(folder, subject, frozenset({"hprim-body", "pdf"}))
    outcome = sent(address(to_gp(rpps=world.ONE)))
    assert outcome.forms == {Form.HPRIM_BODY, Form.PDF}
    assert told(outcome).code == code
    assert "text, hprim-body, pdf" in told(outcome).words


def test_settings_and_default_are_told_apart(address):
    by_domain = policy(forms={"medecin.mss.example": frozenset({Form.PDF})})
    assert "reads-by-settings" in codes(sent(address(to_gp(rpps=world.ONE), by_domain)))
    assert "reads-by-default" in codes(sent(address(to_gp(rpps=world.ONE))))


def test_a_certificate_found_somewhere_does_not_displace_the_key_that_the_administrator_pinned(address, folder):
    der, key = certificate_for(ONE_BOX), bytes(Tsk.generate(f"Dr Un <{ONE_BOX}>").extract_certificate())
    add_openpgp_key(folder, ONE_BOX, key, source=Source.ADMINISTRATOR)
    add_certificate(folder, ONE_BOX, der, source=Source.LDAP)
    chosen = sent(address(to_gp(rpps=world.ONE))).protection
    assert isinstance(chosen, OpenPgp)
    assert chosen.alternatives == (Smime(certificate=der),)


def test_of_one_source_the_certificate_comes_first(address, folder):
    add_openpgp_key(folder, ONE_BOX, bytes(Tsk.generate(f"Dr Un <{ONE_BOX}>").extract_certificate()))
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX))
    chosen = sent(address(to_gp(rpps=world.ONE))).protection
    assert isinstance(chosen, Smime)
    assert len(chosen.alternatives) == 1


def test_the_administrators_word_on_gcm_decides_the_envelope(address, folder):
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, gcm=True))
    set_gcm(folder, "medecin.mss.example", gcm=False)
    assert not sent(address(to_gp(rpps=world.ONE))).protection.gcm
