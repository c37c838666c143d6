"""Which mailbox, whether it may be written to, and how the letter is protected for it."""

from __future__ import annotations

import pytest
from pysequoia import Tsk

from directory import (
    Absence,
    Directory,
    Source,
    add_absence,
    add_certificate,
    add_entry,
    add_openpgp_key,
    prefer,
    set_forms,
)
from directory.fold import same_family
from gateway.addressing import Floor, Unknown
from gateway.addressing.reasons import WORDS
from gateway.document import Identifier, Role
from gateway.letter import AsReceived, Form, Held, Mode, MssTls, OpenPgp, Smime
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

ONE_BOX = "un@medecin.mss.example"


def to_gp(**more):
    return letter(document(named(**more)))


def finess(number: str) -> Identifier:
    return Identifier(value=number, authority="FINESS", type="FINEG")


# --- one, several, none ---------------------------------------------------------------------------------------------


def test_of_several_mailboxes_the_one_of_the_named_organisation_is_chosen(address):
    for number in ("990000002", "1990000002"):
        outcome = sent(address(to_gp(rpps=world.TWO_PLACES, organisation_id=finess(number))))
        assert outcome.mailbox == "trois@ch.mss.example"
        assert "chosen-by-structure" in codes(outcome)
        assert "several-mailboxes" in codes(outcome)


def test_of_several_mailboxes_the_administrators_preference_is_chosen(address, folder):
    prefer(folder, "trois@ch.mss.example", 1)
    prefer(folder, "trois@cabinet.mss.example", 2)
    outcome = sent(address(to_gp(rpps=world.TWO_PLACES)))
    assert outcome.mailbox == "trois@ch.mss.example"
    assert "chosen-by-preference" in codes(outcome)


def test_of_several_mailboxes_the_generic_domain_is_chosen(address):
    outcome = sent(address(to_gp(rpps=world.CABINET_AND_GENERIC)))
    assert outcome.mailbox == "deux@medecin.mss.example"
    assert "chosen-by-generic-domain" in codes(outcome)


def test_of_several_mailboxes_the_one_bound_to_no_structure_is_chosen(address):
    outcome = sent(address(to_gp(rpps=world.CABINET_AND_GENERIC), policy(generic_domains=())))
    assert outcome.mailbox == "deux@medecin.mss.example"
    assert "chosen-by-person" in codes(outcome)


def test_of_several_mailboxes_that_nothing_tells_apart_the_choice_is_always_the_same(address):
    outcome = sent(address(to_gp(rpps=world.ALIKE, organisation_id=finess("990000001"))))
    assert outcome.mailbox == "a.douze@cabinet.mss.example"
    assert "chosen-by-order" in codes(outcome)


def test_without_a_personal_mailbox_the_practices_own_is_used(address):
    outcome = sent(address(to_gp(rpps=world.PRACTICE_ONLY)))
    assert outcome.mailbox == "secretariat@cabinet.mss.example"
    assert outcome.addressee.role is Role.GP
    assert "organisation-mailbox" in codes(outcome)


def test_a_service_of_a_hospital_never_gets_the_letter_of_a_gp_who_works_there(address):
    assert held(address(to_gp(rpps=world.TWO_SERVICES, organisation_id=finess("990000011")))) == "services-alone"
    assert held(address(to_gp(rpps=world.ONE_SERVICE))) == "services-alone"
    assert held(address(to_gp(organisation_id=finess("990000015"), role=Role.ORGANISATION))) == "services-alone"
    told = sent(address(to_gp(rpps=world.ONE_SERVICE), policy(post_services=frozenset({"DIALYSE"}))))
    assert told.mailbox == "dialyse@ch.mss.example"


def test_a_mailbox_in_the_envelope_must_be_that_of_the_number_that_the_document_names(address):
    """A mailbox moved to another doctor, or his colleague's: not even the envelope sends it there."""
    colleague, nurse = "neuf@medecin.mss.example", "infirmier@medecin.mss.example"
    names = named(rpps=world.ONE, mailbox=colleague)
    assert held(address(letter(document(names), to=(colleague,)))) == "mailbox-of-another"
    assert sent(address(letter(document(named(rpps=world.SPECIALIST, mailbox=colleague)), to=(colleague,))))
    assert held(address(to_gp(mailbox=nurse))) == "gp-not-a-doctor"
    assert held(address(letter(document(named(rpps=world.NURSE, mailbox=nurse)), to=(nurse,)))) == "gp-not-a-doctor"
    assert sent(address(to_gp(mailbox=nurse, role=Role.COPY)))


