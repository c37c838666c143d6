"""`huitaine directory delta`: what changed in the national directory since, asked of its FHIR API."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import directory as book
from commands.directory_asking import bars, refusals, vars_of
from commands.output import Exit, Format, emit, fail, say
from commands.setup import installation
from config.settings import SettingsError, secret
from gateway.moments import utc_now


def delta(
    yes: Annotated[bool, typer.Option("--yes", help=say("publish despite doubts", "publier malgré un doute"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Take what changed since the last import; goes on where it was interrupted. Example: huitaine directory delta."""
    from directory.delta import DeltaReport, FhirApi, Gathering, since_when, take_delta  # noqa: PLC0415 (its client)

    here = installation()
    wanted, data = here.settings.directory, here.data
    if not wanted.delta_url:
        fail(say("set directory.delta_url", "réglez directory.delta_url"), Exit.USAGE)
    try:
        key = secret(here.settings, wanted.delta_key_secret).decode("ascii", "replace")
    except SettingsError as error:
        fail(str(error), Exit.USAGE)
    shelf = book.shelf_of(data, wanted.database)
    report: DeltaReport
    try:
        with (
            refusals(),
            bars() as tell,
            Gathering.opened(data, since_when(shelf), utc_now()) as gathering,
            FhirApi.opened(wanted.delta_url, key, authorities=wanted.national_ca) as api,
        ):
            report = take_delta(shelf, gathering, api, tell=tell, confirm=yes)
    finally:
        shelf.close()
    for one in report.rejected[:20]:
        sys.stderr.write(f"{one.file}: {one.code}: {one.words}\n")
    row = vars_of(report, "since", "persons", "organisations", "added", "removed") | {"rejected": len(report.rejected)}
    emit([row], fmt, title=say("What changed", "Ce qui a changé"))
    if not report.published:
        why = "; ".join(report.held_because)
        fail(say(f"held: {why}; check, then add --yes", f"retenu : {why} ; vérifiez, puis ajoutez --yes"), Exit.REFUSED)
