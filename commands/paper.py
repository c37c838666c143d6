"""`huitaine paper`: what persons do for letters that no proof came of: call, print and post, or cancel."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from commands.output import Exit, Format, emit, fail, language, say
from commands.setup import Installation, installation
from gateway.delays.clock import legal_day
from gateway.delays.escalation import Step
from gateway.delays.paper import NotPrinted
from gateway.delays.unproved import over
from gateway.delays.worklist import OPEN, Task, TaskState, task_named, tasks
from gateway.errors import HuitaineError, TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import Proof
from gateway.moments import utc_now
from gateway.queue import queries
from gateway.queue.contents import Contents
from gateway.service.from_settings.ladder import clocks_of
from gateway.service.road.printing import Wanted, printed

app = typer.Typer(no_args_is_help=True, help=say("What persons do for late letters.", "Le travail des personnes."))
COLUMNS = (
    "id", "kind", "state", "letter", "rpps", "phone", "created_at", "printed_at", "posted_on", "proof", "over", "why"
)  # fmt: skip
WHY = {
    "no-address": "l'annuaire ne dit pas où il exerce : donnez --address, une fois par ligne",
    "several-addresses": "l'annuaire lui connaît plusieurs adresses : choisissez, --address une fois par ligne",
    "bad-address": "une adresse a de 3 à 6 lignes de 38 signes, la dernière « 75001 PARIS »",
    "already-sealed": "l'expéditeur l'a scellée lui-même : lui seul peut l'imprimer",
}
_ENGLISH = {
    "no-address": "the directory does not say where he works: give --address, once for each line",
    "several-addresses": "the directory knows several addresses: choose one, --address once for each line",
    "bad-address": "an address has 3 to 6 lines of 38 signs, the last one like “75001 PARIS”",
    "already-sealed": "its sender sealed it himself: only he can print it",
}
Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]


@app.command("list")
def list_tasks(
    all_: Annotated[bool, typer.Option("--all", help=say("those that ended too", "aussi ce qui est fini"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """List what is to be called about, printed, posted, the oldest first. Example: huitaine paper list."""
    here = installation()
    with here.reader() as connection:
        found = tasks(connection, tuple(TaskState) if all_ else OPEN)
        ended = over(connection, {task.letter for task in found}, clocks_of(here.settings))
        rows = [_line(connection, task, here, ended.get(task.letter)) for task in found]
    emit(rows, fmt, columns=COLUMNS if fmt is not Format.TABLE else COLUMNS[:7], title=say("Work", "À faire"))


@app.command("print")
def print_task(
    id: Id,  # noqa: A002 (what people call it)
    output: Annotated[Path | None, typer.Option(help=say("to this new file", "dans ce fichier neuf"))] = None,
    address: Annotated[list[str] | None, typer.Option(help=say("one line of it", "une ligne"))] = None,
) -> None:
    """Write the letter as a PDF for a window envelope. Example: huitaine paper print 7Q2M4X9KPD | lp."""
    if output is None and sys.stdout.isatty():
        fail(say("a PDF goes to a printer or a file: | lp, or --output", "un PDF va à l'imprimante ou dans un fichier :"
                 " | lp, ou --output"), Exit.USAGE)  # fmt: skip
    if output is not None and output.exists():
        fail(say(f"{output}: is there already", f"{output} : existe déjà"), Exit.REFUSED)
    here, id = installation(), id.upper()  # noqa: A001
    content = _made(here, _known(here, id), tuple(address or ()))
    here.act({"act": "task-printed", "task": id, "actor": getpass.getuser()})  # first the journal, then the paper
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        fail(say(f"{output}: {error.strerror}", f"{output} : {error.strerror}"), Exit.REFUSED)


@app.command()
def done(
    id: Id,  # noqa: A002
    posted: Annotated[str | None, typer.Option(help=say("the day, 2026-01-31", "le jour, 2026-01-31"))] = None,
) -> None:
    """Say that it was posted, or that the call was made.

    Example: huitaine paper done 7Q2M4X9KPD --posted 2026-01-31.
    """
    here, id = installation(), id.upper()  # noqa: A001
    task, day = _known(here, id), _day(posted)
    if (task.kind is Step.PAPER) != (day is not None):
        fail(
            say("paper needs --posted DATE, a call none", "il faut --posted pour du papier, pas pour un appel"),
            Exit.USAGE,
        )
    if day and not legal_day(task.created_at) <= day <= legal_day(utc_now()) + timedelta(days=1):
        fail(
            say(
                "--posted: not before the task, nor later than tomorrow",
                "--posted : ni avant la tâche, ni après demain",
            ),
            Exit.USAGE,
        )
    here.act({"act": "task-done", "task": id, "actor": getpass.getuser(), "posted": day.isoformat() if day else ""})


@app.command()
def cancel(id: Id) -> None:  # noqa: A002
    """Take a piece of work off the list. Example: huitaine paper cancel 7Q2M4X9KPD."""
    here = installation()
    here.act({"act": "task-cancelled", "task": _known(here, id.upper()).id, "actor": getpass.getuser()})


def _known(here: Installation, id: str) -> Task:  # noqa: A002
    with here.reader() as connection:
        found = task_named(connection, id)
    if found is None:
        fail(say(f"no task {id}", f"aucune tâche {id}"), Exit.REFUSED)
    return found


def _line(connection: Connection, task: Task, here: Installation, ended: object) -> dict[str, Any]:
    row = queries.find_delivery(connection, DeliveryId(task.delivery))
    rpps = row["rpps"] if row else None
    proofs: Sequence[int] = [each["proof"] for each in queries.deliveries(connection, task.letter)]
    return {
        **{name: getattr(task, name) for name in ("id", "letter", "created_at", "printed_at", "posted_on", "why")},
        "kind": task.kind.value,
        "state": task.state.value,
        "rpps": rpps,
        "phone": _number(rpps, here) if rpps and task.kind is Step.PHONE else "",
        "proof": Proof(max(proofs, default=0)).word,
        "over": str(ended or ""),
    }


def _number(rpps: str, here: Installation) -> str:
    """What the administrator set goes before what the national file says of each practice."""
    if told := here.settings.escalation.phones.get(rpps):
        return told
    # The directory's libraries take time that a list without a call does not pay.
    from commands.directory_asking import opened  # noqa: PLC0415
    from directory import DirectoryError  # noqa: PLC0415

    try:
        with opened() as directory:
            person = directory.practitioner(rpps)
    except DirectoryError:
        return ""  # the work is to be done all the same
    return ", ".join(person.phones) if person else ""


def _made(here: Installation, task: Task, address: tuple[str, ...]) -> bytes:
    if task.kind is not Step.PAPER:
        fail(say(f"{task.id} is a call", f"{task.id} est un appel"), Exit.USAGE)
    vault, letter = here.vault(), LetterId(task.letter)
    try:
        with here.reader() as connection:
            contents = Contents(connection.engine, vault, replay=timedelta())
            row = queries.delivery(connection, DeliveryId(task.delivery))
            kept = contents.load(letter)
            target = contents.target(letter, row["id"], row["addressee"])
        wanted = Wanted(task=task.id, letter=letter, target=target, kept=kept, address=address)
        return asyncio.run(printed(wanted, here.settings, clock=utc_now))
    except NotPrinted as error:
        words = (WHY if language() == "fr" else _ENGLISH).get(error.detail, error.detail)
        fail(f"{task.id}: {words}", Exit.REFUSED)
    except HuitaineError as error:
        fail(
            f"{task.id}: {error.detail or error}",
            Exit.TEMPORARY if isinstance(error, TransientFailure) else Exit.REFUSED,
        )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(
            say(f"--posted {text}: not a day like 2026-01-31", f"--posted {text} : pas un jour comme 2026-01-31"),
            Exit.USAGE,
        )
