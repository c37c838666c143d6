"""A database of version 0.1 with a stay: its figures are drawn behind open doors, and once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from gateway.delays.redraw import still_undrawn
from gateway.delays.tables import stay, timing
from gateway.service.process.redrawing import Redrawing
from tests.faults.migrating import of_version_0_1, opened

MOVEMENT = (
    'INSERT INTO movement (fingerprint, stay_key, source, at, "trigger", visit_key, hospital, zbe_2, evn_2, no_gp)'
    " VALUES ('f', 'dpi/v', 'gam', {at}, 'A03', 'v', 'dpi', {at}, {at}, 0)"
)
STAY = (
    "INSERT INTO stay (key, visit_key, hospital, first_at, discharged_at, conflict, cancelled)"
    " VALUES ('dpi/v', 'v', 'dpi', {at}, {at}, 0, 0)"
)
CLOCK = "UPDATE clock SET visit_key = 'v' WHERE delivery_id = (SELECT min(delivery_id) FROM clock)"
LEFT_AT = 1768400000000000


async def test_the_stays_of_version_0_1_are_drawn_after_the_start(tmp_path: Path):
    database = of_version_0_1(tmp_path)
    with closing(sqlite3.connect(database)) as connection:
        for statement in (MOVEMENT, STAY, CLOCK):
            connection.execute(statement.format(at=LEFT_AT))
        connection.commit()
    store = opened(tmp_path)
    try:
        with store.reading() as connection:
            assert still_undrawn(connection) == 4
        await Redrawing(store).look()
        with store.reading() as connection:
            assert still_undrawn(connection) == 0
            (line,) = connection.execute(select(timing)).mappings()
            assert (line["key"], line["matched"], line["adt"]) == ("dpi/v", "visit", True)
            assert connection.execute(select(stay.c.begun_at)).scalar_one() is not None
        await Redrawing(store).look()
    finally:
        store.close()


def test_control_before_that_the_old_stay_is_on_the_list_and_in_no_report(tmp_path: Path):
    database = of_version_0_1(tmp_path)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(STAY.format(at=LEFT_AT))
        connection.commit()
    store = opened(tmp_path)
    with store.reading() as connection:
        assert still_undrawn(connection) == 4
        assert connection.execute(select(timing)).all() == []
    store.close()
