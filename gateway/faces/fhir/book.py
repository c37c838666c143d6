"""What is wanted to records of the directory: one criterion finds, the others narrow. Runs in a thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from directory import Directory, Mailbox, Office
from directory.fold import fold, fold_mailbox, structure_number
from directory.searching import Wanted
from gateway.faces.fhir import systems
from gateway.faces.fhir.asking import Asked, Refused
from gateway.faces.fhir.resources import Person, Place, Resource, organization, practitioner, practitioner_role

_NAMES = ("name", "family", "given")
_PERSON_ID = re.compile(r"[0-9][0-9A-Z/]{7,29}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Resources in a stable order; ``cut`` when there may be more than are ever told."""

    resources: tuple[Resource, ...] = field(repr=False)
    cut: bool = False


class FhirBook:
    """The directory's people, places and organisations. Safe for several threads."""

    def __init__(self, directory: Directory, *, most: int) -> None:
        """``most`` people or organisations are looked at in one search."""
        self._directory, self._most = directory, most

    def read(self, kind: str, identifier: str) -> Resource | None:
        """The resource of an id; ``None`` when there is none."""
        found = self.search(Asked(kind=kind, criteria=(("id", (identifier,)),))).resources
        return found[0] if found else None

    def search(self, asked: Asked) -> Matches:
        """Raises :class:`Refused` when nothing that is asked has an index; ``DirectoryError`` as the directory."""
        if asked.kind == "Organization":
            return self._organizations(asked)
        people, cut = self._people(asked)
        label = self._directory.label
        if asked.kind == "Practitioner":
            found = [practitioner(one, label) for one in people if _fits(one, asked)]
        else:
            found = [practitioner_role(one, label) for one in self._places(people, asked)]
        return Matches(resources=tuple(sorted(found, key=_by_name)), cut=cut)

    # People ----------------------------------------------------------------------------------------------------------

    def _people(self, asked: Asked) -> tuple[list[Person], bool]:
        """Everybody whom the criterion with the shortest index finds."""
        numbers, cut = self._numbers(asked)
        people = (self._person(number) for number in dict.fromkeys(numbers))
        return [one for one in people if one.boxes or one.record], cut

    def _numbers(self, asked: Asked) -> tuple[list[str], bool]:
        for values in asked.values("id", "practitioner"):
            bare = (value.removeprefix("Practitioner/").partition("-")[0] for value in values)
            return [one for one in bare if _PERSON_ID.fullmatch(one)], False
        for values in asked.values("identifier"):
            return [number for value in values if (number := _national_id(value))], False
        for values in asked.values("telecom"):
            boxes = (box for value in values for box in self._directory.by_mailbox(_mail(value)))
            return [box.national_id for box in boxes if box.national_id], False
        return self._named(asked)

    def _named(self, asked: Asked) -> tuple[list[str], bool]:
        numbers, cut = list[str](), False
        for wanted in _wanted(asked):
            hits = self._directory.find(wanted, limit=self._most)
            cut = cut or len(hits) >= self._most
            numbers += [hit.national_id for hit in hits if hit.national_id]
        return numbers, cut

    def _person(self, national_id: str) -> Person:
        boxes = self._directory.by_national_id("IDNPS", national_id)
        return Person(national_id=national_id, record=self._directory.practitioner(national_id), boxes=tuple(boxes))

    def _places(self, people: Iterable[Person], asked: Asked) -> Iterator[Place]:
        for person in people:
            for place in places_of(person):
                ids = asked.values("id")
                towns = asked.values("city")
                is_it = all(place.id in values for values in ids) and all(
                    any(_in_town(place.office.city, value) for value in values) for values in towns
                )
                mails = [values for values in asked.values("telecom") if not _has_mail(place.boxes, values)]
                if is_it and not mails and _fits(person, asked, besides=("id", "city", "telecom")):
                    yield place

    # Organisations ---------------------------------------------------------------------------------------------------

    def _organizations(self, asked: Asked) -> Matches:
        boxes, cut = self._organisation_boxes(asked)
        grouped: dict[str, list[Mailbox]] = {}
        for box in boxes:
            if not box.personal:
                whole = self._directory.by_structure(box.structure) if box.structure else [box]
                grouped.setdefault(box.structure or box.address, whole or [box])
        meant = [records for records in grouped.values() if _organisation_fits(records, asked)]
        return Matches(resources=tuple(sorted(map(organization, meant), key=_by_name)), cut=cut)

    def _organisation_boxes(self, asked: Asked) -> tuple[list[Mailbox], bool]:
        for values in asked.values("id", "identifier"):
            numbers = (_structure(value) for value in values)
            return [box for number in numbers if number for box in self._directory.by_structure(number)], False
        for values in asked.values("telecom"):
            return [box for value in values for box in self._directory.by_mailbox(_mail(value))], False
        boxes, cut = list[Mailbox](), False
        for wanted in _wanted(asked):
            hits = self._directory.find(wanted, limit=self._most)
            cut = cut or len(hits) >= self._most
            addresses = (address for hit in hits if not hit.national_id for address in hit.mailboxes)
            boxes += [box for address in addresses for box in self._directory.by_mailbox(address)]
        return boxes, cut


