"""What a letter's content must be before it is kept, pure: raw bytes are looked at, nothing is parsed (traps.md 11)."""

from __future__ import annotations

import re
from hashlib import sha256

from gateway.smtp.reply import Refusal
from gateway.smtp.server.header_from import check_from
from gateway.smtp.server.mime_shape import check_shape
from gateway.smtp.server.settings import LineEnds, SmtpLimits, SmtpSource

MAX_LINE = 998
"""RFC 5322 §2.1.1, CRLF excepted."""

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_CR_ALONE = re.compile(rb"\r(?!\n)")
_SEALED = re.compile(
    rb"multipart/(?:signed|encrypted)|pkcs7-(?:mime|signature)|pgp-(?:encrypted|signature)|DKIM-", re.IGNORECASE
)
_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(?:\r\n[ \t]+)?([^\r\n]{1,998})", re.IGNORECASE | re.MULTILINE)


def examine(
    content: bytes, source: SmtpSource, limits: SmtpLimits, *, sender: str = "", loop_marker: str = ""
) -> bytes:
    """The content to keep: the same bytes, or with line ends normalised where the source may; raises ``Refusal``.

    ``sender`` is the reverse-path, empty for the null one.
    """
    content = _with_strict_line_ends(content, source)
    if not source.long_lines:
        _check_lines(content)
    header = header_block(content)
    if len(header) > limits.max_header:
        raise Refusal(554, "5.6.0", f"Header larger than {limits.max_header >> 10} KB")
    _check_loop(header, limits.max_received, loop_marker)
    check_from(header, source, sender)
    check_shape(content, limits.max_levels, limits.max_parts)
    return content


def header_block(content: bytes) -> bytes:
    """All up to the empty line, or everything when there is none."""
    if content.startswith(b"\r\n"):
        return b""
    end = content.find(b"\r\n\r\n")
    return content if end < 0 else content[: end + 2]


def replay_key(source: str, sender: str, recipients: list[str], content: bytes) -> bytes:
    """What makes a second hand-over of the same letter recognisable (promise A8).

    All of the content counts, header included: two letters that differ by their subject alone are two letters.
    """
    found = _MESSAGE_ID.search(header_block(content))
    message_id = found[1].strip() if found else b""
    digest = sha256()
    for part in (source.encode(), message_id, sender.encode(), *sorted(name.encode() for name in recipients)):
        digest.update(len(part).to_bytes(4, "big") + part)
    digest.update(content)
    return digest.digest()


def _with_strict_line_ends(content: bytes, source: SmtpSource) -> bytes:
    if b"\0" in content:  # RFC 2045 §2.8
        raise Refusal(550, "5.6.0", f"Message has a NUL at byte {content.index(0) + 1}; NUL is not allowed")
    # As many CR as LF and an LF behind each CR: half the price of counting CRLF.
    if not _CR_ALONE.search(content) and content.count(b"\r") == content.count(b"\n"):
        return content
    if source.line_ends is LineEnds.NORMALISE and not _SEALED.search(content):
        return _BARE.sub(b"\r\n", content)
    found = _BARE.search(content)
    at = found.start() + 1 if found else 1
    raise Refusal(550, "5.6.0", f"Message has a bare CR or LF at byte {at}; lines must end in CRLF")


def _check_lines(content: bytes) -> None:
    # Jumps from line end to line end, nearly a thousand octets at a time: 10 µs for a letter of 85 KB.
    at = 0
    while len(content) - at > MAX_LINE:
        end = content.rfind(b"\n", at, at + MAX_LINE + 2)
        if end < 0:
            line = content.count(b"\n", 0, at) + 1
            raise Refusal(554, "5.6.0", f"Line {line} is longer than {MAX_LINE} octets")
        at = end + 1


def _check_loop(header: bytes, most: int, marker: str) -> None:
    lines = (b"\r\n" + header).lower()
    if lines.count(b"\nreceived:") > most or (marker and b"\n" + marker.lower().encode() + b"\r\n" in lines):
        raise Refusal(554, "5.4.6", "Mail loop")
