"""The figures as a careful clerk would count them at the end: everything laid out, nothing updated, no database.

Written from the rules (design.md, decisions 13 and 14; PAM.fr 2.11), not from the code; slow and simple on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.delays.legs import Leg, Stamp
from gateway.delays.letters import TimedLetter
from gateway.document import Patient
from tests.unit.delays.streams import Heard, Opposed, SentAgain, Told
from tests.unit.delays.wards import PARIS

LETTERS = {"11490-0", "34112-3", "34133-9", "15507-7", "60280-5", None}
APART = {"9": "death", "0": "transfer", "6": "transfer", "7": "transfer"}
ROLES = {"gp": 0, "referrer": 1}
ARRIVED = {Leg.DELIVERED, Leg.PROCESSED, Leg.DISPLAYED, Leg.INTEGRATED}
OVER = {Leg.ACCEPTED, Leg.FAILED, Leg.CANCELLED}


@dataclass
class Case:
    """One stay at the end of its story."""

    hospital: str
    visit: str
    file: str | None = None
    who: int | None = None
    unit: str | None = None
    admitted: datetime | None = None
    begun: datetime | None = None
    discharge: dict[str, Any] | None = None
    undone: dict[str, Any] | None = None
    cancelled: bool = False
    no_gp: bool = False
    opposed: bool = False
    letters: list[TimedLetter] = field(default_factory=list)
    by_identity: set[str] = field(default_factory=set)


def figures(told: Sequence[Told], now: datetime, days: int, *, partial_counts: bool = True) -> dict[str, Any]:
    """Counts of the whole report: verdicts, what is counted apart, how sure it is; and all delays in seconds."""
    cases, proofs = _cases(told), _proofs(told)
    count: Counter[str] = Counter()
    taken: list[int] = []
    heard = _heard(told)
    for case in [*cases, *_without_adt(told, cases)]:
        _count(case, proofs, now, days, count, taken, heard, partial_counts=partial_counts)
    return {"counts": {name: number for name, number in count.items() if number}, "taken": sorted(taken)}


def _count(case, proofs, now, days, count, taken, heard, *, partial_counts):
    is_adt = isinstance(case, Case)
    if is_adt:
        left = case.discharge or case.undone
        if left is None:
            return
        at, why = _believed(left), _apart(case)
        letters = case.letters
    else:
        letters = case
        stated = [one.stay.discharged_at for one in letters if _counts(one) and one.stay.discharged_at]
        if not stated:
            return
        at, why = max(stated), None
        since = heard.get(letters[0].stay.hospital)
        if since and at >= since:
            count["unmatched_letters"] += 1
            return
    if why:
        count[why] += 1
        return
    answer = _answer(letters, proofs, partial_counts=True)
    stopping = answer if partial_counts or answer is None or not answer[0].is_partial else None
    if answer and answer[0].is_partial and not partial_counts:
        stopping = _answer(letters, proofs, partial_counts=False)
    sent = _sent(proofs[stopping[1]]) if stopping else None
    count["letter_only"] += not is_adt
    count["conflicts"] += is_adt and _contradicts(case)
    if stopping and is_adt:
        count["by_identity"] += stopping[0].id in case.by_identity
    last = _day(at) + timedelta(days=days)
    if sent is None:
        count["never_sent" if _day(now) > last else "pending"] += 1
    else:
        count["late" if _day(sent) > last else "in_time"] += 1
        taken.append(max(0, (sent - at) // timedelta(seconds=1)))


def _cases(told: Sequence[Told]) -> list[Case]:
    merged = _merges(told)
    found: dict[tuple[str, str], Case] = {}
    opposed = {(one.hospital, one.visit) for one in told if isinstance(one, Opposed)}
    moves = [one.movement for one in told if isinstance(one, Heard) and one.movement.trigger != "A40"]
    for key in {(move.stay.hospital, move.stay.visit) for move in moves} | opposed:
        found[key] = _story(key, moves, told, merged)
    cases = list(found.values())
    for letter in (one for one in told if isinstance(one, TimedLetter)):
        place = _stay_of(letter, cases, merged)
        if place:
            place.letters.append(letter)
    return cases


def _story(key: tuple[str, str], moves: list[Any], told: Sequence[Told], merged: dict[int, int]) -> Case:
    case = Case(*key)
    mine = sorted((m for m in moves if (m.stay.hospital, m.stay.visit) == key), key=lambda m: m.evn_2)
    units: list[str] = []
    for move in mine:
        case.no_gp |= move.no_gp
        case.file = move.stay.file_number or case.file
        case.who = _resolved(_number(move.patient), merged)
        moments = [at for at in (move.stay.admitted_at, move.zbe_2, move.evn_6, move.pv1_45) if at]
        earliest = min(moments, default=move.evn_2)
        case.begun = earliest if case.begun is None else min(case.begun, earliest)
        _apply(case, move, units)
    case.unit = units[-1] if units else None
    sayings = sorted((o for o in told if isinstance(o, Opposed) and (o.hospital, o.visit) == key), key=lambda o: o.at)
    case.opposed = bool(sayings) and not sayings[-1].withdrawn
    return case


def _apply(case: Case, move: Any, units: list[str]) -> None:
    told = {name: getattr(move, name) for name in ("pv1_45", "zbe_2", "evn_6", "evn_2", "exit_mode")}
    if move.trigger == "A13":
        if case.discharge:
            case.discharge, case.undone = None, case.discharge
    elif move.trigger == "A11":
        case.cancelled, case.undone, case.discharge = True, case.discharge or case.undone, None
    elif move.trigger in {"A03", "Z99"}:
        if move.trigger == "Z99" and case.undone:
            return
        if move.trigger == "Z99" and case.discharge:
            exit_mode = told["exit_mode"] or case.discharge["exit_mode"]
            base = {**told, "evn_6": None} if told["pv1_45"] or told["zbe_2"] else case.discharge
            told = {**base, "exit_mode": exit_mode}
        case.discharge, case.undone, case.cancelled = told, None, False
        case.admitted = case.admitted or move.stay.admitted_at
        if move.stay.unit:
            units[-1:] = [move.stay.unit]
    else:
        if move.trigger == "A01":
            case.cancelled = False
            case.admitted = move.stay.admitted_at or move.zbe_2 or case.admitted
        else:
            case.admitted = move.stay.admitted_at or case.admitted
        if move.stay.unit:
            units.append(move.stay.unit)


def _apart(case: Case) -> str | None:
    if case.cancelled or case.discharge is None:
        return "cancelled"
    if case.discharge["exit_mode"] in APART:
        return APART[case.discharge["exit_mode"]]
    if case.opposed:
        return "opposition"
    return "no_gp" if case.no_gp else None


def _contradicts(case: Case) -> bool:
    told = case.discharge
    if told is None:
        return False
    days = {_day(told[name]) for name in ("pv1_45", "zbe_2", "evn_6") if told[name]}
    believed = _believed(told)
    early = _day(told["evn_2"]) < _day(believed)
    return len(days) > 1 or early or (case.admitted is not None and believed <= case.admitted)


def _believed(told: dict[str, Any]) -> datetime:
    at: datetime = told["pv1_45"] or told["zbe_2"] or told["evn_6"] or told["evn_2"]
    return at


def _stay_of(letter: TimedLetter, cases: list[Case], merged: dict[int, int]) -> Case | None:
    numbers = [n for n in (letter.stay.visit, letter.stay.file_number) if n]
    who = _resolved(_number(letter.patient), merged)
    near = [c for c in cases if c.visit in numbers or c.file in numbers]
    near = [c for c in near if c.hospital == letter.stay.hospital or (c.who is not None and c.who == who)]
    for some in ([c for c in near if c.visit in numbers], near):
        if one := _only(some, letter):
            return one
    mine = [c for c in cases if c.who is not None and c.who == who and not c.cancelled and _dates_agree(letter, c)]
    if one := _only(mine, letter):
        one.by_identity.add(letter.id)
    return one


def _only(some: list[Case], letter: TimedLetter) -> Case | None:
    if len(some) > 1:
        some = [c for c in some if _dates_agree(letter, c)] or some
    if len(some) > 1:
        some = [c for c in some if c.hospital == letter.stay.hospital]
    return some[0] if len(some) == 1 else None


def _dates_agree(letter: TimedLetter, case: Case) -> bool:
    ended = _believed(case.discharge) if case.discharge else None
    for ours, theirs in ((letter.stay.discharged_at, ended), (letter.stay.admitted_at, case.admitted)):
        if ours and theirs:
            return _day(ours) == _day(theirs)
    numbers = {letter.stay.visit, letter.stay.file_number} - {None}
    if case.hospital == letter.stay.hospital and numbers and not numbers & {case.visit, case.file}:
        return False
    written, begun = letter.validated_at or letter.received_at, case.admitted or case.begun
    if begun and _day(written) < _day(begun):
        return False
    return ended is None or written <= ended + timedelta(days=60)


def _without_adt(told: Sequence[Told], cases: list[Case]) -> list[list[TimedLetter]]:
    """Letters that found no stay, together when they name the same one."""
    tied = {letter.id for case in cases for letter in case.letters}
    merged, groups = _merges(told), {}
    for letter in (one for one in told if isinstance(one, TimedLetter) and one.id not in tied and not one.is_result):
        about, number = letter.stay, letter.stay.visit or letter.stay.file_number
        key: tuple[Any, ...] = (about.hospital, number)
        if not number:
            who = _resolved(_number(letter.patient), merged)
            key = (about.hospital, who, _day(about.discharged_at)) if about.discharged_at else (letter.id,)
        groups.setdefault(key, []).append(letter)
    known = {(case.hospital, case.visit): case for case in cases}
    for key in [key for key in groups if key in known]:
        groups.pop(key)
    return list(groups.values())


def _answer(letters, proofs, *, partial_counts):
    able = []
    for letter in letters:
        if not _counts(letter) or (letter.is_partial and not partial_counts):
            continue
        for delivery, role in letter.deliveries:
            is_withdrawn = Leg.CANCELLED in proofs[delivery] and _sent(proofs[delivery]) is None
            if role.value != "patient" and not is_withdrawn:
                able.append((ROLES.get(role.value, 2), letter, delivery))
    best = [one for one in able if one[0] == min(rank for rank, *_ in able)]
    never = datetime.max.replace(tzinfo=PARIS)
    best.sort(key=lambda one: (_sent(proofs[one[2]]) or never, one[1].received_at, one[2]))
    return (best[0][1], best[0][2]) if best else None


def _sent(proof: dict[Leg, datetime]) -> datetime | None:
    arrived = [proof[leg] for leg in (Leg.DELIVERED, Leg.PROCESSED, Leg.DISPLAYED, Leg.INTEGRATED) if leg in proof]
    if Leg.ACCEPTED in proof and (arrived or Leg.FAILED not in proof):
        arrived.append(proof[Leg.ACCEPTED])
    return min(arrived, default=None)


def _counts(letter: TimedLetter) -> bool:
    return letter.kind in LETTERS and not letter.is_result


def _proofs(told: Sequence[Told]) -> dict[str, dict[Leg, datetime]]:
    found: dict[str, dict[Leg, datetime]] = {
        delivery: {} for one in told if isinstance(one, TimedLetter) for delivery, _ in one.deliveries
    }
    for one in told:
        if isinstance(one, Stamp):
            proof = found[one.delivery_id]
            proof[one.leg] = min(proof.get(one.leg, one.at), one.at)
        elif isinstance(one, SentAgain) and not ARRIVED & found[one.delivery_id].keys():
            found[one.delivery_id] = {leg: at for leg, at in found[one.delivery_id].items() if leg not in OVER}
    return found


def _merges(told: Sequence[Told]) -> dict[int, int]:
    merges = sorted(
        (one.movement for one in told if isinstance(one, Heard) and one.movement.trigger == "A40"),
        key=lambda move: move.evn_2,
    )
    return {_number(move.prior_patient): _number(move.patient) for move in merges}


def _resolved(who: int, merged: dict[int, int]) -> int:
    for _ in range(8):
        who = merged.get(who, who)
    return who


def _heard(told: Sequence[Told]) -> dict[str, datetime]:
    since: dict[str, datetime] = {}
    for one in told:
        about, at = (one.movement.stay, one.at) if isinstance(one, Heard) else (None, None)
        if isinstance(one, Opposed):
            hospital, at = one.hospital, one.at
        elif about is not None and about.visit:
            hospital = about.hospital
        else:
            continue
        since[hospital] = min(since.get(hospital, at), at)
    return since


def _number(patient: Patient | None) -> int:
    assert patient is not None
    return int(patient.family[-1])


def _day(at: datetime) -> Any:
    return at.astimezone(PARIS).date()
