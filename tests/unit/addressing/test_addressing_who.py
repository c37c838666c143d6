"""Who is meant: the envelope, the documents, the patient, the sender's wishes."""

from __future__ import annotations

import pytest

from directory import add_entry
from gateway.document import Identifier, Role, Wishes
from gateway.letter import Addressed, Form, Held, Mode, MssTls, Recipient, protection_name
from tests.unit.addressing import world
from tests.unit.addressing.world import codes, document, held, letter, named, only, patient, policy, sent

PATIENT_BOX = f"{world.INS}@patient.mss.example"


def test_auto_writes_to_the_gp_that_the_letter_names_by_rpps(address):
    outcome = sent(address(letter(document(named(rpps=world.ONE)), to=(f"auto@{world.OURS}",))))
    assert outcome.mailbox == "un@medecin.mss.example"
    assert outcome.addressee.role is Role.GP
    assert outcome.addressee.rpps == world.ONE
    assert outcome.in_mssante
    assert outcome.protection == MssTls()
    assert outcome.forms == frozenset({Form.PDF, Form.XDM})
    assert codes(outcome) == [
        "named", "wrong-key-of-number", "one-mailbox", "mailbox-known", "in-white-list", "reads-by-default",
        "mss-tls",
    ]  # fmt: skip


def test_a_letter_that_came_without_envelope_goes_to_whom_it_names(address):
    assert sent(address(letter(document(named(rpps=world.ONE))))).mailbox == "un@medecin.mss.example"


def test_gp_referrer_and_copies_each_get_their_own(address):
    names = (
        named(Role.GP, rpps=world.ONE),
        named(Role.REFERRER, rpps=world.SPECIALIST),
        named(Role.COPY, rpps=world.SUBSTITUTE),
    )
    outcomes = address(letter(document(*names), to=(f"AUTO@{world.OURS.upper()}",)))
    assert [outcome.addressee.role for outcome in outcomes] == [Role.GP, Role.REFERRER, Role.COPY]
    assert len({outcome.mailbox for outcome in outcomes}) == 3


def test_one_addressee_that_cannot_be_found_does_not_stop_the_others(address):
    outcomes = address(letter(document(named(rpps=world.ONE), named(Role.COPY, rpps=world.UNKNOWN))))
    assert isinstance(outcomes[0], Addressed)
    assert isinstance(outcomes[1], Held)
    assert outcomes[1].reason.code == "unknown-number"


def test_a_gp_known_by_his_old_adeli_number_is_found(address):
    assert sent(address(letter(document(named(adeli=world.ADELI))))).mailbox == "treize@medecin.mss.example"


def test_a_name_alone_never_sends(address):
    outcome = only(address(letter(document(named(family="HODA", given="Adam")))))
    assert isinstance(outcome, Held)
    assert outcome.reason.code == "name-only"
    assert "HODA" not in repr(outcome)


def test_the_senders_own_code_alone_never_sends_and_the_reason_says_where_to_put_it(address):
    outcome = only(address(letter(document(named(family="HODA", given="Adam", local_code="HOD01")))))
    assert isinstance(outcome, Held)
    assert outcome.reason.code == "own-code-only"
    assert "[sources." in outcome.reason.words
    assert "HODA" not in repr(outcome)
    assert "HOD01" not in repr(outcome)


def test_a_letter_that_names_nobody_waits_for_a_person(address):
    assert held(address(letter(document(), to=(f"auto@{world.OURS}",)))) == "no-addressee"


@pytest.mark.parametrize("number", [world.ONE, "8" + world.ONE])
def test_a_number_at_our_rpps_domain_asks_the_directory(address, number):
    outcome = sent(address(letter(document(), to=(f"{number}@rpps.{world.OURS}",))))
    assert outcome.mailbox == "un@medecin.mss.example"
    assert outcome.addressee.rpps == world.ONE


