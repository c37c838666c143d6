"""`docs/resolver.md` lists every outcome with an example; each example is run, and the page is made of them.

`HUITAINE_GOLDEN=write pytest tests/unit/addressing/test_resolver_page.py` makes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.addressing.reasons import WORDS
from gateway.letter import Addressed
from tests.unit.addressing.outcomes import FAMILIES, Case
from tests.unit.addressing.outcomes_sealed import SEALED
from tests.unit.addressing.world import codes, policy

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/resolver.md"
TABLES = FAMILIES | SEALED
HEAD = """# Whom a letter goes to

For each addressee the gateway decides, in this order: who is meant, whether he may have it, which of his mailboxes,
whether it may be written to, which forms his software reads, and how it is protected. Each decision leaves its code in
the trace (`huitaine letters trace ID`); the last one is the outcome. What each of them asks of a person is in
[operations.md](operations.md), section 7. A name alone never decides: it is held, and `huitaine directory search` gives
a person a list to choose from.

Who is meant comes from the envelope (`<rpps>@rpps.<domain>`, `auto@<domain>`, a mailbox), else from the document: PRT
with RCT, ROL, PV1-8, OBR-16 and OBR-28 of HL7 v2; lines 7 and 12 and the recipients' fields of HPRIM Médecin and HPRIM
Santé; `participant` of CDA. `informationRecipient` alone never routes.

The order of mailboxes of one number: the one that the sender gives, if the directory has it as his; else the personal
one, of several the one of the organisation that the letter names, then the administrator's rank, then the domain that
follows the practitioner, then the one bound to no structure, then the first; else the one mailbox of his practice; else
none. His practice is the place that the letter names if he works there, else where he works on his own account, else
any place of his; its mailbox is the house's, or that of a service that opens its post (`directory.post_services`):
what another service of a hospital receives is not his.

An organisation's mailbox that the sender gives is refused where FINESS or SIRET show that none of his places is that
organisation's, nor belongs to it as legal entity. Entered for somebody by the administrator, it serves him too and
stays the organisation's.

A patient's opposition (`patient-opposes`) is not decided here: it holds whatever has not left, in any of these
outcomes, from the moment that the hospital's ADT (PD1-12, `opposition` in `[sources.NAME]`; of a stay, or of a patient
by number) or a person (`huitaine delays oppose`) tells of it, until one of them takes it back or a person releases the
letter.
"""


def cases() -> list[Case]:
    return [case for family in TABLES.values() for case in family]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.code)
def test_the_example_ends_as_the_page_says(case: Case, address, folder):
    case.given(folder)
    outcome, *others = address(case.parsed, policy(**case.rules))
    assert others == []
    assert case.code in codes(outcome)
    assert (outcome.mailbox if isinstance(outcome, Addressed) else None) == case.to
    if case.to is None:
        assert outcome.reason.code == case.code


def test_every_outcome_of_the_resolver_has_its_example():
    """What a patient opposes is decided elsewhere: the page's head tells it."""
    assert {case.code for case in cases()} == set(WORDS) - {"patient-opposes"}


def page() -> Iterator[str]:
    yield HEAD
    for family, rows in TABLES.items():
        yield f"\n## {family}\n\n| code | example | what happens | what the trace says |\n|---|---|---|---|\n"
        for case in rows:
            happens = f"`{case.to}`" if case.to else "**held**"
            yield f"| `{case.code}` | {case.situation} | {happens} | {WORDS[case.code]} |\n"


def test_the_page_is_made_of_the_examples():
    if os.environ.get("HUITAINE_GOLDEN") == "write":
        PAGE.write_text("".join(page()), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == "".join(page())
