"""The sender's own codes for practitioners, as HPRIM files have them on line 12, to national numbers; pure.

A code means something only in the software that wrote it, so there is one table per source. What the letter says
itself (RPPS, ADELI) always wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.document import Document, Finding, NamedAddressee, Role, Severity
from gateway.identifiers import rpps
from gateway.letter import ParsedLetter


def with_correspondents(parsed: ParsedLetter, table: Mapping[str, str]) -> ParsedLetter:
    """The letter with the RPPS of every addressee whom it names by a code of ``table``, and a note for each.

    Codes are compared whole, without case and outer blanks; a value that is no RPPS is overlooked.
    """
    known = {_folded(code): number for code, text in table.items() if (number := rpps(text))}
    notes: list[Finding] = []

    def told(name: NamedAddressee) -> NamedAddressee:
        number = known.get(_folded(name.local_code)) if name.local_code else None
        if number is None or name.rpps or name.adeli or name.role is Role.PATIENT:
            return name
        notes.append(_note(name.place))
        return replace(name, rpps=number)

    documents = tuple(_with(document, tuple(map(told, document.addressees))) for document in parsed.documents)
    return replace(parsed, documents=documents, findings=(*parsed.findings, *notes)) if notes else parsed


def _with(document: Document, addressees: tuple[NamedAddressee, ...]) -> Document:
    return document if addressees == document.addressees else replace(document, addressees=addressees)


def _folded(code: str) -> str:
    return code.strip().casefold()


def _note(place: str) -> Finding:
    return Finding(
        severity=Severity.NOTE,
        place=place,
        code="correspondent",
        message="the addressee's number comes from the source's table of correspondents",
    )
