"""The cover for a window envelope: its address, its bars, its pages."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pypdfium2
import pytest

from gateway.delays.paper import NotPrinted, Sheet, code39, page_count, postal, print_ready

SHEET = Sheet(
    code="7Q2M4X9KPD",
    hospital="CH d'essai",
    address=postal(["Dr EXEMPLE Camille", "12 rue des Essais", "99999 Ville-Essai"]),
    at=datetime(2026, 3, 9, 12, tzinfo=UTC),
    letter="01HX0000000000000000000000",
)
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. *"


def test_the_lines_that_machines_read_are_capitals_without_signs():
    told = postal(["Dr Zoé D'ÉTÉ", "", "Cabinet  du Canal", "12 bis, rue de l'Île (bât. B)", "75001 Paris"])
    assert told == ("Dr Zoé D'ÉTÉ", "Cabinet du Canal", "12 BIS RUE DE L ILE BAT B", "75001 PARIS")


@pytest.mark.parametrize(
    "lines",
    [[], ["Dr A"], ["Dr A", "75001 PARIS"], ["Dr A", "1 rue", "PARIS"], ["x" * 39, "1 rue", "75001 PARIS"],
     ["a", "b", "c", "d", "e", "f", "75001 PARIS"]],
)  # fmt: skip
def test_what_is_no_address_is_refused(lines: list[str]):
    with pytest.raises(NotPrinted):
        postal(lines)


def test_each_sign_of_code_39_is_nine_elements_three_of_them_wide_and_none_is_another():
    """ISO/IEC 16388: the name says it. A and the asterisk are given by every description of the code."""
    drawn = {sign: code39(sign)[10:-10] for sign in SIGNS}
    assert {len(one) for one in drawn.values()} == {9}
    assert {one.count("W") for one in drawn.values()} == {3}
    assert len(set(drawn.values())) == len(SIGNS)
    assert drawn["A"] == "WNNNNWNNW"
    assert drawn["*"] == "NWNNWNWNN"
    assert code39("A") == "NWNNWNWNN" + "N" + "WNNNNWNNW" + "N" + "NWNNWNWNN"


def test_a_sign_that_the_code_does_not_have_is_refused():
    with pytest.raises(KeyError):
        code39("é")


@pytest.mark.parametrize("pages", [1, 2, 3, 5])
def test_pages_are_counted(pages: int):
    assert page_count(joined(pages)) == pages


def test_the_cover_comes_first_and_every_page_of_every_file_behind_it():
    made = pypdfium2.PdfDocument(print_ready(SHEET, [joined(2), joined(1)]))
    said = [made[page].get_textpage().get_text_range() for page in range(len(made))]
    sizes = {tuple(round(side) for side in made[page].get_size()) for page in range(len(made))}
    made.close()
    assert len(said) == 4
    assert sizes == {(595, 842)}
    assert "12 RUE DES ESSAIS" in said[0]
    assert [f"{SHEET.code} {n}/3" in one for n, one in enumerate(said[1:], start=1)] == [True] * 3


def test_the_address_lies_where_the_window_is_and_nothing_else_does():
    """57 to 79 mm from the top, 105 to 190 mm across: seen through DL, C5 and C4 whatever the sheet's play."""
    made = pypdfium2.PdfDocument(print_ready(SHEET, [joined(1)]))
    bitmap = made[0].render(scale=2).to_pil().convert("L")
    width, height = bitmap.size
    made.close()
    ink = [
        (x * 210 / width, y * 297 / height)
        for y, x in product(range(height), range(width))
        if bitmap.getpixel((x, y)) < 128
    ]
    window = [(x, y) for x, y in ink if 90 <= x <= 200 and 44 <= y <= 90]
    assert window, "the address is there"
    assert all(105 <= x <= 190 and 57 <= y <= 79 for x, y in window)


@pytest.mark.parametrize("pages", [[], [b""], [b"%PDF-1.4 nothing"], [b"MZ" * 100]])
def test_what_cannot_be_printed_is_refused_without_a_word_of_it(pages: list[bytes]):
    with pytest.raises(NotPrinted) as refused:
        print_ready(SHEET, pages)
    assert refused.value.detail in {"nothing-to-print", "unreadable-pdf"}


def joined(pages: int) -> bytes:
    import typst

    return bytes(typst.compile(b'#set page(paper: "a5")\n' + b"\n#pagebreak()\n".join([b"Page"] * pages)))
