"""`huitaine directory`: national files, white list, search, and what this hospital knows besides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import directory as book
from commands.directory_absence import absence as declare_absence
from commands.directory_absence import told
from commands.directory_addressee import SETTERS, assign, shown_box, shown_mailbox
from commands.directory_asking import opened, refusals, vars_of
from commands.directory_delta import delta
from commands.directory_fetch import fetch_keys
from commands.directory_national import import_files, search
from commands.output import Exit, Format, emit, fail, say, to_json
from commands.setup import installation
from gateway.crypto.certificates import as_organisations
from gateway.moments import utc_now
from gateway.service.process.listing import take_list
from gateway.service.road.addressing import addressing_policy

app = typer.Typer(no_args_is_help=True)
white_list_app = typer.Typer(no_args_is_help=True, help=say("MSSanté's white list.", "La liste blanche MSSanté."))
key_app = typer.Typer(no_args_is_help=True, help=say("Addressees' keys.", "Les clés des destinataires."))
app.add_typer(white_list_app, name="whitelist")
app.add_typer(key_app, name="key")

Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]
Given = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, exists=True, dir_okay=False)]
Box = Annotated[str, typer.Argument(metavar="MAILBOX", show_default=False)]

key_app.command("fetch")(fetch_keys)
app.command("import")(import_files)
app.command()(search)
app.command()(delta)
app.command("absence")(declare_absence)


@app.command()
def show(
    rpps: Annotated[str, typer.Argument(metavar="RPPS|MAILBOX", show_default=False)], fmt: Fmt = Format.TABLE
) -> None:
    """Show what is known of a practitioner or mailbox. Example: huitaine directory show 99900000001."""
    if "@" in rpps:
        _show_mailbox(rpps, fmt)
        return
    now, policy = utc_now(), addressing_policy(installation().settings)
    with refusals(), opened() as here:
        person, boxes, absence = here.practitioner(rpps), here.by_rpps(rpps), here.absence(rpps, now)
        rows = [shown_box(here, box, policy, now) for box in boxes]
    if person is None and not boxes:
        fail(say(f"the directory does not know {rpps}", f"l'annuaire ne connaît pas {rpps}"), Exit.REFUSED)
    name = f"{person.civility} {person.given} {person.family}".strip() if person else ""
    away = vars_of(absence, "starts_at", "ends_at", "substitute") if absence else None
    if fmt is Format.JSON:
        places = person.offices if person else ()
        offices = [vars_of(one, "organisation", "structures", "phone", "postcode", "city") for one in places]
        typer.echo(to_json({"rpps": rpps, "name": name, "absence": away, "offices": offices, "mailboxes": rows}))
        return
    emit(rows, fmt, columns=BOX_COLUMNS, title=f"{rpps}  {name}")
    if fmt is Format.TABLE and person and person.phones:
        typer.echo(say("telephone: ", "téléphone : ") + ", ".join(person.phones))
    if absence and fmt is Format.TABLE:
        typer.echo(told(absence))


def _show_mailbox(mailbox: str, fmt: Format) -> None:
    policy = addressing_policy(installation().settings)
    with refusals(), opened() as here:
        rows = shown_mailbox(here, mailbox, policy, utc_now())
    if not rows:
        fail(say(f"nothing is known of {mailbox}", f"rien n'est connu de {mailbox}"), Exit.REFUSED)
    if fmt is Format.JSON:
        typer.echo(to_json(rows))
    else:
        emit(rows, fmt, columns=("rpps", *BOX_COLUMNS), title=mailbox)


@app.command()
def status(fmt: Fmt = Format.TABLE) -> None:
    """Tell how much the directory knows, and how old it is. Example: huitaine directory status --format json."""
    now = utc_now()
    with refusals(), opened() as here:
        known = here.status()
    dated = [(f"{file.kind}-file", file.rows, file.published_at or file.imported_at) for file in known.files]
    if known.white_list_generated_at:
        dated.append(("white-list", known.white_list_domains, known.white_list_generated_at))
    rows: list[dict[str, object]] = [
        {"item": item, "count": count, "as_of": moment, "age_seconds": int((now - moment).total_seconds())}
        for item, count, moment in dated
    ]
    counted = ("mailboxes", "personal", "organisations", "practitioners", "domains", "certificates", "openpgp_keys",
               "entries", "absences")  # fmt: skip
    rows += [{"item": name, "count": getattr(known, name)} for name in counted]
    emit(rows, fmt, columns=("item", "count", "as_of", "age_seconds"), title=say("Directory", "Annuaire"))


@white_list_app.command("update")
def update_white_list(
    source: Annotated[str, typer.Argument(metavar="[FILE|URL]")] = "",
    ca: Annotated[Path | None, typer.Option(help=say("the signer's authority", "l'autorité du signataire"))] = None,
    cn: Annotated[str | None, typer.Option(help=say("the signer's name", "le nom du signataire"))] = None,
) -> None:
    """Take a newer list once its signature is verified. Example: huitaine directory whitelist update LIST.xml."""
    here = installation()
    given = {"white_list_ca": ca, "white_list_cn": cn}
    wanted = here.settings.directory.model_copy(update={name: value for name, value in given.items() if value})
    if wanted.white_list_ca is None or not wanted.white_list_ca.is_file():
        fail(
            say("set directory.white_list_ca, or give --ca", "réglez directory.white_list_ca, ou donnez --ca"),
            Exit.USAGE,
        )
    if not (source or wanted.white_list_url):
        fail(say("give a file or an https address", "donnez un fichier ou une adresse https"), Exit.USAGE)
    with refusals():
        report = take_list(wanted, here.data, source, clock=utc_now)
    typer.echo(
        say(
            f"{report.domains} domains of {report.generated_at:%Y-%m-%d %H:%M}, +{report.added} -{report.removed}",
            f"{report.domains} domaines du {report.generated_at:%Y-%m-%d %H:%M}, +{report.added} -{report.removed}",
        )
    )


@key_app.command("add")
def add_key(
    mailbox: Box,
    file: Given,
    any_name: Annotated[bool, typer.Option(help=say("also when it names others", "même à un autre nom"))] = False,
) -> None:
    """Keep a certificate or OpenPGP key of a mailbox. Example: huitaine directory key add gp@cabinet.example GP.pem."""
    here, content = installation(), file.read_bytes()
    openpgp = b"-----BEGIN PGP" in content or not (content.startswith(b"\x30") or b"-----BEGIN" in content)
    with refusals():
        added: book.OpenPgpKey | book.Certificate
        if openpgp:
            added = book.add_openpgp_key(here.data, mailbox, content, any_name=any_name)
        else:
            allowed = as_organisations(here.settings.crypto.organisation_certificates)
            added = book.add_certificate(here.data, mailbox, content, any_name=any_name, organisations=allowed)
    typer.echo(say(f"taken: {added.fingerprint}", f"prise : {added.fingerprint}"))


@key_app.command("remove")
def remove_key(mailbox: Box, fingerprint: Annotated[str, typer.Argument(show_default=False)]) -> None:
    """Forget a key of a mailbox. Example: huitaine directory key remove gp@cabinet.example 3F2A…"""
    here = installation()
    with refusals():
        book.remove_key(here.data, mailbox, fingerprint)
    typer.echo(say("done", "fait"))


@app.command("set")
def set_command(
    subject: Annotated[str, typer.Argument(metavar="MAILBOX|RPPS|DOMAIN", show_default=False)],
    pairs: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...", help=", ".join(SETTERS))] = None,
    form: Annotated[list[str] | None, typer.Option(help=f"{', '.join(book.FORMS)}")] = None,
    rank: Annotated[int | None, typer.Option(min=0, help=say("1 first, 0 forgets", "1 d'abord, 0 oublie"))] = None,
    rpps: Annotated[str | None, typer.Option(help=say("whose mailbox this is", "à qui est cette boîte"))] = None,
    remove: Annotated[bool, typer.Option("--remove", help=say("forget instead", "oublier"))] = False,
) -> None:
    """Tell what an addressee's software reads. Example: huitaine directory set cabinet.example reads=pdf,xdm gcm=no."""
    here = installation()
    if pairs:
        with refusals():
            assign(here.data, subject, pairs)
    elif not form and rank is None and rpps is None and not remove:
        known = ", ".join(f"{key}=" for key in SETTERS)
        fail(say(f"nothing to set: {known}", f"rien à régler : {known}"), Exit.USAGE)
    with refusals():
        if form or (remove and rank is None and rpps is None):
            book.set_forms(here.data, subject, frozenset() if remove else frozenset(form or ()))
        if rank is not None:
            book.prefer(here.data, subject, rank or None)
        if rpps is not None:
            (book.remove_entry if remove else book.add_entry)(here.data, rpps, subject)
    typer.echo(say("done", "fait"))


BOX_COLUMNS = ("mailbox", "kind", "structure", "city", "accepts", "source", "rank", "in_white_list", "certificates",
               "openpgp_keys", "forms", "forms_by")  # fmt: skip
