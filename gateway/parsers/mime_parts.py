"""A mail taken apart: boundaries by offset, each part's small header by ``email``; limits before any work.

``email.message_from_bytes`` costs 1.1 ms on a letter of 85 KB and recurses for each level (1,000 levels in 57 KB end
it): so the tree is walked here, and the library only sees header blocks, in the one wrapper that fences its traps.
"""

from __future__ import annotations

import binascii
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pybase64

from gateway.document import Finding
from gateway.errors import UnreadableDocument
from gateway.parsers.mime_header import LONGEST_PARAMETERS, TRAPS, decode_words, fields_of, parameters
from gateway.parsers.remarks import error, warning

MOST_LEVELS = 100
MOST_PARTS = 1000
LARGEST_HEADER = 100 * 1024
_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODED = frozenset({"x-uuencode", "uuencode", "x-uue"})
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_DELIMITER_END = re.compile(rb"(--)?[ \t]*(\r\n|\n|\r|\Z)")
_KEPT = frozenset({
    "from", "to", "subject", "date", "message-id", "reply-to", "importance", "x-priority", "auto-submitted",
    "disposition-notification-to",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One body part; ``raw`` is a leaf's body as it stood, transfer encoding included."""

    path: str
    content_type: str
    charset: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    disposition: str = ""
    name: str = field(repr=False, default="")
    encoding: str = ""
    raw: bytes = field(repr=False, default=b"")
    children: tuple[Part, ...] = ()
    findings: tuple[Finding, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    span: tuple[int, int] = (0, 0)
    """Where a mail inside the mail (message/rfc822) begins and ends in the whole: its bytes are not copied."""

    def parameter(self, name: str) -> str:
        """A Content-Type parameter in lower case, empty when absent."""
        return next((value.lower() for key, value in self.parameters if key == name), "")

    def header(self, name: str) -> str:
        """The first field of that name, decoded (RFC 2047), without control characters."""
        return next((value for key, value in self.headers if key == name), "")

    def walk(self) -> Iterator[Part]:
        """This part and all below."""
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> tuple[bytes, tuple[Finding, ...]]:
        """The body without its transfer encoding; base64 that stops in the middle is an error, not a shorter file."""
        if self.encoding == "base64":
            return _base64(self.raw, f"part {self.path}")
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.raw), ()
        if self.encoding in _UUENCODED:
            return _uuencoded(self.raw, f"part {self.path}")
        if self.encoding not in _IDENTITY:
            remark = warning(
                "mime-encoding", f"part {self.path}", "unknown transfer encoding: passed on as it is", self.encoding
            )
            return self.raw, (remark,)
        return self.raw, ()


def take_apart(content: bytes) -> Part:
    """The tree of a mail. Raises :class:`UnreadableDocument` past the limits of promises.md §2, rows 16 to 18."""
    budget = [MOST_PARTS]
    return _part(content, (0, len(content)), "1", budget, keep=True)


def _part(
    content: bytes, span: tuple[int, int], path: str, budget: list[int], *, digest: bool = False, keep: bool = False
) -> Part:
    """One part with all below; ``keep`` where its fields are those of a mail, not of a part."""
    budget[0] -= 1
    if budget[0] < 0:
        raise UnreadableDocument((error("mime-parts", f"part {path}", f"more than {MOST_PARTS} MIME parts"),))
    if path.count(".") >= MOST_LEVELS:
        raise UnreadableDocument((error("mime-levels", "MIME", f"more than {MOST_LEVELS} MIME levels"),))
    head, body = _head(content, span, path)
    default = "message/rfc822" if digest else "text/plain"
    part = _described(head, path, default, keep=keep)
    if part.content_type in _MESSAGES and part.encoding in _IDENTITY:
        inner = _part(content, (body, span[1]), f"{path}.1", budget, keep=True)
        return replace(part, children=(inner,), span=(body, span[1]))
    boundary = next((value for key, value in part.parameters if key == "boundary"), "")
    if not part.content_type.startswith("multipart/") or not boundary:
        return replace(part, raw=content[body : span[1]])
    digest = part.content_type.endswith("/digest")
    children, closed = _children(content, (body, span[1]), boundary, path, budget, digest=digest)
    if closed:
        return replace(part, children=children)
    remark = warning("mime-no-end", f"part {path}", "the last boundary is missing: the mail may be cut short")
    return replace(part, children=children, findings=(*part.findings, remark))


def _children(
    content: bytes, span: tuple[int, int], boundary: str, path: str, budget: list[int], *, digest: bool
) -> tuple[tuple[Part, ...], bool]:
    delimiter = b"--" + boundary.encode("utf-8", "surrogateescape")
    starts: list[tuple[int, int]] = []
    closed = False
    for begin, end, closing in _delimiters(content, span, delimiter):
        if starts:
            starts[-1] = (starts[-1][0], begin)
        if closing:
            closed = True
            break
        starts.append((end, span[1]))
        if len(starts) > budget[0]:
            raise UnreadableDocument((error("mime-parts", f"part {path}", f"more than {MOST_PARTS} MIME parts"),))
    parts = (
        _part(content, inner, f"{path}.{number}", budget, digest=digest) for number, inner in enumerate(starts, start=1)
    )
    return tuple(parts), closed


def _delimiters(content: bytes, span: tuple[int, int], delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each delimiter line begins (its own line break included) and ends (RFC 2046 §5.1.1)."""
    position, limit = span
    while (found := content.find(delimiter, position, limit)) >= 0:
        position = found + len(delimiter)
        if found > span[0] and content[found - 1 : found] not in {b"\n", b"\r"}:
            continue
        line_end = _DELIMITER_END.match(content, position, limit)
        if line_end is None:
            continue
        begin = found
        begin -= 1 if begin > span[0] and content[begin - 1 : begin] == b"\n" else 0
        begin -= 1 if begin > span[0] and content[begin - 1 : begin] == b"\r" else 0
        yield begin, line_end.end(), bool(line_end[1])


def _head(content: bytes, span: tuple[int, int], path: str) -> tuple[bytes, int]:
    start, end = span
    if content[start : start + 1] == b"\n" or content[start : start + 2] == b"\r\n":
        return b"", start + (1 if content[start : start + 1] == b"\n" else 2)
    found = _BLANK_LINE.search(content, start, min(end, start + LARGEST_HEADER + 4))
    if found:
        return content[start : found.start()], found.end()
    if end - start > LARGEST_HEADER:
        raise UnreadableDocument((error("mime-header-large", f"part {path}", "header larger than 100 KB"),))
    return content[start:end], end


def _described(head: bytes, path: str, default: str, *, keep: bool) -> Part:
    """A header that cannot be read is as if it were not there: the part becomes a file without a name."""
    fields = fields_of(head)
    wanted = {name: value for name, value in reversed(fields) if name.startswith("content-")}
    encoding = wanted.get("content-transfer-encoding", "").strip().lower()
    try:
        if any(len(value) > LONGEST_PARAMETERS for value in wanted.values()):
            return _opaque(path, encoding)
        content_type, named = parameters(wanted.get("content-type", default))
        disposition, more = parameters(wanted.get("content-disposition", ""))
    except TRAPS:
        return _opaque(path, encoding)
    kept = fields if keep else ()
    return Part(
        path=path,
        content_type=content_type if content_type.count("/") == 1 else default,
        charset=dict(named).get("charset", "").lower(),
        parameters=named,
        disposition=disposition,
        name=decode_words(dict(more).get("filename") or dict(named).get("name") or ""),
        encoding=encoding,
        headers=tuple((name, decode_words(value)) for name, value in kept if name in _KEPT),
    )


def _opaque(path: str, encoding: str) -> Part:
    """Still decoded: whoever gets the file must be able to open it."""
    words = "header that cannot be read: the part is taken as a file without a name"
    told = (warning("mime-header", f"part {path}", words),)
    return Part(path=path, content_type="application/octet-stream", encoding=encoding, findings=told)


def _uuencoded(raw: bytes, place: str) -> tuple[bytes, tuple[Finding, ...]]:
    """What old mail software wrote before MIME: ``begin 644 name``, lines, ``end``."""
    lines = raw.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(b"begin ")), None)
    ends = [number for number, line in enumerate(lines) if line.strip() == b"end"]
    if start is None or not ends or ends[-1] < start:
        return b"", (error("mime-uuencode", place, "the uuencoded file stops in the middle; send it again as base64"),)
    try:
        return b"".join(binascii.a2b_uu(line) for line in lines[start + 1 : ends[-1]]), ()
    except binascii.Error:
        return b"", (error("mime-uuencode", place, "the uuencoded file is damaged; send it again as base64"),)


def _line_ends(body: bytes) -> int:
    """How many bytes of line ends base64 has: looked for where lines of one length have theirs, counted where not."""
    width = body.find(b"\n") + 1
    feeds = body[width - 1 :: width] if width else b""
    if width > 2 and feeds == b"\n" * len(feeds):
        returns = body[width - 2 :: width] if body[width - 2 : width - 1] == b"\r" else b""
        if returns == b"\r" * len(returns) and len(returns) in {0, len(feeds)}:
            return len(feeds) + len(returns)
    return body.count(b"\n") + body.count(b"\r")


def _base64(raw: bytes, place: str) -> tuple[bytes, tuple[Finding, ...]]:
    """Characters outside the alphabet do not count (RFC 2045 §6.8); what stands behind the padding is told."""
    body = raw.strip()
    size = len(body) - _line_ends(body)
    if size % 4 == 0:
        # pybase64 leaves out what is not of the alphabet; the length shows that it was line ends alone.
        with contextlib.suppress(binascii.Error, ValueError):
            content = pybase64.b64decode(body)
            if len(content) == size // 4 * 3 - body[-2:].count(b"="):
                return content, ()
    compact = raw.translate(None, _NOT_BASE64)
    text, padding, rest = compact.partition(b"=")
    findings: tuple[Finding, ...] = ()
    if rest.strip(b"="):
        findings = (warning("mime-base64-rest", place, "text behind the end of the base64: left out"),)
    whole = text + b"=" * (-len(text) % 4)
    if (padding or len(text) % 4) and len(text) % 4 + compact.count(b"=", len(text), len(text) + 2) != 4:
        return b"", (error("base64-truncated", place, f"the base64 stops in the middle, after {len(text)} characters"),)
    try:
        return pybase64.b64decode(whole, validate=True), findings
    except (binascii.Error, ValueError):
        return b"", (error("base64-invalid", place, "the part is not base64"),)