def test_an_organisations_mailbox_that_the_sender_gives_must_be_of_a_place_of_his(address):
    at_work, elsewhere = "secretariat@cabinet.mss.example", "dialyse@ch.mss.example"
    assert sent(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox=at_work))).mailbox == at_work
    assert held(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox=elsewhere))) == "organisation-of-others"
    assert sent(address(to_gp(rpps=world.UNKNOWN, mailbox=at_work))).mailbox == at_work


def test_the_mailbox_of_the_legal_entity_of_his_place_is_that_of_a_place_of_his(address):
    assert sent(address(to_gp(rpps=world.OF_A_SITE, mailbox="siege@ch.mss.example")))
    assert held(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox="siege@ch.mss.example"))) == "organisation-of-others"
    assert held(address(to_gp(rpps=world.OF_A_SITE))) == "none", "his post goes to his site"


def test_a_practice_without_a_number_to_compare_is_not_that_of_others(address):
    """A group practice has a SIRET or a technical number alone in one file, and a FINESS in the other."""
    group, nowhere = "groupe@cabinet.mss.example", "sans.lieu@cabinet.mss.example"
    assert sent(address(to_gp(rpps=world.OF_A_GROUP, mailbox=group))).mailbox == group
    assert sent(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox=nowhere))).mailbox == nowhere
    assert held(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox=group))) == "organisation-of-others"


def test_a_mailbox_of_his_practice_is_his_although_a_colleague_reads_it_as_his_own(address):
    assert sent(address(to_gp(rpps=world.GUEST, mailbox="hote@cabinet.mss.example")))
    assert held(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox="hote@cabinet.mss.example"))) == "mailbox-of-another"
    assert held(address(to_gp(rpps=world.GUEST))) == "house-of-one"


def test_an_organisation_that_is_meant_itself_gets_its_letter_although_somebody_reads_it_as_his_own(address):
    outcome = sent(address(to_gp(organisation_id=finess("990000016"), role=Role.ORGANISATION)))
    assert (outcome.mailbox, outcome.addressee.rpps) == ("hote@cabinet.mss.example", None)
    assert outcome.addressee.role is Role.ORGANISATION


SHARED = "secretariat@cabinet.mss.example"


def test_an_organisations_mailbox_that_the_administrator_permits_to_one_stays_everybodys(address, folder):
    add_entry(folder, world.NO_BOX, SHARED)
    assert sent(address(to_gp(rpps=world.NO_BOX))).mailbox == SHARED
    assert sent(address(to_gp(rpps=world.NO_BOX, mailbox=SHARED))).mailbox == SHARED
    colleague = sent(address(to_gp(rpps=world.PRACTICE_ONLY)))
    assert (colleague.mailbox, colleague.addressee.rpps) == (SHARED, world.PRACTICE_ONLY)
    assert sent(address(to_gp(rpps=world.PRACTICE_ONLY, mailbox=SHARED))).mailbox == SHARED
    stranger = to_gp(rpps=world.OF_A_SITE, mailbox=SHARED)
    assert held(address(stranger)) == "organisation-of-others"


def test_a_letter_to_a_shared_mailbox_is_not_booked_for_whom_it_was_permitted_to(address, folder):
    before = sent(address(letter(document(), to=(SHARED,)))).addressee
    add_entry(folder, world.NO_BOX, SHARED)
    set_forms(folder, world.NO_BOX, frozenset({"hprim-body"}))
    away(folder, world.NO_BOX)
    outcome = sent(address(letter(document(), to=(SHARED,))))
    assert outcome.addressee == before
    assert (before.rpps, before.role) == (None, Role.ORGANISATION)
    assert "owner-absent" not in codes(outcome)
    assert outcome.forms == frozenset({Form.PDF, Form.XDM})


def test_control_a_mailbox_that_the_national_file_lacks_is_whose_the_administrator_says(address, folder):
    add_entry(folder, world.NO_BOX, "sept@cabinet.mss.example")
    set_forms(folder, world.NO_BOX, frozenset({"hprim-body"}))
    outcome = sent(address(letter(document(), to=("sept@cabinet.mss.example",))))
    assert (outcome.addressee.rpps, outcome.forms) == (world.NO_BOX, frozenset({Form.HPRIM_BODY}))
    assert held(address(to_gp(rpps=world.ONE, mailbox="sept@cabinet.mss.example"))) == "mailbox-of-another"


