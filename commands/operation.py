"""`huitaine queue status|release`, `purge`: what waits, and erasure now."""

from __future__ import annotations

import dataclasses
import getpass
import sys
from datetime import datetime
from typing import Annotated

import typer

from commands.output import Format, count, emit, say, to_json
from commands.setup import installation
from gateway.queue import answers, holding, queries

queue_app = typer.Typer(no_args_is_help=True)
Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]


@queue_app.command("status")
def status(fmt: Fmt = Format.TABLE) -> None:
    """Count deliveries by state and reason. Example: huitaine queue status --format json."""
    with installation().reader() as connection:
        counts, held = queries.counts(connection), queries.held_by_reason(connection)
        oldest, unsure = queries.oldest_due(connection), queries.ambiguous(connection)
        hold = holding.why(connection)
        back = [dataclasses.asdict(lane) for lane in answers.standing(connection)]
    rows: list[dict[str, object]] = [{"state": state, "reason": "", "deliveries": n} for state, n in counts.items()]
    rows = [row for row in rows if row["state"] != "held"]
    rows += [{"state": "held", "reason": reason, "deliveries": number} for reason, number in held.items()]
    if fmt is Format.JSON:
        whole = {"on_hold": hold or None, "oldest_due": oldest, "ambiguous": unsure, "deliveries": rows}
        whole["answers"] = back
        sys.stdout.write(to_json(whole) + "\n")
        return
    emit(rows, fmt, columns=("state", "reason", "deliveries"), title=say("Deliveries", "Envois"))
    if fmt is Format.TABLE:
        _tell(oldest, unsure, hold)
        if back:
            columns = ("source", "channel", "waiting", "refused", "oldest")
            emit(back, fmt, columns=columns, title=say("Told back to the hospital", "Retours à l'hôpital"))


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


def purge() -> None:
    """Erase now what its retention allows to erase. Example: huitaine purge."""
    erased = installation().act({"act": "purge"})["erased"]
    typer.echo(count(len(erased), ("letter erased", "letters erased"), ("lettre effacée", "lettres effacées")))
