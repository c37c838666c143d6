"""The `huitaine` command: arguments in, exit code out; what each command does is in ``commands/``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from commands.help_words import in_the_readers_language
from commands.output import first_command, say

COMMANDS = {
    "init": "commands.running:init",
    "serve": "commands.running:serve",
    "send": "commands.running:send",
    "letters": "commands.letters:app",
    "delays": "commands.delays:app",
    "directory": "commands.directory:app",
    "keys": "commands.keys:app",
    "check": "commands.check:check_command",
    "open": "commands.opening:open_command",
    "queue": "commands.operation:queue_app",
    "audit": "commands.audit:app",
    "patient": "commands.patient:app",
    "purge": "commands.operation:purge",
    "backup": "commands.backup:backup",
    "restore": "commands.backup:restore",
    "verify": "commands.backup:verify",
}


def application(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command that ``arguments`` ask for, or all of them: each one's imports cost up to a second."""
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
    app.callback()(options)
    asked = first_command(arguments)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    in_the_readers_language(app)
    return app


def options(
    config: Annotated[Path | None, typer.Option(help=say("settings file", "fichier de réglages"))] = None,
    lang: Annotated[str | None, typer.Option(help="fr, en")] = None,
) -> None:
    """Options that stand before any command."""
    if config is not None:
        os.environ["HUITAINE_CONFIG"] = str(config)
    if lang is not None:
        os.environ["HUITAINE_LANG"] = lang


def main() -> None:
    """Run the command that was typed; a person's terminal gets no journal lines (`serve` turns them on again)."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    application(sys.argv[1:])(prog_name="huitaine")


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attribute)
    """``cli.app``: all commands, for whoever inspects them."""
    if name == "app":
        return application()
    raise AttributeError(name)


if __name__ == "__main__":
    main()
