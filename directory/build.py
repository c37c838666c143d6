"""Fills a fresh directory: rows of the files given, rows kept of the others, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from directory import tables
from directory.beside import LARGE, read_beside
from directory.extraction import Extraction
from directory.layout import FileKind
from directory.packing import Packing
from directory.progress import Progress
from directory.shelf import Building
from directory.taking import Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a file differs from its last import; ``before`` is the number of rows then."""

    before: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


def load(building: Building, extraction: Extraction, tell: Callable[[Progress], None]) -> Loading:
    """Insert every good row of ``extraction`` and count the others."""
    loading = Loading(extraction)
    building.put(tables.TABLE_OF[extraction.kind], _packed(loading, building.packing, tell))
    add_labels(building, ((kind, code, said) for kind, words in loading.labels.items() for code, said in words.items()))
    return loading


def add_labels(building: Building, labels: Iterable[tuple[str, str, str]]) -> None:
    """Words for codes; those of a later file win."""
    for kind, code, words in labels:
        building.rows(
            "INSERT INTO {new}.label VALUES (?,?,?) ON CONFLICT (kind, code) DO UPDATE SET words = excluded.words",
            kind, code, words,
        )  # fmt: skip


def _packed(loading: Loading, packing: Packing, tell: Callable[[Progress], None]) -> Iterator[bytes]:
    name, total = loading.extraction.name, loading.extraction.size
    rows = 0
    for batch in read_beside(loading, packing, large=LARGE):
        rows += batch.rows
        tell(Progress(file=name, rows=rows, bytes_done=batch.bytes_done, bytes_total=total))
        yield batch.packed
    tell(Progress(file=name, rows=loading.rows, bytes_done=total, bytes_total=total))


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