@pytest.mark.parametrize("local", ["123", "adam.hoda", "9900000000A", ""])
def test_what_is_no_number_at_our_rpps_domain_is_held(address, local):
    assert held(address(letter(document(), to=(f"{local}@rpps.{world.OURS}",)))) == "not-a-number"


@pytest.mark.parametrize("domain", [world.OURS, f"autre.{world.OURS}"])
def test_any_other_name_in_our_domain_is_held(address, domain):
    assert held(address(letter(document(), to=(f"dr.hoda@{domain}",)))) == "not-an-addressee-of-ours"


def test_a_recipient_of_the_envelope_takes_the_role_that_the_document_gives_him(address):
    parsed = letter(document(named(Role.REFERRER, rpps=world.ONE)), to=(f"{world.ONE}@rpps.{world.OURS}",))
    assert sent(address(parsed)).addressee.role is Role.REFERRER
    parsed = letter(document(named(Role.COPY, mailbox="Un@medecin.mss.example")), to=("un@MEDECIN.mss.example",))
    assert sent(address(parsed)).addressee.role is Role.COPY


def test_a_recipient_that_no_document_names_counts_as_the_gp(address):
    outcome = sent(address(letter(document(), to=("un@medecin.mss.example",))))
    assert outcome.addressee.role is Role.GP
    assert outcome.addressee.rpps == world.ONE
    assert "role-assumed" in codes(outcome)


def test_a_recipient_besides_the_named_gp_is_a_copy(address):
    outcome = sent(address(letter(document(named(rpps=world.ONE)), to=("onze@medecin.mss.example",))))
    assert outcome.addressee.role is Role.COPY


def test_a_specialist_is_not_counted_as_the_gp(address):
    assert sent(address(letter(document(), to=("neuf@medecin.mss.example",)))).addressee.role is Role.COPY


def test_a_secretariat_is_an_organisation(address):
    assert sent(address(letter(document(), to=("cardio@ch.mss.example",)))).addressee.role is Role.ORGANISATION


def test_the_senders_dsn_parameters_follow_each_addressee(address):
    auto = Recipient(address=f"auto@{world.OURS}", notify=("SUCCESS", "FAILURE"), orcpt="rfc822;auto@x")
    outcomes = address(letter(document(named(rpps=world.ONE), named(family="HODA")), to=(auto,)))
    assert {outcome.addressee.notify for outcome in outcomes} == {("SUCCESS", "FAILURE")}
    assert {outcome.addressee.orcpt for outcome in outcomes} == {"rfc822;auto@x"}


# --- the same one twice ---------------------------------------------------------------------------------------------


def test_the_same_mailbox_twice_is_one_letter_for_the_highest_role(address):
    parsed = letter(document(named(Role.COPY, rpps=world.ONE)), document(named(Role.GP, rpps=world.ONE)))
    outcome = sent(address(parsed))
    assert outcome.addressee.role is Role.GP
    assert "same-mailbox" in codes(outcome)


def test_the_mailbox_that_the_envelope_names_wins_over_the_one_looked_up_for_the_same_person(address):
    to = (f"auto@{world.OURS}", "deux@cabinet.mss.example")
    outcome = sent(address(letter(document(named(rpps=world.CABINET_AND_GENERIC)), to=to)))
    assert outcome.mailbox == "deux@cabinet.mss.example"
    assert outcome.addressee.role is Role.GP


def test_two_mailboxes_of_one_person_that_the_envelope_names_are_two_letters(address):
    to = ("deux@cabinet.mss.example", "deux@medecin.mss.example")
    assert len(address(letter(document(), to=to))) == 2


def test_the_same_case_of_mailbox_twice_is_held_once(address):
    to = ("inconnu@medecin.mss.example", "Inconnu@medecin.mss.example")
    assert held(address(letter(document(), to=to))) == "mailbox-not-in-directory"


def test_two_different_unknown_mailboxes_are_two_outcomes(address):
    assert len(address(letter(document(named(family="A"), named(Role.COPY, family="B"))))) == 2


