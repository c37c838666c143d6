"""`huitaine letters`: find, explain, act. No name appears unless --identities is given, which is journaled."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from commands.output import Exit, Format, emit, fail, say, to_json
from commands.setup import installation
from gateway.letter import Proof
from gateway.queue import queries
from gateway.queue.reading import shown

app = typer.Typer(no_args_is_help=True, help=say("Find letters, explain them, act.", "Trouver, expliquer, agir."))
Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]
Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
COLUMNS = ("id", "received_at", "door", "kind", "service", "state", "deliveries", "proof")


@app.command("list")
def list_letters(
    state: Annotated[str | None, typer.Option(help="open, final, held, failed, done…")] = None,
    since: Annotated[datetime | None, typer.Option(help="2026-01-15")] = None,
    service: Annotated[str | None, typer.Option(help="UF")] = None,
    rpps: Annotated[str | None, typer.Option(help="99900000001")] = None,
    fmt: Fmt = Format.TABLE,
) -> None:
    """List the newest letters. Example: huitaine letters list --state held."""
    wanted = queries.Wanted(state=state, since=since.astimezone() if since else None, unit=service, rpps=rpps)
    with installation().reader() as connection:
        rows = [_line(connection, row) for row in queries.letters(connection, wanted)]
    emit(rows, fmt, columns=COLUMNS, title=say("Letters", "Lettres"))


@app.command()
def show(
    letter: Id,
    identities: Annotated[bool, typer.Option(help=say("with the patient's name", "avec le nom du patient"))] = False,
    fmt: Fmt = Format.TABLE,
) -> None:
    """Show one letter and each of its deliveries. Example: huitaine letters show 01HX… --format json."""
    here = installation()
    with here.reader() as connection:
        found = queries.letter(connection, letter)
        if found is None:
            fail(say(f"no letter {letter}", f"aucune lettre {letter}"), Exit.REFUSED)
        told = shown(connection, found, here.vault(), identities=identities)
    if identities:
        here.act({"act": "identities", "letter": letter, "actor": getpass.getuser()})
    if fmt is Format.JSON:
        typer.echo(to_json(told))
        return
    flat = [_flat(told, delivery) for delivery in told["deliveries"]]
    emit(flat, fmt, title=f"{letter}  {told['kind']['label']}  {told['state']}")


@app.command()
def trace(letter: Id, fmt: Fmt = Format.TABLE) -> None:
    """Tell every decision about a letter with its reason. Example: huitaine letters trace 01HX…"""
    with installation().reader() as connection:
        rows = [dict(row) for row in queries.trace(connection, letter)]
    if not rows:
        fail(say(f"no letter {letter}", f"aucune lettre {letter}"), Exit.REFUSED)
    emit(rows, fmt, columns=("at", "kind", "delivery_id", "code", "words", "actor"))


@app.command()
def release(letter: Id) -> None:
    """Try held deliveries again now, with the directory of today. Example: huitaine letters release 01HX…"""
    _act(letter, "release", why="")


@app.command()
def cancel(letter: Id, why: Annotated[str, typer.Option(help=say("the reason", "la raison"))]) -> None:
    """Stop what has not left. Example: huitaine letters cancel 01HX… --why "wrong patient"."""
    _act(letter, "cancel", why=why)


@app.command()
def resend(letter: Id) -> None:
    """Send again what failed, expired or was cancelled. Example: huitaine letters resend 01HX…"""
    _act(letter, "resend", why="")


def _act(letter: str, act: str, *, why: str) -> None:
    answer = installation().act({"act": act, "letter": letter, "why": why, "actor": getpass.getuser()})
    count = answer["deliveries"]
    if not count:
        fail(say(f"nothing to {act} in {letter}", f"rien à faire pour {letter}"), Exit.NOT_SO)
    typer.echo(say(f"{count} deliveries", f"{count} envoi(s)"))


def _line(connection: Connection, row: queries.Row) -> dict[str, Any]:
    rows = queries.deliveries(connection, row["id"])
    states = sorted({delivery["state"] for delivery in rows})
    return {
        "id": row["id"],
        "received_at": row["received_at"],
        "door": row["door"],
        "kind": row["loinc"],
        "service": row["unit"],
        "state": row["state"],
        "deliveries": " ".join(states) or row["reason"],
        "proof": Proof(min((delivery["proof"] for delivery in rows), default=0)).word,
    }


def _flat(told: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
    who = delivery["addressee"]
    rest = {name: delivery[name] for name in ("mailbox", "protection", "state", "proof", "attempts", "reason")}
    return {"role": who["role"], "rpps": who["rpps"], **rest}
