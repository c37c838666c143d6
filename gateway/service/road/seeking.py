"""Asks an addressee's own domain for his OpenPGP key (WKD) while a letter to him is held because nobody here has one.

Only domains that the settings name: who asks tells that we write to that mailbox (decision 0033). Behind the road,
never before a door's answer: what is found is kept for the hourly look at held letters, at the rank of WKD (CR-15).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from config.settings import Settings
from directory import Directory
from directory.changes import add_openpgp_key
from directory.errors import DirectoryError
from directory.fold import domain_of, fold_mailbox
from directory.records import Certificate, OpenPgpKey, Source
from gateway import journal
from gateway.crypto.trust.errands import Errands
from gateway.errors import PeerUnreachable
from gateway.identifiers import LetterId
from gateway.letter import AddressedLetter, Held
from gateway.queue.afterwards import Noting
from gateway.queue.store import Store

_LACKS_A_KEY = frozenset({"no-key", "certificate-expired"})
_EVERY_DOMAIN = "*"
_AT_ONCE = 4
_LONGEST = timedelta(seconds=40)
"""A look-up ends before; but resolvers, and four others that it waits behind, have deadlines of their own."""
_MOST = 1000
"""Mailboxes that wait to be asked about; whose letter is held beyond them comes again with the next hourly look."""


@dataclass(slots=True, kw_only=True)
class _Sought:
    """A mailbox, and the letters to it that wait."""

    mailbox: str = field(repr=False)
    letters: set[LetterId] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``found``, ``none-published``, ``no-answer`` or ``not-taken``; ``words`` name a key or a reason, no person."""

    code: str
    words: str = ""


class Seeking:
    """One gateway's questions. What it asked is forgotten at its end; a start asks once more at most."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        store: Store,
        *,
        clock: Callable[[], datetime],
        longest: timedelta = _LONGEST,
    ) -> None:
        """Nothing is asked yet; ``longest`` is how long one question keeps a look waiting."""
        self._longest = longest
        self._domains = frozenset(domain.lower() for domain in settings.crypto.wkd_domains)
        self._again = timedelta(hours=settings.crypto.wkd_hours)
        self._folder, self._directory, self._store, self._clock = settings.gateway.data, directory, store, clock
        self._waiting: dict[str, _Sought] = {}
        self._asked: dict[str, datetime] = {}
        self._errands = Errands(_AT_ONCE)

    @property
    def wanted(self) -> bool:
        """Whether the settings name a domain."""
        return bool(self._domains)

    def hear(self, letter: AddressedLetter) -> None:
        """Remember whose key a letter lacks; asks nobody. Raises what the directory raises."""
        for outcome in letter.outcomes if self._domains else ():
            if isinstance(outcome, Held) and outcome.chosen and outcome.reason.code in _LACKS_A_KEY:
                self._lacking(outcome.chosen, letter.parsed.id)

    async def look(self) -> None:
        """Ask about every mailbox that waits, a few at once; each answer is a line of its letters' journal."""
        now = self._clock()
        self._asked = {mailbox: at for mailbox, at in self._asked.items() if now - at < self._again}
        while self._waiting:
            some = [self._waiting.popitem()[1] for _ in range(min(_AT_ONCE, len(self._waiting)))]
            self._asked |= dict.fromkeys((fold_mailbox(each.mailbox) for each in some), now)
            await asyncio.gather(*map(self._seek, some))

    def _lacking(self, mailbox: str, letter: LetterId) -> None:
        folded, now = fold_mailbox(mailbox), self._clock()
        if not self._domains & {_EVERY_DOMAIN, domain_of(folded)}:
            return
        asked = self._asked.get(folded)
        if (asked and now - asked < self._again) or self._would_not_count(folded):
            return
        if folded in self._waiting or len(self._waiting) < _MOST:
            self._waiting.setdefault(folded, _Sought(mailbox=mailbox)).letters.add(letter)

    def _would_not_count(self, mailbox: str) -> bool:
        """Any key of a better source, even one that is over, stands before what a domain publishes (decision 0025)."""
        known: list[Certificate | OpenPgpKey] = [
            *self._directory.certificates(mailbox),
            *self._directory.openpgp_keys(mailbox),
        ]
        return any(key.source is not Source.WKD for key in known)

    async def _seek(self, sought: _Sought) -> None:
        answer = await self._answered(sought.mailbox)
        structlog.get_logger().info("key-sought", code=answer.code, letters=len(sought.letters))
        now = self._clock()
        told = (journal.key_sought(now, letter, code=answer.code, words=answer.words) for letter in sought.letters)
        await self._store.note(Noting(events=tuple(told)))

    async def _answered(self, mailbox: str) -> Answer:
        """What is found later is kept all the same, for the next look at the letter."""
        asking = self._errands.run(partial(self.ask, mailbox))
        try:
            return await asyncio.wait_for(asking, self._longest.total_seconds())
        except TimeoutError:
            return Answer(code="no-answer", words="wkd: too-slow")

    def ask(self, mailbox: str) -> Answer:
        """Blocks: look up, and keep what is found."""
        from gateway.crypto.wkd.lookup import WebKeyDirectory  # noqa: PLC0415 - HTTP, for who asks

        try:
            found = WebKeyDirectory().look_up(mailbox)
            for key in found:
                add_openpgp_key(self._folder, mailbox, key.key, source=Source.WKD)
        except (PeerUnreachable, ValueError) as error:
            return Answer(code="no-answer", words=getattr(error, "detail", "not a domain of the DNS"))
        except DirectoryError as error:
            return Answer(code="not-taken", words=error.code)
        except sqlite3.Error as error:
            return Answer(code="not-taken", words=type(error).__name__)
        if not found:
            return Answer(code="none-published")
        return Answer(code="found", words=", ".join(f"{key.method} {key.fingerprint}" for key in found))
