"""The resolver against an oracle that is slow and obvious: every world of a few people ends alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from directory import Absence, Mailbox, MailboxKind, Office, Practitioner
from gateway.addressing.choice import choose
from gateway.addressing.verdicts import Chosen
from gateway.addressing.wanted import Wanted
from gateway.document import Role
from gateway.identifiers import Finess, Rpps
from tests.unit.addressing.world import DAY, NOW, policy

PEOPLE = [f"9900000000{digit}" for digit in range(4)]
OFTEN = PEOPLE[:1] * 6
"""Most of what happens, happens to one of them: rules that choose among several need several."""
PLACES = ["990000001", "990000002"]
OTHER_PLACES = ["990000003", "99000000100011"]
GENERIC = ("medecin.mss.example", "santé.mss.example")
DOMAINS = [*GENERIC, "cabinet.mss.example"]


@dataclass
class World:
    """What the directory is asked, answered by looking through everything."""

    boxes: list[Mailbox]
    people: dict[str, Practitioner]
    absences: list[Absence] = field(default_factory=list)

    def by_national_id(self, kind: str, number: str) -> list[Mailbox]:
        identifier = number if kind == "IDNPS" else f"8{number}"
        return [box for box in self.boxes if box.national_id == identifier]

    def by_mailbox(self, address: str) -> list[Mailbox]:
        return [box for box in self.boxes if box.address.lower() == address.lower()]

    def by_structure(self, number: str) -> list[Mailbox]:
        return [box for box in self.boxes if not box.personal and box.structure == number]

    def practitioner(self, rpps: str) -> Practitioner | None:
        return self.people.get(rpps[-11:])

    def absence(self, rpps: str, at: datetime) -> Absence | None:
        found = [one for one in self.absences if one.rpps == rpps and one.starts_at <= at < one.ends_at]
        return max(found, key=lambda one: one.starts_at, default=None)


def oracle(wanted: Wanted, world: World) -> str:
    """The mailbox, or the code that stops it, in the plainest words there are."""
    number = str(wanted.rpps)
    path = [number]
    while away := world.absence(path[-1], NOW):
        if away.substitute is None:
            path = [number]
            break
        if away.substitute in path:
            return "absence-loop"
        path.append(away.substitute)
    if path[-1] == number:
        return one(number, wanted, world)
    found = one(path[-1], Wanted(role=wanted.role), world)
    return found if "@" in found else "substitute-unreachable"


def one(number: str, wanted: Wanted, world: World) -> str:  # noqa: PLR0911 (as plain as can be)
    his = [box for box in world.boxes if box.national_id == f"8{number}"]
    if wanted.role is Role.GP and his and {box.profession for box in his} == {"60"}:
        return "gp-not-a-doctor"
    if wanted.mailbox:
        owners = {box.national_id for box in world.boxes if box.address == wanted.mailbox}
        if f"8{number}" in owners:
            return wanted.mailbox
        if any(owners - {None}):
            return "mailbox-of-another"
        if owners:
            (organisation,) = (box for box in world.boxes if box.address == wanted.mailbox)
            return house(number, his, organisation, world)
        if not his:
            return wanted.mailbox
    if not his:
        return practice(number, wanted, world)
    willing = [box for box in his if box.accepts is not False]
    if not willing:
        return "refuses-electronic-mail"

    def taste(box: Mailbox) -> tuple[Any, ...]:
        generic = GENERIC.index(box.domain) if box.domain in GENERIC else 9
        here = wanted.organisation is not None and box.structure == wanted.organisation
        return (not here, box.rank or 9999, generic, box.structure != "", box.address)

    return min(willing, key=taste).address


def house(number: str, his: list[Mailbox], organisation: Mailbox, world: World) -> str:
    """An organisation's that the sender gave: where he works, or where nobody can tell that he does not."""
    places = [{box.structure} for box in his if box.structure]
    if number in world.people:
        places += [{*office.structures, office.entity} for office in world.people[number].offices]
    if not places or organisation.structure == "":
        return organisation.address
    for place in places:
        if organisation.structure in place:
            return organisation.address
        if not any(len(one) == len(organisation.structure) for one in place):
            return organisation.address
    return "organisation-of-others"


