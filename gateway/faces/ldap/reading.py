"""One LDAP message to a request, or a refusal; pure. Foreign bytes: nothing that they hold may raise anything else."""

from __future__ import annotations

from dataclasses import replace

from asn1crypto import parser
from asn1crypto.core import Choice, Sequence

from gateway.faces.ldap import asn1
from gateway.faces.ldap.requests import (
    Abandon,
    And,
    Approx,
    Bind,
    Change,
    Equal,
    Extended,
    Filter,
    Not,
    Operation,
    Or,
    PageWanted,
    Present,
    Request,
    Search,
    Substrings,
    Unbind,
    Undefined,
)
from gateway.faces.ldap.schema import PAGED_RESULTS

_DEEPEST = 40
"""Levels of BER; a filter of twenty levels needs twenty-five."""
_MOST_ELEMENTS = 2000
_MOST_ATTRIBUTES = 200
_LARGEST_ID = (1 << 31) - 1
_ANSWERS = {"modify": 7, "add": 9, "delete": 11, "rename": 13, "compare": 15}
"""Application tags of the answers to what is refused."""


class NotLdap(Exception):
    """These octets are no LDAP message, or a larger one than anybody needs; the words name nothing that they hold."""


def read_request(octets: bytes) -> Request:
    """The request of one whole message; raises :class:`NotLdap`."""
    _refuse_jungle(octets)
    try:
        return _request(octets)
    except NotLdap:
        raise
    except Exception as error:  # asn1crypto promises ValueError, and raises what it meets
        raise NotLdap("cannot be decoded") from error


def _refuse_jungle(octets: bytes) -> None:
    """Count levels and elements before anything recursive looks at them; no indefinite lengths (RFC 4511 §5.1)."""
    waiting, seen = [(octets, 0)], 0
    while waiting:
        inside, depth = waiting.pop()
        while inside:
            seen += 1
            if depth > _DEEPEST or seen > _MOST_ELEMENTS:
                raise NotLdap("nested too deeply")
            try:
                _, constructed, _, header, content, trailer = parser.parse(inside)
            except ValueError as error:
                raise NotLdap("not BER") from error
            if trailer:
                raise NotLdap("indefinite length")
            if constructed:
                waiting.append((content, depth + 1))
            inside = inside[len(header) + len(content) :]


def _request(octets: bytes) -> Request:
    message = asn1.LdapMessage.load(octets, strict=True)
    number = int(message["id"].native)
    if not 0 < number <= _LARGEST_ID:
        raise NotLdap("message id out of range")
    operation = _operation(message["operation"])
    page, unknown = _controls(message["controls"])
    if page is not None and isinstance(operation, Search):
        operation = replace(operation, page=page)
    return Request(id=number, operation=operation, unknown_control=unknown)


def _operation(asked: Choice) -> Operation:
    name, chosen = asked.name, asked.chosen
    if name == "bind":
        return _bind(chosen)
    if name == "search":
        return _search(chosen)
    if name == "extended":
        return Extended(name=_text(chosen["name"].native))
    if name == "abandon":
        return Abandon(id=int(chosen.native))
    if name == "unbind":
        return Unbind()
    return Change(answer=_ANSWERS[name])


def _bind(asked: Sequence) -> Bind:
    how = asked["authentication"]
    password = bytes(how.chosen.native) if how.name == "simple" else None
    return Bind(version=int(asked["version"].native), name=_text(asked["name"].native), password=password)


def _search(asked: Sequence) -> Search:
    attributes = asked["attributes"]
    if len(attributes) > _MOST_ATTRIBUTES:
        raise NotLdap("too many attributes")
    return Search(
        base=_text(asked["base"].native),
        scope=str(asked["scope"].native),
        filter=_filter(asked["filter"]),
        attributes=tuple(_text(one.native) for one in attributes),
        size_limit=_limit(asked["size_limit"].native),
        time_limit=_limit(asked["time_limit"].native),
        types_only=bool(asked["types_only"].native),
    )


def _limit(number: int) -> int:
    if not 0 <= number <= _LARGEST_ID:
        raise NotLdap("limit out of range")
    return number


def _filter(given: Choice) -> Filter:
    """Recursion is bounded: ``_refuse_jungle`` counted the levels."""
    name, chosen = given.name, given.chosen
    if name in {"and", "or"}:
        parts = tuple(_filter(one) for one in chosen)
        return And(parts) if name == "and" else Or(parts)
    if name == "not":
        return Not(_filter(chosen))
    if name == "present":
        return Present(_text(chosen.native))
    if name == "substrings":
        return _substrings(chosen)
    if name in {"equal", "approx"}:
        attribute, value = _text(chosen["attribute"].native), _text(chosen["value"].native)
        return Equal(attribute, value) if name == "equal" else Approx(attribute, value)
    return Undefined()


def _substrings(given: Sequence) -> Substrings:
    """At most one initial piece, first, and one final, last (RFC 4511 §4.5.1.7.2)."""
    pieces = [(one.name, _text(one.chosen.native)) for one in given["substrings"]]
    places = [name for name, _ in pieces]
    if not pieces or "initial" in places[1:] or "final" in places[:-1]:
        raise NotLdap("substrings out of order")
    return Substrings(
        _text(given["type"].native),
        initial="".join(text for name, text in pieces if name == "initial"),
        inner=tuple(text for name, text in pieces if name == "any"),
        final="".join(text for name, text in pieces if name == "final"),
    )


def _controls(given: Sequence) -> tuple[PageWanted | None, bool]:
    """The page that is wanted, and whether some critical control is not known here."""
    page, unknown = None, False
    for control in given if isinstance(given, asn1.Controls) else ():
        if _text(control["type"].native) == PAGED_RESULTS:
            value = asn1.Page.load(control["value"].native, strict=True)
            page = PageWanted(size=_limit(value["size"].native), cookie=bytes(value["cookie"].native))
        else:
            unknown = unknown or bool(control["critical"].native)
    return page, unknown


def _text(octets: bytes) -> str:
    """Assertion values of binary syntax hold no UTF-8; they match nothing here."""
    return octets.decode("utf-8", "replace")
