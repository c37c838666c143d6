"""Fills a fresh directory: rows of the files given, rows kept of the others, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from directory import tables
from directory.extraction import LONGEST_LINE, Extraction
from directory.layout import FileKind, Layout
from directory.progress import Progress
from directory.rows import RejectedRow, SqlRow, activity_row, mailbox_row
from directory.shelf import Building

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
    labels: dict[str, dict[str, str]] = field(default_factory=lambda: {"profession": {}, "skill": {}})
    """Words of the codes by kind."""
    sha256: str = ""


def load(building: Building, extraction: Extraction, tell: Callable[[Progress], None]) -> Loading:
    """Insert every good row of ``extraction`` and count the others."""
    loading = Loading(extraction)
    building.insert(tables.TABLE_OF[extraction.kind], tables.COLUMNS[extraction.kind], _rows(loading, tell))
    add_labels(building, ((kind, code, said) for kind, words in loading.labels.items() for code, said in words.items()))
    return loading


def add_labels(building: Building, labels: Iterable[tuple[str, str, str]]) -> None:
    """Words for codes; those of a later file win."""
    for kind, code, words in labels:
        building.rows(
            "INSERT INTO {new}.label VALUES (?,?,?) ON CONFLICT (kind, code) DO UPDATE SET words = excluded.words",
            kind, code, words,
        )  # fmt: skip


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
        yield (loading.rows, *row)
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
    profession, skill = values[place], values[place + 1]
    if profession not in labels["profession"]:
        labels["profession"][profession] = values[20]
    if skill not in labels["skill"]:
        labels["skill"][skill] = values[21]


def keep_others(building: Building, given: set[FileKind]) -> None:
    """Copy from the present directory the rows of the files that were not given, with their dates."""
    for kind in FileKind:
        if kind not in given:
            table = tables.TABLE_OF[kind]
            building.rows(f"INSERT INTO {{new}}.{table} SELECT * FROM {{old}}.{table}")  # noqa: S608 (own names)
            building.rows("INSERT INTO {new}.file SELECT * FROM {old}.file WHERE kind = ?", kind.value)
    building.rows("INSERT INTO {new}.label SELECT * FROM {old}.label WHERE true ON CONFLICT DO NOTHING")


def changes(building: Building, kind: FileKind) -> Change:
    """Compare the new rows with those of the present directory, by key and digest."""
    table = tables.TABLE_OF[kind]

    def count(source: str, condition: str = "true") -> int:
        statement = f"SELECT count(*) FROM {source}.{table} a WHERE {condition}"  # noqa: S608 (own names)
        return int(building.rows(statement)[0][0])

    def absent(source: str, more: str = "") -> str:
        return f"NOT EXISTS (SELECT 1 FROM {source}.{table} b WHERE b.key = a.key{more})"  # noqa: S608 (own names)

    added, different = count("{new}", absent("{old}")), count("{new}", absent("{old}", " AND b.digest = a.digest"))
    removed = count("{old}", absent("{new}"))
    return Change(before=count("{old}"), added=added, changed=different - added, removed=removed)


def duplicates(building: Building, kind: FileKind) -> int:
    """How many rows repeat another one's key."""
    table = tables.TABLE_OF[kind]
    statement = f"SELECT count(*) - count(DISTINCT key) FROM {{new}}.{table}"  # noqa: S608 (own names)
    return int(building.rows(statement)[0][0])
