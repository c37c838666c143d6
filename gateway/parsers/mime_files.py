"""The files of a mail: what they may be called, what is told about them."""

from __future__ import annotations

import re

from gateway.document import Attachment
from gateway.parsers.detect import Format
from gateway.parsers.mime_leaf import Leaf
from gateway.parsers.mime_letter import Found
from gateway.parsers.pdf import conformance_of, pdf_findings
from gateway.parsers.remarks import note

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_LONGEST_NAME = 150


def attach(leaf: Leaf, kind: Format, found: Found) -> None:
    """Add a file to what was found; its bytes pass unchanged."""
    name = safe_name(leaf.name)
    if name != leaf.name:
        words = "file name that could be a path or a disguise: changed"
        found.findings.append(note("attachment-name", leaf.place, words, ascii(leaf.name)))
    media_type = "application/pdf" if kind is Format.PDF else leaf.content_type
    conformance = ""
    if media_type == "application/pdf":
        found.findings += pdf_findings(leaf.content, leaf.place)
        conformance = conformance_of(leaf.content)
    name = name or leaf.place.replace(" ", "-")
    file = Attachment(name=name, media_type=media_type, content=leaf.content, conformance=conformance)
    found.attachments.append(file)


def safe_name(name: str) -> str:
    """The last step of what may be a path, without control or direction characters (promises.md §2, row 21)."""
    last = _UNSAFE.sub("", name).replace("\\", "/").rpartition("/")[2].strip(" .")
    last = re.sub(r'[<>:"|?*]', "_", last)
    if _RESERVED.fullmatch(last):
        last = f"_{last}"
    stem, dot, ending = last.rpartition(".")
    return last if len(last) <= _LONGEST_NAME else (stem or last)[: _LONGEST_NAME - 12] + dot + ending[:10]
