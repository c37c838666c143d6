"""The hospital's own mail server: asked address by address, then given the mail while the far side waits for our yes.

Nothing is stored on the way: the yes that the far side hears is that server's own, so that nothing in clear touches a
disk of ours, and nobody has to be told later that a mailbox does not exist (no backscatter).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from gateway.beside import beside
from gateway.errors import Busy
from gateway.letter import Envelope, ReceivedLetter, Recipient
from gateway.passing import trace
from gateway.service.operators.commands import mail_from, rcpt_to
from gateway.smtp.courier.commands import Offers, stuffed
from gateway.smtp.courier.connecting import open_dialogue
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.failures import HopTimedOut, Phase
from gateway.smtp.courier.meaning import failure_of, told_with_phase
from gateway.smtp.courier.replies import NotSmtp
from gateway.smtp.courier.routes import Hop
from gateway.smtp.courier.timeouts import Timeouts

TIMEOUTS = Timeouts(connect=10, command=30, data=30, block=60, opening=40)
"""Of each step; its ``dot`` does not count here."""
BEFORE_DOT, ALL = 130.0, 280.0
"""Seconds: the deadline for every step before the final dot together, and for the answer to it.

Our door waits 300 s for all that happens behind it. Before the dot a session is cut and nothing was handed over; the
answer to the dot may say that the mail is theirs, so it gets all that is left.
"""
AT_ONCE, PATIENCE = 20, 30.0
"""Sessions, and the seconds that whoever comes then waits for one to end."""
MOST_OCTETS = 256 << 20
"""Of mails that wait for a place or are in a session, each counted three times: as it came, with our trace, on its way.

One alone is always taken."""


class HospitalServer:
    """One hop behind the door. A session each time: what comes in is few, beside what leaves."""

    def __init__(self, hop: Hop, *, gateway: str) -> None:
        """``gateway`` is our name in EHLO and in the trace."""
        self._hop, self._gateway = hop, gateway
        self._places = asyncio.Semaphore(AT_ONCE)
        self._octets = 0

    async def asks(self, sender: str, address: str) -> None:
        """Returns when MAIL and RCPT were answered 2xx; raises the ``HandOverFailure`` that its answer means."""
        async with self._session(_now() + BEFORE_DOT) as session:
            await session.begin(Envelope(sender=sender, recipients=(Recipient(address=address),)))

    async def take(self, letter: ReceivedLetter) -> None:
        """On return it has answered 2xx to the final dot; one recipient that it refuses now refuses the whole letter.

        Each was asked at RCPT: the far side comes back, asks again, and then hears which one it is. A failure that is
        ``ambiguous`` leaves open whether it has the mail.
        """
        began = _now()
        with self._held(3 * len(letter.content)):
            async with self._session(began + BEFORE_DOT) as session:
                # Its copies are made only now: who waits for a place has none.
                traced = trace(letter.id, self._gateway, letter.received_at) + letter.content
                content = await beside(len(traced), stuffed, traced)
                await session.begin(letter.envelope, content)
                await session.send(content)
                await session.end(began + ALL - _now())

    @contextlib.asynccontextmanager
    async def _session(self, deadline: float) -> AsyncIterator[_Session]:
        """A session that ends with the caller, cut when he was stopped or ``deadline`` passes before the dot."""
        async with self._place():
            dialogue, offers = await open_dialogue(self._hop, self._gateway, TIMEOUTS)
            session = _Session(dialogue, offers, deadline)
            try:
                with told_with_phase(lambda: session.phase):
                    yield session
            except (asyncio.CancelledError, HopTimedOut):
                dialogue.abort()
                raise
            finally:
                dialogue.close()

    @contextlib.contextmanager
    def _held(self, octets: int) -> Iterator[None]:
        """Raises ``Busy`` when so many do not fit beside the others'."""
        if self._octets and self._octets + octets > MOST_OCTETS:
            raise Busy("mail server: octets")
        self._octets += octets
        try:
            yield
        finally:
            self._octets -= octets

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Raises ``Busy`` when the server is so slow that none becomes free."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError as error:
            raise Busy("mail server") from error
        try:
            yield
        finally:
            self._places.release()


class _Session:
    """One transaction over an open dialogue."""

    def __init__(self, dialogue: Dialogue, offers: Offers, deadline: float) -> None:
        """``deadline`` is the loop's time by which the dot must be written."""
        self._dialogue, self._offers, self._deadline = dialogue, offers, deadline
        self.phase = Phase.MAIL

    async def begin(self, envelope: Envelope, content: bytes = b"") -> None:
        """MAIL and each RCPT; raises for the first that is not answered 2xx."""
        await self._say(mail_from(envelope, self._offers, content), Phase.MAIL)
        for each in envelope.recipients:
            await self._say(rcpt_to(each, self._offers), Phase.RCPT)

    async def send(self, content: bytes) -> None:
        """DATA and the content, without the dot: cut here, it was never handed over."""
        await self._say(b"DATA\r\n", Phase.DATA, kind=3)
        self._dialogue.write(content)
        await self._dialogue.room(self._left(TIMEOUTS.block))

    async def end(self, seconds: float) -> None:
        """The dot and the yes to it, for which there are ``seconds``."""
        self._left(seconds)
        await self._said(b".\r\n", Phase.DOT, seconds)

    async def _say(self, command: bytes, phase: Phase, *, kind: int = 2) -> None:
        await self._said(command, phase, self._left(TIMEOUTS.command), kind=kind)

    async def _said(self, command: bytes, phase: Phase, seconds: float, *, kind: int = 2) -> None:
        if self._dialogue.has_unread:
            raise NotSmtp("a reply that nothing asked for")
        self._dialogue.write(command)
        self.phase = phase
        reply = await self._dialogue.reply(seconds)
        if reply.kind != kind:
            raise failure_of(reply, phase)

    def _left(self, seconds: float) -> float:
        """So many seconds, or what is left of all before the dot; raises ``TimeoutError`` when nothing is."""
        left = self._deadline - _now()
        if left <= 0:
            raise TimeoutError
        return min(seconds, left)


def _now() -> float:
    return asyncio.get_running_loop().time()
