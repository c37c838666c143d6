"""The few IMAP commands we need, each with a deadline and a limit; any surprise ends the session."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.errors import MailboxUnavailable, SettingsRefused
from gateway.imap import answers, names
from gateway.imap.answers import BadAnswer, Entry
from gateway.imap.guard import LONGEST_LINE, GuardedClient, completed, logged_in
from gateway.imap.headers import LARGEST

BATCH = 200
"""UIDs per command: aioimaplib's parser recurses once per line of the answer."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a mailbox is and how we prove who we are: by login, and by the context's client certificate if it has one.

    Raises ``SettingsRefused`` for a context that verifies nothing or allows less than TLS 1.2.
    """

    name: str
    host: str
    user: str
    password: str = field(repr=False)
    context: ssl.SSLContext
    port: int = 993
    server_name: str = ""
    mailbox: str = "INBOX"

    def __post_init__(self) -> None:
        """Refuses what is below the floor."""
        old = self.context.minimum_version not in {ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3}
        if old or self.context.verify_mode is not ssl.CERT_REQUIRED or not self.context.check_hostname:
            raise SettingsRefused("an IMAP account whose TLS context is below the floor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds per command, seconds per mail fetched, bytes per mail."""

    command: float = 30
    fetch: float = 60
    size: int = 64 * 1024 * 1024


