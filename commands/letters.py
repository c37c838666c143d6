"""`huitaine letters`: find, explain, act. No name appears unless --identities is given, which is journaled."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from commands.output import Exit, Format, count, emit, fail, language, say, to_json
from commands.setup import Installation, installation
from gateway.delays.posting import posted_days
from gateway.letter import DeliveryState, Proof
from gateway.queue import queries
from gateway.queue.reading import shown
from gateway.service.road.explaining import explain

app = typer.Typer()
COLUMNS = ("id", "received_at", "door", "kind", "service", "state", "deliveries", "proof")
TRACE = ("at", "kind", "delivery_id", "code", "words", "actor")
_TOLD = ("mailbox", "protection", "state", "proof", "attempts", "reason")
STATES = ("open", "final", *(state.value for state in DeliveryState))

Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]
Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
State = Annotated[str | None, typer.Option(metavar="STATE", help=", ".join(STATES))]
Since = Annotated[datetime | None, typer.Option(help=say("received since, 2026-01-15", "reçues depuis, 2026-01-15"))]
Service = Annotated[str | None, typer.Option(metavar="UF", help=say("medical unit", "unité fonctionnelle"))]
Number = Annotated[str | None, typer.Option(metavar="RPPS", help=say("addressee's number", "numéro du destinataire"))]
Limit = Annotated[int, typer.Option(min=1, help=say("at most so many", "au plus autant"))]
Why = Annotated[str, typer.Option(help=say("the reason, for the journal", "la raison, pour le journal"))]
Names = Annotated[bool, typer.Option(help=say("with the patient's name; journaled", "avec le nom du patient ; tracé"))]


@app.callback(invoke_without_command=True)
def letters(
    context: typer.Context,
    state: State = None,
    since: Since = None,
    service: Service = None,
    rpps: Number = None,
    limit: Limit = 200,
    fmt: Fmt = Format.TABLE,
) -> None:
    """Find letters, explain them, act; alone it lists the newest. Example: huitaine letters --state held."""
    if context.invoked_subcommand is None:
        list_letters(state=state, since=since, service=service, rpps=rpps, limit=limit, fmt=fmt)


@app.command("list")
def list_letters(
    state: State = None,
    since: Since = None,
    service: Service = None,
    rpps: Number = None,
    limit: Limit = 200,
    fmt: Fmt = Format.TABLE,
) -> None:
    """List the newest letters. Example: huitaine letters list --state held --format csv."""
    if state is not None and state not in STATES:
        known = ", ".join(STATES)
        fail(say(f"no state {state}; there are: {known}", f"pas d'état {state} ; il y a : {known}"), Exit.USAGE)
    after = since.astimezone() if since else None
    wanted = queries.Wanted(state=state, since=after, unit=service, rpps=rpps, limit=limit)
    with installation().reader() as connection:
        rows = [_line(connection, row) for row in queries.letters(connection, wanted)]
    emit(rows, fmt, columns=COLUMNS, title=say("Letters", "Lettres"))


@app.command()
def show(letter: Id, identities: Names = False, fmt: Fmt = Format.TABLE) -> None:
    """Show one letter and each of its deliveries. Example: huitaine letters show 01HX… --format json."""
    here, letter = installation(), letter.upper()
    with here.reader() as connection:
        told = shown(connection, _row(connection, letter), here.vault(), identities=identities)
        posted = posted_days(connection, letter)
    told["deliveries"] = [each | {"posted_on": posted.get(each["id"])} for each in told["deliveries"]]
    if identities:
        here.act({"act": "identities", "letter": letter, "actor": getpass.getuser()})
    if fmt is Format.JSON:
        typer.echo(to_json(told))
        return
    flat = [_flat(delivery) for delivery in told["deliveries"]]
    if fmt is Format.CSV or flat:
        columns = ("role", "rpps", *_TOLD, *(("posted_on",) if fmt is Format.CSV or posted else ()))
        emit(flat, fmt, columns=columns, title=f"{letter}  {told['kind']['label']}".rstrip())
    if fmt is Format.TABLE:
        _about(told)


@app.command()
def trace(letter: Id, fmt: Fmt = Format.TABLE) -> None:
    """Tell every decision about a letter with its reason. Example: huitaine letters trace 01HX…"""
    letter = letter.upper()
    with installation().reader() as connection:
        rows = [dict(row) for row in queries.trace(connection, letter)]
    if not rows:
        _unknown(letter)
    if language() == "fr":
        rows = [row | {"words": explain(row["code"], row["words"]).french or row["words"]} for row in rows]
    emit(rows, fmt, columns=TRACE)


@app.command()
def release(letter: Id) -> None:
    """Try held deliveries again now, with the directory of today. Example: huitaine letters release 01HX…"""
    _act(letter.upper(), "release", nothing=say("nothing is held", "rien n'est retenu"))


@app.command()
def cancel(letter: Id, why: Why) -> None:
    """Stop what has not left; let what failed be. Example: huitaine letters cancel 01HX… --why "wrong patient"."""
    _act(letter.upper(), "cancel", why=why, nothing=say("all has left or ended", "tout est parti ou terminé"))


@app.command()
def resend(letter: Id) -> None:
    """Send again what failed, expired or was cancelled. Example: huitaine letters resend 01HX…"""
    _act(letter.upper(), "resend", nothing=say("nothing has failed", "rien n'a échoué"))


def _act(letter: str, act: str, *, nothing: str, why: str = "") -> None:
    here: Installation = installation()
    with here.reader() as connection:
        _row(connection, letter)
    answer = here.act({"act": act, "letter": letter, "why": why, "actor": getpass.getuser()})
    if not answer["deliveries"]:
        fail(f"{letter}: {nothing}", Exit.NOT_SO)
    typer.echo(count(answer["deliveries"], ("delivery", "deliveries"), ("envoi", "envois")))


def _row(connection: Connection, letter: str) -> queries.Row:
    return queries.letter(connection, letter) or _unknown(letter)


def _unknown(letter: str) -> Any:  # noqa: ANN401 (never comes back)
    fail(say(f"no letter {letter}", f"aucune lettre {letter}"), Exit.REFUSED)


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


def _flat(delivery: dict[str, Any]) -> dict[str, Any]:
    who = delivery["addressee"]
    rest = {name: delivery[name] for name in (*_TOLD, "posted_on")}
    return {"role": who["role"], "rpps": who["rpps"], **rest}


def _about(told: dict[str, Any]) -> None:
    """What a table of deliveries leaves out: state, patient when asked for, the letters a file became."""
    patient = told.get("patient")
    if patient:
        typer.echo(f"{patient['family']} {patient['given']} {patient['birth_date']}")
    typer.echo(f"{told['id']}: {' '.join(part for part in (told['state'], told['reason']) if part)}")
    for part in told["parts"]:
        typer.echo(f"  {part}")
