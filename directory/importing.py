"""Imports national files: built aside, compared with the present directory, published whole or held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from directory import build
from directory.build import Change
from directory.doubts import two_names
from directory.errors import DirectoryError
from directory.extraction import Extraction, find_extractions
from directory.later import carry_over, goes_back, keep_later
from directory.progress import Progress
from directory.shelf import Building, Shelf
from directory.shelf_sqlite import SqliteShelf
from directory.taking import EXAMPLES, Loading, Rejected

LARGEST_LOSS = 0.05
"""An import that removes or rejects a larger share of a file is held until somebody confirms it."""


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
    remarks: tuple[Rejected, ...] = ()
    """The first of what was taken all the same, and is odd."""


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
    """:func:`import_into` the ``directory.db`` of a folder."""
    shelf = SqliteShelf(folder)
    try:
        return import_into(shelf, files, progress=progress, confirm=confirm, clock=clock)
    finally:
        shelf.close()


def import_into(
    shelf: Shelf,
    files: Sequence[Path],
    *,
    progress: Callable[[Progress], None] = _silent,
    confirm: bool = False,
    clock: Callable[[], datetime] = _now,
) -> ImportReport:
    """Import the extractions found in ``files`` (text or ZIP); a national file not among them keeps its rows.

    On return readers see the new directory, unless the report says held; on any error (:class:`DirectoryError`, disk)
    the old one is untouched. ``confirm`` publishes what would be held: more than 5 % of a file removed or rejected,
    an older file than the present one or one without a date after one with, a file whose last line is cut.
    """
    extractions = find_extractions(list(files))
    with shelf.building() as building:
        report = _fill(building, extractions, progress, clock())
        if report.held_because and not confirm:
            return report
        progress(Progress(step="names"))
        building.persons()
        building.publish()
    return ImportReport(files=report.files)


def _fill(
    building: Building, extractions: list[Extraction], progress: Callable[[Progress], None], now: datetime
) -> ImportReport:
    loadings = [build.load(building, extraction, progress) for extraction in extractions]
    building.attach()
    if building.compared:
        build.keep_others(building, {extraction.kind for extraction in extractions})
    progress(Progress(step="indexes"))
    building.index()
    reports, doubts = [], list(_fewer(building.of_another_version(), loadings))
    if building.compared:
        carry_over(building, extractions)
    for loading in loadings:
        older = _older_than_present(building, loading.extraction) if building.compared else None
        later = keep_later(building, loading.extraction)
        change = build.changes(building, loading.extraction.kind) if building.compared else Change(added=loading.rows)
        reports.append(_reported(building, loading, change, later, now))
        doubts += [*_doubts(loading, change), *([older] if older else [])]
    return ImportReport(files=tuple(reports), held_because=tuple(doubts))


def _reported(building: Building, loading: Loading, change: Change, later: int, now: datetime) -> FileReport:
    extraction = loading.extraction
    if not loading.rows:
        raise DirectoryError("empty", f"{extraction.name}: no row could be taken; first: {_first(loading)}")
    report = FileReport(
        kind=extraction.kind.value,
        name=extraction.name,
        published_at=extraction.published_at,
        rows=loading.rows,
        rejected=loading.rejected,
        duplicates=build.duplicates(building, extraction.kind),
        change=change,
        examples=tuple(loading.examples),
        remarks=(
            *_told_later(extraction, later),
            *islice(two_names(building, extraction.kind, extraction.name, lines=loading.lines), EXAMPLES),
        ),
    )
    published = report.published_at.isoformat() if report.published_at else None
    building.rows(
        "INSERT INTO {new}.file VALUES (?,?,?,?,?,?,?,?)",
        report.kind, report.name, published, now.isoformat(), report.rows, report.rejected, report.duplicates,
        loading.sha256,
    )  # fmt: skip
    return report


def _told_later(extraction: Extraction, owners: int) -> Iterator[Rejected]:
    if owners:
        what = "older than the last delta" if extraction.published_at else "no date in its name"
        words = f"{what}: {owners} people and places stay as the delta told them"
        yield Rejected(file=extraction.name, line=0, code="older-than-delta", words=words)


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


def _fewer(before: dict[str, int], loadings: list[Loading]) -> Iterator[str]:
    """After an upgrade rows cannot be compared one by one, but they can be counted."""
    for loading in loadings:
        known = before.get(loading.extraction.kind.value, 0)
        if known - loading.rows > LARGEST_LOSS * known:
            yield f"{loading.extraction.name}: {loading.rows} rows, the directory before the upgrade had {known}"


def _older_than_present(building: Building, extraction: Extraction) -> str | None:
    if not goes_back(building, extraction):
        return None
    if extraction.published_at:
        return f"{extraction.name}: older than the file imported last"
    return f"{extraction.name}: no date in its name (_AAAAMMJJhhmm), it may be older than what is known"
