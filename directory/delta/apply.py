"""Changes the present directory by what was gathered: each changed person whole, each changed organisation's mailboxes.

A person's rows are replaced by what the API tells of him, so that a mailbox that was closed is gone. An organisation's
name and address in other people's rows wait for the next whole file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from directory import tables
from directory.database import Row
from directory.delta.gathering import Api, Gathering, reference
from directory.delta.resources import (
    Person,
    Place,
    Resource,
    activity_of,
    is_in_force,
    mailboxes_of,
    person_of,
    place_of,
)
from directory.errors import DirectoryError
from directory.fold import fold
from directory.freshness import DATES, as_of
from directory.later import DELTA, note
from directory.progress import Progress
from directory.rows import RejectedRow, SqlRow, mailbox_row
from directory.shelf import Building, Shelf, Texts
from directory.spelling import add_words
from directory.taking import Rejected

LARGEST_LOSS = 0.05
"""A delta that removes a larger share of all mailboxes is held until somebody confirms it."""
LARGEST_LOSS_OF_CHANGED = 0.5
"""So is one that removes more than this share of the mailboxes of those who changed: the API then most often tells
mailboxes in another way."""
FEW = 10
"""Fewer mailboxes than these are no doubt, however small the directory."""
_OF_PLACE = "national_id IS NULL AND structure = ?"

_LAST = "last-"
"""Before the name of a table: the fact that keeps the highest number of its rows, gone ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaReport:
    """What a delta did. ``held_because`` not empty: nothing was published, the old directory stands."""

    since: datetime
    persons: int = 0
    organisations: int = 0
    added: int = 0
    """Mailboxes; ``removed`` too."""
    removed: int = 0
    rejected: tuple[Rejected, ...] = field(default=())
    held_because: tuple[str, ...] = ()

    @property
    def published(self) -> bool:
        """Whether readers see the changed directory."""
        return not self.held_because


def since_when(shelf: Shelf) -> datetime:
    """Since when the present directory does not know: its last delta, or its older file where that is later.

    Raises :class:`DirectoryError` ``no-directory`` when there is none.
    """
    since = as_of(shelf.rows(DATES))
    if since is None:
        raise DirectoryError("no-directory", "there is no directory to change yet: import the national files")
    return since


def published_when(shelf: Shelf) -> datetime:
    """When the present directory was last imported or changed: what was gathered before could undo some of it."""
    return max(datetime.fromisoformat(one) for (one,) in shelf.rows("SELECT imported_at FROM file"))


def take_delta(
    shelf: Shelf, gathering: Gathering, api: Api, *, tell: Callable[[Progress], None], confirm: bool = False
) -> DeltaReport:
    """Gather what changed since ``gathering.since``, and change the directory by it.

    On return readers see it, unless the report says held. Raises :class:`DirectoryError`; the old directory stands,
    and ``gathering`` keeps what came.
    """
    gathering.begin_again_before(published_when(shelf))
    gathering.gather(api, tell)
    with shelf.amending() as building:
        applying = _Applying(building, gathering.began)
        report = applying.all(gathering)
        if report.held_because and not confirm:
            return report
        _remember(building, gathering.began, applying.numbers)
        building.publish()
    gathering.forget()
    return replace(report, held_because=())


def _remember(building: Building, began: datetime, numbers: dict[str, int]) -> None:
    building.rows("DELETE FROM {new}.file WHERE kind = ?", DELTA)
    values = (DELTA, "FHIR v2", began.isoformat(), began.isoformat())
    building.rows("INSERT INTO {new}.file VALUES (?,?,?,?,0,0,0,'')", *values)
    building.rows("DELETE FROM {new}.fact")
    building.rows(tables.FACTS)
    for table, number in numbers.items():
        building.rows("INSERT INTO {new}.fact VALUES (?,?)", _LAST + table, number)


