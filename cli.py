"""The `huitaine` command: arguments in, exit code out; what each command does is in ``commands/``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from commands.contents import COMMANDS, Listed
from commands.help_words import in_the_readers_language
from commands.output import Exit, first_command, say


def application(arguments: Sequence[str] | None = None) -> typer.Typer:
    """All commands; those that ``arguments`` do not ask for by name alone: each one's imports cost up to a second."""
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
    asked = None if arguments is None else first_command(arguments)
    for name, listed in COMMANDS.items():
        command = _loaded(listed) if asked in {None, name} else _named(listed)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, help=say(listed.english, listed.french))
        else:
            app.command(name)(command)
    in_the_readers_language(app)
    return app


def _loaded(listed: Listed) -> typer.Typer | Callable[..., None]:
    """The command itself."""
    module, _, attribute = listed.place.partition(":")
    command: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
    return command


def _named(listed: Listed) -> typer.Typer | Callable[..., None]:
    """What stands for a command in the list; it is never run, because :func:`first_command` did not find its name."""
    if listed.is_group:
        return typer.Typer()

    def unread() -> None:
        raise typer.Exit(int(Exit.USAGE))

    unread.__doc__ = listed.english
    return unread


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
