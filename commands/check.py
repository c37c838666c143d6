"""`huitaine check FILE`: a local look at a local file; `check settings|tls|directory`: at this installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.check_directory import check_directory
from commands.check_settings import check_settings
from commands.check_tls import check_tls
from commands.checking import tell
from commands.output import Exit, Format, emit, fail, language, say, to_json
from gateway.parsers.check import check, explain

OURS = {"settings": check_settings, "tls": check_tls, "directory": check_directory}
"""A file of one of these names is reached by its whole path."""
COLUMNS = ("severity", "place", "code", "message", "detail")


def check_command(
    file: Annotated[Path, typer.Argument(metavar="FILE|settings|tls|directory", show_default=False)],
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Say what a file is, whom it would go to and what is wrong with it. Example: huitaine check bilan.hpr.

    Or what is wrong with this installation: huitaine check settings, huitaine check tls, huitaine check directory.
    """
    if str(file) in OURS:
        tell(str(file), OURS[str(file)](), fmt)
        return
    try:
        content = file.read_bytes()
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        fail(say(f"cannot read {file}: {why}", f"lecture impossible de {file} : {why}"), Exit.REFUSED)
    checked = check(content, file.name)
    match fmt:
        case Format.JSON:
            typer.echo(to_json(checked))
        case Format.CSV:
            emit(checked["findings"], fmt, columns=COLUMNS)
        case Format.TABLE:
            for line in explain(checked, language()):
                typer.echo(_printable(line))
    if not checked["accepted"]:
        raise typer.Exit(int(Exit.NOT_SO))


def _printable(line: str) -> str:
    """What a file says must not drive the terminal: control characters are shown, not obeyed."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in line)
