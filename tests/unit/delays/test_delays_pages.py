"""Pages open without a network, say what the figures say, and tell nothing of fewer than five stays."""

import io
import re

import numpy as np
import pypdfium2
import pytest
from lxml import html

from gateway.delays.charts import charts
from gateway.delays.clock import EIGHT_DAYS, StopsAt
from gateway.delays.figures import By
from gateway.delays.legs import Leg
from gateway.delays.measure import Question, measured
from gateway.delays.page import to_html, to_pdf
from gateway.delays.report import answer
from gateway.delays.trends import trends, waiting
from gateway.delays.way import UNKNOWN
from gateway.delays.words import words
from tests.unit.delays.wards import Ward, at, moved, patient

NOW = at("31 12:00")
EVIL = "<script>alert(1)</script>$x_1$ &amp;"


@pytest.fixture
def full(ward: Ward) -> Ward:
    """Three services: one of twelve stays with an evil name, one of eight, one of two."""
    for number in range(22):
        unit = EVIL if number < 12 else "B" if number < 20 else "TINY"
        ward.move(moved("A03", f"{2 + number % 9:02} 10:00", visit=f"V{number}", unit=unit, who=patient(number)))
        if number % 4:
            ward.write(
                f"L{number}", "13 09:00", visit=f"V{number}", patient=patient(number), validated_at=at("12 08:00")
            )
            ward.leg(Leg.ACCEPTED, "13 09:01", f"L{number}-0")
            ward.leg(Leg.DELIVERED, "13 09:03", f"L{number}-0")
    return ward


def made(ward: Ward, *, french: bool = False, shared: bool = True):
    question = Question(policy=EIGHT_DAYS, by=By.SERVICE, now=NOW, shared=shared)
    cohorts = measured(ward.connection, question)
    told = words(french=french)
    return answer(ward.connection, question, cohorts), charts(trends(cohorts, NOW), told), told


def test_a_page_has_four_pictures_and_reaches_for_nothing_outside(full):
    page = to_html(*made(full))
    assert page.count("<svg") == 4
    tree = html.fromstring(page)
    assert tree.xpath("//script | //link | //img | //iframe | //object") == []
    reached = [
        value for value in tree.xpath("//@href | //@src | //@*[name()='xlink:href']") if not value.startswith("#")
    ]
    assert reached == []
    assert re.findall(r"url\((?!#)", page) == []
    assert "@import" not in page


def test_what_a_sender_wrote_stays_text(full):
    page = to_html(*made(full))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_small_groups_are_put_together_with_the_next_smallest_and_nothing_follows_from_the_rest(full):
    told, _, _ = made(full)
    assert {row.group: row.stays for row in told.rows} == {EVIL: 12, "small-groups": 10}
    assert sum(row.stays for row in told.rows) == told.total.stays
    assert all(count is None for row in told.rows for count in row.apart.values())
    inside, _, _ = made(full, shared=False)
    assert {row.group: row.stays for row in inside.rows} == {EVIL: 12, "B": 8, "TINY": 2}


def test_the_same_figures_give_the_same_pictures(full):
    assert made(full)[1] == made(full)[1]


@pytest.mark.parametrize("french", [False, True])
def test_the_pdf_says_what_the_page_says(full, french):
    pdf = pypdfium2.PdfDocument(io.BytesIO(to_pdf(*made(full, french=french))))
    text = " ".join(page.get_textpage().get_text_bounded() for page in pdf)
    pdf.close()
    assert ("Délais des lettres de sortie" if french else "Delays of discharge letters") in text
    assert ("petits effectifs" if french else "small groups") in text


def test_stays_that_are_watched_for_less_time_count_as_long_as_they_are_watched():
    day = 86_400_000_000
    taken = np.array([1 * day, 2 * day, UNKNOWN, 3 * day], dtype=np.int64)
    watched = np.array([9 * day, 9 * day, 2 * day, 9 * day], dtype=np.int64)
    curve = waiting(taken, watched, np.array([0.0, 1.0, 2.0, 3.0]))
    assert curve.tolist() == pytest.approx([1.0, 3 / 4, 3 / 4 * 2 / 3, 0.0])


def test_a_proof_that_never_came_has_no_curve(full):
    found = trends(measured(full.connection, Question(policy=EIGHT_DAYS, now=NOW)), NOW)
    assert set(found.waiting) == {StopsAt.SENT, StopsAt.DELIVERED}
