"""Lines, columns and passages: the small rules that make a text easy to read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose.essential import passages
from gateway.compose.names import Names, safe_name
from gateway.compose.table import table
from gateway.compose.text import folded, one_line, visible, wrapped
from gateway.compose.words import FRENCH
from gateway.document import Attachment, Result
from gateway.errors import UnreadableDocument
from gateway.letter import Form


def found(text: str) -> list[str]:
    filler = [f"phrase {number}." for number in range(120)]
    return passages([*filler, "", *text.split("\n")], "[suite]")


def test_a_passage_longer_than_forty_lines_says_that_it_goes_on():
    shown = found("Traitement de sortie :\n" + "\n".join(f"- ligne {number}" for number in range(60)))
    assert shown[-2:] == ["- ligne 38", "[suite]"]


def test_a_heading_without_anything_under_it_is_no_passage():
    assert found("Conclusion\n\nAntécédents :\nasthme") == []


def test_a_drug_without_a_dose_may_look_like_a_heading_and_the_reader_is_told():
    shown = found("Traitement de sortie :\n\nAmoxicilline 1 g\nmatin et soir\n\nParacétamol\nsi douleur")
    assert shown == ["Traitement de sortie :", "", "Amoxicilline 1 g", "matin et soir", "[suite]"]


def test_a_word_in_a_sentence_is_no_heading():
    assert found("Suivi par le cardiologue depuis 2019, sans conclusion certaine.\nrien") == []


@pytest.mark.parametrize("heading", ["CONCLUSION", "Au total :", "2) Conduite à tenir :", "Plan:"])
def test_the_usual_headings_are_known(heading):
    assert found(f"{heading}\nceci\n\nDr X")[:2] == [heading, "ceci"]


def test_a_table_row_is_cut_between_cells_so_that_a_dose_stays_whole():
    row = "03/12/2019     02/02/2020   LEPONEX 100 mg  1 comprimé  1 fois / jour  prendre par la bouche  100 mg / jour"
    first, second = wrapped(row)
    assert first.endswith("1 fois / jour")
    assert second == "    prendre par la bouche  100 mg / jour"


def test_a_word_longer_than_the_line_is_cut_only_when_it_must_be():
    assert list(wrapped("a" * 100, 30)) == ["a" * 100]
    assert list(wrapped("a" * 100, 30, hard=True)) == ["a" * 30] * 3 + ["a" * 10]


def test_long_labels_and_values_take_lines_of_their_own_and_lose_nothing():
    results = (
        Result(label="Recherche d'anticorps anti-récepteur de la TSH par dosage immunologique", value="1.2"),
        Result(label="ECBU", value="Escherichia coli, plus de 100 000 unités par millilitre", unit="UFC", flag="A"),
        Result(label="Anticorpsantirécepteurdelathyréostimuline" * 2, value="3"),
    )
    lines = table(results, FRENCH)
    assert max(map(len, lines)) <= 82, "one label is a single word of 82"
    squeezed = "".join("".join(lines).split())
    for result in results:
        assert "".join(result.label.split()) in squeezed
        assert "".join(result.value.split()) in squeezed


def test_controls_become_visible_and_line_ends_one_kind():
    assert visible("a\r\nb\rc\x0bd\u2028e\x85f") == "a\nb\nc\nd\ne\nf"
    assert visible("a\tb\x00\x9b\u202e\ufffe") == "a       b\ufffd\ufffd\ufffd\ufffd"
    assert one_line("  a\u00a0 b\r\nc ") == "a b c"


def test_folding_keeps_letters_and_drops_accents():
    assert folded("Œdème aigu à Éléonore ß") == "OEdeme aigu a Eleonore ss"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\CON", "file.bin"),
        ("nul.txt", "file.bin"),
        ("a\x00b\u202egpj.exe", "a_b_gpj.exe"),
        ('x"; filename="y.pdf', "x_ filename_y.pdf"),
        ("", "file.bin"),
        ("...", "file.bin"),
        ("Été.pdf", "Été.pdf"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
    ],
)
def test_a_name_is_never_a_path_nor_a_trick(name, safe):
    assert safe_name(name, "file.bin") == safe


def test_two_files_of_one_name_both_stay():
    names = Names()
    assert [names.take(one) for one in ("a.pdf", "A.pdf", "a.pdf", "b", "b")] == [
        "a.pdf",
        "A_2.pdf",
        "a_3.pdf",
        "b",
        "b_2",
    ]


def test_labels_are_english_where_the_profile_says_so(compose, lab, profile):
    text = compose(lab, profile=replace(profile, language="en")).text
    assert "Out of range" in text
    assert "Hémoglobine" in text, "what the sender wrote is not translated"


def test_the_same_file_is_attached_once(compose, discharge):
    one = Attachment(name="a.png", media_type="image/png", content=b"same")
    opened = compose(replace(discharge, attachments=(one, replace(one, name="b.png"))))
    assert sum(content == b"same" for content in opened.files.values()) == 1


def test_a_page_that_cannot_be_printed_refuses_without_quoting_the_letter(compose, discharge, monkeypatch):
    monkeypatch.setattr("gateway.compose.pdf._template", lambda: b"#broken(")
    with pytest.raises(UnreadableDocument) as refused:
        compose(discharge, forms=(Form.PDF,))
    assert refused.value.findings[0].code == "page-not-printed"
    assert "TESTINI" not in str(refused.value)
