"""Foreign MIME cut by hand, byte for byte: a signature covers bytes, not what a parser would write again.

``email`` sees header blocks only, with compat32, which does not fail on malformed fields as the default policy does;
what it still raises is caught in one place. Depth and number of parts are bounded.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

import pybase64

from gateway.errors import NotOpened

PKCS7 = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_HEADER_LIMIT = 256 << 10
_LONGEST_PARAMETERS = 8 << 10
"""Of one field: ``email`` reads its parameters in time that grows with the square of their length."""
_READ = ("content-type", "content-disposition", "content-transfer-encoding")
_DEPTH, _PARTS = 20, 1000
_END = re.compile(rb"\r?\n\r?\n")
_BLANKS = re.compile(rb"(?m)^([!-9;-~]+)[ \t]+:")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BAD_MIME = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError, MessageError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A MIME entity: its own bytes, its header, and where the body is."""

    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)
    header: Message = field(repr=False)

    @property
    def head(self) -> bytes:
        """The header fields as they stand, with the empty line after them."""
        return self.raw[: len(self.raw) - len(self.body)]

    @property
    def media_type(self) -> str:
        """Lower case, ``text/plain`` when nothing readable is said (RFC 2045 §5.2)."""
        try:
            return self.header.get_content_type().lower()
        except _BAD_MIME:
            return "text/plain"

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, or nothing."""
        try:
            value = self.header.get_param(name)
        except _BAD_MIME:
            return ""
        return value if isinstance(value, str) else (value[2] if isinstance(value, tuple) else "")

    @property
    def filename(self) -> str:
        """What the sender called it, decoded; never a path for us to use."""
        try:
            name = self.header.get_filename() or ""
            return str(make_header(decode_header(name)))
        except _BAD_MIME:
            return ""

    def content(self) -> bytes:
        """The body without its transfer encoding; NotOpened ``bad-transfer-encoding``."""
        encoding = str(self.header.get("Content-Transfer-Encoding", "")).strip().lower()
        try:
            if encoding == "base64":
                return pybase64.b64decode(self.body)
            return binascii.a2b_qp(self.body) if encoding == "quoted-printable" else self.body
        except ValueError as error:
            raise NotOpened("bad-transfer-encoding") from error


def read_entity(raw: bytes) -> Entity:
    """Cut header and body; NotOpened ``unreadable-mail`` when there is no header that can be read in decent time."""
    if raw.startswith((b"\r\n", b"\n")):
        start = end = 0
        start = raw.index(b"\n") + 1
    else:
        found = _END.search(raw, 0, _HEADER_LIMIT)
        if found is None and len(raw) >= _HEADER_LIMIT:
            raise NotOpened("unreadable-mail")
        end, start = found.span() if found else (len(raw), len(raw))
    try:
        # RFC 5322 §4.5 allows blanks before the colon; to ``email`` such a line ends the header, and a bare CR a line.
        head = _BLANKS.sub(rb"\1:", _BARE_CR.sub(b" ", raw[:end]))
        header = BytesHeaderParser(policy=policy.compat32).parsebytes(head + b"\r\n\r\n")
    except _BAD_MIME as error:
        raise NotOpened("unreadable-mail") from error
    if any(len(str(value)) > _LONGEST_PARAMETERS for name in _READ for value in header.get_all(name, ())):
        raise NotOpened("unreadable-mail")
    return Entity(raw=raw, body=raw[start:], header=header)


def split(entity: Entity) -> tuple[bytes, ...]:
    """The parts of a multipart, exactly the bytes between the delimiter lines (RFC 2046 §5.1.1).

    A last one that is not closed ends with the body, as clients show it: nothing is left out for lack of a line.
    """
    boundary = entity.parameter("boundary").encode("ascii", "replace")
    if not boundary:
        return ()
    parts: list[bytes] = []
    start = -1
    for before, after, last in _delimiters(entity.body, b"--" + boundary):
        if start >= 0:
            parts.append(entity.body[start : max(start, before)])
        start = after
        if last or len(parts) > _PARTS:
            break
    else:
        parts += [entity.body[start:]] if start >= 0 else []
    return tuple(parts)


def _delimiters(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where the part before ends, where the next begins, and whether it is the closing line."""
    at = body.find(delimiter)
    while at >= 0:
        newline = body.find(b"\n", at)
        after = newline + 1 if newline >= 0 else len(body)
        rest = body[at + len(delimiter) : after].rstrip(b" \t\r\n")
        if rest in {b"", b"--"} and (at == 0 or body[at - 1 : at] == b"\n"):
            before = at - 2 if body[at - 2 : at] == b"\r\n" else at - 1
            yield before, after, rest == b"--"
        at = body.find(delimiter, max(after - 1, at + 1))


def leaves(entity: Entity, depth: int = 0) -> Iterator[Entity]:
    """Every part that is not a multipart, in order; NotOpened ``too-many-parts`` beyond the limits."""
    children = split(entity) if entity.media_type.startswith("multipart/") else ()
    if not children:
        yield entity
        return
    if depth >= _DEPTH or len(children) > _PARTS:
        raise NotOpened("too-many-parts")
    for child in children:
        yield from leaves(read_entity(child), depth + 1)
