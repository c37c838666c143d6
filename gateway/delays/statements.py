"""The statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps per engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> bool:
    """Insert what is not there yet; whether anything was new (a row that breaks a unique rule is left as it was)."""
    statement = _insert_of(connection)(table).on_conflict_do_nothing()
    # One by one: the number of rows that many at once have changed is unknown to some drivers.
    return sum(connection.execute(statement, dict(row)).rowcount for row in rows) > 0


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert or replace by the column ``key``; every row has the same columns."""
    if not rows:
        return
    insert = _insert_of(connection)(table)
    new = {name: insert.excluded[name] for name in rows[0] if name != "key"}
    statement = insert.on_conflict_do_update(index_elements=["key"], set_=new)
    connection.execute(statement, [dict(row) for row in rows])


def _insert_of(connection: Connection) -> type[sqlite.Insert | postgresql.Insert]:
    return postgresql.Insert if connection.dialect.name == "postgresql" else sqlite.Insert
