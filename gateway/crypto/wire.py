"""Bytes of a mail as it leaves: base64 lines, parts and header fields, without the ``email`` package.

numpy goes over a large mail in a twentieth of a millisecond; it is imported by whoever has a large mail, or by
:func:`prepare`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pybase64

from gateway.beside import pieces
from gateway.errors import NoProtection

CRLF = b"\r\n"
_CR, _LF = CRLF
_LINE = 76  # RFC 2045 §6.8
_SMALL = 4096
_LONGEST = 998  # RFC 5322 §2.1.1


def prepare() -> None:
    """Import numpy now: in the middle of an event loop it would keep everybody waiting for a fifth of a second."""
    import numpy as np  # noqa: F401, PLC0415 - see above


def base64_lines(content: bytes | bytearray) -> bytes:
    """Base64 in lines of 76 ended by CRLF."""
    return b"".join(base64_pieces(content))


def base64_pieces(content: bytes | bytearray) -> tuple[bytes | memoryview, ...]:
    """The same to be joined with what stands before it, so that a large mail is not copied for each."""
    if len(content) <= _SMALL:
        return (pybase64.encodebytes(content).replace(b"\n", CRLF),)
    text = pybase64.b64encode(content)
    count, rest = divmod(len(text), _LINE)
    return _ended(text, count), text[len(text) - rest :] + CRLF if rest else b""


def _ended(text: bytes, count: int) -> memoryview:
    """The first ``count`` lines of ``text``, each with its end: one copy of a table instead of one of each line."""
    import numpy as np  # noqa: PLC0415 - a fifth of a second, for large mails only

    lines = np.empty(count, [("text", f"S{_LINE}"), ("end", f"S{len(CRLF)}")])
    lines["text"] = np.frombuffer(text, f"S{_LINE}", count)
    lines["end"] = CRLF
    return lines.view(np.uint8).data


def check_canonical(entity: bytes) -> None:
    """NoProtection unless a relay will leave ``entity`` as it is: 7-bit, every line ended by CRLF, a header (CR-09)."""
    before = 0
    for piece in pieces(entity):
        if not _whole_ends(piece, before):
            raise NoProtection("entity-not-canonical")
        before = piece[-1] if piece else 0
    if before == _CR:
        raise NoProtection("entity-not-canonical")
    if CRLF + CRLF not in entity:
        raise NoProtection("entity-without-header")


def _whole_ends(piece: bytes, before: int) -> bool:
    """Whether all is 7-bit and each CR has its LF and each LF its CR; ``before`` is the octet before the first."""
    if not piece.isascii() or (piece[:1] == b"\n") != (before == _CR):
        return False
    if len(piece) <= _SMALL:
        rest = piece[1:] if before == _CR else piece
        rest = rest.removesuffix(b"\r").replace(CRLF, b"")
        return b"\r" not in rest and b"\n" not in rest
    import numpy as np  # noqa: PLC0415 - a fifth of a second, for large mails only

    octets = np.frombuffer(piece, np.uint8)
    return not ((octets == _CR)[:-1] ^ (octets == _LF)[1:]).any()


def fields(headers: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """Each header field as one line; NoProtection when one could forge another or would not travel."""
    for name, value in headers:
        line = f"{name}: {value}"
        if not name.isascii() or not line.isprintable() or ":" in name or " " in name or not name:
            raise NoProtection("header-not-printable")
        try:
            encoded = line.encode("ascii")
        except UnicodeEncodeError as error:
            raise NoProtection("header-not-ascii") from error
        if len(encoded) > _LONGEST:
            raise NoProtection("header-too-long")
        yield encoded + CRLF
