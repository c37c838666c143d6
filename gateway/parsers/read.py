"""The one entry of station 3: any bytes give a ``Reading`` or one ``UnreadableDocument``, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.document import Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.detect import Format, describe, detect, extension, is_hprim_name
from gateway.parsers.hprim import read_hprim_medecin, read_hprim_sante
from gateway.parsers.mime import read_mime
from gateway.parsers.remarks import error, note

MOST_ALIKE = 50
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})
_FILES = frozenset({Format.PDF, Format.TEXT, Format.UNKNOWN})
_NAMED = {
    ".hl7": Format.HL7V2, ".er7": Format.HL7V2, ".xml": Format.CDA, ".zip": Format.XDM, ".eml": Format.MIME,
    ".pdf": Format.PDF,
}  # fmt: skip


def read(content: bytes, *, name: str = "", expect_mail: bool = False) -> Reading:
    """Read a letter as it was handed in; ``expect_mail`` where the door only takes mail (SMTP, IMAP).

    A refusal is either a reading with an error among its findings or :class:`UnreadableDocument`; the name is only
    ever used to say that the bytes are not what they are called.
    """
    if not content.strip():
        raise UnreadableDocument((error("empty", "file", "the file is empty"),))
    found = Format.MIME if expect_mail or extension(name) == ".eml" else detect(content, name)
    reading = read_mime(content, read_part) if found is Format.MIME else _read_as(found, content, name)
    return bounded(_with_words(reading))


def _with_words(reading: Reading) -> Reading:
    """PDFium is loaded only for a letter that has a PDF and may want its words."""
    if not any(file.media_type == "application/pdf" for one in reading.documents for file in one.attachments):
        return reading
    from gateway.parsers.pdf_words import with_words  # noqa: PLC0415

    return with_words(reading)


def bounded(reading: Reading) -> Reading:
    """The reading with at most :data:`MOST_ALIKE` findings of a code: a hostile file could bring a finding per line."""
    counts = Counter(finding.code for finding in reading.findings)
    if max(counts.values(), default=0) <= MOST_ALIKE:
        return reading
    seen: Counter[str] = Counter()
    kept = []
    for finding in reading.findings:
        seen[finding.code] += 1
        if seen[finding.code] <= MOST_ALIKE:
            kept.append(finding)
    rest = len(reading.findings) - len(kept)
    kept.append(note("findings-left-out", "file", f"{rest} more findings of the same kinds are not listed"))
    return replace(reading, findings=tuple(kept))


def read_part(
    content: bytes, name: str, *, drop: Mapping[str, bytes] = _NO_FILES, found: Format | None = None
) -> Reading:
    """Read an attachment of a mail: any format but another mail, without an exception for a refused one.

    ``drop`` holds the mail's files by bare name: HPRIM Santé may name one of them (10.6 of a ``FIC``), and no other.
    ``found`` is its format where that was looked for already.
    """
    found = found or detect(content, name)
    try:
        if found is Format.HPRIM_SANTE:
            return read_hprim_sante(content, drop=_no_letters(drop))
        return _read_as(found, content, name)
    except UnreadableDocument as refusal:
        return Reading(format=str(found), findings=refusal.findings)


def _no_letters(drop: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The files without those that are letters of their own: another patient's results are nobody's attachment."""
    return {name: content for name, content in drop.items() if detect(content, name) in _FILES}


def _read_as(found: Format, content: bytes, name: str) -> Reading:
    match found:
        case Format.HPRIM_MEDECIN:
            return read_hprim_medecin(content)
        case Format.HPRIM_SANTE:
            return read_hprim_sante(content)
        case Format.HL7V2:
            from gateway.parsers.hl7v2 import read_hl7v2  # noqa: PLC0415  # each reader is loaded when it is needed

            return read_hl7v2(content)
        case Format.CDA:
            from gateway.parsers.cda import read_cda  # noqa: PLC0415

            return read_cda(content)
        case Format.XDM:
            from gateway.parsers.xdm import read_xdm  # noqa: PLC0415

            return read_xdm(content)
        case Format.MIME | Format.PDF | Format.TEXT | Format.UNKNOWN:
            return _refused(found, content, name)


def _refused(found: Format, content: bytes, name: str) -> Reading:
    """Say what it is, and what to do instead."""
    what = describe(content)
    ending = extension(name)
    is_zip = found is Format.UNKNOWN and content.startswith(b"PK\x03\x04")
    if is_zip and not is_hprim_name(name) and _NAMED.get(ending) in {None, Format.XDM}:
        finding = error(
            "zip-not-xdm",
            "file",
            "a ZIP archive without IHE_XDM/SUBSET01/METADATA.XML is not read: send an IHE XDM archive or the files",
        )
    elif (is_hprim_name(name) or ending in _NAMED) and _NAMED.get(ending) is not found:
        finding = error(
            "not-what-it-is-called", "byte 0", f"this is {what} named {ending}; export it again in that format"
        )
    elif found is Format.PDF:
        finding = error(
            "pdf-alone",
            "file",
            "a PDF alone names no addressee and no patient: send it by mail, or as CDA, HL7 or HPRIM",
        )
    elif found is Format.TEXT:
        finding = error(
            "text-alone", "file", "a text without an HPRIM header names no addressee and no patient: send it by mail"
        )
    else:
        finding = error("format-unknown", "byte 0", f"this is {what}, which is not read here")
    variant = "" if found in {Format.PDF, Format.TEXT} else what
    return Reading(format=str(found), variant=variant, findings=(finding,))
