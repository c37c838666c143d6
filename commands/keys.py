"""`huitaine keys`: the gateway's own keys in the key store, and the certificates and OpenPGP keys of addressees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from commands import keycard, keyfind, keygather
from commands.keyaudit import audited, key_calendar
from commands.keylist import listed
from commands.output import Exit, Format, emit, fail, say
from commands.rotation import rotate_master, rotate_own, rotate_tenant
from commands.setup import Installation, installation
from config.settings import SettingsError
from directory.changes import add_certificate, add_openpgp_key
from directory.errors import DirectoryError
from gateway.crypto.authority import certificates_pem, new_key
from gateway.crypto.certificates import as_organisations
from gateway.crypto.keys import PrivateKey, load_any_identity, load_certificates, spki
from gateway.crypto.keystore import KeyStore
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.requests import certificate_request, stand_in
from gateway.crypto.tokens.keys import token_key
from gateway.errors import HuitaineError
from gateway.moments import utc_now
from gateway.service.from_settings.keystores import gateway_keys

app = typer.Typer(no_args_is_help=True)
app.command("card")(keycard.card)
app.command("find")(keyfind.find)
app.command("gather")(keygather.gather)
Fmt = Annotated[Format, typer.Option("--format", help="table, json, csv")]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Given = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, exists=True, dir_okay=False)]
InToken = Annotated[bool, typer.Option("--token", help=say("a key of the PKCS #11 token", "une clé du jeton PKCS #11"))]
PasswordFile = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]
COLUMNS = ("name", "kind", "address", "expires_at", "days", "fingerprint")


@app.command("create")
def create(
    name: Name,
    address: Annotated[str, typer.Option(help=say("the mailbox that signs", "la boîte qui signe"))],
    openpgp: Annotated[bool, typer.Option(help=say("an OpenPGP key", "une clé OpenPGP"))] = False,
    token: InToken = False,
    request: Annotated[
        Path | None, typer.Option(help=say("where to write the request", "où écrire la demande"))
    ] = None,
) -> None:
    """Make a key and the request to send to the authority. Example: huitaine keys create gateway --address a@b.fr."""
    here = installation()
    try:
        store = _store(here)
        if openpgp:
            store.put_openpgp(name, OpenPgpSigner.generate(f"{here.settings.gateway.hospital} <{address}>"))
            typer.echo(say(f"made {name}", f"créée : {name}"))
            return
        target = request or Path(f"{name}.csr")
        target.write_bytes(_asked(store, name, address, here.settings.gateway.hospital, in_token=token))
    except (HuitaineError, OSError) as error:
        _refused(error)
    typer.echo(say(f"send {target} to the authority,", f"envoyez {target} à l'autorité,"))
    typer.echo(say(f"then: huitaine keys import {name} ANSWER.pem", f"puis : huitaine keys import {name} REPONSE.pem"))


@app.command("import")
def import_key(
    name: Name,
    file: Given,
    password_file: PasswordFile = None,
    any_name: Annotated[bool, typer.Option(help=say("also when it names others", "même à un autre nom"))] = False,
    token: InToken = False,
) -> None:
    """Take a key: ours under a name, an addressee's under a mailbox. Example: huitaine keys import gateway KEY.p12.

    With --token the file is a certificate whose key the token has.
    """
    here, content = installation(), file.read_bytes()
    try:
        if "@" in name:
            _addressee(here, name, content, any_name=any_name)
        elif token:
            store, certificates = _store(here), load_certificates(content)
            store.put_token(name, store.token.find(spki(certificates[0])), certificates)
        else:
            _own(_store(here), name, content, _password(password_file))
    except (HuitaineError, DirectoryError) as error:
        _refused(error)
    typer.echo(say(f"taken: {name}", f"prise : {name}"))


@app.command("list")
def list_keys(fmt: Fmt = Format.TABLE) -> None:
    """List our keys and the addressees', soonest to expire first. Example: huitaine keys list --format json."""
    here = installation()
    try:
        rows = listed(_store(here), here, utc_now())
    except HuitaineError as error:
        _refused(error)
    emit(rows, fmt, columns=COLUMNS, title=say("Keys", "Clés"))


@app.command()
def rotate(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="[FILE|NAME|TENANT]", show_default=False)] = "",
    password_file: PasswordFile = None,
) -> None:
    """Put a new key in a key's place; the old one goes on opening. Example: huitaine keys rotate gateway NEW.p12.

    The new one is a file, or the name of another key in the store. `rotate master` changes the key of all that is
    kept, `rotate tenant NAME` the one of a tenant's letters; neither needs a stop.
    """
    if name == "master":
        rotate_master(installation())
    elif name == "tenant":
        rotate_tenant(installation(), new)
    elif not new:
        fail(say("FILE: no such file", "FICHIER : fichier introuvable"), Exit.USAGE)
    else:
        _rotate(name, new, password_file)


