"""What the client is told, as octets; pure (RFC 4511 §4). Structures of asn1crypto take a millisecond an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asn1crypto.parser import emit

from gateway.faces.ldap.requests import Code
from gateway.faces.ldap.schema import PAGED_RESULTS

BIND, SEARCH_DONE, EXTENDED = 1, 5, 24
"""Application tags of answers."""
_ENTRY = 4
_DISCONNECTION = "1.3.6.1.4.1.1466.20036"
_UNIVERSAL, _APPLICATION, _CONTEXT = 0, 1, 2
_INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 2, 4, 10, 16, 17


def result(number: int, tag: int, code: Code, words: str = "", *, name: str = "") -> bytes:
    """The answer that ends a request; ``name`` is an extended response's OID."""
    return _message(number, tag, _result(code, words, name))


def page_done(number: int, code: Code, words: str, cookie: bytes) -> bytes:
    """The end of a page: an empty cookie when it was the last (RFC 2696 §2)."""
    value = _sequence(_integer(0), _octets(cookie))
    control = _sequence(_octets(PAGED_RESULTS.encode()), _octets(value))
    return _message(number, SEARCH_DONE, _result(code, words, ""), emit(_CONTEXT, 1, 0, control))


def entry(number: int, name: str, attributes: Mapping[str, Sequence[bytes]]) -> bytes:
    """One entry of a search's result; values stay in their order, which clients take for preference."""
    listed = (
        _sequence(_octets(kind.encode()), emit(_UNIVERSAL, 1, _SET, b"".join(map(_octets, values))))
        for kind, values in attributes.items()
    )
    return _message(number, _ENTRY, _octets(name.encode()) + _sequence(*listed))


def disconnection(code: Code, words: str) -> bytes:
    """The server's own word before it hangs up (RFC 4511 §4.4.1)."""
    return _message(0, EXTENDED, _result(code, words, _DISCONNECTION))


def _result(code: Code, words: str, name: str) -> bytes:
    told = emit(_UNIVERSAL, 0, _ENUMERATED, bytes([code])) + _octets(b"") + _octets(words.encode())
    return bytes(told + (emit(_CONTEXT, 0, 10, name.encode()) if name else b""))


def _message(number: int, tag: int, content: bytes, controls: bytes = b"") -> bytes:
    return _sequence(_integer(number), emit(_APPLICATION, 1, tag, content), controls)


def _sequence(*parts: bytes) -> bytes:
    return bytes(emit(_UNIVERSAL, 1, _SEQUENCE, b"".join(parts)))


def _octets(value: bytes) -> bytes:
    return bytes(emit(_UNIVERSAL, 0, _OCTETS, value))


def _integer(number: int) -> bytes:
    """Not below zero; a leading zero bit keeps it so."""
    return bytes(emit(_UNIVERSAL, 0, _INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big")))
