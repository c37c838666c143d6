"""A query string to what is wanted, or the reason why it is refused; pure (FHIR R4, 3.1.1 Search)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_MOST_VALUES = 20
_LONGEST = 200
PAGE = 50
"""Resources in a page, at most; the national API's own number."""


class Refused(Exception):
    """The request is not answered; ``code`` is an OperationOutcome's issue type, ``status`` HTTP's."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Criteria that must all hold: each a parameter, and values of which one must fit."""

    kind: str
    criteria: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False, default=())
    count: int = PAGE
    offset: int = 0

    def values(self, *names: str) -> list[tuple[str, ...]]:
        """The alternatives of every criterion of one of these names."""
        return [values for name, values in self.criteria if name in names]


_MAILBOX = {"telecom": "telecom", "email": "telecom", "mailbox-mss": "telecom"}
PARAMETERS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "Practitioner": {
        "_id": "id",
        "identifier": "identifier",
        "name": "name",
        "family": "family",
        "given": "given",
        "address-city": "city",
        **_MAILBOX,
    },
    "PractitionerRole": {
        "_id": "id",
        "practitioner": "practitioner",
        "practitioner.identifier": "identifier",
        "practitioner.name": "name",
        "practitioner.family": "family",
        "practitioner.given": "given",
        "location.address-city": "city",
        **_MAILBOX,
    },
    "Organization": {
        "_id": "id",
        "identifier": "identifier",
        "name": "name",
        "address-city": "city",
        **_MAILBOX,
    },
})  # fmt: skip
"""What each resource can be searched by, and what that criterion is called in ``book``."""
_IGNORED = {"_format", "_pretty", "_summary"}


def asked_of(kind: str, parameters: Iterable[tuple[str, str]]) -> Asked:
    """Raises :class:`Refused`: a parameter that is not known would widen the search if it were ignored."""
    known, criteria, paging = PARAMETERS[kind], [], {"_count": PAGE, "_offset": 0}
    for written, text in parameters:
        name, _, modifier = written.partition(":")
        if name in paging:
            paging[name] = _number(name, text)
        elif name in known:
            criteria.append((known[name], _values(name, modifier, text)))
        elif name not in _IGNORED:
            raise Refused(400, "not-supported", f"search parameter {_told(name)}: known are {', '.join(known)}")
    if not criteria:
        raise Refused(400, "too-costly", f"search by one of {', '.join(known)}")
    return Asked(kind=kind, criteria=tuple(criteria), count=min(paging["_count"], PAGE), offset=paging["_offset"])


def _values(name: str, modifier: str, text: str) -> tuple[str, ...]:
    """Alternatives, cut at commas that no backslash precedes (3.1.1.4.1)."""
    if modifier:
        raise Refused(400, "not-supported", f"modifier {_told(modifier)} of {name}")
    values = [re.sub(r"\\(.)", r"\1", value).strip() for value in re.split(r"(?<!\\),", text)]
    if not all(values) or len(values) > _MOST_VALUES or len(text) > _LONGEST * _MOST_VALUES:
        raise Refused(400, "invalid", f"{name}: a value is missing, or there are too many")
    if any(len(value) > _LONGEST for value in values):
        raise Refused(400, "invalid", f"{name}: too long")
    return tuple(values)


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Refused(400, "invalid", f"{name}: not a number")
    return int(text)


def _told(word: str) -> str:
    """What a client wrote, fit to be repeated to it."""
    return re.sub(r"[^\w.:-]", "?", word)[:40]
