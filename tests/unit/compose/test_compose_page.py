"""The page as data: which hand a paragraph is set in, which results are a grid, which rows are what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose.dispatch import Dispatch
from gateway.compose.page import page_data
from gateway.document import Result, Section
from gateway.letter import Addressed, Addressee, MssTls, Role


@pytest.fixture
def data(addressed_letter, profile, discharge):
    def made(document):
        to = Addressed(addressee=Addressee(role=Role.GP), mailbox="a@b.fr", protection=MssTls())
        parsed = addressed_letter(document)
        now = parsed.kept.received.received_at
        dispatch = Dispatch(parsed=parsed, addressed=to, profile=profile, delivery="1", message_id="<1@b.fr>", now=now)
        return page_data(dispatch, document)

    return made


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("Une phrase.  Une autre.\nEt la suite.  Fin.", False),
        ("amoxicilline   S   2 mg/L\nceftriaxone    R   1 mg/L", True),
        ("Actes  ECQH010  Urgent\nSuivi  psychiatre  01/01/2020", True),
        ("- paracétamol 1 g\n- amoxicilline 1 g", False),
        ("│ a │ b │\n│ c │ d │", True),
        ("une ligne   seule", False),
    ],
)
def test_columns_set_with_blanks_keep_a_fixed_hand_and_sentences_do_not(data, discharge, text, fixed):
    (block,) = data(replace(discharge, text=text))["text"]
    assert block["fixed"] is fixed


def test_headings_are_told_apart_and_indents_are_kept(data, discharge):
    text = "Histoire\nConclusion :\n   apyrexie\nConclusion : rien"
    lines = data(replace(discharge, text=text, sections=(Section(title="Histoire"),)))["text"][0]["lines"]
    assert [(indent, heading) for indent, _, heading in lines] == [(0, True), (0, True), (3, False), (0, False)]


def test_a_heading_above_columns_stays_a_heading(data, discharge):
    head, block = data(replace(discharge, text="Traitement de sortie\na   1\nb   2"))["text"]
    assert (head["fixed"], head["lines"][0][2]) == (False, True)
    assert (block["fixed"], block["lines"]) == (True, ["a   1", "b   2"])


def test_a_long_value_has_the_width_of_the_row_and_a_note_follows_its_result(data, lab):
    long = Result(label="ECBU", value="Escherichia coli, plus de 100 000", flag="A", status="P", comment="Revoir.")
    rows = data(replace(lab, results=(Result(label="BACTERIOLOGIE"), long)))["rows"]
    assert [row["kind"] for row in rows] == ["title", "long", "note", "note"]
    assert [row["text"] for row in rows[2:]] == ["non validé", "Revoir."]


def test_many_marked_results_are_lines_and_few_a_grid(data, lab):
    few, many = (data(replace(lab, results=(lab.results[1],) * number)) for number in (15, 16))
    assert (len(few["out"]), few["out_lines"]) == (15, [])
    assert (many["out"], len(many["out_lines"])) == ([], 16)
    assert few["out"][0][2] == "↓ L"
