"""One search of a session: which entries it may see by its base and scope, within which limits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog

from directory import DirectoryError
from gateway.faces.ldap.book import AddressBook, Found
from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.matching import matches
from gateway.faces.ldap.names import BadName, parse_name
from gateway.faces.ldap.requests import Code, Search
from gateway.faces.ldap.schema import SUBSCHEMA, Attributes, attribute_of, root_dse, subschema

_log = structlog.get_logger()


class Searcher:
    """Looks into the book in threads of its own, so that neither the loop nor the road waits for it."""

    def __init__(self, book: AddressBook, *, threads: int, waiting: int, seconds: float) -> None:
        """At most ``waiting`` searches queue for a thread; each has ``seconds``."""
        self._book, self._most, self._seconds = book, threads + waiting, seconds
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="ldap")
        self._under_way = 0

    def about(self, search: Search, *, can_start_tls: bool) -> list[tuple[str, Attributes]] | None:
        """The Root DSE or the subschema, when the search asks for one of them: everybody may; else ``None``."""
        base = search.base.strip().lower()
        if search.scope != "base" or base not in {"", SUBSCHEMA}:
            return None
        told = subschema() if base else root_dse(self._book.base, can_start_tls=can_start_tls)
        classes = tuple(one.decode() for one in told["objectClass"])
        is_meant = matches(Entry(name=base, values={"objectClass": classes}), search.filter)
        return [(base, _asked(told, search))] if is_meant else []

    async def search(self, search: Search) -> Found:
        """What is found; whatever fails is a result code of its own."""
        if self._under_way >= self._most:
            return Found(entries=(), code=Code.BUSY, words="too many searches, try again")
        seconds = min(self._seconds, search.time_limit or self._seconds)
        self._under_way += 1
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._found, search)
        work.add_done_callback(self._done)
        try:
            async with asyncio.timeout(seconds):
                return _limited(await asyncio.shield(work), search)
        except TimeoutError:
            return Found(entries=(), code=Code.TIME_LIMIT_EXCEEDED, words="the search took too long")
        except DirectoryError as error:
            _log.error("ldap_directory_unreadable", code=error.code)
            return Found(entries=(), code=Code.UNAVAILABLE, words="the directory cannot be read now")

    def close(self) -> None:
        """End the threads; searches under way finish."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: asyncio.Future[Found]) -> None:
        self._under_way -= 1
        if not work.cancelled():
            work.exception()  # asked for, or asyncio would print it when nobody waits any more

    def _found(self, search: Search) -> Found:
        """In a thread."""
        try:
            levels = parse_name(search.base)
        except BadName:
            return Found(entries=(), code=Code.INVALID_DN_SYNTAX, words="no distinguished name")
        below = len(levels) - len(self._book.levels)
        if below not in {0, 1} or levels[below:] != self._book.levels:
            return Found(entries=(), code=Code.NO_SUCH_OBJECT, words=f"everything is below {self._book.base}")
        if below == 0:
            return self._of_base(search) if search.scope == "base" else self._book.search(search.filter)
        entry = self._book.named(levels[0])
        if entry is None:
            return Found(entries=(), code=Code.NO_SUCH_OBJECT)
        return Found(entries=(entry,) if search.scope != "one" and matches(entry, search.filter) else ())

    def _of_base(self, search: Search) -> Found:
        """The one entry that all others are below."""
        ((kind, value),) = sorted(self._book.levels[0])[:1]
        entry = Entry(name=self._book.base, values={"objectClass": ("top", "organization"), _proper(kind): (value,)})
        return Found(entries=(entry,) if matches(entry, search.filter) else ())


def _limited(found: Found, search: Search) -> Found:
    """The client's own limit, below ours (RFC 4511 §4.5.1.4)."""
    if search.size_limit and len(found.entries) > search.size_limit:
        first = found.entries[: search.size_limit]
        return replace(found, entries=first, code=Code.SIZE_LIMIT_EXCEEDED, words="more than you asked for")
    return found


def _asked(attributes: Attributes, search: Search) -> Attributes:
    """Operational attributes are told when asked for by ``+`` or by name, or when nothing is named: clients differ."""
    wanted = {one.lower() for one in search.attributes}
    if not wanted or wanted & {"*", "+"}:
        return attributes
    return {name: values for name, values in attributes.items() if name.lower() in wanted}


def _proper(kind: str) -> str:
    known = attribute_of(kind)
    return known.name if known else kind
