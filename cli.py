"""The `huitaine` command: arguments in, exit code out; what each command does is in ``commands/``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from commands import check, delays, directory, keys, letters, opening, operation, running
from commands.output import say

app = typer.Typer(
    name="huitaine",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=say(
        "Hospital letters to the GP: signed, encrypted, followed, timed.",
        "Les lettres de l'hôpital au médecin traitant : signées, chiffrées, suivies, chronométrées.",
    ),
)


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help=say("settings file", "fichier de réglages"))] = None,
    lang: Annotated[str | None, typer.Option(help="fr, en")] = None,
) -> None:
    """Options that stand before any command."""
    if config is not None:
        os.environ["HUITAINE_CONFIG"] = str(config)
    if lang is not None:
        os.environ["HUITAINE_LANG"] = lang


app.command()(running.init)
app.command()(running.serve)
app.command()(running.send)
app.command()(operation.purge)
app.command("check")(check.check_command)
app.command("open")(opening.open_command)
app.add_typer(letters.app, name="letters")
app.add_typer(directory.app, name="directory")
app.add_typer(keys.app, name="keys")
app.add_typer(delays.app, name="delays")
app.add_typer(operation.queue_app, name="queue")
app.add_typer(operation.audit_app, name="audit")


def main() -> None:
    """Run the command; `--lang` decides the help texts too, so it is looked at before they are made."""
    app(prog_name="huitaine")


if __name__ == "__main__":
    main()