def practice(number: str, wanted: Wanted, world: World) -> str:
    if number not in world.people:
        return "unknown-number"
    if wanted.role is Role.GP and world.people[number].profession == "60":
        return "gp-not-a-doctor"
    offices = world.people[number].offices
    places = [place for office in offices for place in office.structures]
    if wanted.organisation in places:
        places = [wanted.organisation]
    elif any(office.mode == "L" for office in offices):
        places = [place for office in offices if office.mode == "L" for place in office.structures]
    boxes = [box for box in world.boxes if box.kind is MailboxKind.ORGANISATION and box.structure in places]
    if not boxes:
        return "none"
    boxes = [box for box in boxes if not box.service] or [box for box in boxes if box.service == "Accueil"]
    if not boxes:
        return "services-alone"
    boxes = [box for box in boxes if box.accepts is not False]
    if not boxes:
        return "refuses-electronic-mail"
    return boxes[0].address if len(boxes) == 1 else "several-organisations"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    boxes = []
    for number in range(draw(st.sampled_from([0, 1, 3, 5, 8]))):
        owner = draw(st.sampled_from([*OFTEN, *PEOPLE, None]))
        domain = draw(st.sampled_from(DOMAINS))
        boxes.append(
            Mailbox(
                kind=MailboxKind.PERSONAL if owner else MailboxKind.ORGANISATION,
                address=f"{draw(st.sampled_from('xyz'))}{number}@{domain}",
                domain=domain,
                national_id=f"8{owner}" if owner else None,
                structure=draw(st.sampled_from(["", *PLACES] if owner else [*PLACES, *PLACES, "", *OTHER_PLACES])),
                service="" if owner else draw(st.sampled_from(["", "Accueil", "Cardiologie"])),
                profession=draw(st.sampled_from(["10"] * 5 + ["60"])) if owner else "",
                accepts=draw(st.sampled_from([True, True, None, False])),
                rank=draw(st.sampled_from([None, None, 1, 2])),
            )
        )
    office = st.builds(
        Office,
        structures=st.tuples(st.sampled_from([*PLACES, *PLACES, *OTHER_PLACES, "R10000000001"])),
        entity=st.sampled_from(["", "", PLACES[1], "990000003"]),
        mode=st.sampled_from(["", "L", "S"]),
    )
    offices = st.lists(office, max_size=2).map(tuple)
    profession = st.sampled_from(["10", "60", ""])
    people = {
        number: Practitioner(national_id=f"8{number}", profession=draw(profession), offices=draw(offices))
        for number in draw(st.sets(st.sampled_from(PEOPLE)))
    }
    span = st.sampled_from([(NOW - DAY, NOW + DAY), (NOW - 2 * DAY, NOW), (NOW, NOW + DAY), (NOW + DAY, NOW + 2 * DAY)])
    absences = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 4]))):
        who, begins_ends = draw(st.sampled_from(PEOPLE)), draw(span)
        others = [None, *(number for number in PEOPLE if number != who)]
        absences.append(
            Absence(
                rpps=who, starts_at=begins_ends[0], ends_at=begins_ends[1], substitute=draw(st.sampled_from(others))
            )
        )
    return World(boxes, people, absences)


@st.composite
def letters(draw: st.DrawFn, world: World) -> Wanted:
    given_too = [None, None, None, "stranger@cabinet.mss.example", *(box.address for box in world.boxes)]
    return Wanted(
        role=draw(st.sampled_from([Role.GP, Role.COPY])),
        rpps=Rpps(draw(st.sampled_from([*OFTEN, *PEOPLE]))),
        mailbox=draw(st.sampled_from(given_too)),
        organisation=draw(st.sampled_from([None, *map(Finess, PLACES)])),
    )


def resolved(wanted: Wanted, world: World) -> str:
    found = choose(wanted, world, policy(generic_domains=GENERIC), NOW)  # type: ignore[arg-type]
    return found.mailbox if isinstance(found, Chosen) else found.reasons[-1].code


@given(st.data())
def test_the_resolver_ends_where_the_oracle_does(data: st.DataObject):
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    assert resolved(wanted, world) == oracle(wanted, world)


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """One doctor, three to five mailboxes that accept: only the rules that choose among several are at work."""
    places, ranks = st.sampled_from(["", *PLACES]), st.sampled_from([None, 1, 2])
    boxes = [
        Mailbox(
            kind=MailboxKind.PERSONAL,
            address=f"{letter}@{domain}",
            domain=domain,
            national_id=f"8{PEOPLE[0]}",
            structure=draw(places),
            rank=draw(ranks),
        )
        for letter, domain in zip(
            "badce", draw(st.lists(st.sampled_from(DOMAINS), min_size=3, max_size=5)), strict=False
        )
    ]
    return World(boxes, {})


@given(crowds(), st.sampled_from([None, *map(Finess, PLACES)]))
def test_of_several_mailboxes_it_likes_the_same_as_the_oracle(world: World, organisation: Finess | None):
    wanted = Wanted(role=Role.GP, rpps=Rpps(PEOPLE[0]), organisation=organisation)
    assert resolved(wanted, world) == oracle(wanted, world)


@given(st.data())
def test_no_mailbox_is_ever_a_strangers(data: st.DataObject):
    """His own, his practice's, that of who stands in for him, or the one that the sender gave: nothing else."""
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    found = resolved(wanted, world)
    if "@" not in found or found == wanted.mailbox:
        return
    numbers = {str(wanted.rpps)}
    numbers |= {one.substitute for one in world.absences if one.substitute}
    owners = {box.national_id for box in world.boxes if box.address == found}
    assert owners <= {None, *(f"8{number}" for number in numbers)}
    assert not any(box.accepts is False for box in world.boxes if box.address == found)


@given(st.data())
def test_no_service_gets_the_post_of_a_house(data: st.DataObject):
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    found = resolved(wanted, world)
    services = {box.service for box in world.boxes if box.address == found}
    assert services <= {"", "Accueil"} or found == wanted.mailbox


@given(st.data())
def test_a_name_decides_nothing(data: st.DataObject):
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    renamed = _renamed(data, world, ["DUPONT", "Dupont-Durand", ""])
    assert resolved(wanted, renamed) == resolved(wanted, world)


@given(st.data())
def test_names_of_two_persons_stop_the_letter_unless_a_rank_decides(data: st.DataObject):
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    found = resolved(wanted, _renamed(data, world, ["DUPONT", "DURAND", ""]))
    ranked = {box.address for box in world.boxes if box.rank is not None}
    assert found in {resolved(wanted, world), "two-names", *ranked}


def _renamed(data: st.DataObject, world: World, names: list[str]) -> World:
    boxes = [replace(box, family=data.draw(st.sampled_from(names)), given="LÉA") for box in world.boxes]
    return replace(world, boxes=boxes)


@given(st.data())
def test_the_order_in_which_the_directory_answers_decides_nothing(data: st.DataObject):
    world = data.draw(worlds())
    wanted = data.draw(letters(world))
    shuffled = replace(world, boxes=data.draw(st.permutations(world.boxes)))
    assert resolved(wanted, shuffled) == resolved(wanted, world)
