"""Draws ``timing`` again for what an event touched: which letter answers for the stay, and the moments of its way.

The rule, in :func:`timing_of`, is pure. Role first: the letter to the GP answers, else the one to the referrer, else
any other but the patient's (art. R.1112-1-2 CSP names GP and referrer); then the first that was sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import BindParameter, Connection, bindparam, delete, select

from gateway.delays.clock import Subject, legal_day
from gateway.delays.course import Apart
from gateway.delays.match import Matched
from gateway.delays.statements import upsert
from gateway.delays.tables import clock, stay, timing
from gateway.delays.way import Column, Flag, pack
from gateway.prepared import Prepared, Row

_ROLES = {"gp": 0, "referrer": 1, "patient": 9}
_OTHER_ROLE = 2
_NEVER = datetime.max.replace(tzinfo=UTC)
_LETTER_MOMENTS = {
    Column.WRITTEN: "validated_at",
    Column.RECEIVED: "received_at",
    Column.SEALED: "sealed_at",
    Column.DELIVERED: "delivered_at",
    Column.PROCESSED: "processed_at",
    Column.READ: "displayed_at",
    Column.INTEGRATED: "integrated_at",
}
_STAY_COLUMNS = ("key", "hospital", "unit", "conflict", "apart", "discharged_at", "undone_at")
_CLOCK_COLUMNS = (
    *("group_key", "delivery_id", "letter_id", "matched", "counts", "result", "partial", "urgent", "kind", "role"),
    *("hospital", "unit", "discharged_at", "accepted_at", "failed_at", "cancelled_at", "posted_on"),
    *_LETTER_MOMENTS.values(),
)

_WANTED: BindParameter[str] = bindparam("wanted", expanding=True)
_STAYS = Prepared(select(*(stay.c[name] for name in _STAY_COLUMNS)).where(stay.c.key.in_(_WANTED)))
_LETTERS = Prepared(
    select(*(clock.c[name] for name in _CLOCK_COLUMNS))
    .where(clock.c.group_key.in_(_WANTED))
    .order_by(clock.c.delivery_id)
)
_GONE = Prepared(delete(timing).where(timing.c.key == bindparam("gone")))


def settle(connection: Connection, keys: Iterable[str]) -> None:
    """Make ``timing`` say what ``stay`` and ``clock`` say about ``keys``; a key that says nothing has no row."""
    wanted = sorted(set(keys))
    if not wanted:
        return
    stays = {row["key"]: row for row in _STAYS.rows(connection, wanted=wanted)}
    letters: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _LETTERS.rows(connection, wanted=wanted):
        letters[row["group_key"]].append(row)
    drawn = {key: timing_of(key, stays.get(key), letters[key]) for key in wanted}
    _GONE.many(connection, [{"gone": key} for key, row in drawn.items() if row is None])
    upsert(connection, timing, [row for row in drawn.values() if row is not None])


def timing_of(key: str, stayed: Row | None, letters: Sequence[Row]) -> Row | None:
    """The one line of the report about this stay; ``None`` while there is no discharge to count from."""
    if letters and letters[0]["result"]:
        return _result_line(key, letters)
    discharged_at = discharge_of(stayed, letters)
    if discharged_at is None:
        return None
    letter, flags = answering(letters), _flags(stayed) | _posted(letters)
    known: Row = stayed or letter or letters[0]
    line = _line(key, Subject.STAY, discharged_at, letter)
    line |= {"hospital": known["hospital"], "unit": known["unit"] or (letter["unit"] if letter else None)}
    line |= {"adt": stayed is not None, "conflict": Flag.CONFLICT in flags}
    line |= {"apart": stayed["apart"] if stayed else None, "way": way_of(flags, discharged_at, letter)}
    if letter is not None and letter["partial"]:
        final = answering([row for row in letters if not row["partial"]])
        line |= {"final_id": final["letter_id"] if final else None, "final_way": way_of(flags, discharged_at, final)}
    return line


def _result_line(key: str, letters: Sequence[Row]) -> Row:
    """A report of results is measured from its validation; without one, from when we got it."""
    letter = answering([{**row, "counts": True} for row in letters]) or letters[0]
    is_withdrawn = all(_withdrawn(row) for row in letters)
    begun_at = letter["validated_at"] or letter["received_at"]
    line = _line(key, Subject.RESULT, begun_at, letter)
    line |= {"hospital": letter["hospital"], "unit": letter["unit"], "adt": False, "conflict": False}
    return line | {
        "apart": Apart.CANCELLED.value if is_withdrawn else None,
        "way": way_of(_posted(letters), begun_at, letter),
    }


def _line(key: str, subject: Subject, started_at: datetime, letter: Row | None) -> dict[str, object]:
    return {
        "key": key,
        "subject": subject.value,
        "letter_id": letter["letter_id"] if letter else None,
        "final_id": None,
        "final_way": None,
        "kind": letter["kind"] if letter else None,
        "matched": letter["matched"] if letter else None,
        "started_at": started_at,
        "started_day": legal_day(started_at).toordinal(),
        "sent_at": sent_at(letter) if letter else None,
    }


def _flags(stayed: Row | None) -> Flag:
    if stayed is None:
        return Flag(0)
    return Flag.ADT | Flag.CONFLICT if stayed["conflict"] else Flag.ADT


def _posted(letters: Sequence[Row]) -> Flag:
    """Whichever of its deliveries a person chose to post."""
    return Flag.POSTED if any(row["posted_on"] and row["role"] != "patient" for row in letters) else Flag(0)


def way_of(flags: Flag, started_at: datetime, letter: Row | None) -> bytes:
    """All moments of the letter's way, packed."""
    moments: dict[Column, datetime | None] = {Column.STARTED: started_at}
    if letter is not None:
        flags |= Flag.BY_IDENTITY if letter["matched"] == Matched.IDENTITY else Flag(0)
        flags |= Flag.URGENT if letter["urgent"] else Flag(0)
        moments |= {column: letter[name] for column, name in _LETTER_MOMENTS.items()}
        moments[Column.SENT] = sent_at(letter)
    return pack(flags, legal_day(started_at).toordinal(), moments)


def discharge_of(stayed: Row | None, letters: Sequence[Row]) -> datetime | None:
    """The stay's discharge, or the one undone; without ADT the latest that its letters state."""
    if stayed is not None:
        at: datetime | None = stayed["discharged_at"] or stayed["undone_at"]
        return at
    told = (row["discharged_at"] for row in letters if row["counts"] and row["matched"] == Matched.LETTER)
    return max((at for at in told if at), default=None)


def answering(letters: Sequence[Row]) -> Row | None:
    """The delivery that stops the clock, or the first that will."""
    able = [row for row in letters if row["counts"] and not _withdrawn(row) and row["role"] != "patient"]
    ranks = [_ROLES.get(row["role"], _OTHER_ROLE) for row in able]
    best = [row for row, rank in zip(able, ranks, strict=True) if rank == min(ranks)]
    return min(best, key=lambda row: (sent_at(row) or _NEVER, row["received_at"], row["delivery_id"]), default=None)


def sent_at(row: Row) -> datetime | None:
    """When the next hop took it. A later proof proves this one too; a bounce without any takes it back."""
    proofs = [row["delivered_at"], row["processed_at"], row["displayed_at"], row["integrated_at"]]
    if row["failed_at"] is None:
        proofs.append(row["accepted_at"])
    arrived = any(proofs)
    told = [at for at in (*proofs, row["accepted_at"]) if at]
    return min(told) if arrived and told else None


def _withdrawn(row: Row) -> bool:
    return row["cancelled_at"] is not None and sent_at(row) is None
