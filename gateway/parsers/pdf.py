"""What can be told of a PDF from its bytes alone, without opening it: truncated, locked, or no PDF at all."""

from __future__ import annotations

from gateway.document import Finding
from gateway.parsers.remarks import warning

_HEAD = 1024
_TAIL = 2048


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
