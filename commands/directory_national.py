"""`huitaine directory import` and `search`: the national files taken in, and looked through by people."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

import directory as book
from commands.directory_asking import bars, opened, refusals, vars_of
from commands.output import Exit, Format, count, emit, fail, say, to_json
from commands.setup import installation
from directory.doubts import unlisted
from directory.download import fetched
from gateway.moments import utc_now

Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]
SHOWN = 20
_REMARK = ("file", "line", "code", "words")


def import_files(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[FILE|URL]...", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help=say("publish despite doubts", "publier malgré un doute"))] = False,
    rejected: Annotated[Path | None, typer.Option(help=say("CSV of rejected lines", "lignes rejetées (CSV)"))] = None,
    fmt: Fmt = Format.TABLE,
) -> None:
    """Import national extractions: text, ZIP or https. Example: huitaine directory import Extraction_….zip."""
    here = installation()
    wanted, data = here.settings.directory, here.data
    if not (given := sources or list(wanted.national_urls)):
        fail(say("give a file or an https address, or set directory.national_urls",
                 "donnez un fichier ou une adresse https, ou réglez directory.national_urls"), Exit.USAGE)  # fmt: skip
    with refusals(), bars() as tell, fetched(given, data, authorities=wanted.national_ca, tell=tell) as files:
        shelf = book.shelf_of(data, wanted.database)
        try:
            report = book.import_into(shelf, files, progress=tell, confirm=yes, clock=utc_now)
            strangers = list(unlisted(shelf, book.WhiteList(data))) if report.published else []
        finally:
            shelf.close()
    odd = [one for file in report.files for one in (*file.examples, *file.remarks)]
    _remarks([vars_of(one, *_REMARK) for one in (*odd, *strangers)], rejected)
    counts = [
        vars_of(file, "kind", "name", "published_at", "rows", "rejected", "duplicates")
        | vars_of(file.change, "added", "changed", "removed")
        for file in report.files
    ]
    emit(counts, fmt, title=say("Import", "Import"))
    if not report.published:
        why = "; ".join(report.held_because)
        fail(say(f"held: {why}; check, then add --yes", f"retenu : {why} ; vérifiez, puis ajoutez --yes"), Exit.REFUSED)


def _remarks(lines: list[dict[str, object]], out: Path | None) -> None:
    """Lines that were not taken, or taken with a doubt: all to a file, the first to standard error."""
    if out:
        with out.open("w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, _REMARK)
            writer.writeheader()
            writer.writerows(lines)
    for line in lines[:SHOWN]:
        place = f"{line['file']}:{line['line']}: " if line["line"] else ""
        sys.stderr.write(f"{place}{line['code']}: {line['words']}\n")
    if len(lines) > SHOWN:
        sys.stderr.write(say(f"… and {len(lines) - SHOWN} more: --rejected FILE\n",
                             f"… et {len(lines) - SHOWN} de plus : --rejected FICHIER\n"))  # fmt: skip


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", show_default=False)],
    city: Annotated[str, typer.Option(help=say("town", "ville"))] = "",
    postcode: Annotated[str, typer.Option(help=say("or its beginning: 35, 2A", "ou son début : 35, 2A"))] = "",
    profession: Annotated[str, typer.Option(help=say("code or words", "code ou mots"))] = "",
    speciality: Annotated[str, typer.Option(help=say("code or words", "code ou mots"))] = "",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    fmt: Fmt = Format.TABLE,
) -> None:
    """Find people and organisations by name. Example: huitaine directory search dubreuil lea --city rennes."""
    wanted = book.Wanted(words=" ".join(words), city=city, postcode=postcode, profession=profession, skill=speciality)
    now = utc_now()
    with refusals(), opened() as here:
        hits, status = here.find(wanted, limit=limit), here.status()
        rows = [_hit(here, hit) | {"as_of": status.as_of} for hit in hits]
    days = max(0, (now - status.as_of).days) if status.as_of else None
    if fmt is Format.JSON:
        typer.echo(to_json(rows))
    else:
        emit(rows, fmt, columns=("rpps", "name", "profession", "skills", "postcode", "city", "mailboxes", "keys",
                                 "absent_until"), title=_title(days))  # fmt: skip
    if len(rows) == limit:
        english = f"only the first {limit}: add a first name, --city or --speciality\n"
        french = f"les {limit} premiers seulement : ajoutez un prénom, --city ou --speciality\n"
        sys.stderr.write(say(english, french))


def _title(days: int | None) -> str:
    if days is None:
        return say("no national file yet", "aucun fichier national encore")
    ago = count(days, ("day ago", "days ago"), ("jour", "jours"))
    return say(f"directory of {ago}", f"annuaire d'il y a {ago}")


def _hit(here: book.Directory, hit: book.Found) -> dict[str, object]:
    """One line for a person's eyes: where to write, whether sealing is possible, whether somebody is there."""
    now = utc_now()
    away = here.absence(hit.rpps, now) if hit.rpps else None
    keys = sum(one.valid_at(now) for box in hit.mailboxes for one in here.certificates(box))
    keys += sum(one.valid_at(now) for box in hit.mailboxes for one in here.openpgp_keys(box))
    return vars_of(hit, "rpps", "name", "profession", "postcode", "city") | {
        "skills": ", ".join(hit.skills),
        "mailboxes": ", ".join(hit.mailboxes),
        "keys": keys,
        "absent_until": away.ends_at if away else None,
        "substitute": away.substitute if away else None,
    }
