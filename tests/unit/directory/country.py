"""An invented country at its real size: as many mailboxes and activities as France has, and nobody who exists.

Names are drawn with the real imbalance (many homonyms, a long tail, accents, hyphens, apostrophes), practices have
several doctors, Corsica has its 2A and 2B, towns repeat across departments. RPPS begin with 99, domains end in
``.example``. Same seed, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from tests.unit.directory.synthetic import ACTIVITY_HEADER, MAILBOX_HEADER, rpps_of

MAILBOX_ROWS, ACTIVITY_ROWS = 535_928, 2_200_000
"""Measured on 26/08/2026: standards of the national files."""
_SYLLABLES = str.split(
    "ba be bi bo bou bra bru ca cha che chi cla co cou cra da de di do du fa fe fi flo fou ga ge go gra gué ha he hu ja"
    " jo ju la le lé li lo lou ma mé mi mo mou na né ni no nou o pa pe pi pla po pou pré qua qué ra ré ri ro rou sa sé"
    " si so sou ta té ti to tou tra va ve vi vo voi za zé"
)
_ENDINGS = str.split("rd lt nd ré x ux lin tin ron let lot nier ville court bert gne deau ois ais ec ic our ard ïs")
_GIVEN = str.split(
    "Léa Adam Zoé Paul Noël Inès Anne-Lise Théo Marie Jean-Loup Aïcha Élie Françoise Gaël Maëlle Hélène Loïc Jérôme "
    "Sébastien Chloé Camille Dominique Claude Anaïs Océane Benoît Cédric Stéphane Véronique Agnès Joël Solène Yaël "
    "Anne Luc Rémi Jean Pierre Jean-Pierre Marie-Laure Karim Fatou Linh Tomás Ingrid Ivo Nora Sami Ambre Basile"
)
_PLACES = str.split("Saint Mont Val Bourg Pont Roche Bois Clair Haute Belle Grand Vieux")
_STREETS = ("DES TILLEULS", "DE L'ÉGLISE", "DU 8 MAI 1945", "VICTOR HUGO", "DES ÉCOLES", "DU FOUR À CHAUX")
_SKILLS = (
    ("SM26", "Qualifié en médecine générale"), ("SM26", "Qualifié en médecine générale"), ("SM04", "Cardiologie"),
    ("SM27", "Médecine interne"), ("SM42", "Pédiatrie"), ("SM54", "Médecine générale"),
)  # fmt: skip
_PROFESSIONS = (
    ("60", "Infirmier"), ("60", "Infirmier"), ("60", "Infirmier"), ("70", "Masseur-Kinésithérapeute"),
    ("10", "Médecin"), ("10", "Médecin"), ("40", "Chirurgien-Dentiste"), ("21", "Pharmacien"), ("50", "Sage-Femme"),
)  # fmt: skip
_DEPARTMENTS = (*(f"{n:02d}" for n in range(1, 20)), "2A", "2B", *(f"{n:02d}" for n in range(21, 96)), "974", "971")


@dataclass(frozen=True, slots=True)
class Place:
    """A practice or a hospital: several persons work there."""

    finess: str
    name: str
    street: str
    postcode: str
    town: str
    department: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody invented."""

    rpps: str
    family: str
    given: str
    profession: tuple[str, str]
    skill: tuple[str, str]


