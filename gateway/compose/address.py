"""One mail address, checked before it may stand in a header or an envelope."""

from __future__ import annotations

import re

from gateway.document import Finding, Severity
from gateway.errors import UnreadableDocument

# RFC 5322 §3.2.3 dot-atom for the local part, LDH labels for the domain: what MSSanté and every operator accept.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain address within the limits of RFC 5321 §4.5.3.1."""
    local = text.partition("@")[0]
    return len(text) <= 254 and len(local) <= 64 and _ADDRESS.fullmatch(text) is not None


def checked_address(text: str, place: str = "address") -> str:
    """The address itself; ``UnreadableDocument`` for anything else, so that no line end can reach a header."""
    if not is_address(text):
        raise UnreadableDocument((refusal(place, "bad-address", "not a mail address that can be written to"),))
    return text


def refusal(place: str, code: str, message: str) -> Finding:
    """An error finding of this station; words hold no patient data."""
    return Finding(severity=Severity.ERROR, place=place, code=code, message=message)
