"""What a delta told after a file was made outlives that file's import: of each owner the later state is kept.

The national files are of some hour of the night, a delta of noon knows more; the delta notes whom it changed, and when.
A file whose name tells no date may be of any day: nothing that a delta told is outdated by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from directory import tables
from directory.extraction import Extraction
from directory.shelf import Building

DELTA = "delta"
"""The delta's line among the national files."""
_CHANGED = "SELECT owner FROM {old}.told WHERE rows_of = ? AND place = ? AND told_at >= ?"
_OWNED = {0: "national_id IN", 1: "national_id IS NULL AND structure IN"}
"""By ``told.place``: a person's rows, or an organisation's."""


def note(building: Building, table: str, owner: str, told_at: datetime, *, place: bool) -> None:
    """A delta begun at ``told_at`` changed the rows of ``owner``: a national number, or a place's FINESS or SIRET."""
    statement = (
        "INSERT INTO {new}.told VALUES (?,?,?,?) "
        "ON CONFLICT (rows_of, place, owner) DO UPDATE SET told_at = excluded.told_at"
    )
    building.rows(statement, table, int(place), owner, told_at.isoformat())


def keep_later(building: Building, extraction: Extraction) -> int:
    """Once the rows are indexed: put the present rows of whoever a delta changed since the file was made; how many."""
    if not building.compared:
        return 0
    table, since = tables.TABLE_OF[extraction.kind], _made(extraction)
    offset = building.rows(f"SELECT coalesce(max(id), 0) FROM {{new}}.{table}")[0][0]  # noqa: S608 (own names)
    columns, owners = tables.COLUMNS[table], 0
    for place, owned in _OWNED.items():
        if place and table != "mailbox":
            continue
        asked = (table, place, since)
        owners += building.rows(f"SELECT count(*) FROM ({_CHANGED}) changed", *asked)[0][0]  # noqa: S608 (own names)
        building.rows(f"DELETE FROM {{new}}.{table} WHERE {owned} ({_CHANGED})", *asked)  # noqa: S608 (own names)
        building.rows(
            f"INSERT INTO {{new}}.{table} SELECT id + {int(offset)}, {columns} "  # noqa: S608 (own names)
            f"FROM {{old}}.{table} WHERE {owned} ({_CHANGED})",
            *asked,
        )
    return int(owners)


def carry_over(building: Building, extractions: Sequence[Extraction]) -> None:
    """The next import and the next delta need the notes that are not outdated, and when the last delta was begun.

    Not when one of the files is older than the present one: what changed between the two is to be asked for again.
    """
    building.rows("INSERT INTO {new}.told SELECT * FROM {old}.told")
    for extraction in extractions:
        table = tables.TABLE_OF[extraction.kind]
        building.rows("DELETE FROM {new}.told WHERE rows_of = ? AND told_at < ?", table, _made(extraction))
    if not any(goes_back(building, extraction) for extraction in extractions):
        building.rows("INSERT INTO {new}.file SELECT * FROM {old}.file WHERE kind = ?", DELTA)


def goes_back(building: Building, extraction: Extraction) -> bool:
    """Whether the present file of its kind is a later one, or could be: what is known has a date, its name has none."""
    found = building.rows("SELECT published_at FROM {old}.file WHERE kind = ?", extraction.kind.value)
    present = found[0][0] if found else None
    if extraction.published_at is None:
        told = building.rows("SELECT 1 FROM {old}.told WHERE rows_of = ? LIMIT 1", tables.TABLE_OF[extraction.kind])
        return bool(present or told)
    return bool(present and extraction.published_at < datetime.fromisoformat(present))


def _made(extraction: Extraction) -> str:
    """When, as ``told_at`` has it; before everything when nobody knows."""
    return extraction.published_at.isoformat() if extraction.published_at else ""
