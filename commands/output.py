"""How commands speak: tables, JSON or CSV; French or English; codes never translate."""

from __future__ import annotations

import csv
import io
import os
import re
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

from commands.french_lines import in_french

_WHOLE = frozenset({"id", "letter", "delivery_id", "rpps"})
"""Columns that are copied into the next command: never broken over two lines."""
_PIPE = 250
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")


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
    """``fr`` or ``en``: ``--lang``, else HUITAINE_LANG, else the locale; French for ``fr*``, otherwise English.

    ``--lang`` is looked for in the command line itself, because help texts are made before it is parsed.
    """
    names = ("HUITAINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = asked_language(sys.argv[1:]) or next(filter(None, map(os.environ.get, names)), "")
    return "fr" if wanted.lower().startswith("fr") else "en"


def asked_language(arguments: Sequence[str]) -> str:
    """The value of ``--lang`` before the first command; empty when it is not given."""
    return _before_the_command(arguments)[0].get("--lang", "")


def first_command(arguments: Sequence[str]) -> str:
    """The command that is asked for; empty when none is."""
    return _before_the_command(arguments)[1]


def _before_the_command(arguments: Sequence[str]) -> tuple[dict[str, str], str]:
    """The options that stand before the command, and the command."""
    given: dict[str, str] = {}
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if not name.startswith("-"):
            return given, argument
        if name in {"--lang", "--config"}:
            given[name] = value if equals else next(waiting, "")
    return given, ""


def say(english: str, french: str) -> str:
    """The words in the reader's language."""
    return french if language() == "fr" else english


def count(number: int, english: tuple[str, str], french: tuple[str, str]) -> str:
    """``1 letter``, ``2 letters``, ``0 lettre``: each language with its own plural."""
    return f"{number} " + say(english[number != 1], french[number > 1])


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
    return msgspec.json.format(msgspec.json.encode(_seconds(value), enc_hook=str), indent=2).decode()


def fail(words: str, code: Exit) -> NoReturn:
    """What is wrong on standard error, a line for each thing, and the exit code of its family."""
    told = in_french(words) if language() == "fr" else words
    sys.stderr.writelines(f"huitaine: {line}\n" for line in told.split("\n"))
    raise typer.Exit(int(code))


def _seconds(value: object) -> object:
    """The same with durations as seconds: left alone, msgspec writes them as ``P1DT2H`` (ISO 8601)."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {key: _seconds(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_seconds(inner) for inner in value]
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.3g}"
    # What a letter or another server says must not drive the terminal.
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in str(value))


def _csv(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in names])
    return out.getvalue()


def _field(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front (CWE-1236)."""
    text = text.replace("\r", " ")  # csv leaves it bare before Python 3.13: the rest would be a row of its own
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def _table(rows: Sequence[Mapping[str, object]], names: Sequence[str], title: str) -> None:
    table = Table(title=title or None, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in _WHOLE)
    for row in rows:
        table.add_row(*(escape(_cell(row.get(name))) for name in names))
    # A pipe has no width: lines stay whole there, so that grep finds an id.
    Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE).print(table)
