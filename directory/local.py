"""``addressees.db``: what this hospital knows besides the national files; survives every import.

Keys of mailboxes, forms that a mailbox or a domain reads, mailboxes given by the administrator, order of preference,
absences. A plain rollback journal: small, seldom written, one file to back up.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import time_ns

from directory.database import Row, can_be_kept
from directory.errors import DirectoryError
from directory.fold import fold_mailbox
from directory.records import Absence, Certificate, OpenPgpKey, Source

FILE_NAME = "addressees.db"
VERSION = 1

TABLES = """
    CREATE TABLE certificate (fingerprint TEXT NOT NULL, mailbox TEXT NOT NULL, der BLOB NOT NULL,
        public_key TEXT NOT NULL, not_before TEXT NOT NULL, not_after TEXT NOT NULL, source TEXT NOT NULL,
        gcm INTEGER NOT NULL, PRIMARY KEY (mailbox, fingerprint));
    CREATE INDEX certificate_key ON certificate (public_key);
    CREATE TABLE openpgp (fingerprint TEXT NOT NULL, mailbox TEXT NOT NULL, key BLOB NOT NULL, expires_at TEXT,
        source TEXT NOT NULL, PRIMARY KEY (mailbox, fingerprint));
    CREATE TABLE form (subject TEXT PRIMARY KEY, names TEXT NOT NULL);
    CREATE TABLE entry (rpps TEXT NOT NULL, mailbox TEXT NOT NULL, PRIMARY KEY (rpps, mailbox));
    CREATE INDEX entry_mailbox ON entry (mailbox);
    CREATE TABLE preference (mailbox TEXT PRIMARY KEY, rank INTEGER NOT NULL);
    CREATE TABLE absence (rpps TEXT NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL, substitute TEXT,
        PRIMARY KEY (rpps, starts_at));
"""

CERTIFICATES = "SELECT der, fingerprint, not_before, not_after, source, gcm FROM certificate WHERE mailbox = ?"
OPENPGP_KEYS = "SELECT key, fingerprint, expires_at, source FROM openpgp WHERE mailbox = ?"
FORM = "SELECT names FROM form WHERE subject = ?"
ENTRIES_BY_RPPS = "SELECT mailbox FROM entry WHERE rpps = ? ORDER BY mailbox"
ENTRIES_BY_MAILBOX = "SELECT rpps FROM entry WHERE mailbox = ? ORDER BY rpps"
ENTRY_MAILBOXES = "SELECT DISTINCT mailbox FROM entry"
RANK = "SELECT rank FROM preference WHERE mailbox = ?"
ABSENCES = "SELECT rpps, starts_at, ends_at, substitute FROM absence WHERE rpps = ? ORDER BY starts_at DESC"
COUNTS = (
    "SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM openpgp), "
    "(SELECT count(*) FROM entry), (SELECT count(*) FROM absence)"
)


_SETTLED = 1_000_000_000
"""Nanoseconds: a file changed more recently could change again without its time showing it."""
_REMEMBERED = 20_000


class Local:
    """Reads ``addressees.db``; a missing file answers with nothing. Safe for several threads.

    One letter asks nine times, so answers are remembered for as long as the file's own time stays the same: most
    mailboxes have nothing here, and 1 µs tells so instead of 20. A replaced file (restore) is opened anew.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int, int] | None = None
        self._answers: dict[tuple[object, ...], list[Row]] = {}
        self._lock = Lock()

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Rows of one of this module's statements; not to be changed."""
        if not can_be_kept(values):
            return []
        with self._lock:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                self._forget()
                return []
            question = (statement, *values)
            self._follow(found.st_ino, found.st_mtime_ns, found.st_size)
            known = self._answers.get(question)
            if known is not None:
                return known
            connection = self._connection or self._opened()
            answer = connection.execute(statement, values).fetchall() if connection else []
            if time_ns() - found.st_mtime_ns > _SETTLED:
                if len(self._answers) >= _REMEMBERED:
                    self._answers.clear()
                self._answers[question] = answer
            return answer

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._forget()

    def _follow(self, *seen: int) -> None:
        if self._seen == seen:
            return
        if self._seen and self._seen[0] != seen[0]:
            self._forget()
        self._answers.clear()
        self._seen = (seen[0], seen[1], seen[2])

    def _forget(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._seen = None
        self._answers.clear()

    def _opened(self) -> sqlite3.Connection | None:
        # Not mode=ro: a reader must be able to roll back what a killed writer left.
        connection = connect(self._path)
        connection.execute("PRAGMA query_only=ON")
        if version_of(connection) == 0:  # the first writer has not committed its tables yet
            connection.close()
            return None
        self._connection = connection
        return connection

    def certificates(self, mailbox: str) -> list[Certificate]:
        """Certificates of a mailbox, most trusted source first, then the one that lasts longest."""
        folded = fold_mailbox(mailbox)
        found = [
            Certificate(
                mailbox=folded,
                der=der,
                fingerprint=fingerprint,
                not_before=datetime.fromisoformat(not_before),
                not_after=datetime.fromisoformat(not_after),
                source=Source(source),
                gcm=bool(gcm),
            )
            for der, fingerprint, not_before, not_after, source, gcm in self.rows(CERTIFICATES, folded)
        ]
        return sorted(found, key=lambda one: (one.source.rank, -one.not_after.timestamp(), one.fingerprint))

    def openpgp_keys(self, mailbox: str) -> list[OpenPgpKey]:
        """OpenPGP keys of a mailbox, most trusted source first."""
        folded = fold_mailbox(mailbox)
        found = [
            OpenPgpKey(
                mailbox=folded,
                key=key,
                fingerprint=fingerprint,
                expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
                source=Source(source),
            )
            for key, fingerprint, expires_at, source in self.rows(OPENPGP_KEYS, folded)
        ]
        return sorted(found, key=lambda one: (one.source.rank, one.fingerprint))

    def names(self, subject: str) -> frozenset[str]:
        """The capabilities set for a mailbox, an RPPS or an ``@domain`` (:mod:`directory.capabilities`)."""
        return frozenset(name for (names,) in self.rows(FORM, subject) for name in names.split())

    def absence(self, rpps: str, at: datetime) -> Absence | None:
        """The absence that covers ``at``, the latest begun when several do."""
        return next((one for one in self.absences(rpps) if one.starts_at <= at < one.ends_at), None)

    def absences(self, rpps: str) -> list[Absence]:
        """All that were declared of a practitioner, the latest begun first."""
        return [
            Absence(
                rpps=number,
                starts_at=datetime.fromisoformat(starts_at),
                ends_at=datetime.fromisoformat(ends_at),
                substitute=substitute,
            )
            for number, starts_at, ends_at, substitute in self.rows(ABSENCES, rpps)
        ]

    def rank(self, mailbox: str) -> int | None:
        """The administrator's rank of a mailbox."""
        rows = self.rows(RANK, fold_mailbox(mailbox))
        return int(rows[0][0]) if rows else None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits 5 s for a writer; raises ``schema`` when another version made the file."""
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0, isolation_level=None)
    if version_of(connection) not in {0, VERSION}:
        connection.close()
        raise DirectoryError("schema", f"{path.name} was made by another version of Huitaine")
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """0 for a file without our tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def utc(moment: datetime) -> str:
    """ISO text in UTC with fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
