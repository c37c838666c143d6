"""Earlier results beside the ones of today: only the same patient, examination and unit, never a doubtful value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest

from gateway.compose.history import history
from gateway.document import Measure, Original
from gateway.letter import Form

BEFORE = datetime(2025, 12, 13, 8, 0, tzinfo=UTC)


@pytest.fixture
def earlier(lab):
    """The same report a month before, with another haemoglobin and potassium."""
    values = {"Hémoglobine": ("12.6", "N"), "Potassium": ("4.2", "N")}
    results = tuple(
        replace(one, value=values[one.label][0], flag=values[one.label][1]) if one.label in values else one
        for one in lab.results
    )
    return replace(lab, written_at=BEFORE, results=results, original=Original(format="hl7v2", content=b"MSH|before"))


def row(text: str, label: str) -> str:
    """The line of the table of the first document."""
    table = text.partition("RÉSULTATS")[2]
    return next(line for line in table.split("\n") if line.startswith(label))


def test_the_value_of_before_stands_beside_the_one_of_today(compose, lab, earlier):
    text = compose(lab, earlier).text
    assert row(text, "Analyse").split() == ["Analyse", "Résultat", "Unité", "Références", "13/12/25"]
    assert row(text, "Hémoglobine").split() == ["Hémoglobine", "11.4", "g/dL", "12.0", "-", "16.0", "L", "12.6"]
    assert row(text, "Potassium").endswith("!! HH  4.2")
    assert "Potassium : 6.8 mmol/L (3.5 - 5.1)  !! HH  [13/12/25 : 4.2]" in text
    assert "Colonnes datées" in text
    assert max(map(len, text.split("\n"))) <= 78


def test_the_report_of_before_does_not_show_what_came_after_it(compose, lab, earlier):
    second = compose(lab, earlier).text.partition("=" * 78)[2]
    assert "13/12/2025" in second
    assert "12/01/26" not in second
    assert "11.4" not in second


def test_a_letter_with_one_report_has_no_column(compose, lab):
    assert "Colonnes datées" not in compose(lab).text


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "g/L"},
        {"code": "OTHER"},
        {"label": "Hémoglobine glyquée"},
        {"status": "D"},
        {"status": "P"},
        {"value": ""},
    ],
)
def test_what_is_not_surely_the_same_is_not_compared(lab, earlier, change):
    changed = replace(earlier, results=(replace(earlier.results[1], **change),))
    assert not history((lab, changed), lab, most=2)
    control = replace(earlier, results=(earlier.results[1],))
    assert history((lab, control), lab, most=2), "without the change it is"


def test_another_persons_results_are_never_beside(lab, earlier):
    other = replace(earlier, patient=replace(earlier.patient, birth_date="1978-02-15"))
    assert not history((lab, other), lab, most=2)
    assert not history((lab, replace(earlier, patient=None)), lab, most=2)


def test_two_values_of_one_moment_are_no_value(lab, earlier):
    twice = (earlier.results[1], replace(earlier.results[1], value="9.9"))
    assert not history((lab, replace(earlier, results=twice)), lab, most=2)


def test_the_newest_days_come_first_and_the_last_value_of_a_day_counts(lab, earlier):
    days = [replace(earlier, written_at=BEFORE - timedelta(days=number)) for number in range(5)]
    late = replace(earlier.results[1], value="13.9")
    days.append(replace(earlier, written_at=BEFORE + timedelta(hours=3), results=(late,)))
    found = history((*days, lab), lab, most=3)
    assert [day.short for day in found.days] == ["13/12/25", "12/12/25", "11/12/25"]
    assert found.of(lab.results[1])[0].value == "13.9"


def test_results_of_several_days_in_one_report_are_compared_by_their_own_day(lab):
    today, before = (replace(lab.results[1], observed_at=when) for when in (BEFORE, BEFORE - timedelta(days=30)))
    report = replace(lab, results=(today, replace(before, value="12.9")))
    found = history((report,), report, most=2)
    assert found.latest(today)[0].value == "12.9"
    assert found.latest(replace(before, value="12.9")) is None, "the older one has nothing before it"


def test_a_result_of_another_moment_says_which(compose, lab):
    at = [replace(one, observed_at=BEFORE) for one in lab.results[1:4]]
    late = replace(at[2], observed_at=BEFORE + timedelta(hours=3))
    text = compose(replace(lab, results=(*at[:2], late)), forms=(Form.HPRIM_ATTACHED,)).text
    assert "Prélevé le : 13/12/2025 09:00" in text
    assert "    Prélevé le 13/12/2025 12:00" in text
    assert "heure de prélèvement de « Sodium »" in " ".join(text.split())


def test_a_table_that_would_be_too_wide_drops_the_oldest_day_and_no_value_of_today(compose, lab, earlier):
    wide = tuple(replace(one, unit="millimoles/L", low="100.00", high="1000.00") for one in lab.results)
    older = replace(earlier, written_at=BEFORE - timedelta(days=90), results=wide)
    text = compose(replace(lab, results=wide), replace(earlier, results=wide), older).text
    assert max(map(len, text.split("\n"))) <= 78
    assert "13/12/25" in row(text, "Analyse")
    for result in lab.results:
        assert result.value in text


def test_the_page_has_up_to_three_days(compose, lab, earlier):
    days = [replace(earlier, written_at=BEFORE - timedelta(days=30 * number)) for number in range(4)]
    second = replace(lab.results[1], second=Measure(value="7.1", unit="mmol/L", low="7.4", high="9.9"))
    report = replace(lab, results=(*lab.results, second))
    pdf = next(
        content for name, content in compose(report, *days, forms=(Form.PDF,)).files.items() if "20260112" in name
    )
    opened = pypdfium2.PdfDocument(pdf)
    page = opened[0]
    words = page.get_textpage()
    text = words.get_text_range()
    for thing in (words, page, opened):
        thing.close()
    assert [day in text for day in ("13/12/2025", "13/11/2025", "14/10/2025", "14/09/2025")] == [
        True,
        True,
        True,
        False,
    ]
    assert "↓ L" in text
    assert "↑↑ !! HH" in text


def test_what_may_still_change_or_does_not_count_is_said_at_the_top(compose, lab):
    first, second, third = lab.results[1:4]
    changed = (replace(first, status="P"), replace(second, status="C"), replace(third, status="X"))
    top = compose(replace(lab, results=changed)).text.partition("RÉSULTATS")[0]
    assert "Non validé : Hémoglobine" in top
    assert "Corrigé : Potassium" in top
    assert "Résultat annulé : Sodium" in top
