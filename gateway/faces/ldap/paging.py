"""Pages of one connection's searches (RFC 2696): what was found once waits for its next page."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from gateway.faces.ldap.book import Found
from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.requests import Code, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries to send now; an empty ``cookie`` after the last ones."""

    entries: tuple[Entry, ...] = field(repr=False)
    cookie: bytes
    code: Code
    words: str = ""


class UnknownCookie(Exception):
    """No search of this connection waits under it, or it was another search."""


class Pages:
    """The searches that wait; the one that has waited longest goes when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[bytes, tuple[Search, Found]] = OrderedDict()

    def first(self, search: Search, found: Found, size: int) -> Page:
        """The first page of what was found."""
        return self._cut(_question(search), found, size)

    def next(self, search: Search, cookie: bytes, size: int) -> Page:
        """The page behind ``cookie``; a size of 0 gives the search up. Raises :class:`UnknownCookie`."""
        kept = self._waiting.pop(cookie, None)
        if kept is None or kept[0] != _question(search):
            raise UnknownCookie
        question, found = kept
        if size == 0:
            return Page(entries=(), cookie=b"", code=Code.SUCCESS)
        return self._cut(question, found, size)

    def clear(self) -> None:
        """Somebody else logs in: nothing of before is his."""
        self._waiting.clear()

    def _cut(self, question: Search, found: Found, size: int) -> Page:
        """Until the last page the answer is success: only then is it known that there was more than may be told."""
        now, later = found.entries[:size], found.entries[size:]
        if not later or size == 0:
            return Page(entries=found.entries, cookie=b"", code=found.code, words=found.words)
        cookie = secrets.token_bytes(16)
        self._waiting[cookie] = (question, replace(found, entries=later))
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
        return Page(entries=now, cookie=cookie, code=Code.SUCCESS)


def _question(search: Search) -> Search:
    """What must be the same on every page (RFC 2696 §3)."""
    return replace(search, page=None, time_limit=0)
