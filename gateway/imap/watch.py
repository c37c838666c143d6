"""Every mail of a mailbox, for as long as the process lives, through cuts, silence and changed UIDVALIDITY."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from gateway.errors import HuitaineError, MailboxUnavailable
from gateway.imap.session import Account, Limits, Session

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
    """A mail larger than the limit, not fetched."""

    uidvalidity: int
    uid: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: one IDLE, one wait where there is no IDLE, before a mail that was left comes again, between attempts."""

    idle: float = 300
    poll: float = 30
    again: float = 60
    first_wait: float = 1
    longest_wait: float = 60


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
        self._left: dict[tuple[int, int], float] = {}

    async def mails(self) -> AsyncGenerator[FetchedMail | OversizedMail, None]:
        """Each mail, oldest first, for ever; connects again after any failure, waiting 1 s, 2 s, 4 s … 60 s.

        The consumer commits, then calls :meth:`move`. A mail may come again (cut before the move, changed
        UIDVALIDITY): who takes it must know it by its bytes.
        """
        wait = self._pace.first_wait
        while True:
            try:
                self._session = await self._opening(self._account, self._limits)
                _log.info("mailbox-opened", account=self._account.name, uidvalidity=self._session.uidvalidity)
                while True:
                    async for mail in self._pass(self._session):
                        yield mail
                    wait = self._pace.first_wait
                    await self._session.wait_for_change(self._seconds_to_wait(self._session))
            except MailboxUnavailable as failure:
                _log.warning("mailbox-unavailable", account=self._account.name, status=failure.status)
                await asyncio.sleep(wait)
                wait = min(2 * wait, self._pace.longest_wait)
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
        await session.move(mail.uid, folder)
        self._left.pop((mail.uidvalidity, mail.uid), None)

    async def sort(self, decide: Callable[[FetchedMail | OversizedMail], Awaitable[str | None]]) -> None:
        """For ever: asks ``decide`` for each mail's folder and moves it there; ``None`` leaves it for later.

        ``decide`` commits what it takes before it answers. Whatever it raises leaves the mail where it is.
        """
        async with aclosing(self.mails()) as mails:
            async for mail in mails:
                try:
                    folder = await decide(mail)
                    if folder is not None:
                        await self.move(mail, folder)
                except HuitaineError as failure:
                    _log.warning("mail-left", account=self._account.name, uid=mail.uid, status=failure.status)
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
        due = [uid for validity, uid in sorted(present) if self._left.get((validity, uid), 0.0) <= now]
        for entry in sorted(await session.entries(due), key=lambda entry: entry.uid):
            self._left[session.uidvalidity, entry.uid] = time.monotonic() + self._pace.again
            if entry.size > self._limits.size:
                yield OversizedMail(uidvalidity=session.uidvalidity, uid=entry.uid, size=entry.size)
                continue
            content = await session.content(entry)
            if content is not None:
                yield FetchedMail(uidvalidity=session.uidvalidity, uid=entry.uid, content=content)

    def _seconds_to_wait(self, session: Session) -> float:
        """Until a mail that was left is due again, at most one IDLE or one poll."""
        soonest = min(self._left.values(), default=float("inf")) - time.monotonic()
        return max(min(self._pace.idle if session.has_idle else self._pace.poll, soonest), 0.05)
