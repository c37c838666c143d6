"""Invented national files of any size, with the widths, gaps and repetitions of the real ones.

Nobody in them exists: RPPS begin with 99, domains end in ``.example``. Same seed, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

MAILBOX_HEADER = (
    "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure"
    "|Identification Structure|Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice"
    "|Catégorie profession|Libellé de catégorie profession|Code Profession|Libellé Profession|Code savoir-faire"
    "|Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL"
    "|L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL"
    "|L4COMPLEMENTNUMEROVOIE structure BAL|NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL"
    "|L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL"
    "|Département structure BAL|Pays structure BAL"
)
ACTIVITY_HEADER = (
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice"
    "|Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession"
    "|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire"
    "|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice"
    "|Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique"
    "|Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site"
    "|Complément destinataire (coord. structure)|Complément point géographique (coord. structure)"
    "|Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)"
    "|Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)"
    "|Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)"
    "|Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)"
    "|Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)"
    "|Adresse e-mail (coord. structure)|Code Département (structure)|Libellé Département (structure)"
    "|Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité|Libellé secteur d'activité"
    "|Code section tableau pharmaciens|Libellé section tableau pharmaciens|Code rôle|Libellé rôle"
    "|Code genre activité|Libellé genre activité|"
)
_SYLLABLES = ("ba", "dor", "lé", "mi", "quen", "ra", "sé", "tou", "val", "ni", "gué", "pla", "cher", "or", "du", "ma")
_GIVEN = ("Léa", "Adam", "Zoé", "Paul", "Noël", "Inès", "Anne-Lise", "Théo", "Marie", "Jean-Loup", "Aïcha", "Élie")
_TOWNS = (
    ("75007", "PARIS"),
    ("93200", "SAINT DENIS"),
    ("69003", "LYON"),
    ("97400", "SAINT DENIS"),
    ("35000", "RENNES"),
)
_STREETS = ("DES TILLEULS", "DE L'ÉGLISE", "DU 8 MAI 1945", "VICTOR HUGO", "DES ÉCOLES")
_SKILLS = (("SM26", "Médecine générale"), ("SM27", "Médecine interne"), ("SM04", "Cardiologie"))
_MODES = (("L", "Libéral"), ("S", "Salarié"))


def rpps_of(number: int) -> str:
    """An RPPS that nobody has."""
    return f"99{number:09d}"


def family_of(number: int) -> str:
    """A name of two to four syllables; about 60,000 different ones."""
    draw = Random(number)  # noqa: S311 (no secret)
    return "".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))).upper()


def given_of(number: int) -> str:
    """A first name."""
    return _GIVEN[number * 7 % len(_GIVEN)]


def mailbox_lines(rows: int, *, seed: int = 1) -> Iterator[str]:
    """The header and ``rows`` lines: 85 % personal, some repeated for a second savoir-faire, some without structure."""
    draw = Random(seed)  # noqa: S311 (no secret)
    yield MAILBOX_HEADER
    for number in range(rows):
        yield _organisation(number, draw) if number % 7 == 6 else _personal(number, draw)


def activity_lines(rows: int, *, seed: int = 1) -> Iterator[str]:
    """The header and ``rows`` lines: one or two activities a person; every line ends with a bar."""
    draw = Random(seed)  # noqa: S311 (no secret)
    yield ACTIVITY_HEADER
    for number in range(rows):
        yield _activity(number * 2 // 3, number, draw)


def write(path: Path, lines: Iterator[str]) -> Path:
    """Write ``lines`` as UTF-8 with LF ends."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for line in lines:
            out.write(line + "\n")
    return path


