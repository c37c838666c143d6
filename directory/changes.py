"""Changes of ``addressees.db``: each one a durable transaction, refused with its reason or kept whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from directory.errors import DirectoryError
from directory.fold import fold_mailbox, is_mailbox
from directory.keys import Names, read_certificate, read_openpgp_key
from directory.local import FILE_NAME, TABLES, VERSION, connect, utc, version_of
from directory.records import Absence, Certificate, OpenPgpKey, Source


def add_certificate(
    folder: Path,
    mailbox: str,
    content: bytes,
    *,
    source: Source = Source.ADMINISTRATOR,
    any_name: bool = False,
    gcm: bool | None = None,
    organisations: Collection[str] = (),
) -> Certificate:
    """Keep a certificate (DER or PEM) that encrypts to ``mailbox``; the same one again may only raise its source.

    ``gcm`` is what a signed mail told of its reader (SMIMECapabilities); ``None`` leaves it to the certificate itself.
    ``organisations`` are the domains whose one certificate stands for all their mailboxes (CR-16).

    Raises :class:`DirectoryError` as :func:`directory.keys.read_certificate`, and ``other-name`` when the certificate
    names other mailboxes only, ``organisation-not-allowed`` when it names the mailbox's domain and that is none of
    ``organisations`` (``any_name`` accepts both), ``key-of-another`` when its key already stands under a mailbox that
    it does not name.
    """
    folded, facts = checked_mailbox(mailbox), read_certificate(content)
    if not facts.names.include(folded, organisations) and not any_name:
        raise _other_name(facts.names, folded)
    row = (facts.fingerprint, folded, facts.der, facts.public_key, utc(facts.not_before), utc(facts.not_after))
    with changing(folder) as database:
        for (other,) in database.execute("SELECT mailbox FROM certificate WHERE public_key = ?", (facts.public_key,)):
            if other != folded and not all(facts.names.include(each, organisations) for each in (other, folded)):
                raise DirectoryError("key-of-another", "this key already belongs to another mailbox: nothing was kept")
        source = _highest(database, "certificate", folded, facts.fingerprint, source)
        reads_gcm = facts.gcm if gcm is None else gcm
        database.execute("INSERT OR REPLACE INTO certificate VALUES (?,?,?,?,?,?,?,?)", (*row, source, reads_gcm))
    return Certificate(
        mailbox=folded,
        der=facts.der,
        fingerprint=facts.fingerprint,
        not_before=facts.not_before,
        not_after=facts.not_after,
        source=source,
        gcm=reads_gcm,
    )


def add_openpgp_key(
    folder: Path, mailbox: str, content: bytes, *, source: Source = Source.ADMINISTRATOR, any_name: bool = False
) -> OpenPgpKey:
    """Keep an OpenPGP public key (binary or armored) of ``mailbox``.

    Raises :class:`DirectoryError` as :func:`directory.keys.read_openpgp_key`, and ``other-name``, ``key-of-another``
    as :func:`add_certificate`.
    """
    folded, facts = checked_mailbox(mailbox), read_openpgp_key(content)
    if folded not in facts.addresses and not any_name:
        raise DirectoryError("other-name", "the key does not name this mailbox; check with the addressee")
    expires = utc(facts.expires_at) if facts.expires_at else None
    with changing(folder) as database:
        for (other,) in database.execute("SELECT mailbox FROM openpgp WHERE fingerprint = ?", (facts.fingerprint,)):
            if other != folded and not {other, folded} <= facts.addresses:
                raise DirectoryError("key-of-another", "this key already belongs to another mailbox: nothing was kept")
        source = _highest(database, "openpgp", folded, facts.fingerprint, source)
        row = (facts.fingerprint, folded, facts.key, expires, source)
        database.execute("INSERT OR REPLACE INTO openpgp VALUES (?,?,?,?,?)", row)
    return OpenPgpKey(
        mailbox=folded, key=facts.key, fingerprint=facts.fingerprint, expires_at=facts.expires_at, source=source
    )


def remove_key(folder: Path, mailbox: str, fingerprint: str) -> None:
    """Forget a certificate or OpenPGP key; raises ``no-such-key`` when the mailbox has none of that fingerprint."""
    folded, wanted = fold_mailbox(mailbox), fingerprint.replace(" ", "").replace(":", "")
    with changing(folder) as database:
        gone = 0
        for table in ("certificate", "openpgp"):
            statement = f"DELETE FROM {table} WHERE mailbox = ? AND fingerprint = ? COLLATE NOCASE"  # noqa: S608
            gone += database.execute(statement, (folded, wanted)).rowcount
        if not gone:
            raise DirectoryError("no-such-key", "this mailbox has no key of that fingerprint")


def add_entry(folder: Path, rpps: str, mailbox: str) -> None:
    """A mailbox that the administrator vouches for as this practitioner's."""
    with changing(folder) as database:
        database.execute("INSERT OR IGNORE INTO entry VALUES (?,?)", (checked_rpps(rpps), checked_mailbox(mailbox)))


