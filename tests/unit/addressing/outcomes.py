"""Every outcome of the resolver with an example: the rows of ``docs/resolver.md``, each of which is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from directory import Absence, add_absence, add_certificate, add_entry, prefer
from gateway.addressing import Unknown
from gateway.document import Finding, Identifier, Role, Severity, Wishes
from gateway.letter import Mode, ParsedLetter
from tests.unit.addressing import world
from tests.unit.addressing.world import DAY, NOW, certificate_for, document, letter, named, patient

Given = Callable[[Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """In this situation the trace tells ``code``; ``to`` is the mailbox that is written to, ``None`` when held."""

    code: str
    situation: str
    parsed: ParsedLetter
    to: str | None = None
    given: Given = field(default=lambda folder: None)
    rules: dict[str, Any] = field(default_factory=dict)


ONE_BOX = "un@medecin.mss.example"
AT_RPPS = f"{world.ONE}@rpps.{world.OURS}"
TEST_WORLD = {"mode": Mode.TEST, "test_domains": frozenset({"medecin.mss.example"})}


def to_gp(**more: Any) -> ParsedLetter:
    return letter(document(named(**more)))


def envelope(*mailboxes: str) -> ParsedLetter:
    return letter(document(), to=mailboxes)


def finess(number: str) -> Identifier:
    return Identifier(value=number, authority="FINESS", type="FINEG")


def wishing(role: Role = Role.GP, **wishes: Any) -> ParsedLetter:
    return letter(document(named(role, rpps=world.ONE), wishes=Wishes(**wishes), who=patient()))


def to_patient(**wishes: Any) -> ParsedLetter:
    own = f"{world.INS}@patient.mss.example"
    return letter(document(wishes=Wishes(**wishes), who=patient(born="2020-01-01")), to=(own,))


def away(rpps: str, substitute: str | None = None) -> Given:
    absence = Absence(rpps=rpps, starts_at=NOW - DAY, ends_at=NOW + DAY, substitute=substitute)
    return lambda folder: add_absence(folder, absence)


def key_for(mailbox: str) -> Given:
    return lambda folder: add_certificate(folder, mailbox, certificate_for(mailbox))


def both(*things: Given) -> Given:
    return lambda folder: [thing(folder) for thing in things]


def known_code() -> ParsedLetter:
    found = Finding(severity=Severity.NOTE, place="PRT-5", code="correspondent", message="")
    return replace(to_gp(rpps=world.ONE), findings=(found,))


WHO = (
    Case(code="named", situation="PRT-5 names the GP by RPPS", parsed=to_gp(rpps=world.ONE), to=ONE_BOX),
    Case(code="role-assumed", situation="the envelope alone names somebody", parsed=envelope(AT_RPPS), to=ONE_BOX),
    Case(code="no-addressee", situation="neither envelope nor document names anybody", parsed=letter(document())),
    Case(code="name-only", situation="the document names Dr DUPONT, and nothing else", parsed=to_gp(family="DUPONT")),
    Case(
        code="own-code-only", situation="HPRIM line 12 gives MED0001, unknown here", parsed=to_gp(local_code="MED0001")
    ),
    Case(
        code="correspondent",
        situation="the same, with MED0001 in the settings' table",
        parsed=known_code(),
        to=ONE_BOX,
    ),
    Case(code="not-a-number", situation="`12@rpps.<domain>`", parsed=envelope(f"12@rpps.{world.OURS}")),
    Case(code="not-an-addressee-of-ours", situation="`x@<domain>`", parsed=envelope(f"x@{world.OURS}")),
    Case(code="bad-mailbox", situation="`a b@medecin.mss.example`", parsed=envelope("a b@medecin.mss.example")),
    Case(
        code="wrong-key-of-number",
        situation="an RPPS whose last digit is not its Luhn key: a warning, many samples have it",
        parsed=to_gp(rpps=world.TWO_PLACES, organisation_id=finess("990000002")),
        to="trois@ch.mss.example",
    ),
    Case(
        code="wrong-key-of-organisation",
        situation="a FINESS whose last digit is not its key: a warning as well",
        parsed=to_gp(rpps=world.TWO_PLACES, organisation_id=finess("990000001")),
        to="trois@cabinet.mss.example",
    ),
    Case(
        code="same-mailbox",
        situation="the same GP twice, as GP and as copy: one mail, as GP",
        parsed=letter(document(named(rpps=world.ONE), named(Role.COPY, rpps=world.ONE))),
        to=ONE_BOX,
    ),
)
MAY_HE = (
    Case(code="professionals-not-wished", situation="DESTMSSANTEPS = N", parsed=letter(
        document(named(rpps=world.ONE), wishes=Wishes(to_professionals=False)), to=(ONE_BOX,))),
    Case(code="hidden-from-professionals", situation="MASQUE_PS = Y", parsed=wishing(hidden_from_professionals=True)),
    Case(code="patient-not-wished", situation="DESTMSSANTEPAT = N", parsed=to_patient(to_patient=False)),
    Case(code="hidden-from-patient", situation="INVISIBLE_PATIENT = Y", parsed=to_patient(hidden_from_patient=True)),
    Case(code="hidden-from-legal-representatives", situation="INVISIBLE_REP_LEGAUX = Y, and a patient of six years",
         parsed=to_patient(hidden_from_legal_representatives=True)),
    Case(code="patient-not-qualified", situation="to the patient, whose INS is not qualified",
         parsed=letter(document(who=patient(qualified=False), wishes=Wishes(to_patient=True)))),
    Case(code="patient-mismatch", situation="the envelope gives another patient's mailbox",
         parsed=letter(document(who=patient()), to=("1@patient.mss.example",))),
    Case(code="mailbox-of-a-patient", situation="PRT-15 of a copy is a mailbox of `patient_domain`",
         parsed=letter(document(named(Role.COPY, mailbox=f"{world.INS}@patient.mss.example"), who=patient()))),
    Case(code="patient-mailbox", situation="DESTMSSANTEPAT = Y and a qualified INS",
         parsed=letter(document(who=patient(), wishes=Wishes(to_patient=True))), to=f"{world.INS}@patient.mss.example"),
    Case(code="test-identity", situation="an INS of OID .10 in production", parsed=letter(
        document(named(rpps=world.ONE), who=patient(oid="1.2.250.1.213.1.4.10")))),
    Case(code="real-identity", situation="an INS of OID .8 in test", parsed=letter(
        document(named(rpps=world.ONE), who=patient())), rules=TEST_WORLD),
    Case(code="test-domain", situation="in production a domain of `gateway.test_domains`", parsed=to_gp(rpps=world.ONE),
         rules={"test_domains": frozenset({"medecin.mss.example"})}),
    Case(code="not-a-test-domain", situation="in test any other domain", parsed=to_gp(rpps=world.TWO_PLACES),
         rules=TEST_WORLD),
)  # fmt: skip
WHICH = (
    Case(code="one-mailbox", situation="one personal mailbox", parsed=to_gp(rpps=world.ONE), to=ONE_BOX),
    Case(code="several-mailboxes", situation="two personal mailboxes: the rules below choose",
         parsed=to_gp(rpps=world.CABINET_AND_GENERIC), to="deux@medecin.mss.example"),
    Case(code="chosen-by-structure", situation="two, and the letter names the FINESS of one",
         parsed=to_gp(rpps=world.TWO_PLACES, organisation_id=finess("990000002")), to="trois@ch.mss.example"),
    Case(code="chosen-by-preference", situation="two, `huitaine directory set MAILBOX rank=1` on one",
         parsed=to_gp(rpps=world.TWO_PLACES), to="trois@ch.mss.example",
         given=lambda folder: prefer(folder, "trois@ch.mss.example", 1)),
    Case(code="chosen-by-generic-domain", situation="two, one at `medecin.mssante.fr`",
         parsed=to_gp(rpps=world.CABINET_AND_GENERIC), to="deux@medecin.mss.example"),
    Case(code="chosen-by-person", situation="two, one of them bound to no structure",
         parsed=to_gp(rpps=world.CABINET_AND_GENERIC), to="deux@medecin.mss.example", rules={"generic_domains": ()}),
    Case(code="chosen-by-order", situation="two of one practice that nothing tells apart",
         parsed=to_gp(rpps=world.ALIKE), to="a.douze@cabinet.mss.example"),
    Case(code="two-names", situation="the mailboxes of one number bear two names: MARTIN, DURAND",
         parsed=to_gp(rpps=world.TWO_NAMES)),
    Case(code="organisation-mailbox", situation="none of his own, one of the practice",
         parsed=to_gp(rpps=world.PRACTICE_ONLY), to="secretariat@cabinet.mss.example"),
    Case(code="several-organisations", situation="none of his own, two of the practice",
         parsed=to_gp(rpps=world.TWO_SECRETARIES)),
    Case(code="services-alone", situation="none of his own, one of the hospital's cardiology where he has an office",
         parsed=to_gp(rpps=world.ONE_SERVICE)),
    Case(code="house-of-one", situation="none of his own, and his practice's is a colleague's too",
         parsed=to_gp(rpps=world.GUEST)),
    Case(code="none", situation="known, without any mailbox", parsed=to_gp(rpps=world.NO_BOX)),
    Case(code="unknown-number", situation="an RPPS that the directory lacks", parsed=to_gp(rpps=world.UNKNOWN)),
    Case(code="gp-not-a-doctor", situation="ODRP names a number that is a nurse's in the directory",
         parsed=to_gp(rpps=world.NURSE)),
    Case(code="directory-old", situation="the national files are older than `stale_days`: told, whatever is found",
         parsed=to_gp(rpps=world.ONE), to=ONE_BOX, rules={"stale_after": -999 * DAY}),
    Case(code="refuses-electronic-mail", situation="Dématérialisation = N", parsed=to_gp(rpps=world.REFUSES)),
    Case(code="sender-mailbox-confirmed", situation="PRT-15 gives one of his mailboxes",
         parsed=to_gp(rpps=world.CABINET_AND_GENERIC, mailbox="deux@cabinet.mss.example"),
         to="deux@cabinet.mss.example"),
    Case(code="sender-mailbox-ignored", situation="PRT-15 gives a mailbox that the directory lacks: the number decides",
         parsed=to_gp(rpps=world.ONE, mailbox="vieux@ailleurs.example"), to=ONE_BOX),
    Case(code="mailbox-of-another", situation="PRT-15 gives a colleague's mailbox",
         parsed=to_gp(rpps=world.ONE, mailbox="neuf@medecin.mss.example")),
    Case(code="organisation-of-others", situation="PRT-15 gives a mailbox of a hospital where he does not work",
         parsed=to_gp(rpps=world.PRACTICE_ONLY, mailbox="dialyse@ch.mss.example")),
    Case(code="mailbox-shared", situation="two practitioners have this one mailbox: told",
         parsed=to_gp(rpps=world.SHARING), to="ensemble@cabinet.mss.example"),
    Case(code="substitute", situation="away, with a substitute", parsed=to_gp(rpps=world.ONE),
         to="onze@medecin.mss.example", given=away(world.ONE, world.SUBSTITUTE)),
    Case(code="absent-without-substitute", situation="away, without substitute", parsed=to_gp(rpps=world.ONE),
         to=ONE_BOX, given=away(world.ONE)),
    Case(code="substitute-unreachable", situation="away, and the substitute has no mailbox",
         parsed=to_gp(rpps=world.ONE), given=away(world.ONE, world.NO_BOX)),
    Case(code="absence-loop", situation="two practitioners away, each the other's substitute",
         parsed=to_gp(rpps=world.ONE),
         given=both(away(world.ONE, world.SUBSTITUTE), away(world.SUBSTITUTE, world.ONE))),
    Case(code="owner-absent", situation="away, but the envelope gives his mailbox: used, and told",
         parsed=envelope(ONE_BOX), to=ONE_BOX, given=away(world.ONE, world.SUBSTITUTE)),
)  # fmt: skip
MAY_IT = (
    Case(code="mailbox-known", situation="in the national directory", parsed=to_gp(rpps=world.ONE), to=ONE_BOX),
    Case(code="mailbox-vouched", situation="entered by `huitaine directory set MAILBOX rpps=N`",
         parsed=to_gp(rpps=world.NO_BOX), to="sept@cabinet.mss.example",
         given=lambda folder: add_entry(folder, world.NO_BOX, "sept@cabinet.mss.example")),
    Case(code="in-white-list", situation="its domain is listed", parsed=to_gp(rpps=world.ONE), to=ONE_BOX),
    Case(code="domain-not-in-white-list", situation="its domain left the list", parsed=to_gp(rpps=world.OUTSIDE)),
    Case(code="white-list-missing", situation="no list was ever taken", parsed=to_gp(rpps=world.ONE),
         given=lambda folder: (folder / "whitelist.db").unlink()),
    Case(code="white-list-too-old", situation="the list is older than `white_list_cut_off_days`",
         parsed=to_gp(rpps=world.ONE), rules={"white_list_cut_off": timedelta(seconds=-1)}),
    Case(code="mailbox-not-in-directory", situation="a listed domain, but a mailbox that is new, misspelt or on the "
         "red list", parsed=envelope("autre@medecin.mss.example")),
    Case(code="mailbox-unknown", situation="neither directory nor list knows it",
         parsed=envelope("autre@ailleurs.example")),
    Case(code="allowed-for-source", situation="the same, with its key, from a source that may (`unknown_mailbox`)",
         parsed=envelope("autre@ailleurs.example"), to="autre@ailleurs.example",
         rules={"unknown_mailboxes": {"dpi": Unknown.ALLOW}},
         given=key_for("autre@ailleurs.example")),
)  # fmt: skip
FAMILIES = {
    "Who is meant": WHO,
    "May this kind of addressee have it": MAY_HE,
    "Which mailbox": WHICH,
    "May it be written to": MAY_IT,
}
