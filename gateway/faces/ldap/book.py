"""The entries of the address book that a search means, out of the directory; runs in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from directory import Directory, Mailbox, Practitioner
from directory.fold import fold_mailbox
from directory.searching import Wanted
from gateway.faces.ldap.entry import Entry, Labels, entry_of
from gateway.faces.ldap.matching import matches
from gateway.faces.ldap.names import Rdn, parse_name
from gateway.faces.ldap.plan import ByAddress, ByName, ByNumber, LookUp, plan_of
from gateway.faces.ldap.requests import Code, Filter

_TOO_COMMON = "more entries than may be told: type more of the name, or a town"
_TOO_MANY = "fewer alternatives, please"
_MOST_LOOKUPS = 30
"""Mail clients ask in one filter for what a person typed, in some ten attributes."""
_NO_BEGINNING = "search by the beginning of a name, a mail address or a number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Entries in alphabetical order; ``code`` and ``words`` say when there may be more than these."""

    entries: tuple[Entry, ...] = field(repr=False)
    code: Code = Code.SUCCESS
    words: str = ""


class AddressBook:
    """The directory's mailboxes as entries below ``base``. Safe for several threads."""

    def __init__(self, directory: Directory, *, base: str, clock: Callable[[], datetime], most: int) -> None:
        """``most`` entries are told at a time; raises ``BadName`` when ``base`` is no distinguished name."""
        self._directory, self._clock, self._most = directory, clock, most
        self.base, self.levels = base, parse_name(base)

    def search(self, wanted: Filter) -> Found:
        """Every entry that the filter means, or those that were found and why there may be more.

        Raises ``DirectoryError`` when the directory cannot be read.
        """
        plan, found, cut = plan_of(wanted), dict[tuple[str, str | None], Entry](), False
        if len(plan.lookups) > _MOST_LOOKUPS:
            return Found(entries=(), code=Code.ADMIN_LIMIT_EXCEEDED, words=_TOO_MANY)
        for lookup in sorted(plan.lookups, key=repr):
            boxes, more = self._boxes(lookup)
            cut = cut or more
            found |= {key: self._entry(records) for key, records in _grouped(boxes).items() if key not in found}
        meant = sorted((entry for entry in found.values() if matches(entry, wanted)), key=_alphabetical)
        if cut or len(meant) > self._most:
            return Found(entries=tuple(meant[: self._most]), code=Code.SIZE_LIMIT_EXCEEDED, words=_TOO_COMMON)
        if not plan.complete:
            # Mail clients show what comes with code 4, and take 11 for a failure.
            code = Code.SIZE_LIMIT_EXCEEDED if meant else Code.ADMIN_LIMIT_EXCEEDED
            return Found(entries=tuple(meant), code=code, words=_NO_BEGINNING)
        return Found(entries=tuple(meant))

    def named(self, lowest: Rdn) -> Entry | None:
        """The entry whose name has ``lowest`` before the base."""
        for address in (value for kind, value in lowest if kind == "mail"):
            for records in _grouped(self._directory.by_mailbox(address)).values():
                entry = self._entry(records)
                if parse_name(entry.name)[0] == lowest:
                    return entry
        return None

    def _boxes(self, lookup: LookUp) -> tuple[list[Mailbox], bool]:
        """Mailboxes that the look-up finds, and whether it was cut short."""
        match lookup:
            case ByName():
                wanted = Wanted(words=lookup.words, city=lookup.city, postcode=lookup.postcode)
                hits = self._directory.find(wanted, limit=self._most)
                owned = (self._directory.by_national_id("IDNPS", hit.national_id) for hit in hits if hit.national_id)
                others = (
                    self._directory.by_mailbox(address)
                    for hit in hits
                    if not hit.national_id
                    for address in hit.mailboxes
                )
                return [box for boxes in (*owned, *others) for box in boxes], len(hits) >= self._most
            case ByAddress():
                addresses = self._directory.addresses(lookup.piece, anywhere=lookup.anywhere, limit=self._most)
                return [box for one in addresses for box in self._directory.by_mailbox(one)], len(
                    addresses
                ) >= self._most
            case ByNumber():
                return self._directory.by_national_id(lookup.kind, lookup.number), False
            case _:
                assert_never(lookup)

    def _entry(self, boxes: list[Mailbox]) -> Entry:
        owner, now = boxes[0].national_id, self._clock()
        person = self._directory.practitioner(owner) if owner else None
        valid = (one.der for one in self._directory.certificates(boxes[0].address) if one.valid_at(now))
        return entry_of(
            boxes, person, base=self.base, labels=self._labels(boxes, person), certificates=tuple(dict.fromkeys(valid))
        )

    def _labels(self, boxes: list[Mailbox], person: Practitioner | None) -> Labels:
        skills = [skill for box in boxes for skill in box.skills]
        skills += [office.skill for office in (person.offices if person else ()) if office.skill]
        profession = (person.profession if person else "") or boxes[0].profession
        return Labels(
            profession=self._directory.label("profession", profession),
            skills=tuple(self._directory.label("skill", skill) for skill in dict.fromkeys(skills)),
        )


def _grouped(boxes: Iterable[Mailbox]) -> dict[tuple[str, str | None], list[Mailbox]]:
    """By address and owner: an entry each, whose records differ by structure."""
    grouped: dict[tuple[str, str | None], list[Mailbox]] = {}
    for box in dict.fromkeys(boxes):
        grouped.setdefault((fold_mailbox(box.address), box.national_id), []).append(box)
    return grouped


def _alphabetical(entry: Entry) -> tuple[str, str]:
    first = entry.values.get("sn") or entry.values["cn"]
    return str(first[0]), entry.name