def remove_entry(folder: Path, rpps: str, mailbox: str) -> None:
    """Forget an entry; nothing happens when there is none."""
    with changing(folder) as database:
        database.execute(
            "DELETE FROM entry WHERE rpps = ? AND mailbox = ?", (checked_rpps(rpps), checked_mailbox(mailbox))
        )


def prefer(folder: Path, mailbox: str, rank: int | None) -> None:
    """Put a mailbox before its owner's others (1 first); ``None`` forgets the rank."""
    with changing(folder) as database:
        database.execute("DELETE FROM preference WHERE mailbox = ?", (checked_mailbox(mailbox),))
        if rank is not None:
            database.execute("INSERT INTO preference VALUES (?,?)", (checked_mailbox(mailbox), rank))


def add_absence(folder: Path, absence: Absence) -> None:
    """Declare an absence; another one with the same start is replaced.

    Raises ``bad-period`` when it ends before it starts, ``own-substitute`` when he replaces himself.
    """
    if absence.ends_at <= absence.starts_at:
        raise DirectoryError("bad-period", "the absence ends before it starts")
    if absence.substitute == absence.rpps:
        raise DirectoryError("own-substitute", "nobody is his own substitute")
    substitute = checked_rpps(absence.substitute) if absence.substitute else None
    row = (checked_rpps(absence.rpps), utc(absence.starts_at), utc(absence.ends_at), substitute)
    with changing(folder) as database:
        database.execute("INSERT OR REPLACE INTO absence VALUES (?,?,?,?)", row)


def remove_absence(folder: Path, rpps: str, starts_at: datetime) -> None:
    """Forget an absence; raises ``no-such-absence`` when none begins then: his letters still go to his substitute."""
    with changing(folder) as database:
        wanted = (checked_rpps(rpps), utc(starts_at))
        if not database.execute("DELETE FROM absence WHERE rpps = ? AND starts_at = ?", wanted).rowcount:
            raise DirectoryError("no-such-absence", "no absence of this number begins then: nothing was forgotten")


def _other_name(names: Names, mailbox: str) -> DirectoryError:
    if names.include(mailbox, names.domains):
        words = "the certificate is its whole organisation's: name the domain in crypto.organisation_certificates"
        return DirectoryError("organisation-not-allowed", words)
    return DirectoryError("other-name", "the certificate does not name this mailbox; check with the addressee")


def _highest(database: sqlite3.Connection, table: str, mailbox: str, fingerprint: str, source: Source) -> Source:
    """The most trusted source that brought this key: finding it again elsewhere never downgrades it (CR-15)."""
    known = f"SELECT source FROM {table} WHERE mailbox = ? AND fingerprint = ?"  # noqa: S608 (own names)
    before = [Source(told) for (told,) in database.execute(known, (mailbox, fingerprint))]
    return min([source, *before], key=lambda one: one.rank)


@contextmanager
def changing(folder: Path) -> Iterator[sqlite3.Connection]:
    """One durable transaction; the tables are made on first use."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(connect(folder / FILE_NAME)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version_of(connection) == 0:
                for statement in TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={VERSION}")
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def checked_mailbox(address: str) -> str:
    """The folded address; raises ``bad-address``."""
    if not is_mailbox(address.strip()):
        raise DirectoryError("bad-address", "not a mail address")
    return fold_mailbox(address)


def checked_rpps(number: str) -> str:
    """The number itself; raises ``bad-number``."""
    if not (len(number) == 11 and number.isascii() and number.isdigit()):
        raise DirectoryError("bad-number", "an RPPS has 11 digits")
    return number