def test_several_that_open_the_post_of_a_practice_are_for_a_person_to_choose_from(address):
    assert held(address(to_gp(rpps=world.TWO_SECRETARIES))) == "several-organisations"
    told = sent(address(to_gp(rpps=world.TWO_SECRETARIES), policy(post_services=frozenset({"ACCUEIL"}))))
    assert told.mailbox == "accueil@ch.mss.example"


def test_who_has_a_practice_of_his_own_is_not_written_to_where_he_is_employed_besides(address):
    assert held(address(to_gp(rpps=world.EMPLOYED_TOO))) == "none"
    named_there = sent(address(to_gp(rpps=world.EMPLOYED_TOO, organisation_id=finess("990000010"))))
    assert named_there.mailbox == "secretariat@cabinet.mss.example"


def test_a_house_that_refuses_is_not_written_to_through_one_of_its_services(address):
    assert held(address(to_gp(rpps=world.REFUSING_HOUSE))) == "refuses-electronic-mail"


def test_mailboxes_of_two_persons_under_one_number_are_for_a_person_to_look_at(address, folder):
    """One line of the directory is somebody else's, and nothing in the letter tells which."""
    assert held(address(to_gp(rpps=world.TWO_NAMES))) == "two-names"
    assert held(address(to_gp(rpps=world.TWO_NAMES, organisation_id=finess("990000001")))) == "two-names"
    prefer(folder, "martin@medecin.mss.example", 1)
    outcome = sent(address(to_gp(rpps=world.TWO_NAMES, organisation_id=finess("990000001"))))
    assert outcome.mailbox == "martin@medecin.mss.example"
    assert "chosen-by-preference" in codes(outcome)


def test_a_name_before_and_after_a_marriage_is_one_person():
    assert same_family("MARTIN", "Martin-Leroux")
    assert not same_family("MARTIN", "DURAND")


def test_no_mailbox_at_all_is_held(address):
    assert held(address(to_gp(rpps=world.NO_BOX))) == "none"


def test_a_number_that_the_directory_does_not_know_is_held(address):
    assert held(address(to_gp(rpps=world.UNKNOWN))) == "unknown-number"


def test_an_organisation_is_found_by_its_number(address):
    name = named(Role.ORGANISATION, organisation_id=finess("990000010"))
    assert sent(address(letter(document(name)))).mailbox == "secretariat@cabinet.mss.example"


@pytest.mark.parametrize(("number", "code"), [("990000012", "refuses-electronic-mail"), ("990000077", "none")])
def test_an_organisation_without_a_mailbox_that_accepts_is_held(address, number, code):
    assert held(address(letter(document(named(Role.ORGANISATION, organisation_id=finess(number)))))) == code


def test_an_administrators_entry_gives_a_mailbox_to_who_had_none(address, folder):
    add_entry(folder, world.NO_BOX, "sept@cabinet.mss.example")
    outcome = sent(address(to_gp(rpps=world.NO_BOX)))
    assert outcome.mailbox == "sept@cabinet.mss.example"
    assert "mailbox-vouched" in codes(outcome)
    assert outcome.in_mssante


def test_an_entry_outside_mssante_needs_a_key(address, folder):
    add_entry(folder, world.NO_BOX, "sept@ordinaire.example")
    assert held(address(to_gp(rpps=world.NO_BOX))) == "no-key"
    add_certificate(folder, "sept@ordinaire.example", certificate_for("sept@ordinaire.example"))
    outcome = sent(address(to_gp(rpps=world.NO_BOX)))
    assert not outcome.in_mssante
    assert outcome.forms == frozenset({Form.PDF, Form.HPRIM_ATTACHED})


# --- refusals -------------------------------------------------------------------------------------------------------


def test_who_refuses_electronic_mail_gets_none(address):
    assert held(address(to_gp(rpps=world.REFUSES))) == "refuses-electronic-mail"
    assert held(address(letter(document(), to=("quatre@medecin.mss.example",)))) == "refuses-electronic-mail"


def test_a_refused_mailbox_leaves_the_others(address):
    assert sent(address(to_gp(rpps=world.ONE_REFUSED))).mailbox == "dix@cabinet.mss.example"


# --- the mailbox that the sender gives (PRT-15) ---------------------------------------------------------------------


