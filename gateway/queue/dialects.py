"""What SQLite and PostgreSQL spell differently, or SQLAlchemy keeps per engine: only here is asked which it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.prepared import Prepared


class database_now(FunctionElement[int]):  # noqa: N801 (a function of SQL)
    """The database's clock in microseconds since 1970 UTC: leases are measured by it alone, never by a node's.

    Within one statement it stands still on SQLite; on PostgreSQL it is the moment, not the transaction's beginning.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's own)
    return (
        "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000)"
    )


@compiles(database_now, "postgresql")
def _postgresql_now(element: database_now, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's own)
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def upsert(
    connection: Connection, table: Table, key: Sequence[str], columns: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert ``rows``; of a row with the same ``key`` that is there already, ``columns`` become the new one's."""
    if rows:
        _upsert(connection.dialect.name, table, tuple(key), tuple(columns)).many(connection, rows)


@cache
def _upsert(dialect: str, table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Prepared:
    """Built once: building a statement costs ten times what running it does."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    new = {name: insert.excluded[name] for name in columns}
    on_conflict = insert.on_conflict_do_update(index_elements=[table.c[name] for name in key], set_=new)
    return Prepared(on_conflict, *table.c.keys())
