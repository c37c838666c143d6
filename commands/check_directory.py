"""`huitaine check directory`: do we know whom to write to, and is what we know fresh?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import directory as book
from commands.checking import Finding, error, note, warning
from commands.setup import installation
from config.settings import Settings
from directory.local import Local
from gateway.moments import utc_now

_ENDED = "SELECT count(*) FROM certificate WHERE not_after <= ?"


def check_directory() -> list[Finding]:
    """National files, white list, addressees' keys."""
    settings, now = installation().settings, utc_now()
    try:
        here = book.Directory.open(settings.gateway.data, settings.directory.database)
        try:
            status = here.status()
        finally:
            here.close()
    except (book.DirectoryError, sqlite3.Error) as refused:
        return [error("directory.db", "directory-unreadable", f"{refused}: import it again",
                      f"{refused} : importez-le de nouveau")]  # fmt: skip
    files = _files(status, timedelta(days=settings.directory.stale_days), now)
    return [*files, *_white_list(settings, status, now), *_keys(settings.gateway.data, status, now)]


def _files(status: book.Status, stale: timedelta, now: datetime) -> Iterator[Finding]:
    is_old = status.as_of is not None and now - status.as_of > stale
    if not status.files:
        yield error("directory.db", "directory-empty", "no national file: no doctor can be found by number; "
                    "`huitaine directory import Extraction_Correspondance_MSSante_*.txt`",
                    "aucun fichier national : aucun médecin ne se trouve par son numéro ; "
                    "`huitaine directory import Extraction_Correspondance_MSSante_*.txt`")  # fmt: skip
    for file in status.files:
        days = file.age(now).days
        if is_old and file.age(now) > stale:
            yield warning(file.kind, "directory-old", f"{days} days old: moved and retired doctors; import a fresh one",
                          f"il date de {days} jours : médecins partis ou déménagés ; importez le nouveau")  # fmt: skip
        if file.rejected * 20 > file.rows:
            yield warning(file.kind, "many-rejected", f"{file.rejected} lines were not understood; import with "
                          "--rejected FILE and look", f"{file.rejected} lignes non comprises ; importez avec "
                          "--rejected FICHIER et regardez")  # fmt: skip


def _white_list(settings: Settings, status: book.Status, now: datetime) -> Iterator[Finding]:
    wanted, made = settings.directory, status.white_list_generated_at
    if made is None and wanted.white_list_required:
        say = error if wanted.white_list_ca or settings.courier.deliver == "mx" else note
        yield say("whitelist.db", "white-list-missing", "no list of MSSanté domains: letters to them are held; "
                  "`huitaine directory whitelist update FILE`", "aucune liste des domaines MSSanté : ces lettres "
                  "sont retenues ; `huitaine directory whitelist update FICHIER`")  # fmt: skip
    elif made is not None and (now - made) / timedelta(days=1) > settings.alarms.white_list_days:
        yield warning("whitelist.db", "white-list-old", f"{(now - made).days} days old; take the newest",
                      f"elle date de {(now - made).days} jours ; prenez la nouvelle")  # fmt: skip


def _keys(data: Path, status: book.Status, now: datetime) -> Iterator[Finding]:
    if not status.certificates + status.openpgp_keys:
        yield note("addressees.db", "no-keys", "no addressee's key: letters leave only where directory.mss_tls allows",
                   "aucune clé de destinataire : rien ne part, sauf là où directory.mss_tls le permet")  # fmt: skip
        return
    local = Local(data)
    try:
        ended = local.rows(_ENDED, now.isoformat())[0][0]
    finally:
        local.close()
    if ended:
        yield warning("addressees.db", "keys-ended", f"{ended} addressees' certificates are over: "
                      "`huitaine keys audit`", f"{ended} certificats de destinataires sont périmés : "
                      "`huitaine keys audit`")  # fmt: skip
