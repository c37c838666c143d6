"""Header field values: RFC 2047 where it must be, plain ASCII where it can be, never a control character."""

from __future__ import annotations

from gateway.compose.address import checked_address, refusal
from gateway.errors import UnreadableDocument

_WORD = 75
"""RFC 2047 §2: an encoded-word with its delimiters."""
_ROOM = _WORD - len("=?utf-8?q??=")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
"""RFC 2047 §5 (3), the narrowest set: right in a phrase as in unstructured text."""
_ASCII = {chr(byte): chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in range(0x80)} | {" ": "_"}
"""RFC 2047 §4.2 for each ASCII character: a subject is encoded for every letter."""
_LIMIT = 900
"""Characters of one value: the unfolded line stays under RFC 5322 §2.1.1."""


def checked_value(name: str, value: str) -> str:
    """``value`` when it may follow ``name``: printable ASCII only; ``UnreadableDocument`` otherwise.

    Everything here passes this last gate, so a CR or LF from a letter cannot begin a header field of its own.
    """
    if not value.isascii() or not value.isprintable() or len(value) > _LIMIT:
        raise UnreadableDocument((refusal(name, "header-refused", "a header value holds what no header may hold"),))
    return value


def unstructured(text: str) -> str:
    """Text for ``Subject``: words in ASCII stay as they are, so that a prefix can be read without decoding."""
    words = [word for word in text.split(" ") if word]
    marked = [index for index, word in enumerate(words) if _needs_encoding(word)]
    if not marked:
        return " ".join(words)
    first, last = marked[0], marked[-1] + 1
    return " ".join((*words[:first], encoded_words(" ".join(words[first:last])), *words[last:]))


def mailbox(address: str, label: str = "") -> str:
    """``"label" <address>``; the label is quoted or encoded (RFC 5322 §3.4)."""
    checked_address(address)
    if not label:
        return address
    if label.isascii() and label.isprintable() and "=?" not in label:
        quoted = label.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{encoded_words(label)} <{address}>"


def encoded_words(text: str, *, fold: bool = False) -> str:
    """``text`` as RFC 2047 encoded-words, none cut inside a character; ``fold`` puts each on a line of its own."""
    words: list[str] = []
    current = ""
    for character in text:
        piece = _ASCII.get(character) or "".join(f"={byte:02X}" for byte in character.encode("utf-8", "replace"))
        if len(current) + len(piece) > _ROOM:
            words.append(current)
            current = ""
        current += piece
    words.append(current)
    return ("\r\n " if fold else " ").join(f"=?utf-8?q?{word}?=" for word in words)


def _needs_encoding(word: str) -> bool:
    return not word.isascii() or not word.isprintable() or "=?" in word
