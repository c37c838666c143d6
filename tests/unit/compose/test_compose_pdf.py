"""The page that we print when the letter came without one."""

from __future__ import annotations

import re
from dataclasses import replace

import pypdfium2
import pytest

from gateway.document import Result
from gateway.letter import Form

HOSTILE = '#panic("x") #read("/etc/passwd") $x^2$ *gras* _it_ `raw` <label> @ref \\ "]" #import "@preview/x:1" // c'


@pytest.fixture
def page(compose):
    def printed(document) -> tuple[bytes, list[str]]:
        content = compose(document, forms=(Form.PDF,)).file(".pdf")
        opened = pypdfium2.PdfDocument(content)
        try:
            texts = []
            for number in range(len(opened)):
                sheet = opened[number]
                text = sheet.get_textpage()
                texts.append(text.get_text_range().replace("\r\n", "\n"))
                text.close()
                sheet.close()
            return content, texts
        finally:
            opened.close()

    return printed


def test_it_is_pdf_a_1b_on_a4(page, lab):
    content, _ = page(lab)
    assert re.search(rb"pdfaid:part[^0-9]*1", content)
    assert re.search(rb"pdfaid:conformance[^A-Z]*B", content)
    assert re.search(rb"/MediaBox ?\[0 0 595.\d+ 841.\d+\]", content)


def test_accents_and_every_value_are_on_it(page, lab):
    _, texts = page(lab)
    text = "\n".join(texts)
    for result in lab.results:
        assert result.label in text
        assert result.value in text
    for word in ("Hémoglobine", "12.0 - 16.0", "!! HH", "(H)", "Contrôle conseillé | à distance.", "comparé par nous"):
        assert word in text


def test_the_patient_is_on_every_page_and_pages_are_numbered(page, discharge):
    _, texts = page(replace(discharge, text="\n\n".join(f"Ligne {number} é." for number in range(300))))
    assert len(texts) > 3
    for number, text in enumerate(texts, start=1):
        assert "TESTINI Amélie 14/02/1978" in text
        assert f"{number}/{len(texts)}" in text


def test_conclusion_comes_before_the_text(page, discharge):
    text = "\n".join(page(discharge)[1])
    assert text.index("Conclusion : pneumopathie") < text.index("Cher Confrère")


def test_what_a_letter_says_is_never_run_as_markup(page, discharge, patient):
    hostile = replace(
        discharge,
        text=HOSTILE,
        title=HOSTILE,
        patient=replace(patient, family=HOSTILE),
        results=(Result(label=HOSTILE, value=HOSTILE, comment=HOSTILE),),
    )
    text = "".join("".join(page(hostile)[1]).split())
    for word in ('#panic("x")', "$x^2$", "*gras*", "`raw`", "<label>"):
        assert text.count(word) >= 4, word
    assert "root:" not in text


@pytest.mark.parametrize("text", ["漢字", "😀 ok", "\u0000 é", "عربي", "\U000e0001", "a\u0301"])
def test_a_character_without_a_glyph_never_loses_the_letter(compose, page, discharge, text):
    given = replace(discharge, text=f"avant {text} après")
    shown = "\n".join(page(given)[1])
    assert "avant" in shown
    assert "après" in shown
    if "漢" in text:
        assert "[U+6F22]" in shown
        assert "U+6F22" in compose(given, forms=(Form.PDF,)).text


def test_a_letter_that_has_its_pdf_is_not_printed_again(compose, discharge, pdf, monkeypatch):
    from gateway.document import Attachment

    monkeypatch.setattr("gateway.compose.pdf.render", lambda *_: pytest.fail("printed"))
    given = replace(discharge, attachments=(Attachment(name="a", media_type="application/pdf", content=pdf),))
    assert compose(given, forms=(Form.PDF,)).file(".pdf") == pdf
