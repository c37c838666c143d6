"""The national directory in ``directory.db``: built aside, renamed into place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import chain, islice
from pathlib import Path

from directory import spelling, tables, words_sqlite
from directory.database import Aside, Row, SwitchedDatabase, built_aside, writing
from directory.packing import VALUES_TOGETHER, Packing, unpacked_values
from directory.shelf import KNOWN_ROWS, Term, Texts

FILE_NAME = "directory.db"
_GATHERED = (
    "national_id, civility, family, given, profession, group_concat(city || '|' || postcode, '|') AS places, "
    "group_concat(profession, ' ') AS professions, group_concat(skill, ' ') AS skills"
)
_PERSONS = (
    # The bare columns of a GROUP BY come from one row of the group: any spelling of the name will do for a search.
    f"""INSERT INTO person (national_id, civility, family, given, profession, places, professions, skills)
        SELECT {_GATHERED} FROM main.activity GROUP BY national_id""",  # noqa: S608 (own names)
    "CREATE UNIQUE INDEX main.person_number ON person (national_id)",
    f"""INSERT INTO person (national_id, civility, family, given, profession, places, professions, skills)
        SELECT {_GATHERED} FROM main.mailbox WHERE national_id IS NOT NULL GROUP BY national_id
        ON CONFLICT (national_id) DO UPDATE SET places = places || '|' || excluded.places,
            professions = professions || ' ' || excluded.professions,
            skills = skills || ' ' || excluded.skills""",  # noqa: S608 (own names)
)


class SqliteShelf:
    """``directory.db`` of a folder; a missing file answers with no rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = SwitchedDatabase(folder / FILE_NAME, tables.VERSION)

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """See :class:`directory.shelf.Shelf`."""
        return self._database.rows(statement, tuple(values))

    def words(self, terms: Sequence[Term], limit: int) -> list[Row]:
        """See :class:`directory.shelf.Shelf`."""
        return self.rows(words_sqlite.FIND, (" AND ".join(map(words_sqlite.match, terms)), limit))

    @contextmanager
    def building(self) -> Iterator[SqliteBuilding]:
        """See :class:`directory.shelf.Shelf`."""
        path = self._folder / FILE_NAME
        with writing(self._folder), built_aside(path, tables.VERSION) as aside:
            building = SqliteBuilding(aside, path)
            for statement in (*tables.TABLES, *words_sqlite.TABLES):
                building.rows(statement)
            yield building

    @contextmanager
    def amending(self) -> Iterator[SqliteBuilding]:
        """See :class:`directory.shelf.Shelf`: a copy of the file, changed aside."""
        path = self._folder / FILE_NAME
        with writing(self._folder), built_aside(path, tables.VERSION, copied=True) as aside:
            yield SqliteBuilding(aside, path)

    def close(self) -> None:
        """See :class:`directory.shelf.Shelf`."""
        self._database.close()


class SqliteBuilding:
    """See :class:`directory.shelf.Building`."""

    packing = Packing.VALUES

    def __init__(self, aside: Aside, present: Path) -> None:
        self._aside, self._present, self.compared = aside, present, False

    def attach(self) -> None:
        """See :class:`directory.shelf.Building`; the rows are put first: a transaction cannot attach."""
        if not self._present.exists():
            return
        with closing(sqlite3.connect(self._present)) as present:
            if present.execute("PRAGMA user_version").fetchone()[0] != tables.VERSION:
                return
        self._aside.database.execute("COMMIT")
        uri = f"{self._present.resolve().as_uri()}?mode=ro&immutable=1"
        self._aside.database.execute("ATTACH DATABASE ? AS old", (uri,))
        self._aside.database.execute("BEGIN")
        self.compared = True

    def of_another_version(self) -> dict[str, int]:
        """See :class:`directory.shelf.Building`."""
        if self.compared or not self._present.exists():
            return {}
        with closing(sqlite3.connect(self._present)) as present, suppress(sqlite3.Error):
            return dict(present.execute(KNOWN_ROWS.format("")).fetchall())
        return {}

    def rows(self, statement: str, *values: object) -> list[Row]:
        """See :class:`directory.shelf.Building`."""
        spelt = statement.format(new="main", old="old", bigkey="INTEGER PRIMARY KEY", text="TEXT")
        return self._aside.database.execute(spelt, values).fetchall()

    def put(self, table: str, packed: Iterator[bytes]) -> None:
        """See :class:`directory.shelf.Building`."""
        columns = len(self.rows(f"PRAGMA main.table_info({table})"))
        for values in chain.from_iterable(map(unpacked_values, packed)):
            self._insert(table, columns, values)

    def insert(self, table: str, columns: int, rows: Iterator[Sequence[object]]) -> None:
        """See :class:`directory.shelf.Building`."""
        while together := list(islice(rows, VALUES_TOGETHER // columns)):
            self._insert(table, columns, list(chain.from_iterable(together)))

    def _insert(self, table: str, columns: int, values: Sequence[object]) -> None:
        """As many rows as ``values`` fill."""
        marks = f"({','.join('?' * columns)})"
        statement = f"INSERT INTO {table} VALUES {','.join([marks] * (len(values) // columns))}"  # noqa: S608 (own names)
        self._aside.database.execute(statement, values)

    def index(self) -> None:
        """See :class:`directory.shelf.Building`."""
        for table, name, what in tables.ROW_INDEXES:
            self.rows(f"CREATE INDEX main.{table}_{name} ON {table} {what}")

    def persons(self) -> None:
        """See :class:`directory.shelf.Building`."""
        for statement in _PERSONS:
            self.rows(statement)
        words_sqlite.fill(self.rows)
        words = spelling.words_of(words_sqlite.names(self.rows))
        self.insert("word", 2, iter(enumerate(words, start=1)))
        self.insert("near", 1, spelling.pairs(words))
        self.rows(tables.FACTS)

    def add_words(self, number: int, texts: Texts) -> None:
        """See :class:`directory.shelf.Building`."""
        words_sqlite.add(self.rows, number, texts)

    def publish(self) -> None:
        """See :class:`directory.shelf.Building`."""
        self._aside.publish()