def test_who_is_reached_by_number_is_not_held_for_a_bad_mailbox_besides(address):
    to = (f"{world.ONE_REFUSED}@rpps.{world.OURS}", "dix@medecin.mss.example")
    assert sent(address(letter(document(), to=to))).mailbox == "dix@cabinet.mss.example"


# --- wishes and rights ----------------------------------------------------------------------------------------------


def test_a_letter_masked_to_professionals_is_held_for_them(address):
    wishes = Wishes(to_professionals=True, hidden_from_professionals=True)
    for to in ((), ("un@medecin.mss.example",), (f"{world.ONE}@rpps.{world.OURS}",)):
        assert (
            held(address(letter(document(named(rpps=world.ONE), wishes=wishes), to=to))) == "hidden-from-professionals"
        )


def test_one_masked_document_masks_the_whole_letter(address):
    masked = document(named(rpps=world.ONE), wishes=Wishes(hidden_from_professionals=True))
    assert held(address(letter(document(named(rpps=world.ONE)), masked))) == "hidden-from-professionals"


def test_a_letter_for_the_patient_alone_does_not_go_to_the_gp_it_mentions(address):
    wishes = Wishes(to_professionals=False, to_patient=True)
    outcome = sent(address(letter(document(named(rpps=world.ONE), wishes=wishes, who=patient()))))
    assert outcome.addressee.role is Role.PATIENT
    assert outcome.mailbox == PATIENT_BOX


def test_a_letter_not_wished_for_professionals_is_held_for_one_in_the_envelope(address):
    parsed = letter(document(wishes=Wishes(to_professionals=False)), to=("un@medecin.mss.example",))
    assert held(address(parsed)) == "professionals-not-wished"


def test_a_letter_for_nobody_waits_for_a_person(address):
    assert (
        held(address(letter(document(named(rpps=world.ONE), wishes=Wishes(to_professionals=False))))) == "no-addressee"
    )


def test_the_patient_gets_it_only_when_wished(address):
    assert held(address(letter(document(who=patient())))) == "no-addressee"
    assert sent(address(letter(document(who=patient(), wishes=Wishes(to_patient=True))))).mailbox == PATIENT_BOX


@pytest.mark.parametrize(
    "who",
    [
        patient(qualified=False),
        patient(ins="279035121518900"),
        patient(oid="1.2.250.1.213.1.4.2"),
        None,
    ],
    ids=["not qualified", "wrong key", "computed INS", "no patient"],
)
def test_without_a_qualified_ins_there_is_no_patients_mailbox(address, who):
    assert held(address(letter(document(who=who, wishes=Wishes(to_patient=True))))) == "patient-not-qualified"
    assert held(address(letter(document(who=who), to=(PATIENT_BOX,)))) == "patient-not-qualified"


def test_a_mailbox_of_another_patient_is_held(address):
    other = "175050000000080@patient.mss.example"
    assert held(address(letter(document(who=patient()), to=(other,)))) == "patient-mismatch"
    named_wrongly = document(named(Role.PATIENT, mailbox=other), who=patient())
    assert held(address(letter(named_wrongly))) == "patient-mismatch"


@pytest.mark.parametrize("box", [PATIENT_BOX, PATIENT_BOX.upper() + ".", "175050000000080@patient.mss.example"])
@pytest.mark.parametrize("number", [None, world.UNKNOWN])
def test_no_professionals_role_leads_to_a_patients_mailbox(address, box, number):
    """Neither would it be known to be this patient's, nor would what he may not see be held back."""
    names = named(Role.COPY, mailbox=box, rpps=number)
    assert held(address(letter(document(names, who=patient(), wishes=Wishes(hidden_from_patient=True))))) == (
        "mailbox-of-a-patient"
    )


def test_an_entry_of_the_administrator_leads_to_no_patients_mailbox(address, folder):
    add_entry(folder, world.NO_BOX, PATIENT_BOX)
    assert held(address(letter(document(named(rpps=world.NO_BOX), who=patient())))) == "mailbox-of-a-patient"


