"""`huitaine keys gather`: many addressees' OpenPGP keys at once, those that somebody we trust has signed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.output import Exit, Format, emit, fail, say
from commands.setup import installation
from directory.changes import add_openpgp_key
from directory.errors import DirectoryError
from gateway.crypto.openpgp import addresses_in
from gateway.errors import HuitaineError

if TYPE_CHECKING:
    from gateway.crypto.keyring import Keyring, KeyringKey

Row = dict[str, object]


def gather(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, exists=True, dir_okay=False)],
    certifier: Annotated[str, typer.Option(help=say("whose signatures count", "dont les signatures comptent"))],
    add: Annotated[bool, typer.Option("--add", help=say("keep what is valid", "garder ce qui est valide"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Take the keys of a file that a certifier signed. Example: huitaine keys gather all.asc --certifier FINGERPRINT.

    The certifier's own key is in the file too; compare its fingerprint by telephone first.
    """
    from gateway.crypto.keyring import Keyring  # noqa: PLC0415 - gpg, for who asks

    here = installation()
    # A home for this one file: whom we trusted for another file has no say in this one.
    with tempfile.TemporaryDirectory(prefix="hz") as home:
        ring = Keyring(Path(home))
        try:
            rows = _gathered(ring, file.read_bytes(), certifier, here.data if add else None)
        except HuitaineError as error:
            fail(error.detail or str(error), Exit.REFUSED)
        finally:
            ring.close()
    emit(rows, fmt, columns=("fingerprint", "addresses", "valid", "outcome"), title=say("Keys", "Clés"))
    if not any(row["valid"] for row in rows):
        raise typer.Exit(int(Exit.NOT_SO))


def _gathered(ring: Keyring, content: bytes, certifier: str, into: Path | None) -> list[Row]:
    """One row for each key of the file but the certifier's; kept in the directory ``into``, when there is one.

    Kept for the addresses alone that the certifier signed: whoever has a key may add any other to it.
    """
    wanted = certifier.replace(" ", "").upper()
    found = set(ring.add(content))
    ring.trust(wanted, "ultimate")
    keys = (key for key in ring.list() if key.fingerprint in found and key.fingerprint != wanted)
    return [_row(key, ring.export(key.fingerprint), into) for key in keys]


def _row(key: KeyringKey, content: bytes, into: Path | None) -> Row:
    valid = tuple(addresses_in(key.valid_user_ids))
    outcome = "; ".join(_kept(into, address, content) for address in valid) if into else ""
    addresses = ", ".join(addresses_in(key.user_ids))
    return {"fingerprint": key.fingerprint, "addresses": addresses, "valid": ", ".join(valid), "outcome": outcome}


def _kept(folder: Path, mailbox: str, key: bytes) -> str:
    """``taken``, or why the directory did not: one key that cannot serve keeps no other out."""
    try:
        add_openpgp_key(folder, mailbox, key)
    except DirectoryError as error:
        return error.code
    return "taken"
