"""`huitaine delays`: how long letters took, which are late, which were never handed in."""

from __future__ import annotations

import getpass
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Connection

from commands.delays_lists import conflicts_table, named_table, owed_table
from commands.output import Exit, Format, emit, fail, language, say
from commands.setup import Installation, installation
from gateway.delays.charts import Chart, charts
from gateway.delays.clock import Policy, policy_named
from gateway.delays.conflicts import Conflict
from gateway.delays.conflicts import conflicts as conflicting_stays
from gateway.delays.course import Apart
from gateway.delays.figures import By, DelayReport
from gateway.delays.lists import OwedLetter
from gateway.delays.lists import late as late_letters
from gateway.delays.lists import missing as missing_letters
from gateway.delays.measure import Question, measured
from gateway.delays.page import to_html, to_pdf
from gateway.delays.redraw import still_undrawn
from gateway.delays.render import to_csv, to_json, to_table
from gateway.delays.report import answer
from gateway.delays.trends import Trends, trends
from gateway.delays.words import words
from gateway.service.clock.replaying import replayed
from gateway.service.clock.stay_names import StayName, names_of
from gateway.service.from_settings.policies import policies_of

app = typer.Typer(no_args_is_help=True)

_SENT_LATE = timedelta(days=30)
_WIDTH = 80


class ReportFormat(StrEnum):
    """What a report looks like; the last two have pictures and tell nothing of fewer than five stays."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"
    PDF = "pdf"


PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", help="8-days, same-day, same-working-day or lab-results; default: the settings'."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv.")]
NamesOption = Annotated[bool, typer.Option("--identities", help="With visit number and name; journaled.")]
NAME_COLUMNS = {Format.JSON: ("identity",), Format.CSV: tuple(field.name for field in fields(StayName))}
FailOption = Annotated[bool, typer.Option("--fail-if-late", help="Exit 1 when a deadline has passed (for cron).")]


@app.command()
def report(
    *,
    policy: PolicyOption = None,
    start: Annotated[str | None, typer.Option("--from", help="First day of discharge, 2026-01-31.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of discharge.")] = None,
    by: Annotated[By, typer.Option(help="What one row is about.")] = By.SERVICE,
    fmt: Annotated[ReportFormat, typer.Option("--format", help="table, json, csv, html or pdf.")] = ReportFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead.")] = None,
    shared: Annotated[
        bool | None,
        typer.Option("--shared/--internal", help="Tell nothing of fewer than 5 stays; default: for html and pdf."),
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="From the journal alone, not from the tables.")] = False,
    fail_if_late: FailOption = False,
) -> None:
    """Share in time, median, p90 and legs of the stays discharged in the period; by default all that is known."""
    first, last = _day(start, "--from"), _day(end, "--to")
    place = installation()
    is_page = fmt in {ReportFormat.HTML, ReportFormat.PDF}
    question = Question(
        policy=_policy(policy, place),
        by=by,
        start=first,
        end=last,
        now=datetime.now(UTC),
        shared=is_page if shared is None else shared,
    )
    with _complete(place) as connection, _source(connection, replay=replay, start=first) as source:
        cohorts = measured(source, question)
        told = answer(source, question, cohorts)
    _write(told, fmt, trends(cohorts, question.now) if is_page and told.is_told else None, output)
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
    with _complete(place) as connection:
        found = late_letters(connection, policy=rule, within_days=within, now=now, sent_since=now - _SENT_LATE)
    _list(found, fmt, say("Letters late or nearly", "Lettres en retard ou presque"), fail_if_late=fail_if_late)


@app.command()
def missing(
    *,
    policy: PolicyOption = None,
    identities: NamesOption = False,
    fmt: FormatOption = Format.TABLE,
    fail_if_late: FailOption = False,
) -> None:
    """Stays discharged whose letter was never handed in, the longest waiting first."""
    place = installation()
    rule = _policy(policy, place)
    with _complete(place) as connection:
        found = missing_letters(connection, policy=rule, now=datetime.now(UTC))
        names = names_of(connection, place.vault(), [one.stay for one in found]) if identities else None
    title = say("Stays without a letter", "Séjours sans lettre")
    if names is None:
        _list(found, fmt, title, fail_if_late=fail_if_late)
        return
    place.act({"act": "identities", "stays": len(names), "actor": getpass.getuser()})  # first the journal
    if fmt is Format.TABLE:
        Console().print(named_table(found, names, title, french=language() == "fr"))
    else:
        who = [(one.as_json(), asdict(names.get(one.stay, StayName()))) for one in found]
        rows = [row | ({"identity": name} if fmt is Format.JSON else name) for row, name in who]
        emit(rows, fmt, columns=(*OwedLetter.COLUMNS, *NAME_COLUMNS[fmt]))
    _fail_if_late(found, asked=fail_if_late)


@app.command()
def conflicts(fmt: FormatOption = Format.TABLE) -> None:
    """Stays whose candidate discharge times contradict each other, each with the one that is believed."""
    with installation().reader() as connection:
        found = conflicting_stays(connection)
    if fmt is Format.TABLE:
        Console().print(conflicts_table(found, french=language() == "fr"))
        return
    emit([one.as_json() for one in found], fmt, columns=Conflict.COLUMNS)


@app.command()
def oppose(
    visit: Annotated[str, typer.Argument(help="The stay's visit number, else its file number.")],
    hospital: Annotated[str, typer.Option(help="Whose number it is, as ADT messages and letters name it.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The patient does not oppose any more.")] = False,
) -> None:
    """Hold what a patient opposes, and count the stay apart. Example: huitaine delays oppose V123 --hospital CHU-X."""
    order = {"act": "oppose", "visit": visit, "hospital": hospital, "withdrawn": withdraw, "actor": getpass.getuser()}
    reason = installation().act(order)["apart"]
    typer.echo(say(f"recorded; counted apart: {reason or 'no'}", f"noté ; compté à part : {reason or 'non'}"))
    if withdraw and reason == Apart.OPPOSITION:
        english = "the hospital's ADT says so still (PD1-12): let it say N, or release the letter (letters release)"
        french = (
            "l'ADT de l'hôpital le dit toujours (PD1-12) : faites-lui dire N, ou relancez la lettre (letters release)"
        )
        typer.echo(f"huitaine: {say(english, french)}", err=True)


@contextmanager
def _complete(place: Installation) -> Iterator[Connection]:
    """The tables; says so on stderr while an upgrade's drawing of them goes on."""
    with place.reader() as connection:
        if left := still_undrawn(connection):
            english = f"not complete yet: {left} stays or letters are still being drawn after an upgrade"
            french = f"pas encore complet : {left} séjours ou lettres restent à reprendre après une mise à jour"
            typer.echo(f"huitaine: {say(english, french)}", err=True)
        yield connection


