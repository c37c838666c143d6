"""`huitaine keys find`: the OpenPGP key that a mailbox's own domain publishes (Web Key Directory)."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.output import Exit, Format, emit, fail, say
from commands.setup import installation
from directory.changes import add_openpgp_key
from directory.errors import DirectoryError
from directory.records import Source
from gateway.errors import PeerUnreachable

_Mailbox = Annotated[str, typer.Argument(metavar="MAILBOX", show_default=False)]


def find(
    mailbox: _Mailbox,
    add: Annotated[bool, typer.Option("--add", help=say("keep what is found", "garder ce qui est trouvé"))] = False,
    fmt: Annotated[Format, typer.Option("--format", help="table, json, csv")] = Format.TABLE,
) -> None:
    """Ask a mailbox's domain for its OpenPGP key (WKD). Example: huitaine keys find dr@cabinet.example --add.

    A key kept so is used only as long as no other source has one for this mailbox.
    """
    from gateway.crypto.wkd.lookup import WebKeyDirectory  # noqa: PLC0415 - HTTP, for who asks

    here = installation()
    try:
        found = WebKeyDirectory().look_up(mailbox)
        for each in found if add else ():
            add_openpgp_key(here.data, mailbox, each.key, source=Source.WKD)
    except ValueError:
        fail(say(f"{mailbox}: not a mail address", f"{mailbox} : ce n'est pas une adresse"), Exit.USAGE)
    except PeerUnreachable as error:
        fail(error.detail, Exit.TEMPORARY)
    except DirectoryError as error:
        fail(str(error), Exit.REFUSED)
    rows = [
        {"fingerprint": key.fingerprint, "addresses": ", ".join(key.addresses), "method": key.method} for key in found
    ]
    emit(rows, fmt, columns=("fingerprint", "addresses", "method"), title=say("Keys found", "Clés trouvées"))
    if not found:
        raise typer.Exit(int(Exit.NOT_SO))