class Country:
    """Everybody and everything, by number; ``persons`` tells how many there are."""

    def __init__(self, persons: int, *, seed: int = 8) -> None:
        draw = Random(seed)  # noqa: S311 (no secret)
        self.persons, self._mix = persons, draw.randrange(1 << 30) | 1
        self._families = _families(draw, max(50, persons // 8))
        self._towns = _towns(draw, max(20, min(30_000, persons // 60)))
        self.place = lru_cache(maxsize=200_000)(self._place)

    def person(self, number: int) -> Person:
        """A few names are borne by thousands, most by one or two."""
        first, second = self._dice(number), self._dice(number + 7_000_003)
        family = self._families[int(len(self._families) * first**2.5)]
        profession = _PROFESSIONS[int(second * 7919) % len(_PROFESSIONS)]
        skill = _SKILLS[int(first * 104_729) % len(_SKILLS)] if profession[0] == "10" else ("", "")
        return Person(rpps_of(number), family, _GIVEN[int(second * len(_GIVEN))], profession, skill)

    def where(self, number: int, activity: int = 0) -> Place:
        """Where a person works: half a dozen colleagues share a place."""
        return self.place(int(self._dice(number * 3 + activity) * max(3, self.persons // 6)))

    def _place(self, number: int) -> Place:
        name, postcode, department = self._towns[int(self._dice(number) ** 2 * len(self._towns))]
        street = _STREETS[number % len(_STREETS)]
        kind = ("CABINET MEDICAL", 'MAISON DE SANTÉ "LES TILLEULS"', "CENTRE HOSPITALIER", "SCM")[number % 4]
        finess = f"{department[:2]}{9_000_000 + number % 999_999:07d}"
        return Place(finess, f"{kind} {name}", street, postcode, name, department)

    def _dice(self, number: int) -> float:
        """The same share of one for the same number."""
        mixed = (number + 1) * self._mix * 2_654_435_761 & 0xFFFFFFFFFFFF
        mixed ^= mixed >> 23
        return (mixed * 0x2545F4914F6CDD1D & 0xFFFFFFFF) / 2**32


def mailbox_lines(country: Country, rows: int) -> Iterator[str]:
    """The header and ``rows`` mailboxes: 85 % of persons, of whom a quarter have no structure."""
    yield MAILBOX_HEADER
    for number in range(rows):
        yield _organisation(country, number) if number % 20 > 16 else _personal(country, number)


def activity_lines(country: Country, rows: int) -> Iterator[str]:
    """The header and ``rows`` activities: most persons have one, every seventh a second one."""
    yield ACTIVITY_HEADER
    for number in range(rows):
        yield _activity(country, number % country.persons, number // country.persons, number)


def _personal(country: Country, number: int) -> str:
    owner = number * 3 % country.persons
    person = country.person(owner)
    local = f"{person.given}.{person.family}.{number}".lower().replace(" ", "-").replace("'", "")
    who = f"|{person.family}|{person.given}|C|Civil|{'|'.join(person.profession)}|{'|'.join(person.skill)}"
    head = (
        f"PER|{local}@{'medecin' if number % 3 else f'cabinet{number % 5000}'}.example|8|{person.rpps}|8{person.rpps}"
    )
    refuses = "N" if number % 50 == 0 else "O"
    if number % 4 == 0:
        return f"{head}|||{'|DR' if person.skill[0] else '|'}{who}|{refuses}" + "|" * 13
    place = country.where(owner)
    where = f"{place.name}||||{number % 90 + 1}||RUE|{place.street}||{place.postcode} {place.town}|{place.postcode}"
    civility = "DR" if person.skill[0] else ""
    return f"{head}|FINESS|{place.finess}||{civility}{who}|{refuses}|{where}|{place.department}|FRANCE"


def _organisation(country: Country, number: int) -> str:
    place = country.place(number)
    head = f"ORG|secretariat.{number}@ch{number % 900}.example||||FINESS|{place.finess}"
    where = f"{place.name}" + "|" * 9 + f"{place.postcode} {place.town}|{place.postcode}|{place.department}|FRANCE"
    return f'{head}|Unité "{number % 12}" ; lundi' + "|" * 10 + f"O|{where}"


def _activity(country: Country, owner: int, activity: int, number: int) -> str:
    person, place = country.person(owner), country.where(owner, activity)
    civility = "DR|Docteur" if person.skill[0] else "|"
    who = f"8|{person.rpps}|8{person.rpps}|{civility}|M|Monsieur|{person.family}|{person.given}"
    what = f"{'|'.join(person.profession)}|C|Civil|S|Spécialité ordinale|{'|'.join(person.skill)}"
    mode = ("L|Libéral", "S|Salarié")[number % 2]
    home = f"{mode}|{number:014d}||{place.finess}||F{place.finess}|{place.name}||||{owner % 90 + 1}||R|RUE"
    town = f"{place.street}||{place.postcode} {place.town}|{place.postcode}||{place.town.title()}||FRANCE"
    rest = f"0199000000||||{place.department}|||ARS/ARS/ARS|SA07|Cabinet individuel|||||GENR01|"
    return f"{who}|{what}|{home}|{town}|{rest}|"


def _families(draw: Random, count: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        name = "".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) + draw.choice(_ENDINGS)
        dice = draw.random()
        if dice < 0.03:
            name = f"d'{name}"
        elif dice < 0.06:
            name = f"de {name}"
        elif dice < 0.12 and names:
            name = f"{name}-{draw.choice(_SYLLABLES)}{draw.choice(_ENDINGS)}"
        names[name.upper()] = None
    return list(names)


def _towns(draw: Random, count: int) -> list[tuple[str, str, str]]:
    towns = []
    for _ in range(count):
        department = draw.choice(_DEPARTMENTS)
        begins = "20" if department in {"2A", "2B"} else department
        postcode = begins + f"{draw.randrange(1000):03d}"[: 5 - len(begins)]
        name = f"{draw.choice(_PLACES)}-{draw.choice(_SYLLABLES)}{draw.choice(_ENDINGS)}".upper()
        towns.append((name, postcode, department))
    return towns
