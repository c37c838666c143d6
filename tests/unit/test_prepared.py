"""Statements compiled once: the same rows as SQLAlchemy gives, on either engine's spelling."""

import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.moments import Moment
from gateway.prepared import Prepared

THING = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("at", Moment),
    Column("yes", Boolean),
)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
INSERT = Prepared(insert(THING), "id", "name", "at", "yes")
AMONG = Prepared(select(THING).where(THING.c.id.in_(bindparam("wanted", expanding=True))).order_by(THING.c.id))


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THING.metadata.create_all(connection)
        rows = [{"id": n, "name": f"n{n}", "at": NOON if n % 2 else None, "yes": n > 2} for n in range(1, 6)]
        assert INSERT.many(connection, rows) == 5
        yield connection
    engine.dispose()


def test_rows_come_back_with_the_types_of_their_columns(connection):
    found = list(AMONG.rows(connection, wanted=[1, 4]))
    assert found == [
        {"id": 1, "name": "n1", "at": NOON, "yes": False},
        {"id": 4, "name": "n4", "at": None, "yes": True},
    ]
    told = connection.execute(select(THING).where(THING.c.id.in_([1, 4])).order_by(THING.c.id)).mappings()
    assert found == [dict(row) for row in told]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_list_of_any_length_finds_each_once(connection, number):
    assert [row["id"] for row in AMONG.rows(connection, wanted=list(range(1, number + 1)))] == list(
        range(1, number + 1)
    )


def test_a_value_named_twice_and_constants_are_put_in_their_places(connection):
    here = bindparam("here")
    change = Prepared(
        update(THING).where((THING.c.id == here) | (THING.c.id == here + 1), THING.c.yes.is_(False)).values(name="new")
    )
    assert change.many(connection, [{"here": 1}]) == 2
    assert change.many(connection, [{"here": 3}]) == 0
    assert [row["name"] for row in AMONG.rows(connection, wanted=[1, 2, 3])] == ["new", "new", "n3"]


def test_a_value_that_is_missing_is_no_null(connection):
    change = Prepared(update(THING).where(THING.c.id == bindparam("here")).values(name=bindparam("called")))
    with pytest.raises(KeyError, match="called"):
        change.many(connection, [{"here": 1}])


def test_nothing_to_do_asks_the_database_nothing():
    assert INSERT.many(None, []) == 0


def test_a_rollback_takes_back_what_was_prepared():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THING.metadata.create_all(connection)
    with engine.connect() as connection:
        transaction = connection.begin()
        INSERT.many(connection, [{"id": 1, "name": "a", "at": NOON, "yes": True}])
        transaction.rollback()
        assert not list(AMONG.rows(connection, wanted=[1]))


def test_postgresql_is_given_names_instead_of_places():
    class Cursor:
        rowcount = 2

        def execute(self, sql, values):
            self.said = (sql, values)

        def fetchall(self):
            return [(1, "a", 0, True)]

    class Connection:
        dialect = psycopg.dialect()
        one = Cursor()

        @property
        def connection(self):
            return self

        def cursor(self):
            return self.one

    connection = Connection()
    (row,) = AMONG.rows(connection, wanted=[7, 8, 9])
    sql, values = connection.one.said
    assert "%(wanted_4)s" in sql
    assert values == {"wanted_1": 7, "wanted_2": 8, "wanted_3": 9, "wanted_4": 9}
    assert row["at"] == datetime(1970, 1, 1, tzinfo=UTC)


def test_an_insert_gives_what_it_is_not_given_its_columns_default():
    table = Table("other", MetaData(), Column("id", Integer, primary_key=True), Column("state", String, default="open"))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.metadata.create_all(connection)
        Prepared(insert(table), "id").many(connection, [{"id": 1}])
        Prepared(insert(table), "id", "state").many(connection, [{"id": 2, "state": None}])
        assert connection.execute(select(table).order_by(table.c.id)).all() == [(1, "open"), (2, None)]
    engine.dispose()


def test_a_list_that_stands_in_the_statement_itself_stays_what_it_is(connection):
    among = Prepared(
        select(THING.c.id).where(THING.c.id.in_([1, 2, 3]), THING.c.id.in_(bindparam("w", expanding=True)))
    )
    assert sorted(row["id"] for row in among.rows(connection, w=[2, 3, 4, 5, 3])) == [2, 3]


def test_each_tells_how_many_rows_every_one_changed(connection):
    change = Prepared(update(THING).where(THING.c.id == bindparam("here")).values(name="new"))
    assert change.each(connection, [{"here": 1}, {"here": 99}, {"here": 2}]) == [1, 0, 1]
    assert change.each(None, []) == []


def test_a_fault_of_the_driver_comes_as_sqlalchemys_and_tells_no_value(connection):
    row = {"id": 1, "name": "a secret", "at": None, "yes": True}
    gone = Prepared(select(Table("gone", MetaData(), Column("id", Integer))))
    for run in (lambda: INSERT.many(connection, [row]), lambda: INSERT.each(connection, [row])):
        with pytest.raises(IntegrityError) as caught:
            run()
        assert "secret" not in str(caught.value)
        assert isinstance(caught.value.orig, sqlite3.IntegrityError)
    with pytest.raises(OperationalError):
        gone.rows(connection)
    assert len(list(AMONG.rows(connection, wanted=[1]))) == 1
