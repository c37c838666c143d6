"""The statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps per engine.

Each is prepared once: building a statement costs ten times what running it does, and every letter needs some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from gateway.prepared import Prepared


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> bool:
    """Insert what is not there yet; whether anything was new (a row that breaks a unique rule is left as it was)."""
    return bool(rows) and _insert_new(connection.dialect.name, table, tuple(rows[0])).many(connection, rows) > 0


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert or replace by the column ``key``; every row has the same columns."""
    if rows:
        _upsert(connection.dialect.name, table, tuple(rows[0])).many(connection, rows)


@cache
def _insert_new(dialect: str, table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(_insert_of(dialect)(table).on_conflict_do_nothing(), *columns)


@cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...]) -> Prepared:
    insert = _insert_of(dialect)(table)
    new = {name: insert.excluded[name] for name in columns if name != "key"}
    return Prepared(insert.on_conflict_do_update(index_elements=["key"], set_=new), *columns)


def _insert_of(dialect: str) -> type[sqlite.Insert | postgresql.Insert]:
    return postgresql.Insert if dialect == "postgresql" else sqlite.Insert