@contextmanager
def _source(connection: Connection, *, replay: bool, start: date | None) -> Iterator[Connection]:
    """The tables, or what the journal says they hold; exit 3 for a period whose words the journal has forgotten."""
    if not replay:
        yield connection
        return
    with replayed(connection) as found:
        if found.since and (start is None or start < found.since):
            english = f"the journal's words of before {found.since} are erased: ask with --from {found.since}"
            french = f"les mots du journal d'avant le {found.since} sont effacés : demandez --from {found.since}"
            fail(say(english, french), Exit.REFUSED)
        yield found.connection


def _write(told: DelayReport, fmt: ReportFormat, trend: Trends | None, output: Path | None) -> None:
    """To the terminal or a pipe, or to a file that is complete or not there."""
    made = _made(told, fmt, trend, width=None if output is None else _WIDTH)
    if output is not None:
        try:
            output.write_bytes(made)
        except OSError as error:
            fail(say(f"cannot write the report: {error}", f"le rapport ne peut être écrit : {error}"), Exit.REFUSED)
    elif fmt is ReportFormat.PDF and sys.stdout.isatty():
        fail(say("a PDF goes to a file: add --output", "un PDF va dans un fichier : ajoutez --output"), Exit.USAGE)
    else:
        typer.echo(made, nl=False)


def _made(told: DelayReport, fmt: ReportFormat, trend: Trends | None, width: int | None) -> bytes:
    match fmt:
        case ReportFormat.TABLE:
            text = io.StringIO()
            is_terminal = width is None and sys.stdout.isatty()
            screen = Console(file=text, width=width or Console().width, force_terminal=is_terminal)
            screen.print(to_table(told, french=language() == "fr"))
            return text.getvalue().encode()
        case ReportFormat.JSON:
            return (to_json(told) + "\n").encode()
        case ReportFormat.CSV:
            return to_csv(told).encode()
        case ReportFormat.HTML:
            return to_html(told, _drawn(trend), words(french=language() == "fr")).encode()
        case ReportFormat.PDF:
            return to_pdf(told, _drawn(trend), words(french=language() == "fr"))


def _drawn(trend: Trends | None) -> tuple[Chart, ...]:
    try:
        return charts(trend, words(french=language() == "fr")) if trend else ()
    except ImportError:
        english = "pictures need matplotlib: pip install 'huitaine[report]', or ask for table, json or csv"
        french = "les images demandent matplotlib : pip install 'huitaine[report]', ou demandez table, json ou csv"
        fail(say(english, french), Exit.USAGE)


def _list(found: Sequence[OwedLetter], fmt: Format, title: str, *, fail_if_late: bool) -> None:
    if fmt is Format.TABLE:
        Console().print(owed_table(found, title, words(french=language() == "fr")))
    else:
        emit([one.as_json() for one in found], fmt, columns=OwedLetter.COLUMNS)
    _fail_if_late(found, asked=fail_if_late)


def _fail_if_late(found: Sequence[OwedLetter], *, asked: bool) -> None:
    if asked and any(one.seconds_left < 0 for one in found):
        raise typer.Exit(int(Exit.NOT_SO))


def _policy(name: str | None, place: Installation) -> Policy:
    delays = place.settings.delays
    wanted, policies = name or delays.policy, policies_of(delays)
    try:
        return policy_named(wanted, policies)
    except KeyError:
        known = ", ".join(policy.name for policy in policies)
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
