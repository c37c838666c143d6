"""`huitaine check FILE`: a local look at local files; `check settings|tls|directory`: at this installation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.check_files import LIMIT, Given, NotRead, given
from commands.check_reading import look_at
from commands.check_told import told
from commands.checking import Finding, tell
from commands.output import Exit, Format, count, emit, fail, language, say, to_json
from commands.places import is_installed, settings
from gateway.document import Reading
from gateway.errors import SettingsRefused
from gateway.parsers.check import as_json

if TYPE_CHECKING:
    from config.settings import Settings

OURS = ("settings", "tls", "directory")
"""A file of one of these names is reached by its whole path."""
COLUMNS = ("severity", "place", "code", "message", "detail", "why", "do", "file")
Json = dict[str, Any]  # Any: the shape of interface.md


def check_command(
    what: Annotated[list[str], typer.Argument(metavar="FILE", show_default=False)],
    to: Annotated[list[str] | None, typer.Option(help=say("as if sent to it", "comme envoyé à cette adresse"))] = None,
    source: Annotated[str | None, typer.Option(help=say("as if from it", "comme venu de cette source"))] = None,
    strict: Annotated[bool, typer.Option("--strict", help=say("ask hl7apy too", "demander aussi à hl7apy"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Say what files are, whom they would go to and what is wrong. Example: huitaine check bilan.hpr --to gp@x.test.

    A file, several, a folder, or - for standard input. Nothing leaves, nothing is kept. Exit 1 when one is refused.

    Or what is wrong with this installation: huitaine check settings, huitaine check tls, huitaine check directory.
    """
    if len(what) == 1 and what[0] in OURS:
        tell(what[0], _look_for(what[0])(), fmt)
        return
    looking = _Looking(settings() if is_installed() else None, tuple(to or ()), source)
    checked, unread = looking.run(what, fmt, strict=strict)
    _end(checked, fmt, several=len(checked) + unread > 1 or any(Path(one).is_dir() for one in what))
    if unread:
        raise typer.Exit(int(Exit.REFUSED))
    if not all(one["accepted"] for one in checked):
        raise typer.Exit(int(Exit.NOT_SO))


def _look_for(name: str) -> Callable[[], Sequence[Finding]]:
    """``check_settings`` of ``commands/check_settings.py``: each one's imports cost a second."""
    look: Callable[[], Sequence[Finding]] = getattr(import_module(f"commands.check_{name}"), f"check_{name}")
    return look


class _Looking:
    """What does not change from file to file."""

    def __init__(self, here: Settings | None, to: tuple[str, ...], source: str | None) -> None:
        if here and source and source not in here.sources:
            known = ", ".join(here.sources)
            fail(
                say(f"no source {source}; there are: {known}", f"pas de source {source} ; il y a : {known}"), Exit.USAGE
            )
        self._settings, self._to, self._source = here, to, source

    def run(self, what: Sequence[str], fmt: Format, *, strict: bool) -> tuple[list[Json], int]:
        """What was found of each file that could be read, told at once where people read along; how many could not."""
        checked: list[Json] = []
        unread = 0
        limit = self._settings.smtp.max_size if self._settings else LIMIT
        for item, reading in look_at(given(what, limit), self._settings, strict=strict):
            if isinstance(item, NotRead):
                unread += 1
                words = say(f"cannot read {item.name}: ", f"lecture impossible de {item.name} : ")
                typer.echo(f"huitaine: {words}{item.why}", err=True)
            elif reading is not None:
                checked.append(self._checked(item, reading))
                if fmt is Format.TABLE:
                    _print(checked[-1], item, first=len(checked) == 1)
        return checked, unread

    def _checked(self, item: Given, reading: Reading) -> Json:
        return {
            **as_json(reading, language()),
            "file": item.name,
            "size": item.size,
            "layers": self._layers(item.content) if reading.already_sealed else [],
            "addressing": self._whither(item, reading),
        }

    def _layers(self, content: bytes) -> list[Json]:
        """As far as they can be told without a key; who signed counts when the settings believe his authority."""
        from commands.check_sealed import layers  # noqa: PLC0415  # so does all that knows certificates
        from gateway.crypto.certificates import as_organisations  # noqa: PLC0415  # the same
        from gateway.crypto.reception import Reception  # noqa: PLC0415  # the same
        from gateway.service.from_settings.trusting import by_domain, signers_authorities  # noqa: PLC0415  # the same

        if self._settings is None:
            return layers(content)
        try:
            allowed = as_organisations(self._settings.crypto.organisation_certificates)
            known = Reception(by_domain=by_domain(self._settings), organisations=allowed)
            return layers(content, signers_authorities(self._settings), known)
        except SettingsRefused as error:
            fail(error.detail, Exit.USAGE)

    def _whither(self, item: Given, reading: Reading) -> Json:
        """Whom it would go to; why that is not known where nothing leaves, or no installation is here."""
        if not reading.documents and not reading.already_sealed:
            return {"asked": False, "why_not": "nothing-to-send", "letters": []}
        if self._settings is None:
            return {"asked": False, "why_not": "no-installation", "letters": []}
        from commands.check_road import Wished, whither  # noqa: PLC0415  # the directory costs a second to load

        return whither(reading, item.content, self._settings, Wished(to=self._to, source=self._source))


def _print(one: Json, item: Given, *, first: bool) -> None:
    if not first:
        typer.echo("\n" + "=" * 80 + "\n")
    for line in told(one, item.content):
        typer.echo(line)


def _end(checked: Sequence[Json], fmt: Format, *, several: bool) -> None:
    """One file is one object, as scripts expect; several are a list."""
    match fmt:
        case Format.JSON if checked or several:
            typer.echo(to_json(checked if several else checked[0]))
        case Format.CSV:
            emit([{**one, "file": each["file"]} for each in checked for one in each["findings"]], fmt, columns=COLUMNS)
        case Format.TABLE if several and checked:
            accepted = sum(one["accepted"] for one in checked)
            refused = len(checked) - accepted
            files = count(len(checked), ("file", "files"), ("fichier", "fichiers"))
            english, french = (
                f"{files}: {accepted} accepted, {refused} refused.",
                f"{files} : {accepted} accepté(s), {refused} refusé(s).",
            )
            typer.echo("\n" + "=" * 80 + "\n\n" + say(english, french))
        case _:
            pass
