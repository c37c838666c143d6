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
from gateway.smtp.courier.failures import HandOverFailure, HopDeferred, HopTimedOut, HopUnreachable, Phase
from gateway.smtp.courier.meaning import failure_of
from gateway.smtp.courier.replies import NotSmtp
from gateway.smtp.courier.routes import Hop
from gateway.smtp.courier.timeouts import Timeouts

TIMEOUTS = Timeouts(connect=10, command=30, data=30, block=60, dot=200, opening=40)
"""Together below the five minutes that the far side waits for an answer to RCPT, and our door for a commit."""
AT_ONCE, PATIENCE = 20, 30.0
"""Sessions, and the seconds that whoever comes then waits for one to end."""


class HospitalServer:
    """One hop behind the door. A session each time: what comes in is few, beside what leaves."""

    def __init__(self, hop: Hop, *, gateway: str) -> None:
        """``gateway`` is our name in EHLO and in the trace."""
        self._hop, self._gateway = hop, gateway
        self._places = asyncio.Semaphore(AT_ONCE)

    async def asks(self, sender: str, address: str) -> None:
        """Returns when MAIL and RCPT were answered 2xx; raises the ``HandOverFailure`` that its answer means."""
        async with self._session() as session:
            await session.begin(Envelope(sender=sender, recipients=(Recipient(address=address),)))

    async def take(self, letter: ReceivedLetter) -> None:
        """On return it has answered 2xx to the final dot; one recipient that it refuses now refuses the whole letter.

        Each was asked at RCPT: the far side comes back, asks again, and then hears which one it is.
        """
        traced = trace(letter.id, self._gateway, letter.received_at) + letter.content
        content = await beside(len(traced), stuffed, traced)
        async with self._session() as session:
            await session.begin(letter.envelope, content)
            await session.send(content)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        """A session that ends with the caller, cut at once when he was stopped."""
        async with self._place():
            dialogue, offers = await open_dialogue(self._hop, self._gateway, TIMEOUTS)
            session = _Session(dialogue, offers)
            try:
                with session.told_with_phase():
                    yield session
            except asyncio.CancelledError:
                dialogue.abort()
                raise
            finally:
                dialogue.close()

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

    def __init__(self, dialogue: Dialogue, offers: Offers) -> None:
        self._dialogue, self._offers = dialogue, offers
        self._phase = Phase.MAIL

    async def begin(self, envelope: Envelope, content: bytes = b"") -> None:
        """MAIL and each RCPT; raises for the first that is not answered 2xx."""
        await self._say(mail_from(envelope, self._offers, content), Phase.MAIL)
        for each in envelope.recipients:
            await self._say(rcpt_to(each, self._offers), Phase.RCPT)

    async def send(self, content: bytes) -> None:
        """DATA, the content, the dot and the yes to it."""
        await self._say(b"DATA\r\n", Phase.DATA, kind=3)
        self._dialogue.write(content)
        await self._dialogue.room(TIMEOUTS.block)
        await self._say(b".\r\n", Phase.DOT)

    async def _say(self, command: bytes, phase: Phase, *, kind: int = 2) -> None:
        self._phase = phase
        if self._dialogue.has_unread:
            raise NotSmtp("a reply that nothing asked for")
        self._dialogue.write(command)
        reply = await self._dialogue.reply(TIMEOUTS.dot if phase is Phase.DOT else TIMEOUTS.command)
        if reply.kind != kind:
            raise failure_of(reply, phase)

    @contextlib.contextmanager
    def told_with_phase(self) -> Iterator[None]:
        """Turns what a socket or a server can do into the failure that says how far it came."""
        try:
            yield
        except HandOverFailure:
            raise
        except TimeoutError as error:
            raise HopTimedOut("silence", phase=self._phase) from error
        except NotSmtp as error:
            raise HopDeferred(str(error), phase=self._phase) from error
        except OSError as error:
            raise HopUnreachable(str(error), phase=self._phase) from error
