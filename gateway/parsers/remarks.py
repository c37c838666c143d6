"""The three ways to remark on what was read; messages are English and name no patient, ``detail`` may quote."""

from __future__ import annotations

from gateway.document import Finding, Severity


def error(code: str, place: str, message: str, detail: str = "") -> Finding:
    """A finding that refuses the document."""
    return Finding(severity=Severity.ERROR, place=place, code=code, message=message, detail=detail)


def warning(code: str, place: str, message: str, detail: str = "") -> Finding:
    """A finding somebody should look at; the document is taken."""
    return Finding(severity=Severity.WARNING, place=place, code=code, message=message, detail=detail)


def note(code: str, place: str, message: str, detail: str = "") -> Finding:
    """A finding that explains a choice of the reader."""
    return Finding(severity=Severity.NOTE, place=place, code=code, message=message, detail=detail)
