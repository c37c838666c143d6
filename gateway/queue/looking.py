"""What the engine itself asks, each answered from an index however deep the queue is (promises.md D6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select

from gateway.identifiers import DeliveryId, LetterId
from gateway.prepared import Prepared
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.leases import DEADLY

_READY = DELIVERY.c.state == literal_column("'ready'")


def _by_route() -> Select[Any]:
    routes = select(func.min(DELIVERY.c.route).label("route")).where(_READY).cte("routes", recursive=True)
    behind = select(func.min(DELIVERY.c.route)).where(_READY, DELIVERY.c.route > routes.c.route).scalar_subquery()
    routes = routes.union_all(select(behind).where(routes.c.route.is_not(None)))
    first = select(func.min(DELIVERY.c.next_at)).where(_READY, DELIVERY.c.route == routes.c.route).scalar_subquery()
    return select(routes.c.route, first.label("first")).where(routes.c.route.is_not(None))


_DUE = Prepared(_by_route())
_SIZES = Prepared(select(LETTER.c.id, LETTER.c.size).where(LETTER.c.id.in_(bindparam("letters", expanding=True))))


def unplanned(connection: Connection, after: str, limit: int) -> dict[LetterId, int]:
    """Letters kept but not planned, in the order of their ids, with the strikes against each."""
    waiting = select(LETTER.c.id, LETTER.c.strikes).where(LETTER.c.planned.is_(False), LETTER.c.id > after)
    rows = connection.execute(waiting.order_by(LETTER.c.id).limit(limit))
    return {LetterId(row.id): row.strikes for row in rows}


def sizes(connection: Connection, letters: Sequence[LetterId]) -> dict[LetterId, int]:
    """How many octets each of these came with; a part has those of its whole."""
    rows = _SIZES.rows(connection, letters=list(letters)) if letters else ()
    return {LetterId(row["id"]): row["size"] for row in rows}


def due_routes(connection: Connection, now: datetime) -> list[str]:
    """Destinations that something is due for, the longest waiting first.

    The index is not read through but skipped through: two look-ups for each destination, whatever waits for it.
    """
    due = [(row["first"], row["route"]) for row in _DUE.rows(connection) if row["first"] and row["first"] <= now]
    return [route for _, route in sorted(due)]


def old_routes(connection: Connection, before: datetime) -> list[str]:
    """Destinations of what waits since before then."""
    old = select(DELIVERY.c.route).where(_READY, DELIVERY.c.created_at <= before)
    return [row.route for row in connection.execute(old.distinct())]


def suspects(connection: Connection) -> list[DeliveryId]:
    """Deliveries that wait for a trial: processes died again and again while they worked on them."""
    struck = (DELIVERY.c.strikes > literal_column("0"), DELIVERY.c.strikes >= DEADLY)
    return [DeliveryId(row.id) for row in connection.execute(select(DELIVERY.c.id).where(*struck, _READY))]
