"""PDF files: what is told from their bytes, and their words by PDFium."""

from __future__ import annotations

import time

from gateway.parsers.payload import check_pdf
from gateway.parsers.pdf import conformance_of, is_pdf, pdf_findings
from gateway.parsers.pdf_words import words_of
from tests.fuzz.target import vectors

WORDS = (
    b"%PDF-1.7", b"%%EOF", b"/Encrypt", b"xref\n", b"startxref\n", b"/Type/Pages", b"/Kids[", b"/Count 99999",
    b"stream\n", b"endstream", b"/Filter/FlateDecode", b"BT /F1 14 Tf", b"Tj ET", b"pdfaid:part>", b"/ObjStm", b"/Prev",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("cda/*.pdf"), *vectors("mime/*.pdf")]


def run(data: bytes) -> None:
    is_pdf(data)
    conformance_of(data)
    for finding in (*pdf_findings(data, "part 1"), *check_pdf(data, "part 1")):
        if not finding.message.isprintable():
            raise AssertionError("a finding that cannot be told")
    words = words_of(data, until=time.process_time() + 0.3)
    if any(not sign.isprintable() and sign not in "\n\f" for sign in words):
        raise AssertionError("words that cannot be shown")
