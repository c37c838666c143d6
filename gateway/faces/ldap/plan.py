"""A filter to the look-ups whose results hold every entry that it means; pure.

What has an index: names (words that begin so), addresses, numbers. A filter with none of them would mean the whole
country: it gets nothing, and is told so (``complete`` is false).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from directory.fold import fold
from gateway.faces.ldap.requests import And, Approx, Equal, Filter, Not, Or, Present, Substrings, Undefined
from gateway.faces.ldap.schema import attribute_of


@dataclass(frozen=True, slots=True)
class ByName:
    """People and organisations with these words in their names, perhaps in this town or postcode."""

    words: str = field(repr=False)
    city: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class ByAddress:
    """Mailboxes whose address begins with this, or holds it anywhere."""

    piece: str = field(repr=False)
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Mailboxes of this ``uid`` (IDNPS) or ``employeeNumber`` (RPPS)."""

    kind: str
    number: str


LookUp = ByName | ByAddress | ByNumber


@dataclass(frozen=True, slots=True)
class Plan:
    """``complete`` when no entry that the filter means can be missing from what the look-ups find."""

    lookups: frozenset[LookUp] = frozenset()
    complete: bool = True


_ALL = Plan(complete=False)
_NONE = Plan()
_NAMES = {"cn", "displayName", "sn", "givenName"}
_NUMBERS = {"uid": "IDNPS", "employeeNumber": "RPPS"}


def plan_of(wanted: Filter) -> Plan:
    """The look-ups of a filter."""
    match wanted:
        case And(parts):
            return _narrowed(min(map(plan_of, parts), key=_dearness, default=_ALL), parts)
        case Or(parts):
            plans = [plan_of(part) for part in parts]
            together = frozenset[LookUp]().union(*(plan.lookups for plan in plans))
            return Plan(together, all(plan.complete for plan in plans))
        case Not():
            return _ALL
        case Undefined():
            return _NONE
        case Present(attribute):
            return _ALL if attribute_of(attribute) else _NONE
        case Equal() | Approx() | Substrings():
            return _of_assertion(wanted)


def _of_assertion(wanted: Equal | Approx | Substrings) -> Plan:
    attribute = attribute_of(wanted.attribute)
    if attribute is None:
        return _NONE
    if attribute.name in _NAMES:
        pieces = wanted.pieces if isinstance(wanted, Substrings) else (wanted.value,)
        words = " ".join(filter(None, map(fold, pieces)))
        return Plan(frozenset({ByName(words)})) if words else (_ALL if isinstance(wanted, Substrings) else _NONE)
    if attribute.name == "mail" and not isinstance(wanted, Approx):
        return _of_address(wanted)
    if attribute.name in _NUMBERS and isinstance(wanted, Equal):
        return Plan(frozenset({ByNumber(_NUMBERS[attribute.name], wanted.value)}))
    return _ALL


def _of_address(wanted: Equal | Substrings) -> Plan:
    if isinstance(wanted, Equal):
        return Plan(frozenset({ByAddress(wanted.value)})) if wanted.value else _NONE
    if wanted.initial:
        return Plan(frozenset({ByAddress(wanted.initial)}))
    longest = max(wanted.pieces, key=len, default="")
    return Plan(frozenset({ByAddress(longest, anywhere=True)})) if longest else _ALL


def _dearness(plan: Plan) -> tuple[bool, int, int]:
    """Complete ones first; then what reads least."""
    reading = sum(isinstance(one, ByAddress) and one.anywhere for one in plan.lookups)
    names = sum(isinstance(one, ByName) for one in plan.lookups)
    return not plan.complete, reading, names


def _narrowed(plan: Plan, parts: tuple[Filter, ...]) -> Plan:
    """A town or postcode that is demanded beside the names goes into the look-up: Martin alone are thousands."""
    demanded = {}
    for part in parts:
        attribute = attribute_of(part.attribute) if isinstance(part, Equal) else None
        if isinstance(part, Equal) and attribute and attribute.name in {"l", "postalCode"} and fold(part.value):
            demanded[{"l": "city"}.get(attribute.name, "postcode")] = part.value
    lookups = (replace(one, **demanded) if isinstance(one, ByName) else one for one in plan.lookups)
    return Plan(frozenset(lookups), plan.complete)
