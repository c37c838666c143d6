"""`huitaine open`: take a sealed mail apart with a key at hand, and say of each layer who vouches for it."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from commands.opening_rules import opening_rules
from commands.opening_words import meaning
from commands.output import Exit, Format, emit, fail, say, to_json
from gateway.crypto.keys import OpeningIdentity, load_certificates, load_opening_identity
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.opened import OpenedMail
from gateway.crypto.openpgp import public_keys
from gateway.crypto.openpgp_open import OpenPgpSecret
from gateway.crypto.reception import Reception
from gateway.crypto.results import as_mail
from gateway.crypto.trust.policy import Strictness
from gateway.errors import HuitaineError
from gateway.moments import utc_now

_LONGEST = 120
_KEYS = ("P12, PEM, OpenPGP, or a GnuPG home (a card)", "P12, PEM, OpenPGP, ou dossier GnuPG (une carte)")
_File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)]
_Revocation = Annotated[
    Strictness | None,
    typer.Option(help=say("ask authorities what they revoked", "demander aux autorités les révocations")),
]


def open_command(
    file: _File,
    key: Annotated[Path, typer.Option(exists=True, help=say(*_KEYS), show_default=False)],
    *,
    password_file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    trust: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help=say("authorities", "autorités"))
    ] = None,
    sender: Annotated[Path | None, typer.Option(exists=True, help=say("OpenPGP key", "clé OpenPGP"))] = None,
    envelope_sender: Annotated[
        str | None, typer.Option(help=say("who handed it in (MAIL FROM)", "qui l'a remis (MAIL FROM)"))
    ] = None,
    revocation: _Revocation = None,
    archive: Annotated[
        bool, typer.Option("--archive", help=say("an old mail: open 3DES too", "vieux courriel : ouvrir aussi le 3DES"))
    ] = False,
    output: Annotated[Path | None, typer.Option(file_okay=False, help=say("write parts", "écrire les parties"))] = None,
    mail: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help=say("write it opened, as a mail", "l'écrire ouvert, en courriel")),
    ] = None,
    fmt: Annotated[Format, typer.Option("--format", help="json, table, csv")] = Format.JSON,
) -> None:
    """Open a sealed mail. Example: huitaine open letter.eml --key gp.p12 --password-file secret --output parts.

    A signature counts when its authority is in --trust or in the settings, or comes with the key; an OpenPGP one when
    its key is --sender. Nobody is asked over the network unless --revocation or the settings say so. What was sealed
    with triple DES, as until some ten years ago, opens with --archive only.
    """
    try:
        keys, roots = _keys(key, _password(password_file))
        roots += load_certificates(trust.read_bytes()) if trust else ()
        if sender is not None:
            public_keys(sender.read_bytes())
            keys = OpeningKeys(smime=keys.smime, openpgp=keys.openpgp, correspondents=(sender.read_bytes(),))
        rules = opening_rules(revocation)
        reception = Reception(
            envelope_sender=envelope_sender,
            revocation=rules.revocation,
            by_domain=rules.by_domain,
            organisations=rules.organisations,
            from_archive=archive,
        )
        roots += rules.authorities
        opened = open_mail(file.read_bytes(), keys, at=utc_now(), trust_roots=roots, reception=reception)
    except HuitaineError as error:
        fail(f"{file.name}: {error} ({error.detail})", Exit.REFUSED)
    if "archive-cipher" in opened.remarks:
        sys.stderr.write(f"archive-cipher: {meaning('archive-cipher')}\n")
    written = _write(opened, output) if output else []
    if mail is not None:
        _put(mail, as_mail(opened, rules.name))
    _tell(opened, written, fmt)


def safe_name(name: str, number: int) -> str:
    """A file name of our own making: its number, then what is harmless of the sender's word for it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(each if each.isalnum() or each in "._- " else "_" for each in unicodedata.normalize("NFC", last))
    return f"{number:03d}-{kept.strip('. ')[-_LONGEST:] or 'part'}"


def _keys(key: Path, password: bytes | None) -> tuple[OpeningKeys, tuple[x509.Certificate, ...]]:
    """What the key file opens with, and the authorities that came with it; a folder is a GnuPG home, with its agent."""
    if key.is_dir():
        from gateway.crypto.openpgp_agent import AgentSecret  # noqa: PLC0415 - gpg, for whose key is there

        return OpeningKeys(openpgp=(AgentSecret(key, password=password.decode() if password else None),)), ()
    content = key.read_bytes()
    if b"BEGIN PGP" in content[:200]:
        return OpeningKeys(openpgp=(OpenPgpSecret(content, password.decode() if password else None),)), ()
    identity = load_opening_identity(content, password)
    return OpeningKeys(smime=(identity,)), _authorities(identity)


def _authorities(identity: OpeningIdentity) -> tuple[x509.Certificate, ...]:
    return tuple(each for each in identity.chain if _is_authority(each))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _write(mail: OpenedMail, folder: Path) -> list[str]:
    """Each part in a new file that nobody else reads; an existing one is never touched."""
    names = [safe_name(part.name, number) for number, part in enumerate(mail.parts, 1)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: {error.strerror}", Exit.REFUSED)
    for part, name in zip(mail.parts, names, strict=True):
        _put(folder / name, part.content)
    return names


def _put(path: Path, content: bytes) -> None:
    """A new file for its owner alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        fail(f"{path}: {error.strerror}", Exit.REFUSED)


def _tell(mail: OpenedMail, written: list[str], fmt: Format) -> None:
    told = mail.as_json()
    for part, name in zip(told["parts"], written, strict=False):
        part["file"] = name
    if fmt is Format.JSON:
        sys.stdout.write(to_json(told) + "\n")
        return
    layers = [{**layer, "algorithms": " ".join(layer["algorithms"])} for layer in told["layers"]]
    emit(layers, fmt, columns=("kind", "algorithms", "signer", "verified", "why_not"), title=say("Layers", "Couches"))
    told_remarks = [{"code": code, "means": meaning(code)} for code in (*_reasons(mail), *mail.remarks)]
    if told_remarks:
        emit(told_remarks, fmt, columns=("code", "means"), title=say("Remarks", "Remarques"))
    columns = ("name", "media_type", "size", "sha256", *(("file",) if written else ()))
    emit(told["parts"], fmt, columns=columns, title=say("Parts", "Parties"))


def _reasons(mail: OpenedMail) -> list[str]:
    return list(dict.fromkeys(layer.why_not for layer in mail.layers if layer.why_not))


def _password(file: Path | None) -> bytes | None:
    return file.read_bytes().rstrip(b"\r\n") if file else None
