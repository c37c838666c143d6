"""Which format bytes are in: told by what they hold, never by what they are called."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath

from gateway.parsers.charsets import decode
from gateway.parsers.hprim.framing import starts_like_hprim_sante
from gateway.parsers.hprim.header import HEADER_LINES, looks_like_header
from gateway.parsers.hprim.lines import split_lines
from gateway.parsers.pdf import is_pdf


class Format(StrEnum):
    """The formats of ``huitaine check``; ``unknown`` covers all that no reader takes."""

    HPRIM_MEDECIN = "hprim-medecin"
    HPRIM_SANTE = "hprim-sante"
    HL7V2 = "hl7v2"
    CDA = "cda"
    XDM = "xdm"
    MIME = "mime"
    PDF = "pdf"
    TEXT = "text"
    UNKNOWN = "unknown"


_BLANKS = b"\xef\xbb\xbf\x0b \t\r\n"
_HPRIM_NAMES = frozenset({".hpr", ".hpm", ".hpm1", ".hpm2", ".hpm3", ".hprim"})
_HEAD = 4096
_PROLOG = (("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">"))
_ROOT = re.compile(r"<(?:[\w.-]{1,60}:)?(\w{1,60})")
_NO_ROOT = "xml"
"""Where a document type hides the first element: a CDA that hides so goes to the CDA reader, which refuses it."""
_END_TAG = re.compile(r"(?m)^[ \t]*\*{3,4}(?:LAB|FIN|FINFICHIER)\*{3,4}[ \t]*$")
_FIELD = re.compile(
    rb"(?im)^(from|to|cc|date|subject|message-id|mime-version|received|return-path|content-type):[ \t]*\S"
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive"), (b"PK\x05\x06", "an empty ZIP archive"), (b"{\\rtf", "an RTF text"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\x00", "a TIFF image"), (b"MM\x00*", "a TIFF image"), (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"), (b"Rar!", "a RAR archive"), (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"), (b"-----BEGIN PGP MESSAGE", "an OpenPGP message"),
)  # fmt: skip
_NAMES = {
    Format.HPRIM_MEDECIN: "HPRIM Médecin", Format.HPRIM_SANTE: "HPRIM Santé", Format.HL7V2: "HL7 v2",
    Format.CDA: "a CDA document", Format.XDM: "an XDM archive", Format.MIME: "a mail", Format.PDF: "a PDF",
    Format.TEXT: "a text", Format.UNKNOWN: "no format known here",
}  # fmt: skip


def detect(content: bytes, name: str = "") -> Format:
    """The format of any bytes. The name decides only between a bare text and an HPRIM file that lost its tags."""
    return _by_mark(content) or _textual(content, name)


def _by_mark(content: bytes) -> Format | None:
    """The formats that open with a mark of their own."""
    stripped = content[:_HEAD].lstrip(_BLANKS)
    root = _xml_root(content)
    marked: Format | None = None
    if is_pdf(content):
        marked = Format.PDF
    elif stripped.startswith((b"MSH", b"FHS", b"BHS")) and len(stripped) > 3 and not stripped[3:4].isalnum():
        marked = Format.HL7V2
    elif content.startswith(b"PK") and _is_xdm(content):
        marked = Format.XDM
    elif root == "ClinicalDocument" or (root == _NO_ROOT and b"<ClinicalDocument" in content):
        marked = Format.CDA
    elif root or any(content.startswith(mark) for mark, _ in _MAGIC):
        marked = Format.UNKNOWN
    elif _is_mail(content):
        marked = Format.MIME
    return marked


def describe(content: bytes) -> str:
    """What the bytes are, in words for a refusal: ``a PDF``, ``a ZIP archive``, ``HPRIM XML``."""
    root = _xml_root(content)
    if root and (root.startswith(("evenement", "acquittement")) or b"http://www.hprim.org/hprimXML" in content[:_HEAD]):
        return "HPRIM XML (admissions and billed acts inside a hospital)"
    if root and root != "ClinicalDocument":
        return "an XML document that is not CDA"
    found = detect(content)
    if found is Format.UNKNOWN:
        return next((what for mark, what in _MAGIC if content.startswith(mark)), _NAMES[found])
    return _NAMES[found]


def extension(name: str) -> str:
    """The lower-case ending of a file name (Windows paths count as one name)."""
    return PurePosixPath(name.replace("\\", "/").replace("\x00", "")).suffix.lower()


def is_hprim_name(name: str) -> bool:
    """Whether the file is called as HPRIM files are (hprim.md §4)."""
    return extension(name) in _HPRIM_NAMES


def _is_xdm(content: bytes) -> bool:
    """A ZIP's central directory holds the names of its members in clear."""
    upper = content[-65536:].upper()
    return b"METADATA.XML" in upper or b"IHE_XDM/" in upper


def _xml_root(content: bytes) -> str:
    head = content[:_HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    else:
        text = head.lstrip(_BLANKS).decode("latin-1")
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith("<"):
        return ""
    found = _ROOT.match(_behind_prolog(text))
    return found[1] if found else _NO_ROOT


def _behind_prolog(text: str) -> str:
    """The text from its first element on: declarations, comments and instructions are stepped over one by one."""
    position = 0
    while opening := next((marks for marks in _PROLOG if text.startswith(marks[0], position)), None):
        end = text.find(opening[1], position + len(opening[0]))
        if end < 0:
            return ""
        position = end + len(opening[1])
        while position < len(text) and text[position].isspace():
            position += 1
    return text[position:]


def _is_mail(content: bytes) -> bool:
    """At least two of the fields every mail has, before the first blank line, and the first line is a field."""
    head = content[:16384].lstrip(b"\r\n")
    block = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    if not re.match(rb"(?:From |[A-Za-z][A-Za-z0-9-]{0,76}:)", block):
        return False
    return len({found.lower() for found in _FIELD.findall(block)}) >= 2


def _textual(content: bytes, name: str) -> Format:
    decoded = decode(content)
    lines = split_lines(decoded.text[:_HEAD])
    if starts_like_hprim_sante(decoded.text) or any(starts_like_hprim_sante(line.text) for line in lines[:5]):
        return Format.HPRIM_SANTE  # also behind a line that does not belong there: its reader says so
    if not content or any(finding.code == "control-character" for finding in decoded.findings):
        return Format.HPRIM_MEDECIN if content and is_hprim_name(name) else Format.UNKNOWN
    if (
        _END_TAG.search(decoded.text.replace("\r", "\n"))
        or looks_like_header(lines[: HEADER_LINES + 1])
        or is_hprim_name(name)
    ):
        return Format.HPRIM_MEDECIN
    return Format.TEXT
