"""HPRIM Médecin: twelve header lines, a text, an optional block of results, one record per patient (hprim.md §1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.document import (
    Document,
    Finding,
    Identifier,
    Kind,
    NamedAddressee,
    Original,
    Patient,
    Professional,
    Reading,
    Role,
    Severity,
    Stay,
)
from gateway.parsers.charsets import Decoded, decode, iana
from gateway.parsers.hprim.header import HEADER_LINES, Header, read_header
from gateway.parsers.hprim.lines import LONGEST, Line, endless, excess, split_lines, without_html
from gateway.parsers.hprim.records import LAB, Record, cut, tag_of
from gateway.parsers.hprim.results import Block, read_block
from gateway.parsers.remarks import note

_LETTER = Kind(loinc=None, label="Courrier")
_RESULTS = Kind(loinc=None, label="Résultats d'examens")


def read_hprim_medecin(content: bytes) -> Reading:
    """One document per patient record; anything that would need a guess about identity is an error among the findings.

    Never raises. ``Document.original`` is that record's own bytes: the whole file when it holds one record.
    """
    decoded = decode(content)
    lines = () if (too_many := excess(decoded.text)) else split_lines(decoded.text)
    if hopeless := too_many or (endless(lines) if len(content) > LONGEST else None):
        return Reading(format="hprim-medecin", charset=iana(decoded.charset), findings=(*decoded.findings, hopeless))
    records, findings = cut(lines)
    findings = (*decoded.findings, *findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Reading(format="hprim-medecin", charset=iana(decoded.charset), findings=findings)
    read = [_document(record, content, decoded) for record in records]
    documents = [document for document, _ in read]
    findings = (*findings, *(finding for _, remarks in read for finding in remarks))
    refused = any(finding.severity is Severity.ERROR for finding in findings)
    return Reading(
        format="hprim-medecin",
        variant=_variant(documents),
        charset=iana(decoded.charset),
        documents=() if refused else tuple(documents),
        findings=findings,
    )


def _variant(documents: Sequence[Document]) -> str:
    return "2 (text and results)" if any(document.results for document in documents) else "1 (text)"


def _document(record: Record, content: bytes, decoded: Decoded) -> tuple[Document, tuple[Finding, ...]]:
    header = read_header(record.header)
    body = record.lines[HEADER_LINES:]
    cut_at = next((index for index, line in enumerate(body) if "***" in line.text and tag_of(line) == LAB), None)
    free, structured = (body, ()) if cut_at is None else (body[:cut_at], body[cut_at + 1 :])
    text = _text(free, record.extra)
    block = read_block(structured, text)
    document = Document(
        kind=_LETTER if cut_at is None else _RESULTS,
        original=_original(record, content, decoded),
        patient=_patient(header),
        stay=Stay(file_number=header.file_number) if header.file_number else None,
        author=_author(header),
        written_at=header.written_at,
        addressees=_addressees(header, record.lines),
        text=text,
        results=block.results,
        replaces=_replaced(header, block),
        id=header.file_number or None,
    )
    return document, (*header.findings, *_text_findings(free), *block.findings, *_silent(document, block, record))


def _replaced(header: Header, block: Block) -> str | None:
    """The same file number with a corrected result is a correction, not a second letter (hprim.md §1.8)."""
    corrected = any(result.status == "C" for result in block.results)
    return header.file_number or None if corrected else None


def _text(free: Sequence[Line], extra: Sequence[Line]) -> str:
    """The free text as it shows; a blank line 13 belongs to the header, trailing blank lines to nobody."""
    lines = [line.text for line in free]
    if lines and not lines[0].strip():
        lines = lines[1:]
    text = without_html("\n".join(lines).replace("\x1a", "")).rstrip()
    behind = without_html("\n".join(line.text for line in extra).replace("\x1a", "")).rstrip()
    return "\n\n".join(part for part in (text, behind) if part)


def _text_findings(free: Sequence[Line]) -> Iterator[Finding]:
    whole = "\n".join([line.text for line in free])
    for line in () if without_html(whole) == whole else free:
        if without_html(line.text) != line.text:
            yield note("html-in-text", f"line {line.number}", "HTML in the text: read as what it shows")
            return


def _silent(document: Document, block: Block, record: Record) -> Iterator[Finding]:
    if not document.text and not block.results:
        place = f"line {record.lines[0].number}" if record.lines else "line 1"
        yield note("hprim-no-text", place, "the record has a header and nothing else")


def _original(record: Record, content: bytes, decoded: Decoded) -> Original:
    start = 0 if record.start == 0 else decoded.offset(record.start)
    end = len(content) if record.end == len(decoded.text) else decoded.offset(record.end)
    media_type = f"text/plain; charset={iana(decoded.charset)}"
    return Original(format="hprim-medecin", content=content[start:end], media_type=media_type)


def _patient(header: Header) -> Patient:
    authority = header.sender.code or header.sender.name
    code = (Identifier(value=header.patient_code, authority=authority, type="PI"),) if header.patient_code else ()
    return Patient(
        family=header.family,
        given=header.given,
        birth_date=header.birth_date,
        address=header.address,
        identifiers=(*code, *((header.nir,) if header.nir else ())),
    )


def _author(header: Header) -> Professional | None:
    sender = header.sender
    if not sender.code and not sender.name:
        return None
    code = Identifier(value=sender.code, type="U") if sender.code else None
    return Professional(organisation=sender.name, organisation_id=code)


def _addressees(header: Header, lines: Sequence[Line]) -> tuple[NamedAddressee, ...]:
    """Line 12 is the sender's own code for a doctor: a cross-check, never a key of the directory (§1.2)."""
    recipient = header.recipient
    if not recipient.code and not recipient.name:
        return ()
    place = f"line {lines[0].number + HEADER_LINES - 1}"
    return (NamedAddressee(role=Role.GP, place=place, family=recipient.name, local_code=recipient.code),)
