"""Files of HPRIM Santé: those inside an ``OBX``, and those that it names (standards/hprim.md §2.3, OBX)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping

import pybase64

from gateway.document import Attachment, Finding
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.pdf import pdf_findings
from gateway.parsers.remarks import note, warning

KINDS = frozenset({"PDF", "TIF"})
"""Types of 10.3 whose 10.6 is the file itself, in base64."""
_IMAGE = re.compile(r"CR([MLPA])(?:FIC)?(?:PDF|TIF)")
_BARE = re.compile(r"[\w][\w .()-]{0,60}\.(?P<ending>[A-Za-z0-9]{1,5})")
_TYPES = {
    "pdf": "application/pdf", "tif": "image/tiff", "tiff": "image/tiff", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "png": "image/png", "txt": "text/plain", "rtf": "application/rtf",
}  # fmt: skip
Taken = tuple[Attachment | None, tuple[Finding, ...]]


def is_image(code: str) -> bool:
    """Whether the test code is that of a report as a file: ``CRMPDF``, ``CRMFICPDF``, ``CRLTIF``."""
    return _IMAGE.fullmatch(code) is not None


def embedded_file(segment: Segment, code: str, kind: str) -> Taken:
    """The file that the message holds, when it is the doctor's copy."""
    if other := _other_copy(segment, code):
        return None, other
    raw = re.sub(r"\s", "", segment.raw(6).rpartition(segment.separators.sub)[2])
    try:
        content = pybase64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        return None, (warning("sante-file-base64", segment.place(6), "file in the message that is not valid base64"),)
    return _attachment(segment, f"report.{kind.lower()}", content)


def named_file(segment: Segment, code: str, drop: Mapping[str, bytes]) -> Taken:
    """The file that ``FIC`` names, out of those that came in the same ``drop``; nothing else is ever opened.

    A path, a URL or a name that did not come along is a warning: what a message names is never fetched.
    """
    if other := _other_copy(segment, code):
        return None, other
    for name in _names(segment.repetitions(6)):
        for key, content in drop.items():
            if key.casefold() == name.casefold() and content:
                return _attachment(segment, key, content)
    words = "the message names a file and does not hold it"
    return None, (warning("sante-file-elsewhere", segment.place(6), words, segment.value(6)),)


def _names(repetitions: Iterable[tuple[str, ...]]) -> list[str]:
    """``application~file name~format``: the bare file names in it."""
    return [part for parts in repetitions for part in parts if _BARE.fullmatch(part)]


def _other_copy(segment: Segment, code: str) -> tuple[Finding, ...]:
    whose = _IMAGE.fullmatch(code)
    if whose is None or whose[1] == "M":
        return ()
    return (note("sante-other-copy", segment.place(4), "copy of the report that is not the doctor's: not sent"),)


def _attachment(segment: Segment, name: str, content: bytes) -> Taken:
    ending = name.rpartition(".")[2].lower()
    media_type = _TYPES.get(ending, "application/octet-stream")
    remarks = pdf_findings(content, segment.place(6)) if ending == "pdf" else ()
    return Attachment(name=name, media_type=media_type, content=content), remarks