def test_the_senders_mailbox_decides_when_the_directory_confirms_it(address):
    outcome = sent(address(to_gp(rpps=world.CABINET_AND_GENERIC, mailbox="Deux@cabinet.mss.example")))
    assert outcome.mailbox == "Deux@cabinet.mss.example"
    assert "sender-mailbox-confirmed" in codes(outcome)


def test_the_senders_mailbox_of_a_practice_decides(address):
    outcome = sent(address(to_gp(rpps=world.ONE, mailbox="secretariat@cabinet.mss.example")))
    assert outcome.mailbox == "secretariat@cabinet.mss.example"


def test_a_mailbox_that_belongs_to_another_practitioner_stops_the_letter(address):
    assert held(address(to_gp(rpps=world.ONE, mailbox="neuf@medecin.mss.example"))) == "mailbox-of-another"
    assert held(address(to_gp(rpps=world.NO_BOX, mailbox="neuf@medecin.mss.example"))) == "mailbox-of-another"


def test_a_mailbox_that_the_directory_does_not_know_gives_way_to_the_number(address):
    outcome = sent(address(to_gp(rpps=world.ONE, mailbox="vieux@ailleurs.example")))
    assert outcome.mailbox == ONE_BOX
    assert "sender-mailbox-ignored" in codes(outcome)


def test_a_mailbox_alone_is_checked_like_one_of_the_envelope(address):
    assert sent(address(to_gp(mailbox=ONE_BOX))).addressee.rpps == world.ONE
    assert held(address(to_gp(rpps=world.NO_BOX, mailbox="x@medecin.mss.example"))) == "mailbox-not-in-directory"


# --- absence --------------------------------------------------------------------------------------------------------


def away(folder, rpps, substitute=None, start=NOW - DAY, end=NOW + DAY):
    add_absence(folder, Absence(rpps=rpps, starts_at=start, ends_at=end, substitute=substitute))


def test_the_letter_of_an_absent_gp_goes_to_the_substitute(address, folder):
    away(folder, world.ONE, world.SUBSTITUTE)
    outcome = sent(address(to_gp(rpps=world.ONE)))
    assert outcome.mailbox == "onze@medecin.mss.example"
    assert outcome.addressee.rpps == world.ONE
    assert codes(outcome)[2] == "substitute"


def test_before_and_after_the_absence_the_gp_gets_the_letter(address, folder):
    away(folder, world.ONE, world.SUBSTITUTE, NOW - 2 * DAY, NOW)
    away(folder, world.ONE, world.SUBSTITUTE, NOW + DAY, NOW + 2 * DAY)
    assert sent(address(to_gp(rpps=world.ONE))).mailbox == ONE_BOX


def test_the_substitute_of_the_substitute_gets_it_when_both_are_away(address, folder):
    away(folder, world.ONE, world.NO_BOX)
    away(folder, world.NO_BOX, world.SUBSTITUTE)
    assert sent(address(to_gp(rpps=world.ONE))).mailbox == "onze@medecin.mss.example"


def test_substitutes_who_lead_back_to_each_other_stop_the_letter(address, folder):
    away(folder, world.ONE, world.SUBSTITUTE)
    away(folder, world.SUBSTITUTE, world.ONE)
    assert held(address(to_gp(rpps=world.ONE))) == "absence-loop"


def test_an_absence_without_substitute_changes_nothing_but_is_told(address, folder):
    away(folder, world.ONE)
    outcome = sent(address(to_gp(rpps=world.ONE)))
    assert outcome.mailbox == ONE_BOX
    assert "absent-without-substitute" in codes(outcome)


def test_a_substitute_without_mailbox_holds_the_letter(address, folder):
    away(folder, world.ONE, world.NO_BOX)
    outcome = only(address(to_gp(rpps=world.ONE)))
    assert isinstance(outcome, Held)
    assert codes(outcome)[-3:] == ["substitute", "none", "substitute-unreachable"]
    assert world.NO_BOX in outcome.reason.words


def test_a_mailbox_that_the_sender_gave_is_used_although_its_owner_is_away(address, folder):
    away(folder, world.ONE, world.SUBSTITUTE)
    outcome = sent(address(letter(document(), to=(ONE_BOX,))))
    assert outcome.mailbox == ONE_BOX
    assert "owner-absent" in codes(outcome)


# --- white list and unknown mailboxes -------------------------------------------------------------------------------


