"""`huitaine directory absence`: who is away when, in days of Europe/Paris whatever zone this machine keeps."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

import directory as book
from commands.directory_asking import opened, refusals, vars_of
from commands.output import Exit, Format, emit, fail, say
from commands.setup import installation

PARIS = ZoneInfo("Europe/Paris")


def absence(
    rpps: Annotated[str, typer.Argument(metavar="RPPS", show_default=False)],
    begins: Annotated[datetime | None, typer.Option("--from", help=say("first day", "premier jour"))] = None,
    ends: Annotated[datetime | None, typer.Option("--to", help=say("last day", "dernier jour, compris"))] = None,
    substitute: Annotated[str | None, typer.Option(metavar="RPPS")] = None,
    remove: Annotated[bool, typer.Option("--remove", help=say("forget it", "l'oublier"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """List or declare absences. Example: huitaine directory absence 99900000001 --from 2026-03-02 --to 2026-03-08."""
    if begins is None:
        if ends or substitute or remove:
            fail(say("--from is missing", "il manque --from"), Exit.USAGE)
        _list(rpps, fmt)
        return
    here, start = installation(), begins.replace(tzinfo=PARIS)
    with refusals():
        if remove:
            book.remove_absence(here.data, rpps, start)
        elif ends is None:
            fail(say("--to is missing", "il manque --to"), Exit.USAGE)
        else:
            away = book.Absence(rpps=rpps, starts_at=start, ends_at=end_of(ends), substitute=substitute)
            book.add_absence(here.data, away)
    typer.echo(say("done", "fait"))


def _list(rpps: str, fmt: Format) -> None:
    """Past, present and to come; a table has the first day as ``--remove`` wants it."""
    with refusals(), opened() as here:
        found = here.absences(rpps)
    rows = [vars_of(one, "starts_at", "ends_at", "substitute") for one in found]
    if fmt is Format.TABLE:
        rows = [
            {"from": _typed(one.starts_at), "to": _typed(one.ends_at, is_end=True), "substitute": one.substitute}
            for one in found
        ]
    emit(rows, fmt, title=rpps)


def _typed(moment: datetime, *, is_end: bool = False) -> str:
    """As ``--from`` and ``--to`` take it: a day, which the last one is to its end, or a moment of Paris."""
    there = moment.astimezone(PARIS)
    if there.time() != time.min:
        return f"{there:%Y-%m-%d %H:%M:%S}"
    return str(there.date() - timedelta(days=int(is_end)))


def end_of(last: datetime) -> datetime:
    """The moment from which he is back: a day without an hour is a whole day, even one of 23 or 25 hours."""
    is_day = last == last.replace(hour=0, minute=0, second=0)
    return (last + timedelta(days=1) if is_day else last).replace(tzinfo=PARIS)


def told(away: book.Absence) -> str:
    """Until when, its last day included, and who stands in."""
    last, substitute = (away.ends_at - timedelta(seconds=1)).astimezone(PARIS).date(), away.substitute or "-"
    return say(f"absent until {last}, substitute {substitute}", f"absent jusqu'au {last}, remplaçant {substitute}")
