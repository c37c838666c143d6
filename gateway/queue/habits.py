"""How the worker works: what the rest of the product gives it to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.identifiers import DeliveryId
from gateway.queue.deliveries import Also
from gateway.queue.finding import Stops, nothing_stops
from gateway.queue.leases import Terms
from gateway.queue.schedule import Schedule


def domain(mailbox: str) -> str:
    """The destination of a mailbox where nobody knows better."""
    return mailbox.rpartition("@")[2].lower()


def never(_: str) -> datetime | None:
    """No destination rests."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the worker works. ``route`` names a mailbox's destination, ``resting`` says until when one is left alone."""

    terms: Terms
    slots: int
    schedule: Schedule
    leg: Callable[[DeliveryId, str, datetime], Also]
    """What the clock writes when a letter is sealed, accepted or failed."""
    route: Callable[[str], str] = field(default=domain)
    resting: Callable[[str], datetime | None] = field(default=never)
    version: str = ""
    stops: Stops = field(default=nothing_stops)
    """Which deliveries that waited may not leave and why, whoever they are for."""