def places_of(person: Person) -> list[Place]:
    """One for each activity, and one for each structure that only a mailbox names."""
    bound = [box for box in person.boxes if box.structure]
    offices = list(person.record.offices) if person.record else []
    known = {number for office in offices for number in office.structures}
    for box in bound:
        if box.structure not in known:
            known.add(box.structure)
            offices.append(_office(box))
    return [
        Place(person=person, office=office, boxes=tuple(box for box in bound if box.structure in office.structures))
        for office in offices
    ]


def _office(box: Mailbox) -> Office:
    return Office(
        profession=box.profession,
        skill=next(iter(box.skills), ""),
        structures=(box.structure,),
        organisation=box.organisation,
        street=box.street,
        postcode=box.postcode,
        city=box.city,
    )


def _wanted(asked: Asked) -> list[Wanted]:
    """A look-up for each alternative of one criterion, with the words that the single-valued others demand too."""
    named = [values for name, values in asked.criteria if name in _NAMES]
    if not named:
        raise Refused(400, "too-costly", "a town alone is too many: add a name, an identifier or a mailbox")
    first = max(named, key=len)
    others = " ".join(values[0] for values in named if values is not first and len(values) == 1)
    towns = asked.values("city")
    city = towns[0][0] if len(towns) == 1 and len(towns[0]) == 1 else ""
    return [Wanted(words=f"{value} {others}", city=city) for value in first]


def _fits(person: Person, asked: Asked, *, besides: tuple[str, ...] = ()) -> bool:
    tests: dict[str, Callable[[str], bool]] = {
        "id": lambda value: value == person.national_id,
        "practitioner": lambda value: value.removeprefix("Practitioner/") == person.national_id,
        "identifier": lambda value: _national_id(value) == person.national_id,
        "name": lambda value: _named(f"{person.family} {person.given}", value),
        "family": lambda value: _begins(person.family, value),
        "given": lambda value: _begins(person.given, value),
        "city": lambda value: any(_in_town(place.city, value) for place in person.places),
        "telecom": lambda value: _has_mail(person.boxes, (value,)),
    }
    return all(any(map(tests[name], values)) for name, values in asked.criteria if name not in besides)


def _organisation_fits(boxes: list[Mailbox], asked: Asked) -> bool:
    tests: dict[str, Callable[[str], bool]] = {
        "id": lambda value: value == boxes[0].structure,
        "identifier": lambda value: _structure(value) == boxes[0].structure != "",
        "name": lambda value: any(_named(box.organisation, value) for box in boxes),
        "city": lambda value: any(_in_town(box.city, value) for box in boxes),
        "telecom": lambda value: _has_mail(boxes, (value,)),
    }
    return all(any(map(tests[name], values)) for name, values in asked.criteria)


def _named(name: str, wanted: str) -> bool:
    """Each word that is wanted begins a word of the name, in any order, as people type them."""
    words, asked = fold(name).split(), fold(wanted).split()
    return bool(asked) and all(any(word.startswith(one) for word in words) for one in asked)


def _begins(text: str, wanted: str) -> bool:
    """String search: case, accents and hyphens folded, from the beginning (3.1.1.4.8)."""
    return bool(fold(wanted)) and fold(text).startswith(fold(wanted))


def _in_town(town: str, wanted: str) -> bool:
    """By whole words, as the directory's own search takes towns: ``rennes``, not ``renn``."""
    words = fold(wanted).split()
    return bool(words) and set(words) <= set(fold(town).split())


def _has_mail(boxes: Iterable[Mailbox], values: Iterable[str]) -> bool:
    known = {fold_mailbox(box.address) for box in boxes}
    return any(fold_mailbox(_mail(value)) in known for value in values)


def _mail(value: str) -> str:
    """``email|box@domain`` is the token of a ContactPoint."""
    return value.rpartition("|")[2]


def _national_id(value: str) -> str | None:
    """The IDNPS of ``system|value`` or of a bare number."""
    system, bar, number = value.rpartition("|")
    if bar and system not in {systems.RPPS, systems.IDNPS}:
        return None
    found = f"8{number}" if system == systems.RPPS or (not bar and len(number) == 11) else number
    return found if _PERSON_ID.fullmatch(found) else None


def _structure(value: str) -> str | None:
    """FINESS or SIRET of ``system|value`` or of a bare number."""
    system, bar, number = value.rpartition("|")
    if (bar and system not in {systems.FINESS, systems.SIRENE, systems.IDNST}) or not number:
        return None
    return structure_number(number)


def _by_name(resource: Resource) -> tuple[str, str]:
    name = resource.get("name", "")
    told = name if isinstance(name, str) else f"{name[0].get('family', '')} {' '.join(name[0].get('given', []))}"
    return fold(told), str(resource.get("id", ""))
