"""The few headers a mailbox door needs, from the raw bytes, pure and strict: what cannot be read is told, not guessed.

``email.utils.getaddresses`` finds addresses in malformed lists that nobody wrote there (CVE-2023-27043), and a wrong
addressee harms a patient.
"""

from __future__ import annotations

import re

LARGEST = 100 * 1024
"""Of a header block (promises.md §2 row 18)."""
MOST_ADDRESSES = 50
_MOST_COMMENTS = 200

# Each in one pass over the value, whatever it holds: tried from every character, 100 KB of ``"\\`` took minutes.
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*+(")?', re.DOTALL)
_COMMENT = re.compile(r"\((?:\\.|[^()\\])*+(\))?", re.DOTALL)
_GROUP_NAME = re.compile(r"(?<![^,;:<>@])[^,;:<>@]*+:")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_IN_ANGLES = re.compile(r"[^<>]*<([^<>]*)>\s*")


class BadHeader(ValueError):
    """A header that does not say what it should; its text is not in the message."""


def block_of(content: bytes) -> bytes:
    """The header block of a mail, at most :data:`LARGEST` octets and what ends it."""
    return content[: LARGEST + 4].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]


def read_headers(content: bytes) -> dict[str, list[str]]:
    """Unfolded values by lower-case name; lines that are no header are passed over. ``BadHeader`` when too large."""
    block = block_of(content)
    if len(block) > LARGEST:
        raise BadHeader("header larger than 100 KB")
    found: dict[str, list[list[str]]] = {}
    values: list[list[str]] | None = None
    for line in block.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if line[:1] in {" ", "\t"}:
            if values:
                values[-1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        values = found.setdefault(name.strip().lower(), []) if colon else None
        if values is not None:
            values.append([value.strip()])
    return {name: [" ".join(pieces) for pieces in given] for name, given in found.items()}


def addresses(value: str) -> list[str]:
    """The addresses of an RFC 5322 list, comments and names dropped; ``BadHeader`` when any of it is unclear."""
    if value.count("(") > _MOST_COMMENTS:
        raise BadHeader(f"more than {_MOST_COMMENTS} comments")
    bare = _QUOTED.sub(_gone_if_closed, value)
    for _ in range(3):
        bare = _COMMENT.sub(_gone_if_closed, bare)
    if any(sign in bare for sign in '"()\\'):
        raise BadHeader("quotes or comments that do not close")
    if ":" in bare and not bare.rstrip().endswith(";"):
        raise BadHeader("a group that does not end")
    found: list[str] = []
    for piece in re.split(r"[,;]", _GROUP_NAME.sub("", bare)):
        if not piece.strip():
            continue
        angled = _IN_ANGLES.fullmatch(piece)
        address = (angled[1] if angled else piece).strip()
        if not _ADDRESS.fullmatch(address):
            raise BadHeader("an address that cannot be read")
        found.append(address)
    if len(found) > MOST_ADDRESSES:
        raise BadHeader(f"more than {MOST_ADDRESSES} addresses")
    return found


def _gone_if_closed(found: re.Match[str]) -> str:
    return "" if found.lastindex else found[0]
