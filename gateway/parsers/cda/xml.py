"""Foreign XML without its dangers: no DTD, no entity, no network, no file, bounded depth and size (promises.md §2)."""

from __future__ import annotations

import codecs
import re
from typing import NoReturn

from lxml import etree

from gateway.errors import UnreadableDocument
from gateway.parsers.remarks import error

MAX_BYTES = 50 * 1024 * 1024
MAX_DEPTH = 256

_LIBXML2_LIMIT = 9_000_000
"""Below this libxml2's own limits (10 MB a text, 256 levels) hold; above, they must be lifted and depth is ours."""

_ENCODING = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_CODECS = {
    name: codecs.lookup(name)
    for name in ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
}
"""Looked up with the module, and used instead of libxml2's own converters, which load files a reading child may not."""

_BOM = b"\xef\xbb\xbf"
_DEPTH_WORDS = ("depth", "nested")


def parse_xml(content: bytes, name: str) -> tuple[etree._Element, str]:
    """The root element and the encoding of ``content``; ``name`` is what a refusal calls it (CDA, METADATA.XML).

    Raises ``UnreadableDocument`` for a DTD, another encoding than those that hide nothing (UTF-7 hides markup,
    UTF-16 hides it from the search for a DTD), more than 256 levels, more than 50 MB, or XML that is not well formed.
    """
    if len(content) > MAX_BYTES:
        _refuse("xml-too-large", "byte 0", f"{name} refused: larger than {MAX_BYTES >> 20} MB")
    text = content.removeprefix(_BOM).strip()
    encoding = _encoding(text, name)
    text = _in_utf8(text, encoding, name)
    _refuse_dtd(text, name)
    root = _parse(text, name)
    if len(text) > _LIBXML2_LIMIT:
        _refuse_depth(root, name)
    return root, encoding


def _encoding(text: bytes, name: str) -> str:
    if not text.startswith(b"<"):
        _refuse("not-xml", "byte 0", f"{name} refused: it does not start as XML in UTF-8 does; send it in UTF-8")
    found = _ENCODING.match(text)
    encoding = found[1].decode("ascii").lower() if found else "utf-8"
    if encoding not in _CODECS:
        _refuse(
            "xml-encoding-refused", "byte 0", f"{name} refused: its encoding is not allowed; send it in UTF-8", encoding
        )
    return encoding


def _in_utf8(text: bytes, encoding: str, name: str) -> bytes:
    if encoding.startswith("utf"):
        return text
    try:
        return _CODECS[encoding].decode(text, "strict")[0].encode()
    except UnicodeDecodeError as problem:
        _refuse_byte(problem, encoding, name)


def _refuse_byte(problem: UnicodeDecodeError, encoding: str, name: str) -> NoReturn:
    place = f"byte {problem.start}"
    _refuse("xml-encoding-wrong", place, f"{name} refused: this byte is not {encoding}; declare the encoding it has")


def _refuse_dtd(text: bytes, name: str) -> None:
    # An entity can only be declared inside a DOCTYPE, so one search is enough.
    at = text.find(b"<!DOCTYPE")
    if at >= 0:
        _refuse("xml-dtd", f"byte {at}", f"{name} refused: DTD not allowed; remove the document type declaration")


def _parse(text: bytes, name: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=len(text) > _LIBXML2_LIMIT,
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as problem:
        _refuse_syntax(problem, text, name)


def _refuse_syntax(problem: etree.XMLSyntaxError, text: bytes, name: str) -> NoReturn:
    try:
        text.decode()
    except UnicodeDecodeError as byte:
        _refuse_byte(byte, "utf-8", name)
    words, place = str(problem), f"line {problem.lineno or 1}"
    if any(word in words for word in _DEPTH_WORDS):
        _refuse("xml-too-deep", place, f"{name} refused: deeper than {MAX_DEPTH} levels")
    _refuse("xml-not-well-formed", place, f"{name} refused: the XML breaks here; send the document again whole", words)


def _refuse_depth(root: etree._Element, name: str) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    _refuse("xml-too-deep", "byte 0", f"{name} refused: deeper than {MAX_DEPTH} levels")


def _refuse(code: str, place: str, message: str, detail: str = "") -> NoReturn:
    raise UnreadableDocument((error(code, place, message, detail),))
