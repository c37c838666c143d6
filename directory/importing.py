"""Imports national files: built aside, compared with the present directory, published whole or held."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from directory import build, tables
from directory.build import Change, Loading, Rejected
from directory.database import built_aside, writing
from directory.errors import DirectoryError
from directory.extraction import Extraction, find_extractions
from directory.progress import Progress

LARGEST_LOSS = 0.05
"""An import that removes or rejects a larger share of a file is held until somebody confirms it."""
FILE_NAME = "directory.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one file brought."""

    kind: str
    name: str
    published_at: datetime | None
    rows: int
    rejected: int
    duplicates: int
    change: Change
    examples: tuple[Rejected, ...]
    """The first rejected rows, with line and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. ``held_because`` not empty: nothing was published, the old directory stands."""

    files: tuple[FileReport, ...]
    held_because: tuple[str, ...] = ()

    @property
    def published(self) -> bool:
        """Whether readers see the new directory."""
        return not self.held_because


def _silent(_: Progress) -> None:
    """Nobody watches."""


def _now() -> datetime:
    return datetime.now(UTC)


def import_files(
    folder: Path,
    files: Sequence[Path],
    *,
    progress: Callable[[Progress], None] = _silent,
    confirm: bool = False,
    clock: Callable[[], datetime] = _now,
) -> ImportReport:
    """Import the extractions found in ``files`` (text or ZIP); a national file not among them keeps its rows.

    On return readers see the new directory, unless the report says held; on any error (:class:`DirectoryError`, disk)
    the old one is untouched. ``confirm`` publishes what would be held: more than 5 % of a file removed or rejected,
    an older file than the present one, a file whose last line is cut.
    """
    extractions = find_extractions(list(files))
    with writing(folder), built_aside(folder / FILE_NAME, tables.VERSION) as aside:
        for statement in tables.TABLES:
            aside.database.execute(statement)
        report = _fill(aside.database, folder / FILE_NAME, extractions, progress, clock())
        if report.held_because and not confirm:
            return report
        build.finish(aside.database)
        aside.publish()
    return ImportReport(files=report.files)


def _fill(
    database: sqlite3.Connection,
    present: Path,
    extractions: list[Extraction],
    progress: Callable[[Progress], None],
    now: datetime,
) -> ImportReport:
    loadings = [build.load(database, extraction, progress) for extraction in extractions]
    # An attachment must wait until no transaction is open, and everything here is one: the rows first, then the rest.
    database.execute("COMMIT")
    compared = build.attach_old(database, present)
    database.execute("BEGIN")
    if compared:
        build.keep_others(database, {extraction.kind for extraction in extractions})
    build.index(database)
    reports, doubts = [], []
    for loading in loadings:
        older = _older_than_present(database, loading.extraction) if compared else None
        change = build.changes(database, loading.extraction.kind) if compared else Change(added=loading.rows)
        reports.append(_reported(database, loading, change, now))
        doubts += [*_doubts(loading, change), *([older] if older else [])]
    return ImportReport(files=tuple(reports), held_because=tuple(doubts))


def _reported(database: sqlite3.Connection, loading: Loading, change: Change, now: datetime) -> FileReport:
    extraction = loading.extraction
    if not loading.rows:
        raise DirectoryError("empty", f"{extraction.name}: no row could be taken; first: {_first(loading)}")
    report = FileReport(
        kind=extraction.kind.value,
        name=extraction.name,
        published_at=extraction.published_at,
        rows=loading.rows,
        rejected=loading.rejected,
        duplicates=build.duplicates(database, extraction.kind),
        change=change,
        examples=tuple(loading.examples),
    )
    published = report.published_at.isoformat() if report.published_at else None
    database.execute(
        "INSERT INTO main.file VALUES (?,?,?,?,?,?,?,?)",
        (report.kind, report.name, published, now.isoformat(), report.rows, report.rejected, report.duplicates,
         loading.sha256),
    )  # fmt: skip
    return report


def _first(loading: Loading) -> str:
    return f"line {loading.examples[0].line}: {loading.examples[0].words}" if loading.examples else "no line at all"


def _doubts(loading: Loading, change: Change) -> list[str]:
    name, doubts = loading.extraction.name, []
    if change.removed > LARGEST_LOSS * change.before:
        doubts.append(f"{name}: would remove {change.removed} of {change.before} rows")
    if loading.rejected > LARGEST_LOSS * (loading.rows + loading.rejected):
        doubts.append(f"{name}: {loading.rejected} of {loading.rows + loading.rejected} lines rejected")
    if not loading.whole:
        doubts.append(f"{name}: its last line is not ended, the file may be cut")
    return doubts


def _older_than_present(database: sqlite3.Connection, extraction: Extraction) -> str | None:
    statement = "SELECT published_at FROM old.file WHERE kind = ?"
    present = next(iter(database.execute(statement, (extraction.kind.value,))), (None,))[0]
    if present and extraction.published_at and extraction.published_at < datetime.fromisoformat(present):
        return f"{extraction.name}: older than the file imported last"
    return None
