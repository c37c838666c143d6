"""The text beside a refused file, pure: in French and in English, what is wrong, where, and what to do.

It never quotes the file: places, stable codes and the reader's own words only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.document import Finding, Severity
from gateway.ingest.conditions import condition_of

_PARIS = "Europe/Paris"
_MOST = 20

_FRENCH = {
    "100": "un segment ou une partie obligatoire manque ou n'est pas à sa place",
    "101": "un champ obligatoire manque",
    "102": "une donnée n'a pas le format attendu",
    "103": "une valeur n'est pas admise ici",
    "200": "ce type de message n'est pas pris en charge",
    "201": "cet événement n'est pas pris en charge",
    "202": "le mode de traitement (essai ou production) n'est pas admis ici",
    "198": "un élément est répété plus souvent qu'il n'est admis",
    "199": "le document se contredit ou ne peut pas être admis tel quel",
    "203": "cette version n'est pas prise en charge",
    "207": "le document ne peut pas être lu",
}


def reason_text(
    findings: tuple[Finding, ...], *, letter: str, at: datetime, in_french: Callable[[str], str] = lambda code: ""
) -> str:
    """The whole text, lines ended by CRLF: it is mostly read on Windows shares.

    ``in_french`` gives the sentence for a finding's code; without one the family of the error is told.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR] or list(findings)
    lines = [*_french(errors, in_french, letter, at), "", "-" * 72, "", *_english(errors, letter, at), ""]
    return "\r\n".join(lines)


def _french(errors: list[Finding], in_french: Callable[[str], str], letter: str, at: datetime) -> list[str]:
    when = at.astimezone(ZoneInfo(_PARIS)).strftime("%d/%m/%Y à %H:%M:%S")
    lines = [f"Fichier refusé par Huitaine le {when} (référence {letter}).", "Il n'a été transmis à personne.", ""]
    for error in errors[:_MOST]:
        words = in_french(error.code) or _FRENCH.get(condition_of(error), _FRENCH["207"])
        lines += [f"Où      : {_place(error)}", f"Quoi    : {words}", f"Code    : {error.code}", ""]
    return [*lines, "Que faire : corriger le document dans le logiciel émetteur, puis déposer de nouveau le fichier."]


def _english(errors: list[Finding], letter: str, at: datetime) -> list[str]:
    lines = [
        f"File refused by Huitaine on {at.isoformat(timespec='seconds')} (reference {letter}).",
        "Nobody got it.",
        "",
    ]
    for error in errors[:_MOST]:
        lines += [f"Where   : {_place(error)}", f"What    : {error.message}", f"Code    : {error.code}", ""]
    return [*lines, "What to do: correct the document in the software that wrote it, then drop the file again."]


def _place(error: Finding) -> str:
    return error.place or "-"