def mailbox_line(address: str, number: str = "", **more: str) -> str:
    """One line of the mailbox file: personal when ``number`` (an IDNPS) is given, else organisational."""
    known = {"kind": "PER" if number else "ORG", "structure": "", "service": "", "family": "", "given": "", "skill": "",
             "accepts": "O", "organisation": "", "postcode": "", "town": ""} | more  # fmt: skip
    place = "FINESS" if known["structure"] else ""
    values = [known["kind"], address, number[:1], number[1:], number, place, known["structure"], known["service"]]
    values += ["DR" if number else "", known["family"], known["given"], "C", "Civil", "10", "Médecin", known["skill"]]
    values += ["", known["accepts"], known["organisation"], *[""] * 8, f"{known['postcode']} {known['town']}".strip()]
    return "|".join([*values, known["postcode"], "", "FRANCE"])


def activity_line(number: str, **more: str) -> str:
    """One line of the activity file for an IDNPS."""
    told = {"family": "SANSBOITE", "given": "Anne"} | more
    values = [""] * len(ACTIVITY_HEADER.split("|"))
    for name, value in {
        "Identification nationale PP": number,
        "Nom d'exercice": told["family"],
        "Prénom d'exercice": told["given"],
        "Code profession": "10",
        "Libellé profession": "Médecin",
        "Code savoir-faire": "SM26",
        "Code mode exercice": told.get("mode", ""),
        "Numéro SIRET site": told.get("siret", ""),
        "Numéro FINESS site": told.get("finess", ""),
        "Numéro FINESS établissement juridique": told.get("entity", ""),
        "Identifiant technique de la structure": told.get("technical", ""),
        "Libellé commune (coord. structure)": "Rennes",
        "Téléphone (coord. structure)": told.get("phone", ""),
    }.items():
        values[ACTIVITY_HEADER.split("|").index(name)] = value
    return "|".join(values)


def _personal(number: int, draw: Random) -> str:
    rpps, family, given = rpps_of(number), family_of(number), given_of(number)
    skill, skill_words = draw.choice(_SKILLS)
    postcode, town = draw.choice(_TOWNS)
    address = f"{given}.{family}.{number}@{'medecin' if number % 3 else f'cabinet{number % 500}'}.example".lower()
    person = f"PER|{address}|8|{rpps}|8{rpps}"
    who = f"DR|{family}|{given}|C|Civil|10|Médecin|{skill}|{skill_words}|{'N' if number % 50 == 0 else 'O'}"
    if number % 4 == 0:
        return f"{person}||||{who}" + "|" * 13
    finess = f"99{number % 90000:07d}"
    place = f"CABINET {town}||||{number % 90 + 1}||RUE|{draw.choice(_STREETS)}||{postcode} {town}"
    return f"{person}|FINESS|{finess}||{who}|{place}|{postcode}|{postcode[:2]}|FRANCE"


def _organisation(number: int, draw: Random) -> str:
    postcode, town = draw.choice(_TOWNS)
    values = ["ORG", f"secretariat.{number}@ch{number % 900}.example", "", "", "", "FINESS", f"99{number % 90000:07d}"]
    values += [f'Unité "{number % 12}" ; lundi', *[""] * 9, "O", f"CENTRE HOSPITALIER {town}", *[""] * 8]
    return "|".join([*values, f"{postcode} {town}", postcode, "", "FRANCE"])


def _activity(person: int, number: int, draw: Random) -> str:
    rpps, skill, mode = rpps_of(person), draw.choice(_SKILLS), draw.choice(_MODES)
    postcode, town = draw.choice(_TOWNS)
    finess = f"99{person % 90000:07d}"
    values = [
        "8", rpps, f"8{rpps}", "DR", "Docteur", "M", "Monsieur", family_of(person), given_of(person), "10", "Médecin",
        "C", "Civil", "S", "Spécialité ordinale", *skill, *mode, f"{number:014d}", "", finess, "", f"F{finess}",
        f"CABINET {town}", "", "", "", str(person % 90 + 1), "", "R", "RUE", draw.choice(_STREETS), "",
        f"{postcode} {town}", postcode, "", town.title(), "", "FRANCE", "0199000000", "", "", "", postcode[:2], "", "",
        "ARS/ARS/ARS", "SA07", "Cabinet individuel", "", "", "", "", "GENR01", "",
    ]  # fmt: skip
    return "|".join(values) + "|"