def test_a_domain_that_left_the_white_list_is_not_written_to(address):
    assert held(address(to_gp(rpps=world.OUTSIDE))) == "domain-not-in-white-list"
    assert sent(address(to_gp(rpps=world.OUTSIDE), policy(white_list_required=False))).in_mssante


def test_without_any_white_list_production_says_what_is_missing(address, folder):
    (folder / "whitelist.db").unlink()
    assert held(address(to_gp(rpps=world.ONE))) == "white-list-missing"


@pytest.mark.parametrize(
    ("mailbox", "code"),
    [("autre@medecin.mss.example", "mailbox-not-in-directory"), ("autre@ailleurs.example", "mailbox-unknown")],
)
def test_a_mailbox_that_nobody_knows_is_held_unless_its_source_may(address, folder, mailbox, code):
    parsed = letter(document(), to=(mailbox,))
    assert held(address(parsed)) == code
    add_certificate(folder, mailbox, certificate_for(mailbox))
    assert held(address(parsed)) == code
    outcome = sent(address(parsed, policy(unknown_mailboxes={"dpi": Unknown.ALLOW})))
    assert isinstance(outcome.protection, Smime)
    assert "allowed-for-source" in codes(outcome)


def test_in_test_unknown_mailboxes_of_test_domains_are_allowed_unless_their_source_may_not(address):
    rules = {"mode": Mode.TEST, "test_domains": frozenset({"essai.example"})}
    parsed = letter(document(), to=("autre@essai.example",))
    assert held(address(parsed, policy(**rules))) == "no-key"
    hold = policy(**rules, unknown_mailboxes={"dpi": Unknown.HOLD})
    assert held(address(parsed, hold)) == "mailbox-unknown"


@pytest.mark.parametrize("bad", ["sans-domaine", "a@b", "a b@medecin.mss.example", "a..b@medecin.mss.example"])
def test_what_is_no_mail_address_is_held(address, bad):
    assert held(address(letter(document(), to=(bad,)))) == "bad-mailbox"


# --- protection -----------------------------------------------------------------------------------------------------


def test_without_a_key_and_without_a_policy_that_allows_less_nothing_leaves(address):
    assert held(address(to_gp(rpps=world.ONE), policy(mss_tls_allowed=False))) == "no-key"


def test_a_certificate_seals_the_letter(address, folder):
    der = certificate_for(ONE_BOX)
    add_certificate(folder, ONE_BOX, der)
    outcome = sent(address(to_gp(rpps=world.ONE)))
    assert outcome.protection == Smime(certificate=der)
    assert codes(outcome)[-1] == "certificate"


def test_gcm_is_used_only_for_who_says_that_he_reads_it(address, folder):
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, gcm=True))
    assert sent(address(to_gp(rpps=world.ONE))).protection.gcm


def test_the_most_trusted_source_of_a_certificate_wins(address, folder):
    harvested, official = certificate_for(ONE_BOX, ends=NOW + 999 * DAY), certificate_for(ONE_BOX)
    add_certificate(folder, ONE_BOX, harvested, source=Source.VERIFIED_MAIL)
    add_certificate(folder, ONE_BOX, official, source=Source.DIRECTORY)
    others = (Smime(certificate=harvested),)
    assert sent(address(to_gp(rpps=world.ONE))).protection == Smime(certificate=official, alternatives=others)


def test_every_key_that_is_valid_goes_on_by_its_source_and_expired_ones_not(address, folder):
    certificate, gcm = certificate_for(ONE_BOX), certificate_for(ONE_BOX, gcm=True)
    keys = [Tsk.generate(f"Dr Un <{ONE_BOX}>").extract_certificate() for _ in range(2)]
    for key in keys:
        add_openpgp_key(folder, ONE_BOX, bytes(key))
    alone = sent(address(to_gp(rpps=world.ONE))).protection
    assert isinstance(alone, OpenPgp)
    assert len(alone.alternatives) == 1
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, begins=NOW - 9 * DAY, ends=NOW - DAY))
    add_certificate(folder, ONE_BOX, certificate, source=Source.DIRECTORY)
    add_certificate(folder, ONE_BOX, gcm, source=Source.VERIFIED_MAIL)
    whole = sent(address(to_gp(rpps=world.ONE))).protection
    assert isinstance(whole, Smime)
    assert whole.certificate == certificate
    assert whole.alternatives[-1] == Smime(certificate=gcm, gcm=True)
    assert {one.fingerprint for one in whole.alternatives[:-1]} == {key.fingerprint.upper() for key in keys}
    strict = sent(address(to_gp(rpps=world.ONE), policy(floors={ONE_BOX: Floor.GCM}))).protection
    assert strict == Smime(certificate=gcm, gcm=True)


