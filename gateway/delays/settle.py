"""Draws ``timing`` again for the stays that an event touched: which letter answers for the stay, and when it left.

The rule, in :func:`timing_of`, is pure. Role first: the letter to the GP answers, else the one to the referrer, else
any other but the patient's (art. R.1112-1-2 CSP names GP and referrer); then the first that was sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import BindParameter, Connection, bindparam, delete, select

from gateway.delays.clock import legal_day
from gateway.delays.match import Matched
from gateway.delays.statements import upsert
from gateway.delays.tables import clock, stay, timing
from gateway.prepared import Prepared, Row

_ROLES = {"gp": 0, "referrer": 1, "patient": 9}
_OTHER_ROLE = 2
_NEVER = datetime.max.replace(tzinfo=UTC)

_WANTED: BindParameter[str] = bindparam("wanted", expanding=True)
_STAYS = Prepared(
    select(
        *(stay.c[name] for name in ("key", "hospital", "unit", "conflict", "apart", "discharged_at", "undone_at"))
    ).where(stay.c.key.in_(_WANTED))
)
_LETTERS = Prepared(
    select(
        *(clock.c[name] for name in ("group_key", "delivery_id", "letter_id", "matched", "counts", "kind", "role")),
        *(
            clock.c[name]
            for name in ("hospital", "unit", "discharged_at", "validated_at", "received_at", "accepted_at")
        ),
        *(clock.c[name] for name in ("delivered_at", "processed_at", "displayed_at", "integrated_at", "failed_at")),
        clock.c.cancelled_at,
    ).where(clock.c.group_key.in_(_WANTED))
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
    letter = answering(letters)
    discharged_at = discharge_of(stayed, letters)
    if discharged_at is None:
        return None
    sent = sent_at(letter) if letter else None
    known: Row = stayed or letter or letters[0]
    return {
        "key": key,
        "letter_id": letter["letter_id"] if letter else None,
        "hospital": known["hospital"],
        "unit": known["unit"] or (letter["unit"] if letter else None),
        "kind": letter["kind"] if letter else None,
        "matched": letter["matched"] if letter else None,
        "adt": stayed is not None,
        "conflict": bool(stayed and stayed["conflict"]),
        "apart": stayed["apart"] if stayed else None,
        "discharged_at": discharged_at,
        "discharged_day": legal_day(discharged_at).toordinal(),
        "sent_at": sent,
        "sent_day": legal_day(sent).toordinal() if sent else None,
        **_durations(discharged_at, letter, sent),
    }


def _durations(discharged_at: datetime, letter: Row | None, sent: datetime | None) -> dict[str, int | None]:
    """Seconds of each leg whose two ends are known."""
    told: Row = letter or {"validated_at": None, "received_at": None, "delivered_at": None, "displayed_at": None}
    return {
        "taken": _seconds(discharged_at, sent),
        "discharge_to_written": _seconds(discharged_at, told["validated_at"]),
        "written_to_received": _seconds(told["validated_at"], told["received_at"]),
        "received_to_sent": _seconds(told["received_at"], sent),
        "sent_to_delivered": _seconds(sent, told["delivered_at"]),
        "delivered_to_read": _seconds(told["delivered_at"], told["displayed_at"]),
    }


def _seconds(begin: datetime | None, end: datetime | None) -> int | None:
    """Whole seconds, 0 when the end comes first: a letter written before the discharge (DEC), clocks that differ."""
    return None if begin is None or end is None else max(0, (end - begin) // timedelta(seconds=1))


def discharge_of(stayed: Row | None, letters: Sequence[Row]) -> datetime | None:
    """The stay's discharge, or the one undone; without ADT the latest that its letters state."""
    if stayed is not None:
        at: datetime | None = stayed["discharged_at"] or stayed["undone_at"]
        return at
    told = (row["discharged_at"] for row in letters if row["counts"] and row["matched"] == Matched.LETTER)
    return max((at for at in told if at), default=None)


def answering(letters: Sequence[Row]) -> Row | None:
    """The delivery that stops the stay's clock, or the first that will."""
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
