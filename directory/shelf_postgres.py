"""The national directory in PostgreSQL, for several nodes: a schema built beside, then renamed in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from threading import Lock

import psycopg
from psycopg import sql

from directory import spelling, tables, words_postgres
from directory.database import Row, can_be_kept
from directory.errors import DirectoryError
from directory.packing import Packing, copy_lines
from directory.shelf import KNOWN_ROWS, Term, Texts

_STEM = "huitaine_directory_"
SCHEMA = f"{_STEM}{tables.VERSION}"
"""Another version of the tables is another schema: two versions of the gateway never read each other's."""
_NEW = SCHEMA + "_new"
_GONE = SCHEMA + "_gone_"
"""With a number behind it: a directory of before, until nobody reads it any more."""
_ALL_GONE = f"SELECT nspname FROM pg_namespace WHERE starts_with(nspname, '{_GONE}')"  # noqa: S608 (own names)
_OLDER = f"""SELECT nspname FROM pg_namespace WHERE nspname ~ '^{_STEM}[0-9]+(|_new|_gone_[0-9]+)$'
    AND substring(nspname FROM '[0-9]+')::numeric < {tables.VERSION}"""  # noqa: S608 (own names)
_OTHER = f"""SELECT nspname FROM pg_namespace WHERE nspname ~ '^{_STEM}[0-9]+$' AND nspname <> '{SCHEMA}'
    ORDER BY substring(nspname FROM '[0-9]+')::numeric DESC LIMIT 1"""  # noqa: S608 (own names)
_LOCK = 0x48554954
"""The advisory lock of whoever imports."""
_TOGETHER = 4096
"""Rows that one piece of a COPY holds."""
_SECONDS = 5
"""How long a look-up may take at most: a letter waits meanwhile."""
_ROOM = "-cwork_mem=128MB -cmaintenance_work_mem=256MB -cjit=off"
"""Of the server's memory, while an import sorts; compiling what runs once costs more than it brings."""
_BY_INDEX = (
    "-cjit=off -cenable_seqscan=off -cenable_hashjoin=off -cenable_mergejoin=off -cplan_cache_mode=force_generic_plan"
)
"""A look-up finds some rows by an index, always: planned once, never by reading a table for a guess of many rows."""
_TEXT = 'TEXT COLLATE "C"'
"""Compared and sorted octet by octet, as SQLite and Python do, whatever the cluster's locale; the fastest too."""
_PERSONS = (
    # Of the columns of a person, those of the first line: the rows of a group come as they were sorted.
    """INSERT INTO {new}.person
        SELECT row_number() OVER (ORDER BY national_id), national_id, (array_agg(civility))[1], (array_agg(family))[1],
            (array_agg(given))[1], (array_agg(profession))[1], string_agg(city || '|' || postcode, '|'),
            string_agg(profession, ' '), string_agg(skill, ' ')
        FROM (
            SELECT id, national_id, civility, family, given, profession, skill, city, postcode FROM {new}.activity
            UNION ALL SELECT 1000000000 + id, national_id, civility, family, given, profession, skill, city, postcode
            FROM {new}.mailbox WHERE national_id IS NOT NULL
            ORDER BY national_id, id) told
        GROUP BY national_id""",
    "CREATE UNIQUE INDEX person_number ON {new}.person (national_id)",
    "ANALYZE {new}.person",
)


