"""Random lives of a few stays: what a hospital and the road tell the clock, in the order in which it happened."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.delays import facts
from gateway.delays.identity import stay_keys
from gateway.delays.legs import Leg, Stamp, begin_again, record_legs
from gateway.delays.letters import TimedLetter, tie_letter
from gateway.delays.stays import oppose, record_movement
from gateway.document import Identifier, Movement, Patient, Role, Stay
from gateway.identifiers import DeliveryId
from gateway.journal import Event
from tests.unit.delays.wards import Ward, pseudonym

BEGIN = datetime(2026, 3, 20, 5, tzinfo=UTC)  # the clock goes forward on the 29th
HOSPITALS = ("CHU-X", "CH-Y")
_RARE = (Leg.PROCESSED, Leg.DISPLAYED, Leg.INTEGRATED, Leg.CANCELLED)
KINDS = ("11490-0", None, "11502-2")


@dataclass(frozen=True)
class Heard:
    """An ADT message, and when it came."""

    movement: Movement
    at: datetime


@dataclass(frozen=True)
class Opposed:
    visit: str
    hospital: str
    at: datetime
    withdrawn: bool


@dataclass(frozen=True)
class SentAgain:
    """A person sends a delivery again."""

    delivery_id: str
    at: datetime


Told = Heard | Opposed | TimedLetter | Stamp | SentAgain


def patient(number: int) -> Patient:
    known = (Identifier(value=f"IPP{number}", authority="IDEO", type="PI"),)
    return Patient(family=f"ZZFLUX{number}", given="PRENOM", birth_date="1978-02-14", identifiers=known)


def stream(dice: random.Random) -> list[Told]:
    """Letters come before their own legs; apart from that nothing is in order."""
    clock = _Clock(dice)
    told: list[Told] = [_movement(dice, clock) for _ in range(dice.randrange(1, 9))]
    told += [_opposition(dice, clock) for _ in range(dice.random() < 0.15)]
    for number in range(dice.randrange(0, 5)):
        letter = _letter(dice, clock, number)
        told += [letter, *_legs(dice, clock, letter)]
    return told


def shuffled(told: Sequence[Told], dice: random.Random) -> list[Told]:
    """Another order of arrival: movements take the arrival times of those they change places with."""
    order = dice.sample(list(told), len(told))
    letters = [one for one in order if isinstance(one, TimedLetter)]
    order = [one for one in order if not isinstance(one, TimedLetter | Stamp | SentAgain)]
    for letter in letters:
        order.insert(dice.randrange(len(order) + 1), letter)
    _spread([one for one in told if isinstance(one, Stamp | SentAgain)], order, dice)
    for hospital in HOSPITALS:
        mine = [place for place, one in enumerate(order) if isinstance(one, Heard) and _of(one) == hospital]
        times = sorted(one.at for one in order if isinstance(one, Heard) and _of(one) == hospital)
        for place, at in zip(mine, times, strict=True):
            order[place] = replace(order[place], at=at)  # type: ignore[type-var]
    return order


def _spread(stamps: Sequence[Stamp | SentAgain], order: list[Told], dice: random.Random) -> None:
    """Legs anywhere after their letter; those of a delivery that was sent again as they came, for he who did knew."""
    again = {one.delivery_id for one in stamps if isinstance(one, SentAgain)}
    last: dict[str, Told] = {}
    for stamp in stamps:
        before = last.get(stamp.delivery_id)
        own = next(
            place
            for place, one in enumerate(order)
            if one is before or (before is None and isinstance(one, TimedLetter) and _owns(one, stamp))
        )
        order.insert(dice.randrange(own + 1, len(order) + 1), stamp)
        if stamp.delivery_id in again:
            last[stamp.delivery_id] = stamp


def tell(ward: Ward, told: Sequence[Told]) -> list[Event]:
    """Tell all of it, one by one, and give the lines of the journal."""
    lines: list[Event] = []
    for one in told:
        match one:
            case Heard(movement=movement, at=at):
                change = record_movement(ward.connection, movement, source="gam", pseudonym=pseudonym, at=at)
                lines += [facts.movement_heard(change.row, at)] if change.row else []
            case Opposed(visit=visit, hospital=hospital, at=at, withdrawn=withdrawn):
                numbers = stay_keys(Stay(visit=visit, hospital=hospital), hospital, pseudonym)
                change = oppose(ward.connection, numbers, at, withdrawn=withdrawn)
                lines += [facts.movement_heard(change.row, at)] if change.row else []
            case TimedLetter():
                tie = tie_letter(ward.connection, one, pseudonym=pseudonym)
                lines.append(facts.letter_timed(tie.rows, one.received_at))
            case Stamp():
                record_legs(ward.connection, [one])
                lines.append(facts.leg_proved(one))
            case SentAgain(delivery_id=delivery, at=at):
                begin_again(ward.connection, [delivery])
                lines.append(facts.begun_again(DeliveryId(delivery), at))
    return lines


class _Clock:
    """Moments in seconds that are never the same twice, so that no two messages were written down at once."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._given = dice, set[int]()

    def __call__(self, first_day: float = 0, last_day: float = 14) -> datetime:
        while (second := self._dice.randrange(int(first_day * 86_400), int(last_day * 86_400))) in self._given:
            pass
        self._given.add(second)
        return BEGIN + timedelta(seconds=second)


