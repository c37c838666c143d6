"""Short ways to tell invented movements and letters to a database of the test's own."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, create_engine, select
from sqlmodel import SQLModel

from gateway.delays.clock import EIGHT_DAYS, PARIS
from gateway.delays.identity import stay_keys
from gateway.delays.judging import Deadlines
from gateway.delays.legs import Leg, record_leg
from gateway.delays.letters import Tie, TimedLetter, tie_letter
from gateway.delays.lines import unpack
from gateway.delays.measure import ROWS, Figure, measure
from gateway.delays.stays import StayChange, oppose, record_movement
from gateway.delays.tables import clock, movement, stay, timing, undrawn
from gateway.document import Identifier, Movement, Patient, Role, Stay


@cache
def pseudonym(domain: str, value: str) -> str:
    return hmac.new(b"a key of the tests", f"{domain}|{value}".encode(), hashlib.sha256).hexdigest()[:32]


def at(text: str) -> datetime:
    """``13 10:00`` is in March 2026, ``04-13 10:00`` in April; all in Paris."""
    day = text if text.count("-") else f"03-{text}"
    return datetime.strptime(f"2026-{day}", "%Y-%m-%d %H:%M").replace(tzinfo=PARIS)


def patient(number: int = 1, *, ins: str | None = None, ipp: str | None = "", family: str = "") -> Patient:
    known = [Identifier(value=ipp or f"IPP{number}", authority="CHU-X", type="PI")] if ipp is not None else []
    if ins:
        known.append(Identifier(value=ins, authority="1.2.250.1.213.1.4.10", type="INS"))
    name = family or f"ZZCANARI{number}"
    return Patient(family=name, given=f"PRENOM{number}", birth_date="1978-02-14", identifiers=tuple(known))


def moved(trigger: str, when: str, *, visit: str | None = "V1", who: Patient | None = None, **more: Any) -> Movement:
    """A movement at ``when`` that was written down at once."""
    details = {"unit": more.pop("unit", None), "admitted_at": more.pop("admitted_at", None)}
    numbers = {"hospital": more.pop("hospital", "CHU-X"), "file_number": more.pop("file_number", None)}
    told = {"zbe_2": at(when), "evn_2": at(when)} | more
    return Movement(trigger=trigger, patient=who or patient(), stay=Stay(visit=visit, **numbers, **details), **told)


@dataclass
class Ward:
    """The tables and the events told to them."""

    connection: Connection
    told: list[StayChange] = field(default_factory=list)

    def move(self, *movements: Movement, when: str = "31 12:00") -> StayChange:
        for heard in movements:
            change = record_movement(self.connection, heard, source="gam", pseudonym=pseudonym, at=at(when))
            self.told.append(change)
        return self.told[-1]

    def write(self, letter: str = "L1", received: str = "13 12:00", **more: Any) -> Tie:
        roles = more.pop("roles", (Role.GP,))
        numbers = {"visit": more.pop("visit", "V1"), "file_number": more.pop("file_number", None)}
        dates = {"discharged_at": more.pop("left", None), "admitted_at": more.pop("came", None)}
        about = Stay(**numbers, **dates, hospital=more.pop("hospital", "CHU-X"))
        told = {"kind": "11490-0", "patient": patient(), "source": "dpi", "stay": about} | more
        deliveries = tuple((f"{letter}-{n}", role) for n, role in enumerate(roles))
        timed = TimedLetter(id=letter, received_at=at(received), deliveries=deliveries, **told)
        return tie_letter(self.connection, timed, pseudonym=pseudonym)

    def oppose(self, visit: str = "V1", when: str = "13 11:00", *, withdrawn: bool = False) -> StayChange:
        numbers = stay_keys(Stay(visit=visit, hospital="CHU-X"), "gam", pseudonym)
        return oppose(self.connection, numbers, at(when), withdrawn=withdrawn)

    def leg(self, leg: Leg, when: str, delivery: str = "L1-0") -> bool:
        return record_leg(self.connection, delivery, leg, at(when))

    def stay(self, visit: str = "V1", hospital: str = "CHU-X") -> Any:
        key = f"{hospital}/{pseudonym('stay', visit)}"
        return self.connection.execute(select(stay).where(stay.c.key == key)).mappings().one()

    def timings(self) -> list[dict[str, Any]]:
        rows = self.connection.execute(select(timing).order_by(timing.c.key)).mappings()
        return [dict(row) | legs_of(row["way"]) for row in rows]

    def timing(self) -> dict[str, Any]:
        (only,) = self.timings()
        return only

    def clocks(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.connection.execute(select(clock).order_by(clock.c.delivery_id)).mappings()]


def legs_of(way: bytes) -> dict[str, int | None]:
    """What the report measures of one line."""
    figures = measure(unpack([way]), Deadlines(EIGHT_DAYS), at("31 12:00"))[:, 0].tolist()
    told = {"taken": figures[Figure.TAKEN]} | {leg.value: figures[row] for leg, row in ROWS.items()}
    return {name: None if seconds < 0 else seconds for name, seconds in told.items()}


def new_ward(url: str = "sqlite://") -> Ward:
    engine = create_engine(url)
    SQLModel.metadata.create_all(engine, tables=[movement, stay, clock, timing, undrawn])
    return Ward(engine.connect())


def close(ward: Ward) -> None:
    ward.connection.close()
    ward.connection.engine.dispose()
