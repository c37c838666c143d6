"""Fills a fresh ``directory.db``: rows of the files given, rows kept of the others, then indexes, persons and words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from directory import tables
from directory.extraction import LONGEST_LINE, Extraction
from directory.fold import fold
from directory.layout import FileKind, Layout
from directory.progress import Progress
from directory.rows import RejectedRow, SqlRow, activity_row, mailbox_row

EXAMPLES = 1000
"""How many rejected rows are named one by one; all of them are counted."""
_EVERY = 8192
_PROFESSION = {FileKind.MAILBOXES: 10, FileKind.ACTIVITIES: 6}
"""Where the profession's code stands; the skill's follows, the labels of both are columns 20 and 21."""
_ROW_OF = {FileKind.MAILBOXES: mailbox_row, FileKind.ACTIVITIES: activity_row}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that was not taken: where and why."""

    file: str
    line: int
    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a file differs from its last import; ``before`` is the number of rows then."""

    before: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(slots=True)
class Loading:
    """The running counts of one file; only :func:`load` changes it."""

    extraction: Extraction
    rows: int = 0
    rejected: int = 0
    whole: bool = True
    """Whether the last line was ended: if not, the file may be cut."""
    examples: list[Rejected] = field(default_factory=list)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    sha256: str = ""


def load(database: sqlite3.Connection, extraction: Extraction, tell: Callable[[Progress], None]) -> Loading:
    """Insert every good row of ``extraction`` and count the others."""
    loading = Loading(extraction)
    marks = ",".join("?" * tables.COLUMNS[extraction.kind])
    table = tables.TABLE_OF[extraction.kind]
    database.executemany(f"INSERT INTO {table} VALUES ({marks})", _rows(loading, tell))  # noqa: S608 (own names)
    labels = ((kind, code, words) for (kind, code), words in loading.labels.items())
    database.executemany("INSERT OR REPLACE INTO label VALUES (?,?,?)", labels)
    return loading


def _rows(loading: Loading, tell: Callable[[Progress], None]) -> Iterator[SqlRow]:
    layout, total = loading.extraction.layout, loading.extraction.size
    to_row, name, digest = _ROW_OF[layout.kind], loading.extraction.name, sha256()
    done, number, line = 0, 0, b"\n"
    for number, line in enumerate(loading.extraction.lines(), start=1):
        digest.update(line)
        done += len(line)
        if number == 1:
            continue
        try:
            values = _values(line, layout)
            row = to_row(line, values)
        except RejectedRow as rejected:
            _reject(loading, number, rejected)
            continue
        _label(loading, layout.kind, values)
        loading.rows += 1
        if loading.rows % _EVERY == 0:
            tell(Progress(file=name, rows=loading.rows, bytes_done=done, bytes_total=total))
        yield row
    loading.sha256, loading.whole = digest.hexdigest(), line.endswith(b"\n")
    tell(Progress(file=name, rows=loading.rows, bytes_done=total, bytes_total=total))


def _values(line: bytes, layout: Layout) -> tuple[str, ...]:
    """Split on the bar alone: quotes are text in these files (csv.QUOTE_NONE)."""
    if len(line) >= LONGEST_LINE:
        raise RejectedRow("too-long", f"longer than {LONGEST_LINE} bytes")
    try:
        values = line.decode().rstrip("\r\n").split("|")
    except UnicodeDecodeError as error:
        raise RejectedRow("not-utf8", f"byte {error.start} is not UTF-8") from error
    if len(values) == layout.width + 1 and values[-1] == "":
        values.pop()
    if len(values) != layout.width:
        raise RejectedRow("columns", f"{len(values)} columns instead of {layout.width}")
    return layout.pick(values)


def _reject(loading: Loading, line: int, why: RejectedRow) -> None:
    loading.rejected += 1
    if len(loading.examples) < EXAMPLES:
        rejected = Rejected(file=loading.extraction.name, line=line, code=why.code, words=str(why))
        loading.examples.append(rejected)


def _label(loading: Loading, kind: FileKind, values: tuple[str, ...]) -> None:
    place, labels = _PROFESSION[kind], loading.labels
    profession, skill = ("profession", values[place]), ("skill", values[place + 1])
    if profession not in labels:
        labels[profession] = values[20]
    if skill not in labels:
        labels[skill] = values[21]


def keep_others(database: sqlite3.Connection, given: set[FileKind]) -> None:
    """Copy from the attached ``old`` directory the rows of the files that were not given, with their dates."""
    for kind in FileKind:
        if kind not in given:
            table = tables.TABLE_OF[kind]
            database.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")  # noqa: S608 (own names)
            database.execute("INSERT INTO main.file SELECT * FROM old.file WHERE kind = ?", (kind,))
    database.execute("INSERT OR IGNORE INTO main.label SELECT * FROM old.label")


def finish(database: sqlite3.Connection) -> None:
    """Persons, words and counts, once the rows are there and indexed."""
    database.create_function("fold", 1, fold, deterministic=True)
    for statement in tables.PERSONS:
        database.execute(statement)


def index(database: sqlite3.Connection) -> None:
    """The indexes of the rows: made after loading, which is several times faster."""
    for statements in tables.ROW_INDEXES.values():
        for statement in statements:
            database.execute(statement)


def changes(database: sqlite3.Connection, kind: FileKind) -> Change:
    """Compare the new rows with those of the attached ``old`` directory, by key and digest."""
    table = tables.TABLE_OF[kind]

    def count(source: str, condition: str) -> int:
        statement = f"SELECT count(*) FROM {source}.{table} a WHERE {condition}"  # noqa: S608 (own names)
        return int(database.execute(statement).fetchone()[0])

    same_key = "EXISTS (SELECT 1 FROM {}.{} b WHERE b.key = a.key)"
    in_old, in_new = same_key.format("old", table), same_key.format("main", table)
    same_row = f"EXISTS (SELECT 1 FROM old.{table} b WHERE b.key = a.key AND b.digest = a.digest)"  # noqa: S608
    added, different = count("main", f"NOT {in_old}"), count("main", f"NOT {same_row}")
    return Change(
        before=count("old", "1"), added=added, changed=different - added, removed=count("old", f"NOT {in_new}")
    )


def duplicates(database: sqlite3.Connection, kind: FileKind) -> int:
    """How many rows repeat another one's key."""
    statement = f"SELECT count(*) - count(DISTINCT key) FROM main.{tables.TABLE_OF[kind]}"  # noqa: S608 (own names)
    return int(database.execute(statement).fetchone()[0])


def attach_old(database: sqlite3.Connection, path: Path) -> bool:
    """Attach the present directory as ``old``; false when there is none that can be compared."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as present:
        if present.execute("PRAGMA user_version").fetchone()[0] != tables.VERSION:
            return False
    database.execute("ATTACH DATABASE ? AS old", (f"{path.resolve().as_uri()}?mode=ro&immutable=1",))
    return True
