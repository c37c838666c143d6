"""`huitaine check settings`, the door of other MSSanté operators: would it open, and could it ever say yes?"""

from __future__ import annotations

from collections.abc import Iterator

from commands.checking import Finding, error, note
from commands.french_lines import in_french
from config.settings import Settings
from gateway.errors import HuitaineError
from gateway.service.operators.door import door_context, mail_server, ours


def operators_door(settings: Settings) -> Iterator[Finding]:
    """Nothing when no port is set."""
    wanted = settings.operators
    if wanted.port is None:
        return
    try:
        ours(settings, settings.courier.sender)
        mail_server(settings)
        door_context(wanted)
    except HuitaineError as refused:
        line = refused.detail or str(refused)
        yield error("operators", "door-refused", line, in_french(line))
    if settings.directory.white_list_ca is None:
        yield error("directory.white_list_ca", "no-white-list", "without a white list every operator is sent away: "
                    "name who signs its signer", "sans liste blanche, tout opérateur est renvoyé : nommez l'autorité "
                    "de qui la signe")  # fmt: skip
    if wanted.mail_server is not None:
        receipts = settings.courier.sender or f"passerelle@{settings.gateway.domain}"
        yield note("operators.mail_server", "return-path-heard", f"receipts to {receipts} are heard whatever "
                   "mail_server says of that address; what is no receipt is handed to it: let it have the mailbox, or "
                   "an alias", f"les accusés adressés à {receipts} sont entendus quoi que mail_server dise de cette "
                   "adresse ; ce qui n'en est pas un lui est remis : qu'il en ait la boîte, ou un alias")  # fmt: skip
