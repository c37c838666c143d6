"""The domains of the MSSanté trust space: the last good list, and its replacement by a newer one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from directory.database import Row, SwitchedDatabase, built_aside, writing
from directory.errors import DirectoryError
from directory.fold import fold_domain
from directory.names import Operator

if TYPE_CHECKING:
    from directory.signedlist import SignedList

FILE_NAME = "whitelist.db"
VERSION = 1
CONTAINS = "SELECT 1 FROM domain WHERE name = ? LIMIT 1"
OPERATORS = "SELECT operator FROM domain WHERE name = ?"
EVERYBODY = "SELECT DISTINCT operator FROM domain"
LIST = "SELECT generated_at, fetched_at, signer, sha256 FROM list"
COUNT = "SELECT count(DISTINCT name) FROM domain"
_TABLES = (
    "CREATE TABLE domain (name TEXT NOT NULL, operator TEXT NOT NULL)",
    "CREATE TABLE list (generated_at TEXT, fetched_at TEXT, signer TEXT, sha256 TEXT, content BLOB)",
)
_CLOCK_SKEW = timedelta(hours=1)


class WhiteList:
    """Reads the last good list; empty (and ``loaded`` false) before the first one."""

    def __init__(self, folder: Path) -> None:
        self._database = SwitchedDatabase(folder / FILE_NAME, VERSION)
        self._everybody: tuple[list[Row], frozenset[Operator]] = ([], frozenset())

    def contains(self, domain: str) -> bool:
        """Whether ``domain`` is in the list, by membership and never by its ending."""
        return bool(self._database.rows(CONTAINS, (fold_domain(domain),)))

    def operators(self, domain: str) -> frozenset[Operator]:
        """Whose certificates may speak for ``domain``."""
        rows = self._database.rows(OPERATORS, (fold_domain(domain),))
        return _operators(rows)

    def everybody(self) -> frozenset[Operator]:
        """Whose certificates may speak for any domain at all; read once for each list."""
        present = self._database.rows(LIST)
        if self._everybody[0] != present:
            self._everybody = (present, _operators(self._database.rows(EVERYBODY)))
        return self._everybody[1]

    @property
    def loaded(self) -> bool:
        """Whether there is a list at all."""
        return bool(self._database.rows(LIST))

    @property
    def generated_at(self) -> datetime | None:
        """``DateDeGeneration`` of the list."""
        return self._date(0)

    @property
    def fetched_at(self) -> datetime | None:
        """When this list was last taken or confirmed here."""
        return self._date(1)

    @property
    def domains(self) -> int:
        """How many domains the list has."""
        rows = self._database.rows(COUNT)
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _date(self, place: int) -> datetime | None:
        rows = self._database.rows(LIST)
        return datetime.fromisoformat(rows[0][place]) if rows else None


def _operators(rows: list[Row]) -> frozenset[Operator]:
    return frozenset(operator for (text,) in rows if (operator := Operator.of_name(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WhiteListReport:
    """What an update changed."""

    generated_at: datetime
    domains: int
    added: int
    removed: int
    signer: str


def _now() -> datetime:
    return datetime.now(UTC)


def update_white_list(
    folder: Path, content: bytes, *, authorities: bytes, common_name: str, clock: Callable[[], datetime] = _now
) -> WhiteListReport:
    """Replace the list by ``content`` once its signature is verified; readers see the old list or the new one.

    On :class:`DirectoryError` the last good list stands: the errors of :func:`~directory.signedlist.read_signed_list`,
    ``back-in-time`` when it was generated before the present one, ``from-the-future``, ``busy``.
    """
    now = clock()
    from directory.signedlist import read_signed_list  # noqa: PLC0415 - lxml and signxml, only where a list is read

    fresh = read_signed_list(content, authorities=authorities, common_name=common_name, now=now)
    with writing(folder):
        before = _present(folder)
        _refuse_wrong_time(fresh, before.generated_at, now)
        _write(folder, fresh, content, now)
        names = {domain.name for domain in fresh.domains}
        known = before.names
    return WhiteListReport(
        generated_at=fresh.generated_at,
        domains=len(names),
        added=len(names - known),
        removed=len(known - names),
        signer=fresh.signer,
    )


@dataclass(frozen=True, slots=True)
class _Present:
    generated_at: datetime | None
    names: frozenset[str]


def _present(folder: Path) -> _Present:
    database = SwitchedDatabase(folder / FILE_NAME, VERSION)
    try:
        rows = database.rows(LIST)
        names = frozenset(name for (name,) in database.rows("SELECT DISTINCT name FROM domain"))
        return _Present(datetime.fromisoformat(rows[0][0]) if rows else None, names)
    finally:
        database.close()


def _refuse_wrong_time(fresh: SignedList, present: datetime | None, now: datetime) -> None:
    if present and fresh.generated_at < present:
        raise DirectoryError(
            "back-in-time",
            f"this list is of {fresh.generated_at.isoformat()}, ours of {present.isoformat()}: ours stays",
        )
    if fresh.generated_at > now + _CLOCK_SKEW:
        raise DirectoryError("from-the-future", f"this list says it is of {fresh.generated_at.isoformat()}")


def _write(folder: Path, fresh: SignedList, content: bytes, now: datetime) -> None:
    with built_aside(folder / FILE_NAME, VERSION) as aside:
        database = aside.database
        for statement in _TABLES:
            database.execute(statement)
        database.executemany("INSERT INTO domain VALUES (?,?)", [(one.name, one.operator) for one in fresh.domains])
        database.execute("CREATE INDEX domain_name ON domain (name, operator)")
        # The signed bytes are kept: they prove why a domain was trusted.
        digest = sha256(content).hexdigest()
        row = (fresh.generated_at.isoformat(), now.isoformat(), fresh.signer, digest, content)
        database.execute("INSERT INTO list VALUES (?,?,?,?,?)", row)
        aside.publish()
