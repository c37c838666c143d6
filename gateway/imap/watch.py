"""Every mail of a mailbox, for as long as the process lives, through cuts, silence and changed UIDVALIDITY."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from gateway.errors import HuitaineError, LoginRefused, MailboxUnavailable
from gateway.imap.answers import Entry
from gateway.imap.session import BATCH, Account, Limits, Session

_log = structlog.get_logger(__name__)

Opening = Callable[[Account, Limits], Awaitable[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMail:
    """One mail in the watched mailbox; ``uid`` means something only with its ``uidvalidity``."""

    uidvalidity: int
    uid: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedMail:
    """A mail larger than the limit: its header alone was fetched."""

    uidvalidity: int
    uid: int
    size: int
    header: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: one IDLE, one wait where there is no IDLE, and the waits after failures, each twice the last."""

    idle: float = 300
    poll: float = 30
    again: float = 60
    """At most, before a mail that was left comes again."""
    first_wait: float = 1
    longest_wait: float = 60
    """At most, before the next connection."""
    refused_wait: float = 900
    """At most, before the next login when the last one was refused: mailboxes are locked for less."""
    works: float = 4
    """So many first waits at most after a connection that got as far as to list mails."""
    least: float = 0.2
    """Between two looks, however often the server says that something changed."""


Numbers = tuple[int, int]
"""UIDVALIDITY and UID."""


class MailboxWatch:
    """One mailbox. Use one watch in one task; what is not moved away is offered again after a while."""

    def __init__(
        self,
        account: Account,
        *,
        limits: Limits | None = None,
        pace: Pace | None = None,
        opening: Opening = Session.open,
    ) -> None:
        """Connects when :meth:`mails` is first asked."""
        self._account = account
        self._limits = limits or Limits()
        self._pace = pace or Pace()
        self._opening = opening
        self._session: Session | None = None
        self._wait = self._pace.first_wait
        self._left: dict[Numbers, float] = {}
        self._tries: Counter[Numbers] = Counter()
        self._decided: dict[Numbers, str] = {}

    async def mails(self) -> AsyncGenerator[FetchedMail | OversizedMail, None]:
        """Each mail, oldest first, for ever; connects again after any failure, waiting 1 s, 2 s, 4 s … 60 s.

        Where the password is refused it waits longer and longer, up to a quarter of an hour.

        The consumer commits, then calls :meth:`move`. A mail may come again (cut before the move, changed
        UIDVALIDITY): who takes it must know it by its numbers and its bytes.
        """
        while True:
            try:
                self._session = await self._opening(self._account, self._limits)
                _log.info("mailbox-opened", account=self._account.name, uidvalidity=self._session.uidvalidity)
                self._decided.clear()  # the server may be another one now, its numbers other mails'
                while True:
                    began = time.monotonic()
                    async for mail in self._pass(self._session):
                        yield mail
                    self._wait = self._pace.first_wait
                    await self._session.wait_for_change(self._seconds_to_wait(self._session))
                    await asyncio.sleep(began + self._pace.least - time.monotonic())
            except MailboxUnavailable as failure:
                name, why = self._account.name, failure.detail
                _log.warning("mailbox-unavailable", account=name, status=failure.status, why=why, wait=self._wait)
                await asyncio.sleep(self._wait)
                refused = isinstance(failure, LoginRefused)
                self._wait = min(2 * self._wait, self._pace.refused_wait if refused else self._pace.longest_wait)
            finally:
                await self.close()

    async def move(self, mail: FetchedMail | OversizedMail, folder: str) -> None:
        """Moves a mail that :meth:`mails` gave; ``MailboxUnavailable`` when that is not possible any more.

        Never moves another mail: a UID of an earlier UIDVALIDITY is not used.
        """
        session = self._session
        if session is None or not session.is_open:
            raise MailboxUnavailable("not connected")
        if session.uidvalidity != mail.uidvalidity:
            raise MailboxUnavailable("UIDVALIDITY changed")
        await self._move(session, mail.uid, folder)

    async def sort(self, decide: Callable[[FetchedMail | OversizedMail], Awaitable[str | None]]) -> None:
        """For ever: asks ``decide`` for each mail's folder and moves it there; ``None`` leaves it for later.

        ``decide`` commits what it takes before it answers. Whatever it raises leaves the mail where it is. It is not
        asked again for a mail that the server will not move, as long as the connection lasts.
        """
        async with aclosing(self.mails()) as mails:
            async for mail in mails:
                try:
                    folder = await decide(mail)
                    if folder is not None:
                        self._decided[mail.uidvalidity, mail.uid] = folder
                        await self.move(mail, folder)
                except HuitaineError as failure:
                    self._tell_left(mail.uid, failure)
                except Exception as error:  # noqa: BLE001 - one mail must not stop the mailbox: told, and tried again
                    _log.error("mail-left", account=self._account.name, uid=mail.uid, error=type(error).__name__)

    async def close(self) -> None:
        """Ends the connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _pass(self, session: Session) -> AsyncGenerator[FetchedMail | OversizedMail, None]:
        """Each mail of the mailbox once, except those left a moment ago."""
        now = time.monotonic()
        present = {(session.uidvalidity, uid) for uid in await session.uids()}
        self._left = {key: due for key, due in self._left.items() if key in present}
        self._tries = Counter({key: tries for key, tries in self._tries.items() if key in present})
        due = [uid for validity, uid in sorted(present) if self._left.get((validity, uid), 0.0) <= now]
        for first in range(0, len(due), BATCH):
            entries = await session.entries(due[first : first + BATCH])
            self._wait = min(self._wait, self._pace.works * self._pace.first_wait)
            for entry in sorted(entries, key=lambda entry: entry.uid):
                self._leave_for_a_while((session.uidvalidity, entry.uid))
                if folder := self._decided.get((session.uidvalidity, entry.uid)):
                    await self._move_again(session, entry.uid, folder)
                elif mail := await self._fetched(session, entry):
                    yield mail

    async def _fetched(self, session: Session, entry: Entry) -> FetchedMail | OversizedMail | None:
        numbers = {"uidvalidity": session.uidvalidity, "uid": entry.uid}
        if entry.size > self._limits.size:
            return OversizedMail(**numbers, size=entry.size, header=await session.header(entry))
        content = await session.content(entry)
        return None if content is None else FetchedMail(**numbers, content=content)

    async def _move(self, session: Session, uid: int, folder: str) -> None:
        await session.move(uid, folder)
        self._wait = self._pace.first_wait
        for memory in (self._left, self._tries, self._decided):
            memory.pop((session.uidvalidity, uid), None)

    async def _move_again(self, session: Session, uid: int, folder: str) -> None:
        try:
            await self._move(session, uid, folder)
        except MailboxUnavailable as failure:
            if not session.is_open:
                raise
            self._tell_left(uid, failure)

    def _leave_for_a_while(self, numbers: Numbers) -> None:
        """Before it is touched: a mail that breaks the connection each time must not keep the others waiting."""
        self._tries[numbers] += 1
        wait = min(self._pace.again, self._pace.first_wait * 2.0 ** min(self._tries[numbers], 16))
        self._left[numbers] = time.monotonic() + wait

    def _tell_left(self, uid: int, failure: HuitaineError) -> None:
        _log.warning("mail-left", account=self._account.name, uid=uid, status=failure.status, why=failure.detail)

    def _seconds_to_wait(self, session: Session) -> float:
        """Until a mail that was left is due again, at most one IDLE or one poll."""
        soonest = min(self._left.values(), default=float("inf")) - time.monotonic()
        return max(min(self._pace.idle if session.has_idle else self._pace.poll, soonest), 0.05)