def test_two_qualified_patients_in_one_letter_have_no_mailbox(address):
    """The second one's key is wrong: that makes him no less another."""
    second = document(who=patient(ins="175050000000099"))
    assert held(address(letter(document(who=patient()), second, to=(PATIENT_BOX,)))) == "patient-not-qualified"


def test_the_patient_named_as_addressee_gets_it(address):
    parsed = letter(document(named(Role.PATIENT, mailbox=PATIENT_BOX), who=patient()))
    assert sent(address(parsed)).addressee.role is Role.PATIENT


def test_a_patients_mailbox_in_the_envelope_is_used_for_that_patient(address):
    outcome = sent(address(letter(document(who=patient()), to=(PATIENT_BOX,))))
    assert (outcome.mailbox, outcome.addressee.role) == (PATIENT_BOX, Role.PATIENT)


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        (Wishes(to_patient=True, hidden_from_patient=True), "hidden-from-patient"),
        (Wishes(to_patient=False), "patient-not-wished"),
    ],
)
def test_what_the_patient_may_not_see_is_held_for_him(address, wishes, code):
    parsed = letter(document(named(Role.PATIENT), who=patient(), wishes=wishes))
    assert held(address(parsed)) == code


@pytest.mark.parametrize(("born", "hidden"), [("2015-06-01", True), ("", True), ("1979-03-28", False)])
def test_what_parents_may_not_see_is_held_for_a_patient_who_may_be_a_minor(address, born, hidden):
    wishes = Wishes(to_patient=True, hidden_from_legal_representatives=True)
    outcome = only(address(letter(document(who=patient(born=born), wishes=wishes))))
    assert isinstance(outcome, Held) is hidden
    assert not hidden or outcome.reason.code == "hidden-from-legal-representatives"


# --- test and production never mix ----------------------------------------------------------------------------------


def test_production_holds_a_test_identity(address):
    for oid in ("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"):
        assert held(address(letter(document(named(rpps=world.ONE), who=patient(oid=oid))))) == "test-identity"


def test_test_holds_a_real_identity(address):
    rules = policy(mode=Mode.TEST, test_domains=frozenset({"medecin.mss.example"}))
    assert held(address(letter(document(named(rpps=world.ONE), who=patient())), rules)) == "real-identity"


def test_test_reaches_test_domains_only(address):
    rules = policy(mode=Mode.TEST, test_domains=frozenset({"medecin.mss.example"}))
    test_patient = patient(oid="1.2.250.1.213.1.4.10")
    assert sent(address(letter(document(named(rpps=world.ONE), who=test_patient)), rules))
    to = ("trois@cabinet.mss.example",)
    assert held(address(letter(document(), to=to), rules)) == "not-a-test-domain"


def test_test_asks_no_white_list_for_its_test_domains(address):
    rules = policy(mode=Mode.TEST, test_domains=frozenset({"parti.example"}))
    assert sent(address(letter(document(named(rpps=world.OUTSIDE))), rules)).in_mssante


def test_production_never_writes_to_a_test_domain(address):
    rules = policy(test_domains=frozenset({"medecin.mss.example"}))
    assert held(address(letter(document(named(rpps=world.ONE))), rules)) == "test-domain"


def test_a_test_patients_mailbox_follows_from_his_test_identity(address):
    rules = policy(mode=Mode.TEST, test_domains=frozenset({"patient.mss.example"}))
    parsed = letter(document(who=patient(oid="1.2.250.1.213.1.4.10"), wishes=Wishes(to_patient=True)))
    assert protection_name(sent(address(parsed, rules)).protection) == "mss-tls"


def test_no_outcome_shows_a_mailbox_or_an_identity_in_its_repr(address):
    identifier = Identifier(value="secret", authority="x")
    assert "secret" not in repr(identifier)
    outcome = only(address(letter(document(who=patient(), wishes=Wishes(to_patient=True)))))
    assert world.INS not in repr(outcome.addressee) + repr(outcome.reasons)