def test_an_expired_certificate_never_hides_a_valid_one(address, folder):
    valid = certificate_for(ONE_BOX)
    add_certificate(
        folder, ONE_BOX, certificate_for(ONE_BOX, begins=NOW - 9 * DAY, ends=NOW - DAY), source=Source.DIRECTORY
    )
    add_certificate(folder, ONE_BOX, valid, source=Source.LDAP)
    assert sent(address(to_gp(rpps=world.ONE))).protection == Smime(certificate=valid)


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [(NOW - 9 * DAY, NOW - DAY, "certificate-expired"), (NOW + DAY, NOW + 9 * DAY, "certificate-not-yet-valid")],
)
def test_a_certificate_out_of_its_validity_holds_the_letter(address, folder, begins, ends, code):
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, begins=begins, ends=ends))
    assert held(address(to_gp(rpps=world.ONE), policy(mss_tls_allowed=False))) == code


def test_an_openpgp_key_seals_the_letter_when_there_is_no_certificate(address, folder):
    key = Tsk.generate(f"Dr Un <{ONE_BOX}>").extract_certificate()
    add_openpgp_key(folder, ONE_BOX, bytes(key))
    outcome = sent(address(to_gp(rpps=world.ONE)))
    assert isinstance(outcome.protection, OpenPgp)
    assert outcome.protection.fingerprint == key.fingerprint.upper()
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX))
    assert isinstance(sent(address(to_gp(rpps=world.ONE))).protection, Smime)


def test_below_the_floor_of_its_destination_a_letter_waits(address, folder):
    gcm, encrypted = policy(floors={ONE_BOX: Floor.GCM}), policy(floors={"medecin.mss.example": Floor.ENCRYPTED})
    assert held(address(to_gp(rpps=world.ONE), encrypted)) == "no-key"
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX))
    assert sent(address(to_gp(rpps=world.ONE), encrypted))
    assert held(address(to_gp(rpps=world.ONE), gcm)) == "below-floor"
    add_certificate(folder, ONE_BOX, certificate_for(ONE_BOX, gcm=True))
    assert sent(address(to_gp(rpps=world.ONE), gcm)).protection.gcm


def test_a_letter_that_came_sealed_passes_as_it_is_to_a_mailbox_that_is_acceptable(address):
    outcome = sent(address(letter(to=(ONE_BOX,), sealed=True), policy(mss_tls_allowed=False)))
    assert outcome.protection == AsReceived()
    assert outcome.forms == frozenset()
    assert held(address(letter(to=("huit@parti.example",), sealed=True))) == "domain-not-in-white-list"


# --- what the addressee reads ---------------------------------------------------------------------------------------


def test_the_forms_are_the_mailboxs_then_the_domains_then_the_defaults(address, folder):
    by_domain = policy(forms={"medecin.mss.example": frozenset({Form.PDF})})
    assert sent(address(to_gp(rpps=world.ONE))).forms == frozenset({Form.PDF, Form.XDM})
    assert sent(address(to_gp(rpps=world.ONE), by_domain)).forms == frozenset({Form.PDF})
    set_forms(folder, "@medecin.mss.example", frozenset({"text", "hprim-body"}))
    assert sent(address(to_gp(rpps=world.ONE), by_domain)).forms == frozenset({Form.HPRIM_BODY})
    set_forms(folder, ONE_BOX.upper(), frozenset({"xdm"}))
    assert sent(address(to_gp(rpps=world.ONE), by_domain)).forms == frozenset({Form.XDM})


def test_addressing_is_the_same_each_time(address):
    parsed = to_gp(rpps=world.TWO_PLACES)
    assert address(parsed) == address(parsed)


def test_an_empty_directory_holds_everything_and_breaks_nothing(tmp_path):
    from gateway.addressing import Addressing

    empty = Addressing(directory=Directory.open(tmp_path), policy=policy(), clock=lambda: NOW)
    outcomes = empty.address(letter(document(named(rpps=world.ONE)), to=(f"auto@{world.OURS}", ONE_BOX))).outcomes
    assert [outcome.reason.code for outcome in outcomes] == ["unknown-number", "mailbox-unknown"]


def test_no_reason_has_empty_words():
    assert all(words and not words.endswith(".") for words in WORDS.values())
    assert MssTls() == MssTls()