class _Applying:
    """One delta's changes; its counts."""

    def __init__(self, building: Building, began: datetime) -> None:
        self._building, self._began, self._rejected = building, began, list[Rejected]()
        self._added = self._removed = self._persons = self._organisations = 0
        self._touched = self._lost = 0
        """Mailboxes of their owners, whatever else of a row changed."""
        self._next = {table: self._highest(table) for table in ("mailbox", "activity", "person")}

    @property
    def numbers(self) -> dict[str, int]:
        """The last number that each table ever had."""
        return dict(self._next)

    def all(self, gathering: Gathering) -> DeltaReport:
        before = self._number("SELECT count(*) FROM {new}.mailbox")
        places = {one["id"]: place_of(one) for one in gathering.resources("Organization")}
        roles: dict[str, list[Resource]] = defaultdict(list)
        for role in gathering.resources("PractitionerRole"):
            if is_in_force(role, self._began.date()):
                roles[reference(role.get("practitioner"))].append(role)
        for practitioner in gathering.resources("Practitioner"):
            self._person(practitioner, roles[practitioner["id"]], places)
        changed: dict[str, list[tuple[Resource, Place]]] = defaultdict(list)
        for organisation in gathering.resources("Organization", changed=True):
            place = places[organisation["id"]]
            changed[place.number].append((organisation, place))
        for number in changed.keys() - {""}:
            self._organisation(number, changed)
        held = tuple(self._doubts(before))
        return DeltaReport(
            since=gathering.since, persons=self._persons, organisations=self._organisations, added=self._added,
            removed=self._removed, rejected=tuple(self._rejected), held_because=held,
        )  # fmt: skip

    def _doubts(self, before: int) -> Iterator[str]:
        if self._lost < FEW:
            return
        if self._lost > LARGEST_LOSS * before:
            yield f"would remove {self._lost} of {before} mailboxes"
        elif self._lost > LARGEST_LOSS_OF_CHANGED * self._touched:
            yield f"would remove {self._lost} of {self._touched} mailboxes of those who changed"

    def _person(self, resource: Resource, roles: list[Resource], places: dict[str, Place]) -> None:
        person = person_of(resource)
        if not person.national_id:
            self._reject(resource, RejectedRow("no-owner", "a practitioner without national identification"))
            return
        boxes, activities = self._rows_of(resource, person, roles, places) if person.active else ([], [])
        rows = {"mailbox": boxes, "activity": activities}
        changed = [self._replaced(table, "national_id = ?", person.national_id, rows[table]) for table in rows]
        if any(changed):
            self._persons += 1
            self._named(person, boxes, activities)

    def _organisation(self, number: str, changed: dict[str, list[tuple[Resource, Place]]]) -> None:
        """All that bear one number; rows under another number of theirs go, unless that is somebody else's too."""
        boxes = [
            box
            for resource, place in changed[number]
            if resource.get("active") is not False
            for box in self._boxes(resource, None, place)
        ]
        others = {one for _, place in changed[number] for one in (place.finess, place.siret) if one not in changed}
        for other in sorted(others - {""}):
            self._replaced("mailbox", _OF_PLACE, other, [])
        self._organisations += self._replaced("mailbox", _OF_PLACE, number, boxes)

    def _named(self, person: Person, boxes: list[SqlRow], activities: list[SqlRow]) -> None:
        """The person's own line and words, new: a number is never used twice."""
        self._building.rows("DELETE FROM {new}.person WHERE national_id = ?", person.national_id)
        if not person.active:
            return
        self._next["person"] += 1
        number = self._next["person"]
        places = " ".join(f"{row[-1]} {row[-2]}" for row in (*activities, *boxes))
        self._building.rows(
            "INSERT INTO {new}.person VALUES (?,?,?,?,?,?,?,?,?)",
            number, person.national_id, person.civility, person.family, person.given, person.profession, places,
            person.profession, person.skill,
        )  # fmt: skip
        self._found(number, f"{person.family} {person.given}", places, person)

    def _found(self, number: int, name: str, places: str, person: Person | None = None) -> None:
        trade = (person.profession, person.skill) if person else ("", "")
        texts = Texts(name=fold(name), place=fold(places), professions=trade[0], skills=trade[1])
        self._building.add_words(number, texts)
        add_words(self._building, texts.name.split())

    def _rows_of(
        self, resource: Resource, person: Person, roles: list[Resource], places: dict[str, Place]
    ) -> tuple[list[SqlRow], list[SqlRow]]:
        boxes, activities = self._boxes(resource, person, Place()), list[SqlRow]()
        entities = self._entities(person.national_id)
        for role in roles:
            place = places.get(reference(role.get("organization")), Place())
            boxes += self._boxes(role, person, place)
            try:
                activities.append(activity_of(role, person, place, entity=entities.get(place.finess, "")))
            except RejectedRow as rejected:
                self._reject(role, rejected)
        return boxes, activities

    def _entities(self, national_id: str) -> dict[str, str]:
        """The legal entities that the national file told of his places, by the place's FINESS."""
        statement = "SELECT finess, entity FROM {new}.activity WHERE national_id = ? AND finess <> '' AND entity <> ''"
        return dict(self._building.rows(statement, national_id))

    def _boxes(self, resource: Resource, person: Person | None, place: Place) -> list[SqlRow]:
        taken: list[SqlRow] = []
        for values in mailboxes_of(resource, person, place, self._began.date()):
            try:
                taken.append(mailbox_row("|".join(values).encode(), values))
            except RejectedRow as rejected:
                self._reject(resource, rejected)
        return taken

    def _reject(self, resource: Resource, why: RejectedRow) -> None:
        name = f"{resource.get('resourceType')}/{resource.get('id')}"
        self._rejected.append(Rejected(file=name, line=0, code=why.code, words=str(why)))

    def _replaced(self, table: str, condition: str, value: str, rows: list[SqlRow]) -> bool:
        """Put ``rows`` in the place of those there; whether that changed anything. Mailboxes are counted."""
        before = self._before(table, condition, value)
        after = {row[2:] for row in rows}
        self._touched += len(_owned(before)) if table == "mailbox" else 0
        if before == after:
            return False
        note(self._building, table, value, self._began, place=condition == _OF_PLACE)
        self._building.rows(f"DELETE FROM {{new}}.{table} WHERE {condition}", value)  # noqa: S608 (own names)
        for row in dict.fromkeys(rows):
            self._next[table] += 1
            marks = ",".join("?" * (len(row) + 1))
            statement = f"INSERT INTO {{new}}.{table} VALUES ({marks})"  # noqa: S608 (own names)
            self._building.rows(statement, self._next[table], *row)
            if table == "mailbox" and row[6] is None:
                self._found(-self._next[table], f"{row[15]} {row[8]}", f"{row[-1]} {row[-2]}")
        if table == "mailbox":
            self._added += len(after - before)
            self._removed += len(before - after)
            self._lost += len(_owned(before) - _owned(after))
        return True

    def _before(self, table: str, condition: str, value: str) -> set[Row]:
        """What is there, without its number, key and digest."""
        statement = f"SELECT * FROM {{new}}.{table} WHERE {condition}"  # noqa: S608 (own names)
        return {row[3:] for row in self._building.rows(statement, value)}

    def _highest(self, table: str) -> int:
        """Words find a number for as long as the directory stands: somebody who went leaves his to nobody."""
        present = self._number(f"SELECT coalesce(max(id), 0) FROM {{new}}.{table}")  # noqa: S608 (own names)
        last = self._building.rows("SELECT value FROM {new}.fact WHERE name = ?", _LAST + table)
        return max(present, int(last[0][0])) if last else present

    def _number(self, statement: str) -> int:
        return int(self._building.rows(statement)[0][0])


def _owned(rows: set[Row]) -> set[Row]:
    """Address and owner of each mailbox."""
    return {(row[2], row[4]) for row in rows}
