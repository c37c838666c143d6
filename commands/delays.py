"""`huitaine delays`: how long letters took, which are late, which were never handed in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commands.output import Exit, Format, emit, fail, language, say
from commands.setup import Installation, installation
from gateway.delays.clock import POLICIES, Policy, policy_named
from gateway.delays.figures import By, DelayReport
from gateway.delays.lists import OwedLetter
from gateway.delays.lists import late as late_letters
from gateway.delays.lists import missing as missing_letters
from gateway.delays.render import to_csv, to_json, to_table
from gateway.delays.report import report as delay_report

app = typer.Typer(no_args_is_help=True, help="How long letters took, which are late, which were never written.")

_COLUMNS = ("letter", "hospital", "unit", "discharged_at", "deadline", "sent_at", "verdict")
_SENT_LATE = timedelta(days=30)
_WIDTH = 80

PolicyOption = Annotated[str | None, typer.Option("--policy", help="8-days or same-day; default: the settings'.")]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv.")]
FailOption = Annotated[bool, typer.Option("--fail-if-late", help="Exit 1 when a deadline has passed (for cron).")]


@app.command()
def report(
    policy: PolicyOption = None,
    start: Annotated[str | None, typer.Option("--from", help="First day of discharge, 2026-01-31.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of discharge.")] = None,
    by: Annotated[By, typer.Option(help="What one row is about.")] = By.SERVICE,
    fmt: FormatOption = Format.TABLE,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead.")] = None,
    fail_if_late: FailOption = False,
) -> None:
    """Share in time, median, p90 and legs of the stays discharged in the period; by default all that is known."""
    first, last = _day(start, "--from"), _day(end, "--to")
    place = installation()
    rule = _policy(policy, place)
    with place.reader() as connection:
        told = delay_report(connection, policy=rule, start=first, end=last, by=by, now=datetime.now(UTC))
    _write(told, fmt, output)
    if fail_if_late and told.total.late + told.total.never_sent:
        raise typer.Exit(int(Exit.NOT_SO))


@app.command()
def late(
    within: Annotated[int, typer.Option(min=0, help="Also those whose deadline is this many days away.")] = 0,
    policy: PolicyOption = None,
    fmt: FormatOption = Format.TABLE,
    fail_if_late: FailOption = False,
) -> None:
    """Letters past their deadline or near it, the most overdue first; those sent too late in the last 30 days too."""
    place, now = installation(), datetime.now(UTC)
    rule = _policy(policy, place)
    with place.reader() as connection:
        found = late_letters(connection, policy=rule, within_days=within, now=now, sent_since=now - _SENT_LATE)
    _list(found, fmt, say("Letters late or nearly", "Lettres en retard ou presque"), fail_if_late=fail_if_late)


@app.command()
def missing(policy: PolicyOption = None, fmt: FormatOption = Format.TABLE, fail_if_late: FailOption = False) -> None:
    """Stays discharged whose letter was never handed in, the longest waiting first."""
    place = installation()
    rule = _policy(policy, place)
    with place.reader() as connection:
        found = missing_letters(connection, policy=rule, now=datetime.now(UTC))
    _list(found, fmt, say("Stays without a letter", "Séjours sans lettre"), fail_if_late=fail_if_late)


def _write(told: DelayReport, fmt: Format, output: Path | None) -> None:
    """To the terminal, or to a file that is complete or not there."""
    if output is None:
        _print(told, fmt, Console())
        return
    text = io.StringIO()
    _print(told, fmt, Console(file=text, width=_WIDTH))
    try:
        output.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        fail(say(f"cannot write the report: {error}", f"le rapport ne peut être écrit : {error}"), Exit.REFUSED)


def _print(told: DelayReport, fmt: Format, console: Console) -> None:
    match fmt:
        case Format.TABLE:
            console.print(to_table(told, french=language() == "fr"))
        case Format.JSON:
            console.file.write(to_json(told) + "\n")
        case Format.CSV:
            console.file.write(to_csv(told))


def _list(found: Sequence[OwedLetter], fmt: Format, title: str, *, fail_if_late: bool) -> None:
    rows = [one.as_json() for one in found]
    emit(rows, fmt, columns=_COLUMNS if fmt is Format.TABLE else tuple(OwedLetter.COLUMNS), title=title)
    if fail_if_late and any(one.seconds_left < 0 for one in found):
        raise typer.Exit(int(Exit.NOT_SO))


def _policy(name: str | None, place: Installation) -> Policy:
    wanted = name or place.settings.delays.policy
    try:
        return policy_named(wanted)
    except KeyError:
        known = ", ".join(policy.name for policy in POLICIES)
        fail(say(f"no policy {wanted}; there are: {known}", f"pas de règle {wanted} ; il y a : {known}"), Exit.USAGE)


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        example = "2026-01-31"
        fail(
            say(f"{option} {text}: not a day like {example}", f"{option} {text} : pas un jour comme {example}"),
            Exit.USAGE,
        )
