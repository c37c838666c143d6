"""`huitaine audit`: is the journal what was written, and proofs of it for somebody who trusts no program of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from commands.audit_words import told
from commands.output import Exit, Format, fail, say, to_json
from commands.setup import Installation, installation
from gateway.errors import JournalRefused
from gateway.identifiers import LetterId
from gateway.journal_note import Checkpoint, opened, origin, verifier_key
from gateway.moments import utc_now
from gateway.queue import auditing, entries
from gateway.queue.auditing import Asking
from gateway.service.journal import evidence

app = typer.Typer(no_args_is_help=True)
Kept = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True, dir_okay=False, help=say("a checkpoint kept elsewhere", "un point de contrôle gardé ailleurs")
    ),
]
Fmt = Annotated[Format, typer.Option("--format", help="table, json")]
Old = Annotated[Path, typer.Argument(metavar="CHECKPOINT", exists=True, dir_okay=False, show_default=False)]
Id = Annotated[str, typer.Argument(metavar="LETTER", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option(dir_okay=False, help=say("a new file; default: print it", "un fichier neuf ; sinon affiché")),
]


@app.command("verify")
def verify(checkpoint: Kept = None, fmt: Fmt = Format.TABLE) -> None:
    """Check that no journal line was changed, removed, put in or moved. Example: huitaine audit verify."""
    here = installation()
    vault = here.vault()
    kept = [_opened(file, vault.public_key()) for file in checkpoint or ()]
    with here.reader() as connection, _progress(entries.length(connection)) as seen:
        asking = Asking(seal=vault.vouch, public=vault.public_key(), kept=kept, told=seen)
        found = auditing.audit(connection, asking)
    if fmt is Format.JSON:
        sys.stdout.write(to_json(_as_json(found)) + "\n")
        raise typer.Exit(int(Exit.NOT_SO if found.findings else Exit.DONE))
    if found.findings:
        fail("\n".join(told(finding) for finding in found.findings), Exit.NOT_SO)
    typer.echo(say("the journal is whole", "le journal est intact"))


@app.command("checkpoint")
def checkpoint_command(output: Output = None) -> None:
    """Sign the journal as it is now; keep it elsewhere. Example: huitaine audit checkpoint --output today.txt."""
    _put(_signed(installation())["note"], output)


@app.command("key")
def key() -> None:
    """Print the key that checkpoints are verified with, to publish it. Example: huitaine audit key."""
    here = installation()
    typer.echo(verifier_key(origin(here.settings.gateway.domain), here.vault().public_key()))


@app.command("proof")
def proof(letter: Id, output: Output = None) -> None:
    """Write what proves one letter's life off-line. Example: huitaine audit proof 01HX… --output letter.proof.json."""
    here, letter = installation(), letter.upper()
    signed = _signed(here)
    with here.reader() as connection, _refusing():
        head = opened(signed["note"], here.vault().public_key())
        found = evidence.about_letter(
            connection, LetterId(letter), head, note=signed["note"], key=signed["key"], at=utc_now()
        )
    if found is None:
        gone = "its entries were erased, or there is no such letter"
        fail(
            say(f"{letter}: {gone}", f"{letter} : ses lignes ont été effacées, ou cette lettre n'existe pas"),
            Exit.REFUSED,
        )
    _put(to_json(found) + "\n", output)


@app.command("consistency")
def consistency(old: Old, output: Output = None) -> None:
    """Prove that the journal only grew since a checkpoint you kept. Example: huitaine audit consistency old.txt."""
    here = installation()
    public = here.vault().public_key()
    before, signed = _opened(old, public), _signed(here)
    with here.reader() as connection, _refusing():
        notes = (old.read_text("utf-8"), signed["note"])
        found = evidence.about_growth(
            connection, before, opened(signed["note"], public), notes=notes, key=signed["key"]
        )
    _put(to_json(found) + "\n", output)


def _signed(here: Installation) -> dict[str, Any]:
    """A checkpoint over what is journaled now, and the key's line."""
    return here.act({"act": "checkpoint"})


def _opened(file: Path, public: bytes) -> Checkpoint:
    try:
        return opened(file.read_text("utf-8"), public)
    except (JournalRefused, UnicodeDecodeError, OSError) as error:
        why = error.detail if isinstance(error, JournalRefused) else type(error).__name__
        fail(f"{file.name}: {why}", Exit.REFUSED)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except JournalRefused as error:
        fail(error.detail, Exit.NOT_SO)


def _put(text: str, output: Path | None) -> None:
    """Into a new file, or printed; a file that is there already may be somebody's evidence."""
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"{output}: {error.strerror}", Exit.REFUSED)
    typer.echo(str(output))


def _as_json(found: auditing.Audit) -> dict[str, Any]:
    findings = [
        {"code": each.code.value, "seq": each.seq, "after": each.after, "number": each.number, "words": told(each)}
        for each in found.findings
    ]
    counts = {"entries": found.entries, "erased": found.erased, "checkpoints": found.checkpoints}
    return {"whole": not findings, **counts, "findings": findings}


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, for a person who waits."""
    console = Console(stderr=True)
    columns = (TextColumn(say("entries", "lignes")), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)
