"""What was promised against what arrived, and what the gateway's own journal says of the difference."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.queue import entries, sqlite
from tests.faults.hop import Arrival
from tests.faults.sender import Yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The campaign's account; every list holds letter ids with what the store knows of each."""

    acknowledged: int
    lost: list[str]
    duplicated: int
    cut: int
    """Copies that the hop itself asked for: it took a letter and cut the connection before its 250."""
    unexplained: list[str]
    strangers: list[str]
    """Letters that arrived under an id which nobody was told: kept twice under two names (promises.md A8)."""
    renamed: int
    """Copies of one letter that carry different Message-IDs: a mail client cannot tell that they are one."""
    damaged: list[str]
    """What SQLite and the journal's chain of hashes complain of."""

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be."""
        return [*self.lost, *self.unexplained, *self.strangers, *self.damaged]


_TOLD = 20


@contextmanager
def looking(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read; nothing of it stays open, so that the writer's checkpoints find no reader."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        yield connection


def left_to_do(database: Path) -> int:
    """Letters not planned yet and deliveries on their way."""
    with looking(database) as connection:
        unplanned = connection.execute("SELECT count(*) FROM letter WHERE NOT planned").fetchone()[0]
        due = connection.execute("SELECT count(*) FROM delivery WHERE state IN ('ready', 'leased')").fetchone()[0]
    return int(unplanned + due)


def balance(database: Path, promised: Sequence[Yes], arrived: Sequence[Arrival]) -> Balance:
    """Compare; the gateway may run or not."""
    told = {yes.letter for yes in promised}
    arrived = [arrival for arrival in arrived if not arrival.notice]
    came = Counter(arrival.letter for arrival in arrived)
    by_end = {letter[-20:]: letter for letter in came}
    with looking(database) as connection:
        unsure = dict(
            connection.execute("SELECT letter_id, count(*) FROM entry WHERE kind = 'ambiguous' GROUP BY letter_id")
        )
        again = {letter: copies - 1 for letter, copies in came.items() if copies > 1}
        return Balance(
            acknowledged=len(promised),
            lost=_stories(connection, sorted(told - by_end.keys())),
            duplicated=sum(again.values()),
            cut=sum(arrival.cut for arrival in arrived),
            unexplained=_stories(connection, [one for one, more in again.items() if more > unsure.get(one, 0)]),
            strangers=_stories(connection, [letter for end, letter in by_end.items() if end not in told]),
            renamed=_renamed(arrived),
            damaged=_damaged(connection, database),
        )


def _renamed(arrived: Sequence[Arrival]) -> int:
    names: dict[str, set[str]] = {}
    for arrival in arrived:
        names.setdefault(arrival.letter, set()).add(arrival.message_id)
    return sum(len(different) - 1 for different in names.values())


def _stories(connection: sqlite3.Connection, letters: Sequence[str]) -> list[str]:
    """The first in full, the others by name: each story looks through the whole journal."""
    return [_story(connection, letter) for letter in letters[:_TOLD]] + list(letters[_TOLD:])


def _story(connection: sqlite3.Connection, end: str) -> str:
    """One line: the letter's row, its deliveries' states, its journal."""
    like = f"%{end[-20:]}"
    letters = connection.execute("SELECT id, door, state, planned, reason FROM letter WHERE id LIKE ?", [like])
    rows = [f"{row[0]} {row[1]} {row[2]} planned={row[3]} {row[4]}" for row in letters]
    found = connection.execute(
        "SELECT state, reason, status, attempts, epoch, ambiguous FROM delivery WHERE letter_id LIKE ?", [like]
    )
    deliveries = [" ".join(map(str, row)) for row in found]
    journal = [
        row[0] for row in connection.execute("SELECT kind FROM entry WHERE letter_id LIKE ? ORDER BY seq", [like])
    ]
    return f"{end}: letter {rows or 'no row'}, deliveries {deliveries}, journal {journal}"


def _damaged(connection: sqlite3.Connection, database: Path) -> list[str]:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    engine = sqlite.open_reader(database)
    with engine.connect() as reading:
        found += [f"journal entry {seq}" for seq in entries.broken_links(reading)]
    engine.dispose()
    return found