class PostgresShelf:
    """The schema of one database; ``address`` is libpq's, and its password stands in libpq's own password file."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: psycopg.Connection | None = None
        self._lock = Lock()

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """See :class:`directory.shelf.Shelf`. Raises DirectoryError ``schema``, ``unreachable``, ``database``."""
        if not can_be_kept(values):
            return []
        with self._lock, _told():
            try:
                return self._asked(statement, values)
            except psycopg.OperationalError:
                self._forget()  # the server was restarted: once more, on a new connection
                return self._asked(statement, values)

    def words(self, terms: Sequence[Term], limit: int) -> list[Row]:
        """See :class:`directory.shelf.Shelf`."""
        return self.rows(words_postgres.FIND, (" & ".join(map(words_postgres.match, terms)), limit))

    @contextmanager
    def building(self) -> Iterator[PostgresBuilding]:
        """See :class:`directory.shelf.Shelf`: one transaction, so that a killed import leaves nothing."""
        with self._writing() as connection:
            building = PostgresBuilding(connection, new=_NEW)
            building.sweep()
            building.rows("DROP SCHEMA IF EXISTS {new} CASCADE")
            building.rows("CREATE SCHEMA {new}")
            for statement in (*tables.TABLES, words_postgres.TABLE):
                building.rows(statement)
            yield building

    @contextmanager
    def amending(self) -> Iterator[PostgresBuilding]:
        """See :class:`directory.shelf.Shelf`: one transaction on the tables that readers see."""
        with self._writing() as connection:
            if _fetched(connection, f"SELECT to_regnamespace('{SCHEMA}')", None)[0][0] is None:
                _refuse_other_version(connection)
                raise DirectoryError("no-directory", "there is no directory to change yet: import the national files")
            yield PostgresBuilding(connection, new=SCHEMA)

    @contextmanager
    def _writing(self) -> Iterator[psycopg.Connection]:
        options = f"-clock_timeout={_SECONDS}s {_ROOM}"
        with _told(), closing(psycopg.connect(self._address, options=options, connect_timeout=_SECONDS)) as connection:
            if not _fetched(connection, "SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))[0][0]:
                raise DirectoryError("busy", "another import or update is running; try again when it is done")
            yield connection

    def close(self) -> None:
        """See :class:`directory.shelf.Shelf`."""
        with self._lock:
            self._forget()

    def _asked(self, statement: str, values: Sequence[object]) -> list[Row]:
        if self._connection is None:
            options = (
                f"-csearch_path={SCHEMA} -cdefault_transaction_read_only=on -cstatement_timeout={_SECONDS}s {_BY_INDEX}"
            )
            self._connection = psycopg.connect(
                self._address, autocommit=True, options=options, connect_timeout=_SECONDS
            )
        try:
            return _fetched(self._connection, statement.replace("?", "%s"), values)
        except psycopg.errors.UndefinedTable:
            _refuse_other_version(self._connection)
            return []

    def _forget(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


class PostgresBuilding:
    """See :class:`directory.shelf.Building`."""

    packing = Packing.COPY

    def __init__(self, connection: psycopg.Connection, *, new: str) -> None:
        self._connection, self._new, self.compared = connection, new, False

    def attach(self) -> None:
        """See :class:`directory.shelf.Building`."""
        self.compared = self.rows(f"SELECT to_regnamespace('{SCHEMA}')")[0][0] is not None

    def of_another_version(self) -> dict[str, int]:
        """See :class:`directory.shelf.Building`: the newest of the others."""
        for (name,) in [] if self.compared else self.rows(_OTHER):
            with suppress(psycopg.Error), self._connection.transaction():
                return dict(self.rows(KNOWN_ROWS.format(f"{name}.")))
        return {}

    def rows(self, statement: str, *values: object) -> list[Row]:
        """See :class:`directory.shelf.Building`."""
        spelt = statement.format(new=self._new, old=SCHEMA, bigkey="BIGINT PRIMARY KEY", text=_TEXT)
        return _fetched(self._connection, spelt.replace("?", "%s"), values or None)

    def put(self, table: str, packed: Iterator[bytes]) -> None:
        """See :class:`directory.shelf.Building`."""
        name = sql.Identifier(self._new, table)
        with self._connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copy:
            for piece in packed:
                copy.write(piece)

    def insert(self, table: str, columns: int, rows: Iterator[Sequence[object]]) -> None:
        """See :class:`directory.shelf.Building`."""
        del columns
        self.put(table, (copy_lines(together) for together in iter(lambda: list(islice(rows, _TOGETHER)), [])))

    def index(self) -> None:
        """See :class:`directory.shelf.Building`."""
        for table, name, what in tables.ROW_INDEXES:
            self.rows(f"CREATE INDEX {table}_{name} ON {{new}}.{table} {what}")
        for table in tables.TABLE_OF.values():
            self.rows(f"ANALYZE {{new}}.{table}")

    def persons(self) -> None:
        """See :class:`directory.shelf.Building`."""
        for statement in _PERSONS:
            self.rows(statement)
        words = spelling.words_of(words_postgres.fill(self.rows, partial(self.put, "words")))
        for statement in words_postgres.INDEXES:
            self.rows(statement)
        self.insert("word", 2, iter(enumerate(words, start=1)))
        self.insert("near", 1, spelling.pairs(words))
        for table in ("words", "word", "near"):
            self.rows(f"ANALYZE {{new}}.{table}")
        self.rows(tables.FACTS)

    def add_words(self, number: int, texts: Texts) -> None:
        """See :class:`directory.shelf.Building`."""
        self.rows(words_postgres.PUT, number, words_postgres.lexemes(texts))

    def publish(self) -> None:
        """See :class:`directory.shelf.Building`: two names change, and no reader is waited for.

        To drop tables needs locks that a reader of several tables can hold in another order: that comes afterwards,
        and the next import does it where it cannot be had at once, or the server is lost meanwhile.
        """
        if self._new == SCHEMA:
            self._connection.commit()
            return
        number = self.rows("SELECT pg_current_xact_id()::text")[0][0]
        if self.compared:
            self.rows(f"ALTER SCHEMA {{old}} RENAME TO {_GONE}{number}")
        self.rows(f"ALTER SCHEMA {{new}} RENAME TO {SCHEMA}")
        self._connection.commit()
        with suppress(psycopg.Error):
            self.sweep(_OLDER)
            self.sweep()
            self._connection.commit()

    def sweep(self, which: str = _ALL_GONE) -> None:
        """Drop what is gone, where no reader holds it."""
        for (name,) in self.rows(which):
            with suppress(psycopg.Error), self._connection.transaction():
                self.rows(f"DROP SCHEMA {name} CASCADE")


def _fetched(connection: psycopg.Connection, statement: str, values: Sequence[object] | None) -> list[Row]:
    # The statements are this package's own, with marks for every value.
    cursor = connection.execute(statement.encode(), values)
    return cursor.fetchall() if cursor.description else []


def _refuse_other_version(connection: psycopg.Connection) -> None:
    if _fetched(connection, _OTHER, None):
        raise DirectoryError("schema", "the directory in PostgreSQL was made by another version: import again")


@contextmanager
def _told() -> Iterator[None]:
    """What a database can do, as one line; its own words may name hosts and stay out."""
    try:
        yield
    except psycopg.OperationalError as error:
        words = "the directory's PostgreSQL does not answer; see directory.database"
        raise DirectoryError("unreachable", words) from error
    except psycopg.Error as error:
        words = f"the directory's PostgreSQL refuses (SQLSTATE {error.sqlstate}): rights, room, version?"
        raise DirectoryError("database", words) from error
