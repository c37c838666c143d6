"""What the verbs of `huitaine directory` share: the directory opened, refusals in one line, bars."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

import directory as book
from commands.directory_words import FRENCH
from commands.output import Exit, fail, say
from commands.setup import installation

AGAIN = {"busy", "unreachable", "fetch-failed", "interrupted", "reader-ended"}
"""Refusals that may be gone the next time."""
_STEPS = {
    "fetch": ("fetching {}", "téléchargement {}"),
    "rows": ("reading {}", "lecture {}"),
    "indexes": ("indexes", "index"),
    "delta": ("asking what changed", "ce qui a changé"),
    "names": ("names to search by", "noms pour la recherche"),
}


def vars_of(record: object, *names: str) -> dict[str, object]:
    """Those fields of a record, by name."""
    return {name: getattr(record, name) for name in names}


@contextmanager
def opened() -> Iterator[book.Directory]:
    """The installation's directory."""
    settings = installation().settings
    here = book.Directory.open(settings.gateway.data, settings.directory.database)
    try:
        yield here
    finally:
        here.close()


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal is one line on standard error; some may be tried again."""
    try:
        yield
    except book.DirectoryError as error:
        french = f"{FRENCH[error.code]} ({error})" if error.code in FRENCH else str(error)
        fail(f"{error.code}: {say(str(error), french)}", Exit.TEMPORARY if error.code in AGAIN else Exit.REFUSED)
    except (sqlite3.Error, OSError) as error:
        # A full disk most often; the directory before stands.
        fail(f"storage: {say('cannot be written or read', 'écriture ou lecture impossible')} ({error})", Exit.TEMPORARY)


@contextmanager
def bars() -> Iterator[Callable[[book.Progress], None]]:
    """A bar for each step of each file on standard error, when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as shown:
        tasks = {}

        def tell(progress: book.Progress) -> None:
            task = (progress.step, progress.file)
            if task not in tasks:
                name = say(*_STEPS[progress.step]).format(progress.file)
                tasks[task] = shown.add_task(name, total=progress.bytes_total or None)
            shown.update(tasks[task], completed=progress.bytes_done)

        yield tell
