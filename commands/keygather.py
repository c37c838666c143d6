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
from gateway.crypto.openpgp import addresses_of, public_keys
from gateway.errors import HuitaineError

if TYPE_CHECKING:
    from gateway.crypto.keyring import Keyring

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
    """One row for each key of the file but the certifier's; kept in the directory ``into``, when there is one."""
    wanted = certifier.replace(" ", "").upper()
    found = ring.add(content)
    ring.trust(wanted, "ultimate")
    valid = {key.fingerprint for key in ring.list() if key.valid}
    return [
        _row(ring.export(each), each, into if each in valid else None, is_valid=each in valid)
        for each in found
        if each != wanted
    ]


def _row(key: bytes, fingerprint: str, into: Path | None, *, is_valid: bool) -> Row:
    (certificate,) = public_keys(key)
    addresses = addresses_of(certificate)
    outcome = "; ".join(dict.fromkeys(_kept(into, address, key) for address in addresses)) if into else ""
    return {"fingerprint": fingerprint, "addresses": ", ".join(addresses), "valid": is_valid, "outcome": outcome}


def _kept(folder: Path, mailbox: str, key: bytes) -> str:
    """``taken``, or why the directory did not: one key that cannot serve keeps no other out."""
    try:
        add_openpgp_key(folder, mailbox, key)
    except DirectoryError as error:
        return error.code
    return "taken"
