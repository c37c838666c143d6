"""Time stamps of the HL7 family."""

from __future__ import annotations

import pytest

from gateway.parsers.hl7_time import birth_date, moment


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20260115", "2026-01-15T00:00:00+01:00"),
        ("2026011510", "2026-01-15T10:00:00+01:00"),
        ("202607151030", "2026-07-15T10:30:00+02:00"),
        ("20260115103059", "2026-01-15T10:30:59+01:00"),
        ("20210409094914.827+0100", "2021-04-09T10:49:14.827000+02:00"),
        ("20260115093000+0000", "2026-01-15T10:30:00+01:00"),
        ("20260115093000-0500", "2026-01-15T15:30:00+01:00"),
        (" 20260115 ", "2026-01-15T00:00:00+01:00"),
        ("20261025023000", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_moments_are_aware_and_french(text: str, iso: str) -> None:
    found = moment(text)

    assert found
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "202601",
        "20260230",
        "20260115256060",
        "00010101",
        "99991231",
        "20260115+9999",
        "abc",
        "２０２６０１１５",
    ],
)
def test_what_names_no_day_is_no_moment(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [("19780214", "1978-02-14"), ("197802140830", "1978-02-14"), ("19470000", "19470000"), ("1947", "1947"), ("", "")],
)
def test_a_birth_date_is_iso_when_it_is_a_day(text: str, date: str) -> None:
    assert birth_date(text) == date
