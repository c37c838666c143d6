"""The numbers that a search found, as lines for a person's eyes: four questions for all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from directory.database import Row
from directory.records import Found
from directory.shelf import Shelf

PERSONS = "SELECT id, national_id, family, given, profession FROM person WHERE id IN ({})"
BOXES = "SELECT id, national_id, address, skill, organisation, service, postcode, city FROM mailbox WHERE {} IN ({})"
OFFICES = "SELECT national_id, skill, postcode, city FROM activity WHERE national_id IN ({})"
_LABELS = "SELECT kind, code, words FROM label"


def hits(shelf: Shelf, numbers: Sequence[int]) -> list[Found]:
    """One for each number that is still there, in their order: persons, and below zero organisations' mailboxes."""
    persons = {row[0]: row for row in _asked(shelf, PERSONS, [number for number in numbers if number > 0])}
    owners = [row[1] for row in persons.values()]
    boxes = _by(0, (row[1:] for row in _asked(shelf, BOXES.format("national_id", "{}"), owners)))
    offices = _by(0, _asked(shelf, OFFICES, owners))
    labels = {(kind, code): words for kind, code, words in shelf.rows(_LABELS)} if owners else {}
    organisations = {
        -row[0]: _organisation(row)
        for row in _asked(shelf, BOXES.format("id", "{}"), [-number for number in numbers if number < 0])
    }
    people = {number: _person(row, boxes[row[1]], offices[row[1]], labels) for number, row in persons.items()}
    return [found for number in numbers if (found := people.get(number) or organisations.get(number))]


def _asked(shelf: Shelf, statement: str, values: Sequence[object]) -> list[Row]:
    return shelf.rows(statement.format(",".join("?" * len(values))), values) if values else []


def _by(place: int, rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[place]].append(row)
    return grouped


def _person(row: Row, boxes: list[Row], offices: list[Row], labels: dict[tuple[str, str], str]) -> Found:
    _, national_id, family, given, profession = row
    places = [(office[2], office[3]) for office in offices] + [(box[5], box[6]) for box in boxes]
    postcode, city = next((place for place in places if place[1]), ("", ""))
    skills = dict.fromkeys([*(office[1] for office in offices), *(box[2] for box in boxes)])
    return Found(
        national_id=national_id,
        rpps=national_id[1:] if len(national_id) == 12 and national_id.startswith("8") else None,
        name=f"{family} {given}",
        profession=str(labels.get(("profession", profession), profession)),
        skills=tuple(labels.get(("skill", skill), skill) for skill in skills if skill),
        postcode=postcode,
        city=city,
        mailboxes=tuple(dict.fromkeys(box[1] for box in boxes)),
    )


def _organisation(row: Row) -> Found:
    _, _, address, _, organisation, service, postcode, city = row
    name = " – ".join(part for part in (organisation, service) if part)
    return Found(national_id=None, rpps=None, name=name, postcode=postcode, city=city, mailboxes=(address,))
