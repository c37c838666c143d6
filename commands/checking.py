"""Findings of `huitaine check settings|tls|directory`: what is wrong, where, what to do, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import typer

from commands.output import Exit, Format, emit, say, to_json

COLUMNS = ("severity", "place", "code", "message")


class Severity(StrEnum):
    """As in `huitaine check FILE`."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing; ``code`` never translates."""

    severity: Severity
    place: str
    code: str
    message: str


def error(place: str, code: str, english: str, french: str) -> Finding:
    """It does not work so."""
    return Finding(Severity.ERROR, place, code, say(english, french))


def warning(place: str, code: str, english: str, french: str) -> Finding:
    """It works, and somebody should look."""
    return Finding(Severity.WARNING, place, code, say(english, french))


def note(place: str, code: str, english: str, french: str) -> Finding:
    """Good to know."""
    return Finding(Severity.NOTE, place, code, say(english, french))


def tell(what: str, findings: Sequence[Finding], fmt: Format) -> None:
    """Print them as asked; exit 1 when one is an error."""
    accepted = all(finding.severity is not Severity.ERROR for finding in findings)
    rows: list[dict[str, object]] = [asdict(finding) for finding in findings]
    match fmt:
        case Format.JSON:
            typer.echo(to_json({"checked": what, "accepted": accepted, "findings": rows}))
        case Format.CSV:
            emit(rows, fmt, columns=COLUMNS)
        case Format.TABLE:
            _say(what, findings)
    if not accepted:
        raise typer.Exit(int(Exit.NOT_SO))


def _say(what: str, findings: Sequence[Finding]) -> None:
    if not findings:
        typer.echo(say(f"{what}: nothing to complain of", f"{what} : rien à redire"))
    words = {"error": ("ERROR", "ERREUR"), "warning": ("look", "à voir"), "note": ("note", "note")}
    for finding in findings:
        typer.echo(f"{say(*words[finding.severity]):8} {finding.place}: {finding.message}  [{finding.code}]")
