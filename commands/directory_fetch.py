"""`huitaine directory key fetch`: an addressee's certificates, asked of the LDAP directory that the settings name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import directory as book
from commands.directory_asking import refusals
from commands.output import Exit, fail, say
from commands.setup import installation
from config.settings import Settings, SettingsError, secret
from gateway.crypto.certificates import as_organisations


def fetch_keys(mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", show_default=False)]) -> None:
    """Ask the LDAP directory of [key_lookup] for its keys. Example: huitaine directory key fetch gp@cabinet.example."""
    here = installation()
    allowed = as_organisations(here.settings.crypto.organisation_certificates)
    with refusals():
        found = book.look_up_certificates(here.data, mailbox, lookup_server(here.settings), organisations=allowed)
    for one in found.kept:
        typer.echo(say(f"taken: {one.fingerprint}", f"pris : {one.fingerprint}"))
    for code in found.refused:
        sys.stderr.write(say(f"refused: {code}\n", f"refusé : {code}\n"))
    if not found.kept:
        fail(say("no certificate that can be used", "aucun certificat utilisable"), Exit.REFUSED)


def lookup_server(settings: Settings) -> book.LdapServer:
    """Where certificates are asked for; exits 2 when the settings name no server, or the password is missing."""
    wanted, password = settings.key_lookup, ""
    if not wanted.url:
        fail(say("set url and base in [key_lookup]", "réglez url et base dans [key_lookup]"), Exit.USAGE)
    if wanted.user:
        try:
            password = secret(settings, wanted.password_secret).decode()
        except (SettingsError, UnicodeDecodeError) as error:
            fail(str(error), Exit.USAGE)
    return book.LdapServer(
        url=wanted.url,
        base=wanted.base,
        ca=wanted.ca,
        user=wanted.user,
        password=password,
        authoritative=wanted.authoritative,
    )
