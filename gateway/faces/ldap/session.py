"""One client from its first message to its last: who it is, what it asks, what it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import structlog

from gateway.faces.ldap import answers
from gateway.faces.ldap.book import Found
from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.login import login_in, refused_form, refused_login
from gateway.faces.ldap.paging import Page, Pages, UnknownCookie
from gateway.faces.ldap.reading import NotLdap, read_request
from gateway.faces.ldap.requests import (
    Abandon,
    Bind,
    Change,
    Code,
    Extended,
    PageWanted,
    Request,
    Search,
    Unbind,
)
from gateway.faces.ldap.schema import START_TLS
from gateway.faces.ldap.searching import Searcher
from gateway.faces.ldap.settings import Accounts, LdapLimits, TooManyGuesses
from gateway.faces.ldap.wire import Wire

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for every client of one listener."""

    searcher: Searcher
    accounts: Accounts
    limits: LdapLimits
    anonymous: bool
    tls: ssl.SSLContext | None
    needs_tls: bool
    """Whether nothing but StartTLS and the Root DSE is answered in clear."""


class Hangup(Exception):
    """The connection ends; ``octets`` are the last word."""

    def __init__(self, octets: bytes = b"") -> None:
        super().__init__()
        self.octets = octets


class Session:
    """Requests in their order; searches beside each other, so that one can be abandoned."""

    def __init__(self, rules: Rules, wire: Wire, address: str) -> None:
        """``address`` is where the client connects from: guessing is counted by it."""
        self._rules, self._wire, self._address = rules, wire, address
        self._bound = False
        self._bad_binds = 0
        self._searches: dict[int, asyncio.Task[None]] = {}
        self._pages = Pages(rules.limits.max_pages)

    async def run(self) -> None:
        """Until the client leaves, goes silent, or sends what is no LDAP; on return the connection is closed."""
        try:
            await self._converse()
        except Hangup as last:
            await self._last_word(last.octets)
        except NotLdap as error:
            _log.warning("ldap_not_spoken", reason=str(error))
            await self._last_word(answers.disconnection(Code.PROTOCOL_ERROR, str(error)))
        except (OSError, TimeoutError) as error:
            _log.info("ldap_connection_lost", error=type(error).__name__)
            self._wire.abort()
        finally:
            await self._abandon_all()
            self._wire.close()

    async def _converse(self) -> None:
        limits = self._rules.limits
        while True:
            idle = limits.idle if self._bound or self._rules.anonymous else limits.unbound
            octets = await self._wire.message(idle.total_seconds())
            if octets is None:
                return
            await self._take(read_request(octets))

    async def _take(self, request: Request) -> None:
        operation = request.operation
        match operation:
            case Unbind():
                raise Hangup
            case Abandon():
                if task := self._searches.pop(operation.id, None):
                    task.cancel()
            case Bind():
                await self._bind(request, operation)
            case Extended():
                await self._extended(request, operation)
            case Search():
                await self._begin(request, operation)
            case Change():
                await self._say(request, operation.answer, Code.UNWILLING_TO_PERFORM, "this book is read-only")
            case _:
                assert_never(operation)

    # Who it is -------------------------------------------------------------------------------------------------------

    async def _bind(self, request: Request, asked: Bind) -> None:
        """RFC 4511 §4.2.1: what was under way is abandoned, and until it succeeds nobody is logged in."""
        await self._abandon_all()
        self._bound = False
        self._pages.clear()
        is_clear = self._rules.needs_tls and not self._wire.encrypted
        code, words = (
            refused_form(asked, unknown_control=request.unknown_control)
            or refused_login(asked, is_clear=is_clear, anonymous=self._rules.anonymous)
            or await self._checked(asked)
        )
        self._bound = code is Code.SUCCESS and bool(asked.name)
        await self._say(request, answers.BIND, code, words)
        if code is Code.INVALID_CREDENTIALS:
            self._bad_binds += 1
            if self._bad_binds >= self._rules.limits.max_bad_binds:
                raise Hangup(answers.disconnection(Code.UNWILLING_TO_PERFORM, "too many failed logins"))

    async def _checked(self, asked: Bind) -> tuple[Code, str]:
        try:
            right = await self._rules.accounts.check(
                login_in(asked.name).encode(), asked.password or b"", self._address
            )
        except TooManyGuesses:
            raise Hangup(answers.disconnection(Code.BUSY, "too many failed logins, try again in ten minutes")) from None
        if not right:
            _log.warning("ldap_login_failed", failures=self._bad_binds + 1)
            return Code.INVALID_CREDENTIALS, ""
        return Code.SUCCESS, ""

    async def _extended(self, request: Request, asked: Extended) -> None:
        if asked.name != START_TLS:
            await self._say(request, answers.EXTENDED, Code.PROTOCOL_ERROR, "unknown extended operation")
            return
        code, words = Code.SUCCESS, ""
        if self._rules.tls is None:
            code, words = Code.UNAVAILABLE, "no certificate is set"
        elif self._wire.encrypted or self._searches:
            code, words = Code.PROTOCOL_ERROR, "not now"  # RFC 4511 §4.14.1
        elif not self._wire.hold():
            raise NotLdap("something behind StartTLS")
        await self._wire.write(answers.result(request.id, answers.EXTENDED, code, words, name=START_TLS))
        if code is Code.SUCCESS and self._rules.tls is not None:
            await self._wire.start_tls(self._rules.tls)
            self._bound = False

    # What it asks ----------------------------------------------------------------------------------------------------

    async def _begin(self, request: Request, asked: Search) -> None:
        if request.id in self._searches:
            raise NotLdap("message id used twice")
        if len(self._searches) >= self._rules.limits.at_once:
            await self._say(request, answers.SEARCH_DONE, Code.BUSY, "too many searches at once")
            return
        task = asyncio.get_running_loop().create_task(self._search(request, asked))
        self._searches[request.id] = task
        task.add_done_callback(lambda done: self._forget(request.id, done))

    def _forget(self, number: int, done: asyncio.Task[None]) -> None:
        """An abandoned one ends when another may have its number already."""
        if self._searches.get(number) is done:
            del self._searches[number]

    async def _search(self, request: Request, asked: Search) -> None:
        """Atop a task: a client that takes no answers ends its connection, nothing else does."""
        try:
            await self._answer(request, asked)
        except (OSError, TimeoutError):
            self._wire.abort()
        except Exception as error:  # noqa: BLE001  atop a task
            _log.error("ldap_search_fault", error=type(error).__name__)
            self._wire.abort()

    async def _answer(self, request: Request, asked: Search) -> None:
        if refusal := self._why_not(request, asked):
            await self._say(request, answers.SEARCH_DONE, *refusal)
            return
        about = self._rules.searcher.about(asked, can_start_tls=self._rules.tls is not None)
        if about is not None:
            for name, attributes in about:
                await self._wire.write(answers.entry(request.id, name, attributes))
            await self._say(request, answers.SEARCH_DONE, Code.SUCCESS, "")
        elif asked.page is not None:
            await self._answer_page(request, asked, asked.page)
        else:
            found = await self._rules.searcher.search(asked)
            await self._tell(request, asked, found.entries)
            _told(found)
            await self._say(request, answers.SEARCH_DONE, found.code, found.words)

    async def _answer_page(self, request: Request, asked: Search, page: PageWanted) -> None:
        try:
            if page.cookie:
                told = self._pages.next(asked, page.cookie, page.size)
            else:
                found = await self._rules.searcher.search(asked)
                _told(found)
                told = self._pages.first(asked, found, page.size)
        except UnknownCookie:
            told = Page(entries=(), cookie=b"", code=Code.UNWILLING_TO_PERFORM, words="no such page")
        await self._tell(request, asked, told.entries)
        await self._wire.write(answers.page_done(request.id, told.code, told.words, told.cookie))

    async def _tell(self, request: Request, asked: Search, entries: Sequence[Entry]) -> None:
        for entry in entries:
            chosen = entry.chosen(asked.attributes, types_only=asked.types_only)
            await self._wire.write(answers.entry(request.id, entry.name, chosen))
            await asyncio.sleep(0)  # an answer of many entries leaves the loop to others

    def _why_not(self, request: Request, asked: Search) -> tuple[Code, str] | None:
        if request.unknown_control:
            return Code.UNAVAILABLE_CRITICAL_EXTENSION, ""
        if self._rules.searcher.about(asked, can_start_tls=False) is not None:
            return None
        if self._rules.needs_tls and not self._wire.encrypted:
            return Code.CONFIDENTIALITY_REQUIRED, "StartTLS first"
        if not self._bound and not self._rules.anonymous:
            return Code.INSUFFICIENT_ACCESS_RIGHTS, "log in first"
        return None

    # What it is told -------------------------------------------------------------------------------------------------

    async def _say(self, request: Request, tag: int, code: Code, words: str) -> None:
        await self._wire.write(answers.result(request.id, tag, code, words))

    async def _last_word(self, octets: bytes) -> None:
        if octets:
            try:
                await self._wire.write(octets)
            except (OSError, TimeoutError):
                self._wire.abort()

    async def _abandon_all(self) -> None:
        tasks = list(self._searches.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(found: Found) -> None:
    """How often and how much is asked, and not about whom."""
    _log.info("ldap_search", entries=len(found.entries), code=int(found.code))
