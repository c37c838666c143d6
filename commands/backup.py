"""`huitaine backup FILE`, `verify [FILE]`, `restore FILE`: consistent copies, checked, that wait for a person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from commands.output import Exit, Format, count, emit, fail, say
from commands.places import settings_path
from commands.setup import installation
from gateway.errors import HuitaineError
from gateway.moments import utc_now
from gateway.service.from_settings.storing import open_vault
from gateway.service.upkeep import keeping

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, dir_okay=False)]
Keys = Annotated[Path | None, typer.Option(help=say("file of the keys", "fichier des clés"), dir_okay=False)]
LEFT = ("letter_id", "id", "role", "rpps", "attempts")


def backup(file: File, keys: Keys = None) -> None:
    """Copy everything but secrets, while the gateway works. Example: huitaine backup night.tar --keys night.keys.

    The letters open with the keys of that time alone: write them to another place, always to the same file.
    """
    here = installation()
    try:
        manifest = keeping.back_up(here.data, settings_path(), file, at=utc_now(), told=_progress)
        number = keeping.write_keys(here.data, keys) if keys else 0
    except (HuitaineError, OSError) as error:
        _refused(error)
    letters = manifest["rows"].get("letter", 0)
    typer.echo(count(letters, ("letter copied", "letters copied"), ("lettre copiée", "lettres copiées")))
    if keys:
        typer.echo(say(f"{number} keys in {keys}", f"{number} clés dans {keys}"))
    else:
        typer.echo(say("no keys written: see --keys", "aucune clé écrite : voir --keys"), err=True)


def verify(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", show_default=False, exists=True)] = None,
    keys: Keys = None,
) -> None:
    """Check what is kept here, or a backup, down to each letter's bytes. Example: huitaine verify night.tar."""
    here = installation()
    try:
        vault = open_vault(here.settings)
        wrong = keeping.found_wrong(file, keys, vault) if file else keeping.wrong_in(here.data, vault)
    except (HuitaineError, OSError) as error:
        _refused(error)
    if wrong:
        fail("\n".join(wrong), Exit.NOT_SO)
    if file and not keys:
        typer.echo(say("whole; letters not opened: see --keys", "intact ; lettres non ouvertes : voir --keys"))
    else:
        typer.echo(say("everything is whole", "tout est intact"))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, exists=True)],
    keys: Annotated[Path, typer.Option(help=say("file of the keys", "fichier des clés"), exists=True)],
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Put a backup into an empty installation, on hold. Example: huitaine restore night.tar --keys night.keys.

    The doors take letters at once; nothing leaves before `huitaine queue release`. What is listed may have left since
    the backup: cancel what did (`huitaine letters cancel`), the rest goes again under the same Message-ID.
    """
    here = installation()
    try:
        found = keeping.put_back(here.data, file, keys, open_vault(here.settings), at=utc_now())
    except (HuitaineError, OSError) as error:
        _refused(error)
    title = say(f"May have left since {found.made_at}", f"Peut-être partis depuis {found.made_at}")
    emit(found.may_have_left, fmt, columns=LEFT, title=title)
    typer.echo(say("on hold: `huitaine queue release`", "suspendu : `huitaine queue release`"), err=True)


def _progress(table: str, rows: int) -> None:
    if sys.stderr.isatty() and rows % 1000 == 0:
        typer.echo(f"{table} {rows}", err=True)


def _refused(error: Exception) -> NoReturn:
    words = error.detail or str(error) if isinstance(error, HuitaineError) else str(error)
    fail(words, Exit.REFUSED)