class Session:
    """One connection with one mailbox selected. Any error is ``MailboxUnavailable``, and the session is over.

    But for a mail that the server will not move: that is its right, and no disorder.
    """

    def __init__(self, client: GuardedClient, limits: Limits, uidvalidity: int) -> None:
        """Made by :meth:`open`."""
        self._client = client
        self._limits = limits
        self.uidvalidity = uidvalidity

    @classmethod
    async def open(cls, account: Account, limits: Limits) -> Session:
        """Connects, logs in and selects."""
        client = GuardedClient(account.host, account.port, account.context, account.server_name or account.host)
        try:
            await client.ask(client.wait_hello_from_server(), limits.command)
            login = client.protocol.login(names.quoted(account.user), account.password)
            logged_in(await client.ask(login, limits.command))
            # aioimaplib reads a "]" into the last capability of the login's answer: ask.
            await client.ask(client.protocol.capability(), limits.command)
            lines = completed(
                await client.ask(client.protocol.select(names.mailbox(account.mailbox)), limits.command), "SELECT"
            )
            return cls(client, limits, answers.uidvalidity(lines))
        except (BadAnswer, ValueError) as error:
            client.cut()
            raise MailboxUnavailable(str(error)) from error
        except BaseException:
            client.cut()
            raise

    @property
    def is_open(self) -> bool:
        """Whether another command may be tried."""
        return self._client.is_open

    @property
    def has_idle(self) -> bool:
        """Whether the server tells of new mails by itself (RFC 2177)."""
        return bool(self._client.has_capability("IDLE"))

    async def uids(self) -> list[int]:
        """Every mail that is not marked deleted, oldest first."""
        call = self._client.protocol.search("UNDELETED", charset=None, by_uid=True)
        lines = completed(await self._client.ask(call, self._limits.command), "SEARCH")
        return self._read(answers.found_uids, lines)

    async def entries(self, uids: Sequence[int]) -> list[Entry]:
        """Sizes and flags, in batches; mails that went away meanwhile are missing."""
        found: list[Entry] = []
        for start in range(0, len(uids), BATCH):
            asked = ",".join(str(uid) for uid in uids[start : start + BATCH])
            call = self._client.protocol.fetch(asked, "(UID FLAGS RFC822.SIZE)", by_uid=True)
            found += self._read(answers.entries, completed(await self._client.ask(call, self._limits.command), "FETCH"))
        wanted = set(uids)
        return [entry for entry in found if entry.uid in wanted]

    async def content(self, entry: Entry) -> bytes | None:
        """The mail's bytes, left unseen; ``None`` when it went away. Never more than its stated size and a margin."""
        call = self._client.protocol.fetch(str(entry.uid), "(UID BODY.PEEK[])", by_uid=True)
        budget = min(entry.size, self._limits.size) + LONGEST_LINE
        lines = completed(await self._client.ask(call, self._limits.fetch, budget), "FETCH")
        return self._read(lambda given: answers.content(given, entry.uid), lines)

    async def header(self, entry: Entry) -> bytes:
        """The first 100 KB of the header of a mail that is too large to fetch; empty when it went away."""
        call = self._client.protocol.fetch(str(entry.uid), f"(UID BODY.PEEK[HEADER]<0.{LARGEST}>)", by_uid=True)
        lines = completed(await self._client.ask(call, self._limits.command), "FETCH")
        return self._read(lambda given: answers.content(given, entry.uid), lines) or b""

    async def move(self, uid: int, folder: str) -> None:
        """Moves one mail, making the folder when it is not there.

        ``MailboxUnavailable`` with the session still open when the server says no: other mails may be moved.
        """
        if await self._moved(uid, folder):
            return
        await self._simple("CREATE", folder)
        if not await self._moved(uid, folder):
            raise MailboxUnavailable("the mail cannot be moved")

    async def noop(self) -> None:
        """Lets the server tell what changed."""
        completed(await self._client.ask(self._client.protocol.simple_command("NOOP"), self._limits.command), "NOOP")

    async def wait_for_change(self, seconds: float) -> None:
        """Returns when something changed in the mailbox, or after ``seconds``; IDLE where offered, else one NOOP."""
        if not self.has_idle:
            await self._rest(seconds)
            await self.noop()
            return
        idle = await self._client.ask(self._client.idle_start(seconds + 60), self._limits.command)
        await self._client.ask(self._pushed(seconds), seconds + self._limits.command)
        self._client.idle_done()
        await self._client.ask(asyncio.wait_for(idle, None), self._limits.command)

    async def close(self) -> None:
        """Says goodbye if that is still possible, then cuts."""
        try:
            if self._client.is_open:
                await self._client.ask(self._client.protocol.logout(), 2)
        except MailboxUnavailable:
            pass  # the server need not answer; the connection ends either way
        finally:
            self._client.cut()

    async def _pushed(self, seconds: float) -> None:
        """One push of the server that tells of a new mail; keep-alives do not count."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    lines = await self._client.wait_server_push(None)
                    if any(line.startswith(b"BYE") for line in lines):
                        raise MailboxUnavailable("BYE")
                    if any(b"EXISTS" in line for line in lines):
                        return
        except TimeoutError:
            return

    async def _rest(self, seconds: float) -> None:
        await self._client.ask(asyncio.sleep(seconds), seconds + 1)

    async def _moved(self, uid: int, folder: str) -> bool:
        """MOVE, or COPY and a deletion mark where MOVE is not offered (RFC 6851)."""
        protocol, name = self._client.protocol, names.mailbox(folder)
        if self._client.has_capability("MOVE"):
            call = protocol.move(str(uid), name, by_uid=True)
            return bool((await self._client.ask(call, self._limits.command)).result == "OK")
        call = protocol.copy(str(uid), name, by_uid=True)
        if (await self._client.ask(call, self._limits.command)).result != "OK":
            return False
        call = protocol.store(str(uid), "+FLAGS.SILENT", r"(\Deleted)", by_uid=True)
        completed(await self._client.ask(call, self._limits.command), "STORE")
        if self._client.has_capability("UIDPLUS"):  # a plain EXPUNGE would take other people's deletions along
            call = protocol.expunge(str(uid), by_uid=True)
            completed(await self._client.ask(call, self._limits.command), "EXPUNGE")
        return True

    async def _simple(self, command: str, folder: str) -> None:
        call = self._client.protocol.simple_command(command, names.mailbox(folder))
        await self._client.ask(call, self._limits.command)

    def _read(self, read: Callable[[answers.Lines], R], lines: answers.Lines) -> R:
        """What ``read`` makes of the lines; a bad answer ends the session."""
        try:
            return read(lines)
        except BadAnswer as error:
            self._client.cut()
            raise MailboxUnavailable(str(error)) from error
