"""`huitaine queue status|release`, `audit verify`, `purge`: what waits, whether the journal is whole, erasure now."""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from typing import Annotated

import typer

from commands.output import Exit, Format, count, emit, fail, say, to_json
from commands.setup import installation
from gateway.queue import holding, queries
from gateway.queue.entries import broken_links, missing_tail

queue_app = typer.Typer(no_args_is_help=True, help=say("What waits.", "Ce qui attend."))
audit_app = typer.Typer(no_args_is_help=True, help=say("The journal's chain.", "La chaîne du journal."))
Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]


@queue_app.command("status")
def status(fmt: Fmt = Format.TABLE) -> None:
    """Count deliveries by state and reason. Example: huitaine queue status --format json."""
    with installation().reader() as connection:
        counts, held = queries.counts(connection), queries.held_by_reason(connection)
        oldest, unsure = queries.oldest_due(connection), queries.ambiguous(connection)
        hold = holding.why(connection)
    rows: list[dict[str, object]] = [{"state": state, "reason": "", "deliveries": n} for state, n in counts.items()]
    rows = [row for row in rows if row["state"] != "held"]
    rows += [{"state": "held", "reason": reason, "deliveries": number} for reason, number in held.items()]
    if fmt is Format.JSON:
        whole = {"on_hold": hold or None, "oldest_due": oldest, "ambiguous": unsure, "deliveries": rows}
        sys.stdout.write(to_json(whole) + "\n")
        return
    emit(rows, fmt, columns=("state", "reason", "deliveries"), title=say("Deliveries", "Envois"))
    if fmt is Format.TABLE:
        _tell(oldest, unsure, hold)


def _tell(oldest: datetime | None, unsure: int, hold: str) -> None:
    if hold:
        typer.echo(
            say(
                f"ON HOLD ({hold}): nothing leaves before `huitaine queue release`",
                f"SUSPENDU ({hold}) : rien ne part avant `huitaine queue release`",
            )
        )
    typer.echo(
        say(
            f"oldest open: {oldest or '-'}; may have left twice: {unsure}",
            f"plus ancien ouvert : {oldest or '-'} ; peut-être partis deux fois : {unsure}",
        )
    )


@queue_app.command("release")
def release() -> None:
    """Let a restored queue go. Example: huitaine queue release."""
    due = installation().act({"act": "let-go", "actor": getpass.getuser()})["due"]
    typer.echo(count(due, ("delivery is due", "deliveries are due"), ("envoi est dû", "envois sont dus")))


@audit_app.command("verify")
def verify() -> None:
    """Check that no journal line was changed or removed. Example: huitaine audit verify."""
    here = installation()
    vault = here.vault()
    with here.reader() as connection:
        broken = list(broken_links(connection))
        missing = missing_tail(connection, vault.vouch)
    if broken:
        fail(say(f"journal broken at line {broken[0]}", f"journal rompu à la ligne {broken[0]}"), Exit.NOT_SO)
    if missing:
        number = missing if missing > 0 else "?"
        fail(
            say(f"journal cut off at its end: {number} lines", f"journal coupé à la fin : {number} lignes"), Exit.NOT_SO
        )
    typer.echo(say("the journal is whole", "le journal est intact"))


def purge() -> None:
    """Erase now what its retention allows to erase. Example: huitaine purge."""
    erased = installation().act({"act": "purge"})["erased"]
    typer.echo(count(len(erased), ("letter erased", "letters erased"), ("lettre effacée", "lettres effacées")))
