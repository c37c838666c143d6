"""The words of a PDF, by PDFium: what a doctor could copy from it, for a letter that has no other words.

A page costs 1 to 8 ms, most of it for its fonts, so no PDF is opened whose document says it in words itself.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pypdfium2

from gateway.document import Attachment, Document, Reading

_MOST_PAGES = 20
_MOST_CHARACTERS = 100_000
_MOST_BYTES = 20 * 1024 * 1024
_MOST_SECONDS = 0.3
"""Of CPU time for a reading, looked at between pages: words are a help, the file itself passes anyway."""


def with_words(reading: Reading) -> Reading:
    """The reading with the words of the PDF of each document that has none of its own."""
    if not any(_is_wordless(document) for document in reading.documents):
        return reading
    until = time.process_time() + _MOST_SECONDS
    documents = tuple(_worded(one, until) if _is_wordless(one) else one for one in reading.documents)
    return replace(reading, documents=documents)


def words_of(content: bytes, *, until: float) -> str:
    """Pages apart by a form feed; empty for a PDF that is locked, damaged, or only pictures.

    At most 20 pages and 100,000 characters, and no page begun after the process has used ``until`` seconds of CPU.
    """
    if len(content) > _MOST_BYTES:
        return ""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        return ""
    try:
        pages: list[str] = []
        for number in range(min(len(document), _MOST_PAGES)):
            if time.process_time() > until or sum(map(len, pages)) > _MOST_CHARACTERS:
                break
            pages.append(_page(document, number))
    finally:
        document.close()
    return "\f".join(pages)[:_MOST_CHARACTERS].strip()


def _is_wordless(document: Document) -> bool:
    said = document.text or document.results or document.wishes.body_for_professionals
    return not said and any(file.media_type == "application/pdf" for file in document.attachments)


def _worded(document: Document, until: float) -> Document:
    return replace(document, attachments=tuple(_with_text(file, until) for file in document.attachments))


def _with_text(file: Attachment, until: float) -> Attachment:
    if file.media_type != "application/pdf" or file.text:
        return file
    return replace(file, text=words_of(file.content, until=until))


def _page(document: pypdfium2.PdfDocument, number: int) -> str:
    """One page in the order of its content; a page that cannot be loaded has no words."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return ""
    try:
        words = page.get_textpage()
    except pypdfium2.PdfiumError:
        return ""
    else:
        try:
            count = min(words.count_chars(), _MOST_CHARACTERS)
            return _clean(words.get_text_range(0, count)) if count > 0 else ""
        finally:
            words.close()
    finally:
        page.close()


def _clean(text: str) -> str:
    """Lines as lines, soft hyphens and what cannot be shown left out (PDFium marks a hyphenated end with U+FFFE)."""
    lines = text.replace("\ufffe", "").replace("\u00ad", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(sign for sign in line if sign.isprintable()).rstrip() for line in lines).strip("\n")
