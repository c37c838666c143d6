"""How commands speak: tables, JSON or CSV; French or English; codes never translate."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Format(StrEnum):
    """What a listing looks like."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Exit(IntEnum):
    """Exit codes that scripts rely on (interface.md)."""

    DONE = 0
    NOT_SO = 1
    USAGE = 2
    REFUSED = 3
    TEMPORARY = 4


def language() -> str:
    """``fr`` or ``en``: ``--lang`` (kept in HUITAINE_LANG), else ``LANG``; French for ``fr*``, otherwise English."""
    wanted = os.environ.get("HUITAINE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "fr" if wanted.lower().startswith("fr") else "en"


def say(english: str, french: str) -> str:
    """The words in the reader's language."""
    return french if language() == "fr" else english


def emit(
    rows: Sequence[Mapping[str, object]],
    fmt: Format,
    *,
    columns: Sequence[str] | None = None,
    title: str = "",
) -> None:
    """Print ``rows`` as asked; JSON gives one list, CSV a header and lines, a table fits the terminal."""
    names = list(columns or (rows[0].keys() if rows else ()))
    match fmt:
        case Format.JSON:
            sys.stdout.write(to_json([{name: row.get(name) for name in names} for row in rows]) + "\n")
        case Format.CSV:
            sys.stdout.write(_csv(rows, names))
        case Format.TABLE:
            _table(rows, names, title)


def to_json(value: object) -> str:
    """Readable JSON: ISO 8601 with zone for moments, seconds for durations, accents as they are."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode()


def fail(words: str, code: Exit) -> NoReturn:
    """One line on standard error and the exit code of its family."""
    sys.stderr.write(f"huitaine: {words}\n")
    raise typer.Exit(int(code))


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


def _csv(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = (row.get(name) for name in names)
        writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in values])
    return out.getvalue()


def _table(rows: Sequence[Mapping[str, object]], names: Sequence[str], title: str) -> None:
    table = Table(title=title or None, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(row.get(name))) for name in names))
    Console().print(table)
