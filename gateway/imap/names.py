"""Mailbox names and strings as IMAP writes them, which aioimaplib leaves to its caller, pure."""

from __future__ import annotations

from base64 import b64encode


def quoted(text: str) -> str:
    """A quoted string (RFC 3501 §4.3); ``ValueError`` for what no quoted string can hold."""
    if any(character in text for character in "\r\n\0"):
        raise ValueError("a line end or NUL in an IMAP string")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mailbox(name: str) -> str:
    """A mailbox name in modified UTF-7 (RFC 3501 §5.1.3), quoted."""
    written: list[str] = []
    shifted = ""
    for character in name:
        if " " <= character <= "~":
            written += [_shifted(shifted), "&-" if character == "&" else character]
            shifted = ""
        else:
            shifted += character
    return quoted("".join([*written, _shifted(shifted)]))


def _shifted(text: str) -> str:
    if not text:
        return ""
    return "&" + b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
