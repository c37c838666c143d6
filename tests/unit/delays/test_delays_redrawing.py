"""After an upgrade figures are drawn again in steps while letters and movements go on, and end as if never left out."""

from __future__ import annotations

import random
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from gateway.delays import letters as delay_letters
from gateway.delays.letters import retie_all
from gateway.delays.redraw import redraw_some, still_undrawn
from tests.unit.delays.streams import shuffled, stream, tell
from tests.unit.delays.test_delays_streams import lines
from tests.unit.delays.wards import Ward, at, close, moved, new_ward

LEFT = (
    "DELETE FROM timing",
    "UPDATE stay SET begun_at = NULL",
    "INSERT INTO undrawn SELECT key FROM stay UNION SELECT group_key FROM clock",
)


def upgraded(ward: Ward) -> None:
    """As revisions 0005 and 0009 leave it."""
    for statement in LEFT:
        ward.connection.exec_driver_sql(statement)


def step(ward: Ward, most: int = 1) -> int:
    (done,) = redraw_some(ward.connection, [most])
    return done


@pytest.mark.parametrize("seed", range(15))
def test_what_an_upgrade_left_is_drawn_between_the_events_of_the_day(seed: int):
    dice = random.Random(seed)  # noqa: S311
    told = shuffled(stream(dice), dice)
    never, old = new_ward(), new_ward()
    tell(never, told)
    half = len(told) // 2
    tell(old, told[:half])
    upgraded(old)
    for one in told[half:]:
        tell(old, [one])
        step(old)
    while step(old):
        pass
    assert still_undrawn(old.connection) == 0
    assert lines(old) == lines(never)
    close(never)
    close(old)


def test_all_letters_are_drawn_anew_however_few_values_a_statement_takes(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    for number in range(120):
        ward.write(f"L{number}", "13 12:00", visit=f"V{number}", left=at("12 10:00"))
    ward.move(moved("A03", "12 10:00", visit="V3"))
    drawn = lines(ward)
    ward.connection.commit()
    ward.connection.connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 110)
    monkeypatch.setattr(delay_letters, "_AT_ONCE", 50)
    upgraded(ward)
    retie_all(ward.connection)
    while redraw_some(ward.connection, [50]) != [0]:
        pass
    assert lines(ward) == drawn
    monkeypatch.setattr(delay_letters, "_AT_ONCE", 500)
    with pytest.raises(OperationalError, match="too many SQL variables"):  # control: all in one statement
        retie_all(ward.connection)


def test_a_crash_in_a_step_leaves_its_stays_on_the_list(ward: Ward):
    tell(ward, stream(random.Random(3)))  # noqa: S311
    drawn = lines(ward)
    upgraded(ward)
    ward.connection.commit()
    before = still_undrawn(ward.connection)
    assert step(ward, 2) == 2
    ward.connection.rollback()
    assert still_undrawn(ward.connection) == before > 2
    assert lines(ward) == []
    while step(ward, 2):
        ward.connection.commit()
    assert lines(ward) == drawn


def test_control_without_drawing_the_figures_are_not_there(ward: Ward):
    tell(ward, stream(random.Random(3)))  # noqa: S311
    assert lines(ward)
    upgraded(ward)
    assert lines(ward) == []
