"""`huitaine patient documents`: what was sent about one patient, to whom, when, with which proof.

The identity is asked for on standard input: on a command line it would stand in the shell's history and in the list of
processes. It is printed nowhere, and who asked is in the journal before anything is shown.
"""

from __future__ import annotations

import os
import pwd
import sys
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from commands.output import Exit, Format, emit, fail, say, to_json
from commands.setup import installation
from gateway.delays.documents import Asked, Ledger, Sent, documents
from gateway.errors import HuitaineError
from gateway.identifiers import ins_is_right
from gateway.letter import Proof
from gateway.queue import queries
from gateway.queue.bodies import AtRest
from gateway.queue.reading import shown

app = typer.Typer(no_args_is_help=True)
COLUMNS = (
    "letter", "received_at", "kind", "service", "role", "rpps", "mailbox", "state", "proof", "proved_at", "journal"
)  # fmt: skip
PROVING = ("accepted", "receipt")
"""Kinds of journal lines that prove something of a delivery."""
Authority = Annotated[str, typer.Option(help=say("who assigned the IPP: its OID", "qui attribue l'IPP : son OID"))]


@app.callback()
def patient() -> None:
    """What was sent about a patient."""


@app.command("documents")
def documents_command(
    authority: Authority = "", fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE
) -> None:
    """List what was sent about one patient, by INS, or by IPP and birth date. Example: huitaine patient documents."""
    asked = _asked(authority)
    here = installation()
    vault = here.vault()
    with here.reader() as connection:
        found = documents(connection, asked, pseudonym=vault.pseudonym)
        rows = [_told(connection, vault, sent) for sent in found.sent]
    letters = list(dict.fromkeys(sent.letter_id for sent in found.sent))
    here.act({"act": "documents", "letters": letters, "actor": _who()})  # first the journal, then the answer
    if fmt is Format.JSON:
        sys.stdout.write(to_json(rows) + "\n")
    else:
        emit([_flat(row) for row in rows], fmt, columns=COLUMNS, title=say("Documents", "Documents"))
    _warn(found)


def _asked(authority: str) -> Asked:
    """The patient as a person, or a program, writes him on three lines; exit 2 for what names nobody beyond doubt."""
    ins = "".join(_line("INS (15)", say("empty: by IPP", "vide : par IPP")).split()).upper()
    if ins:
        if not ins_is_right(ins):
            fail(say("INS: 15 characters with a right key", "INS : 15 caractères dont la clé est juste"), Exit.USAGE)
        return Asked(ins=ins)
    ipp, born = _line("IPP").strip(), _date(_line(say("Birth date", "Date de naissance")).strip())
    if not ipp or not born:
        both = "an INS, or an IPP and a birth date (1950-01-31)"
        fail(say(both, "il faut un INS, ou un IPP et une date de naissance (31/01/1950)"), Exit.USAGE)
    return Asked(ipp=ipp, authority=authority, birth_date=born)


def _line(what: str, hint: str = "") -> str:
    """One answer; the questions are on standard error, so that a script reads the list alone."""
    typer.echo(f"{what}, {hint}: " if hint else f"{what}: ", nl=False, err=True)
    return sys.stdin.readline()


def _date(text: str) -> str:
    """ISO, as the parsers keep a calendar date; empty for what is none."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        with suppress(ValueError):
            return _day(text, form).isoformat()
    return ""


def _day(text: str, form: str) -> date:
    return datetime.strptime(text, form).date()  # noqa: DTZ007 (a date has no zone)


def _who() -> str:
    """Who asks, by the account that the system knows, not by the environment; behind sudo the person in front of it."""
    name, sudo = pwd.getpwuid(os.getuid()).pw_name, os.environ.get("SUDO_USER", "")
    return f"{sudo} (sudo)" if os.getuid() == 0 and sudo else name


def _told(connection: Connection, vault: AtRest, sent: Sent) -> dict[str, Any]:
    row = queries.find_delivery(connection, sent.delivery_id)
    proof = Proof(row["proof"]).word if row else "none"
    return {
        "letter": sent.letter_id,
        "delivery": sent.delivery_id,
        "kind": sent.kind,
        "hospital": sent.hospital,
        "service": sent.unit,
        "received_at": sent.received_at,
        "addressee": {
            "role": sent.role,
            "rpps": row["rpps"] if row else None,
            "mailbox": _mailbox(connection, vault, sent),
        },
        "state": row["state"] if row else None,
        "proof": proof,
        "proved_at": dict(sent.proofs).get(proof),
        "steps": dict(sent.proofs),
        "journal": queries.lines_of(connection, sent.letter_id, sent.delivery_id, PROVING),
    }


def _mailbox(connection: Connection, vault: AtRest, sent: Sent) -> str | None:
    """Of what is not forgotten yet; a damaged letter has none to show."""
    letter = queries.letter(connection, sent.letter_id)
    if letter is None:
        return None
    try:
        deliveries = shown(connection, letter, vault, identities=False)["deliveries"]
    except HuitaineError:
        return None
    return next((each["mailbox"] for each in deliveries if each["id"] == sent.delivery_id), None)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **row["addressee"], "journal": " ".join(map(str, row["journal"]))}


def _warn(found: Ledger) -> None:
    if found.unsure:
        typer.echo(
            say(
                f"{found.unsure} more bear this IPP without this birth date and are not shown: ask by INS",
                f"{found.unsure} de plus portent cet IPP sans cette date de naissance et ne sont pas montrés :"
                " demandez par INS",
            ),
            err=True,
        )