def _movement(dice: random.Random, clock: _Clock) -> Heard:
    trigger = dice.choices(("A01", "A02", "A03", "A13", "A11", "Z99", "A40"), (4, 2, 8, 2, 1, 2, 1))[0]
    who, prior = dice.sample(range(3), 2)
    visit, hospital = f"V{dice.randrange(3)}", dice.choices(HOSPITALS, (4, 1))[0]
    about = Stay(
        visit=None if trigger == "A40" else visit,
        file_number=dice.choice((None, f"F{dice.randrange(2)}")),
        admitted_at=dice.choice((None, clock(0, 7))),
        unit=dice.choice((None, "U1", "U2")),
        hospital=hospital,
    )
    if trigger == "A40":
        about = Stay(hospital=hospital)
    movement = Movement(
        trigger=trigger,
        original_trigger="A03" if trigger == "Z99" else None,
        patient=patient(who),
        stay=about,
        control_id=str(dice.random()),
        pv1_45=clock() if dice.random() < 0.2 else None,
        zbe_2=clock() if dice.random() < 0.8 else None,
        evn_6=clock() if dice.random() < 0.2 else None,
        evn_2=clock(),
        exit_mode=dice.choice((None, None, "8", "9", "7")),
        no_gp=dice.random() < 0.1,
        prior_patient=patient(prior) if trigger == "A40" else None,
    )
    return Heard(movement, clock(0, 20))


def _opposition(dice: random.Random, clock: _Clock) -> Opposed:
    return Opposed(f"V{dice.randrange(3)}", "CHU-X", clock(), withdrawn=dice.random() < 0.3)


def _letter(dice: random.Random, clock: _Clock, number: int) -> TimedLetter:
    about = Stay(
        visit=dice.choice((None, f"V{dice.randrange(4)}")),
        file_number=dice.choice((None, None, f"F{dice.randrange(2)}")),
        admitted_at=dice.choice((None, clock(0, 7))),
        discharged_at=dice.choice((None, clock())),
        hospital=dice.choices(HOSPITALS, (4, 1))[0],
    )
    kind = dice.choices(KINDS, (6, 2, 1))[0]
    roles = dice.sample((Role.GP, Role.REFERRER, Role.COPY, Role.PATIENT), dice.randrange(1, 3))
    return TimedLetter(
        id=f"L{number}",  # type: ignore[arg-type]
        source="dpi",
        received_at=clock(2, 30),
        deliveries=tuple((f"L{number}-{n}", role) for n, role in enumerate(roles)),  # type: ignore[misc]
        kind=kind,
        patient=patient(dice.randrange(3)),
        stay=about,
        validated_at=dice.choice((None, clock(1, 20))),
        is_result=kind == "11502-2",
        is_partial=dice.random() < 0.25,
    )


def _legs(dice: random.Random, clock: _Clock, letter: TimedLetter) -> list[Stamp | SentAgain]:
    found: list[Stamp | SentAgain] = []
    chances = {Leg.SEALED: 0.7, Leg.ACCEPTED: 0.7, Leg.FAILED: 0.15, Leg.DELIVERED: 0.4} | dict.fromkeys(_RARE, 0.1)
    for delivery, _ in letter.deliveries:
        legs = [leg for leg, chance in chances.items() if dice.random() < chance]
        found += [Stamp(delivery_id=delivery, leg=leg, at=clock(3, 31)) for leg in legs]
        if dice.random() < 0.2:
            found.append(SentAgain(delivery, clock(3, 31)))
            legs = [leg for leg, chance in chances.items() if dice.random() < chance]
            found += [Stamp(delivery_id=delivery, leg=leg, at=clock(3, 31)) for leg in legs]
    return found


def _of(heard: Heard) -> str | None:
    return heard.movement.stay.hospital


def _owns(letter: TimedLetter, stamp: Stamp | SentAgain) -> bool:
    return any(delivery == stamp.delivery_id for delivery, _ in letter.deliveries)
