"""What can be told of a PDF from its bytes alone, without opening it: truncated, locked, PDF/A, or no PDF at all."""

from __future__ import annotations

import re

from gateway.document import Finding
from gateway.parsers.remarks import warning

_HEAD = 1024
_TAIL = 2048
_PART = re.compile(rb"""pdfaid:part(?:\s*=\s*["']|\s*>\s*)([1-4])""")
_LEVEL = re.compile(rb"""pdfaid:conformance(?:\s*=\s*["']|\s*>\s*)([ABUFEabufe])""")


def is_pdf(content: bytes) -> bool:
    """Whether the bytes say that they are a PDF (ISO 32000-1 §7.5.2; readers accept it within the first 1,024)."""
    return content.startswith(b"%PDF-") or b"%PDF-" in content[:_HEAD].lstrip()[:64]


def pdf_findings(content: bytes, place: str) -> tuple[Finding, ...]:
    """What the doctor who opens it would stumble over; never an error: the file passes unchanged."""
    if not is_pdf(content):
        return (warning("pdf-not-pdf", place, "file announced as a PDF that is none: passed on as it is"),)
    findings = []
    if b"%%EOF" not in content[-_TAIL:]:
        findings.append(warning("pdf-truncated", place, "PDF without its end: it may be cut short"))
    if b"/Encrypt" in content[-_TAIL:]:
        findings.append(
            warning("pdf-locked", place, "PDF with a password or restrictions: the doctor may not be able to open it")
        )
    return tuple(findings)


def conformance_of(content: bytes) -> str:
    """``PDF/A-1B`` when the metadata claim it, else empty (ISO 19005-1 §6.7.11: they stand in clear in the file).

    A claim, not a proof: no validator looked at the file.
    """
    at = content.find(b"pdfaid:part")
    if at < 0:
        return ""
    near = content[max(0, at - _TAIL) : at + _TAIL]
    part, level = _PART.search(near), _LEVEL.search(near)
    return f"PDF/A-{part[1].decode()}{level[1].decode().upper() if level else ''}" if part else ""
