"""Statements of the hot path: compiled once for each engine, then run on the driver's own cursor.

SQLAlchemy spends 40 to 150 µs on each execution of a statement that SQLite runs in 10, and a letter needs a good dozen.
What SQLAlchemy is good for stays: the statement is written with it, its types convert what goes in and comes out, and
the transaction is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]  # Any: what a column may hold
Row = Mapping[Any, Any]
"""One row by the names of its columns: a dictionary of ours, or SQLAlchemy's RowMapping."""
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement as one driver wants it."""

    sql: str
    binds: tuple[tuple[str, Convert | None], ...]
    """Name and conversion of each parameter, in the order in which the driver wants them."""
    constants: Values
    positional: bool
    columns: tuple[tuple[str, Convert | None], ...]

    def filled(self, values: Values) -> Any:  # noqa: ANN401 (a list or a dict, as the driver wants)
        """The values as the driver wants them; raises KeyError for one that is missing."""
        given = {**self.constants, **values} if self.constants else values
        if self.positional:
            return [given[name] if convert is None else convert(given[name]) for name, convert in self.binds]
        return {name: given[name] if convert is None else convert(given[name]) for name, convert in self.binds}

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """One row of the answer."""
        return {
            name: value if convert is None or value is None else convert(value)
            for (name, convert), value in zip(self.columns, row, strict=True)
        }


class Prepared:
    """One statement; a parameter of ``bindparam(…, expanding=True)`` is given as a list that is not empty.

    Raises what SQLAlchemy raises (``sqlalchemy.exc.OperationalError``), as if it had run the statement itself.
    """

    def __init__(self, statement: Executable, *columns: str) -> None:
        """``columns`` are those an INSERT without values is given; what it is not given has its column's default."""
        self._statement, self._columns = statement, columns
        self._compiled: dict[tuple[str, int], _Compiled] = {}

    def many(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it for each of ``rows``; gives how many rows it changed."""
        if not rows:
            return 0
        compiled = self._for(connection.dialect, 0)
        given = [compiled.filled(row) for row in rows]
        with wrapped(connection, compiled.sql):
            cursor = _cursor(connection)
            cursor.executemany(compiled.sql, given)
        return int(cursor.rowcount)

    def each(self, connection: Connection, rows: Sequence[Values]) -> list[int]:
        """As :meth:`many`, but how many rows of the table each of ``rows`` changed."""
        if not rows:
            return []
        compiled = self._for(connection.dialect, 0)
        given = [compiled.filled(row) for row in rows]
        with wrapped(connection, compiled.sql):
            cursor = _cursor(connection)
            return [int(cursor.execute(compiled.sql, each).rowcount) for each in given]

    def rows(self, connection: Connection, **values: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (column values)
        """What it selects or returns, one dictionary a row."""
        spread, length = _spread(values)
        compiled = self._for(connection.dialect, length)
        given = compiled.filled(spread)
        with wrapped(connection, compiled.sql):
            cursor = _cursor(connection)
            cursor.execute(compiled.sql, given)
            found = cursor.fetchall()
        return map(compiled.read, found)

    def _for(self, dialect: Dialect, length: int) -> _Compiled:
        key = (dialect.name, length)
        if key not in self._compiled:
            self._compiled[key] = _compile(self._statement, self._columns, dialect, length)
        return self._compiled[key]


def _spread(values: Values) -> tuple[dict[str, Any], int]:
    """Lists as numbered values, filled up to a power of two with their last: so few lengths are ever compiled."""
    spread: dict[str, Any] = {}
    length = 0
    for name, value in values.items():
        if isinstance(value, list):
            length = 1 << (len(value) - 1).bit_length()
            spread |= {f"{name}_{n}": value[min(n, len(value)) - 1] for n in range(1, length + 1)}
        else:
            spread[name] = value
    return spread, length


def _compile(statement: Any, columns: Sequence[str], dialect: Dialect, length: int) -> _Compiled:  # noqa: ANN401
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=list(columns) or None)
    lists = {name: [None] * length for name, bind in compiled.binds.items() if bind.required and bind.expanding}
    required = {name: None for name, bind in compiled.binds.items() if bind.required and not bind.expanding}
    state = compiled.construct_expanded_state(required | lists, escape_names=False)
    numbered = {name: whole for whole, names in state.parameter_expansion.items() for name in names}
    given = {*required, *(name for name, whole in numbered.items() if whole in lists)}
    constants = {name: value for name, value in state.parameters.items() if name not in given}
    constants |= {name: default for name, default in _defaults(statement) if name in constants}
    names = state.positiontup or list(state.parameters)
    kinds = {name: compiled.binds[numbered.get(name, name)].type for name in names}
    return _Compiled(
        sql=state.statement,
        binds=tuple((name, kinds[name].dialect_impl(dialect).bind_processor(dialect)) for name in names),
        constants=constants,
        positional=state.positiontup is not None,
        columns=tuple((entry.keyname, _result(entry.type, dialect)) for entry in compiled._result_columns),
    )


def _defaults(statement: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (any Executable)
    """What SQLAlchemy would put in at each execution of an INSERT: the columns' own scalar defaults."""
    if statement.is_insert:
        yield from ((column.key, column.default.arg) for column in statement.table.c if _has_scalar(column.default))


def _has_scalar(default: Any) -> bool:  # noqa: ANN401 (SQLAlchemy's default generators)
    return default is not None and default.is_scalar


def _result(kind: Any, dialect: Dialect) -> Convert | None:  # noqa: ANN401 (a TypeEngine)
    converted: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return converted


@contextmanager
def wrapped(connection: Connection, sql: str) -> Iterator[None]:
    """What the driver raises within the block, as SQLAlchemy would: whoever handles faults knows one kind only.

    A connection that is gone is given up, so that the next transaction gets another; no value is told.
    """
    try:
        yield
    except Exception as error:
        dialect = connection.dialect
        error_of_driver = dialect.loaded_dbapi.Error
        if not isinstance(error, error_of_driver):
            raise
        gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, None, error, error_of_driver, hide_parameters=True, connection_invalidated=gone, dialect=dialect
        ) from error


def _cursor(connection: Connection) -> Any:  # noqa: ANN401 (the driver's)
    return connection.connection.cursor()