def _rotate(name: str, new: str, password_file: Path | None) -> None:
    try:
        old = rotate_own(_store(installation()), name, new, _password(password_file), at=utc_now())
    except HuitaineError as error:
        _refused(error)
    typer.echo(
        say(
            f"{name} is new, {old} is kept for opening; restart the gateway",
            f"{name} est neuve, {old} est gardée pour ouvrir ; relancez",
        )
    )


@app.command()
def export(name: Name, output: Annotated[Path | None, typer.Option(help=say("where", "où"))] = None) -> None:
    """Give out the public part of one of our keys, never the private one. Example: huitaine keys export gateway."""
    try:
        store = _store(installation())
        found = next((key for key in store.list() if key.name == name), None)
        if found is None:
            fail(say(f"no key {name}", f"aucune clé {name}"), Exit.REFUSED)
        public = OpenPgpSigner(store.openpgp_key(name)).armored if found.kind == "openpgp" else b""
    except HuitaineError as error:
        _refused(error)
    content = public or certificates_pem(found.certificates)
    if output is None:
        typer.echo(content.decode(), nl=False)
    else:
        output.write_bytes(content)


@app.command()
def audit(
    within: Annotated[int, typer.Option(help=say("days", "jours"))] = 30,
    ends: Annotated[
        Path | None, typer.Option("--calendar", help=say("write the ends (.ics)", "écrire les fins (.ics)"))
    ] = None,
    fmt: Fmt = Format.TABLE,
) -> None:
    """Tell what is expired, weak or soon over; exit 1 when something is. Example: huitaine keys audit --within 60."""
    here, margin = installation(), timedelta(days=within)
    try:
        store = _store(here)
        rows = audited(store, here, utc_now(), margin)
        if ends is not None:
            ends.write_bytes(key_calendar(store, here, utc_now(), margin))
    except (HuitaineError, OSError) as error:
        _refused(error)
    emit(rows, fmt, columns=("name", "problem", "expires_at", "days"), title=say("To do", "À faire"))
    if rows:
        raise typer.Exit(int(Exit.NOT_SO))


def _asked(store: KeyStore, name: str, address: str, hospital: str, *, in_token: bool) -> bytes:
    """A fresh key in the store, or in the token, with a stand-in certificate; gives the request for a real one."""
    if not in_token:
        key: PrivateKey = new_key("rsa3072")
        store.put(name, key, stand_in(key, address, hospital, at=utc_now()))
        return certificate_request(key, address, hospital)
    key_id, public = store.token.generate(name, "rsa3072")
    key = token_key(store.token, key_id, public)
    store.put_token(name, key_id, (stand_in(key, address, hospital, at=utc_now()),))
    return certificate_request(key, address, hospital)


def _own(store: KeyStore, name: str, content: bytes, password: bytes | None) -> None:
    """A private key with its certificate, an OpenPGP secret key, or the answer of an authority to our request."""
    if b"BEGIN PGP PRIVATE KEY BLOCK" in content:
        OpenPgpSigner(content, password.decode() if password else None)
        store.put_openpgp(name, content)
    elif b"BEGIN CERTIFICATE" in content and b"PRIVATE KEY" not in content:
        store.certify(name, load_certificates(content))
    else:
        identity = load_any_identity(content, password)
        store.put(name, identity.private_key, identity.certificate, identity.chain)


def _addressee(here: Installation, mailbox: str, content: bytes, *, any_name: bool) -> None:
    allowed = as_organisations(here.settings.crypto.organisation_certificates)
    try:
        add_certificate(here.data, mailbox, content, any_name=any_name, organisations=allowed)
    except DirectoryError as error:
        if error.code != "not-a-certificate":
            raise
        add_openpgp_key(here.data, mailbox, content, any_name=any_name)


def _store(here: Installation) -> KeyStore:
    try:
        return gateway_keys(here.settings)
    except SettingsError as error:
        fail(str(error), Exit.USAGE)


def _password(file: Path | None) -> bytes | None:
    return file.read_bytes().rstrip(b"\r\n") if file else None


def _refused(error: Exception) -> NoReturn:
    fail(getattr(error, "detail", "") or str(error), Exit.REFUSED)
