"""Whom a letter's header From shows, however it is folded, quoted or commented (RFC 5322 §3.4, §4.4); pure."""

from __future__ import annotations

import re

from gateway.smtp.reply import Refusal
from gateway.smtp.server.settings import SmtpSource

# One pass over the text, whatever it holds: tried from each character, 100 KB took minutes.
_FROM = re.compile(rb"^From[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_PIECE = re.compile(r'\\.|["()\\]|[^"()\\]++', re.DOTALL)
_QUOTES = re.compile(r'["()]')
_AROUND = re.compile(r" ?([.@]) ?")
_ADDRESS = re.compile(r'(?<![^\s<>@,;:"()])[^\s<>@,;:"()]++(?:@[^\s<>@,;:"()]++)++')
_MOST = 100
"""Addresses in one From: each may be a question to a database."""


def check_from(header: bytes, source: SmtpSource, sender: str) -> None:
    """Raises ``Refusal`` unless every address in every From is one that ``source`` may show (promise E6).

    ``sender`` is the letter's reverse-path, empty for the null one.
    """
    for field in _FROM.findall(header) or [b""]:
        text = _bare(field.decode("utf-8", "replace"))
        addresses = _ADDRESS.findall(text)
        # Each at sign is one address's: of what cannot be read so, a reader may make another address.
        is_clear = text.count("@") == len(addresses) <= _MOST and (addresses or b"@" not in field)
        if not is_clear or not _allowed(addresses, source, sender, is_encoded=b"=?" in field):
            raise Refusal(550, "5.7.1", "Header From not allowed for this account")


def _allowed(addresses: list[str], source: SmtpSource, sender: str, *, is_encoded: bool) -> bool:
    if not addresses:
        return source.may_show_nobody(sender, is_encoded=is_encoded)
    return all(source.may_show(address, sender) for address in addresses)


def _bare(text: str) -> str:
    """Without comments, quoted strings and the blanks around dots and at signs; what never closes stays, as words."""
    kept: list[str] = []
    depth, quoted = 0, False
    for piece in _PIECE.findall(text):
        if quoted:
            quoted = piece != '"'
        elif piece == "(":
            depth += 1
        elif depth:
            depth -= piece == ")"
        elif piece == '"':
            quoted = True
        else:
            kept.append(piece)
            continue
        kept.append(" ")
    closed = "".join(kept) if not (depth or quoted) else _QUOTES.sub(" ", text)
    return _AROUND.sub(r"\1", " ".join(closed.split()))
