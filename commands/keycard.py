"""`huitaine keys card`: an OpenPGP key of ours that stays on a card, or in a PKCS #11 token behind gnupg-pkcs11-scd."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.output import Exit, Format, emit, fail, say
from commands.setup import installation
from gateway.crypto.openpgp import addresses_of, public_keys
from gateway.crypto.openpgp_agent import AgentSecret, AgentSigner
from gateway.crypto.openpgp_card import Card, CardKey
from gateway.errors import HuitaineError
from gateway.moments import utc_now

_PROBE = b"Content-Type: text/plain\r\n\r\nhuitaine\r\n"
_Home = Annotated[Path, typer.Argument(metavar="HOME", show_default=False, file_okay=False)]
_Chosen = typer.Option(show_default=False, help=say("place or keygrip (default: by place)", "place ou keygrip"))


def card(
    home: _Home,
    pin_file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    *,
    module: Annotated[Path | None, typer.Option(help=say("PKCS #11 module", "module PKCS #11"))] = None,
    address: Annotated[str, typer.Option(help=say("the mailbox that signs", "la boîte qui signe"))] = "",
    public: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help=say("its certificate, if it has one", "son certificat existant")
        ),
    ] = None,
    signing: Annotated[str, _Chosen] = "",
    opening: Annotated[str, _Chosen] = "",
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Enrol an OpenPGP key on a card. Example: huitaine keys card gnupg --pin-file PIN --address a@b.fr --module LIB.

    HOME is the GnuPG home that the gateway will use. A certificate is made over two keys of the card, or the one of
    --public is taken; then a mail is sealed and opened as a trial. Without either, what the card has is listed.
    """
    try:
        told = Card(home, _pin(pin_file))
        if module is not None:
            told.use_module(module)
        keys = sorted(told.keys(), key=lambda key: key.place)
        if not (address or public):
            rows = [{"place": key.place, "keygrip": key.grip} for key in keys]
            emit(rows, fmt, columns=("place", "keygrip"), title=say("Keys of the card", "Clés de la carte"))
            return
        if public is not None:
            fingerprint = told.adopt(public.read_bytes())
        else:
            first, second = _pair(keys, signing, opening)
            hospital = installation().settings.gateway.hospital
            fingerprint = told.certify(f"{hospital} <{address}>", signing=first.grip, opening=second.grip)
        _try(home, fingerprint, _pin(pin_file))
    except HuitaineError as error:
        fail(error.detail or str(error), Exit.TEMPORARY if not error.permanent else Exit.REFUSED)
    _tell(home, fingerprint, fmt)


def _pin(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").rstrip("\r\n") if file else ""


def _pair(keys: list[CardKey], signing: str, opening: str) -> tuple[CardKey, CardKey]:
    if len(keys) < 2 and not (signing and opening):
        words = say("the card has fewer than two RSA keys", "la carte a moins de deux clés RSA")
        fail(words, Exit.REFUSED)
    return _named(keys, signing, 0), _named(keys, opening, 1)


def _named(keys: list[CardKey], name: str, number: int) -> CardKey:
    if not name:
        return keys[number]
    found = [key for key in keys if key.grip == name.upper() or key.place.endswith(name)]
    if len(found) != 1:
        fail(say(f"{name}: not one key of the card", f"{name} : pas une clé de la carte"), Exit.REFUSED)
    return found[0]


def _try(home: Path, fingerprint: str, pin: str) -> None:
    """Seal a mail to ourselves and open it: whatever is wrong shows now, not with the first letter."""
    signer = AgentSigner(home, fingerprint, pin)
    (ours,) = public_keys(signer.public_key)
    sealed = signer.seal(_PROBE, signer.public_key, fingerprint="", address=addresses_of(ours)[0], at=utc_now())
    opened = AgentSecret(home, fingerprint, pin).open(sealed, (ours,))
    if opened.content != _PROBE or opened.signature is None or opened.signature.why_not:
        fail(say("the card's keys do not fit together", "les clés de la carte ne vont pas ensemble"), Exit.REFUSED)


def _tell(home: Path, fingerprint: str, fmt: Format) -> None:
    rows = [{"fingerprint": fingerprint, "home": str(home.absolute())}]
    emit(rows, fmt, columns=("fingerprint", "home"), title=say("Enrolled and tried", "Prise et essayée"))
    if fmt is Format.TABLE:
        typer.echo(say("settings:", "réglages :"))
        typer.echo(f'[crypto]\nopenpgp_home = "{home.absolute()}"\nopenpgp_key = "{fingerprint}"')
        typer.echo('openpgp_pin_secret = "card-pin"')
