"""One mail over an open dialogue: MAIL, RCPT, DATA, content, dot; every way it can end is told with its phase."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.beside import beside
from gateway.smtp.courier.commands import Offers, Parcel, mail_command, rcpt_command, stuffed
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.failures import Phase
from gateway.smtp.courier.meaning import failure_of, told_with_phase
from gateway.smtp.courier.replies import NotSmtp, Reply
from gateway.smtp.courier.timeouts import Timeouts

BLOCK = 256 * 1024


class Transaction:
    """Carries one parcel; afterwards ``is_clean`` tells whether the dialogue may carry another."""

    def __init__(self, dialogue: Dialogue, offers: Offers, timeouts: Timeouts) -> None:
        """Nothing is written yet."""
        self._dialogue = dialogue
        self._offers = offers
        self._timeouts = timeouts
        self.phase = Phase.MAIL
        self.spoken_to = False
        """Whether the next hop answered anything at all to this parcel."""
        self.is_clean = False

    async def carry(self, parcel: Parcel) -> Reply:
        """The 2xx to the final dot; raises ``HandOverFailure``. Content is written only after a 354 (RFC 2920 §3.1)."""
        commands = [mail_command(parcel, self._offers), rcpt_command(parcel, self._offers), b"DATA\r\n"]
        content = await beside(len(parcel.mail.content), stuffed, parcel.mail.content)
        with told_with_phase(lambda: self.phase):
            await self._open_data(commands)
            await self._write(content)
            await self._end_data(parcel)
            reply = await self._dialogue.reply(self._timeouts.dot)
        self.is_clean = not self._dialogue.has_unread and reply.code != 421
        if reply.kind != 2:
            raise failure_of(reply, Phase.DOT)
        return reply

    async def _open_data(self, commands: list[bytes]) -> None:
        if self._offers.pipelining:
            self._dialogue.write(b"".join(commands))
        refused: tuple[Reply, Phase] | None = None
        for command, phase in zip(commands, (Phase.MAIL, Phase.RCPT, Phase.DATA), strict=True):
            if not self._offers.pipelining:
                self._dialogue.write(command)
            reply = await self._answer(phase, refused is not None)
            if refused is None and reply.kind != (3 if phase is Phase.DATA else 2):
                refused = (reply, phase)
            if refused and (not self._offers.pipelining or reply.code == 421 or reply.kind == 3):
                break  # a 354 after a refusal leaves the hop waiting for content: only closing ends that
        if refused is not None:
            await self._reset(reply)
            raise failure_of(*refused)

    async def _answer(self, phase: Phase, is_refused: bool) -> Reply:  # noqa: FBT001 - private, read at its one call
        if not is_refused:
            self.phase = phase
        reply = await self._dialogue.reply(self._timeouts.data if phase is Phase.DATA else self._timeouts.command)
        self.spoken_to = True
        return reply

    async def _reset(self, last: Reply) -> None:
        """RSET, so that a refusal does not cost the connection; never after a 354 or a 421."""
        if last.code == 421 or last.kind == 3 or self._dialogue.has_unread:
            return
        with contextlib.suppress(OSError, NotSmtp):  # TimeoutError is an OSError
            self._dialogue.write(b"RSET\r\n")
            reply = await self._dialogue.reply(self._timeouts.command)
            self.is_clean = reply.kind == 2 and not self._dialogue.has_unread

    async def _write(self, content: bytes) -> None:
        view = memoryview(content)
        for start in range(0, len(content), BLOCK):
            if start:
                await asyncio.sleep(0)  # a fast hop always has room, and the others want their turn
            self._refuse_early_reply()
            self._dialogue.write(bytes(view[start : start + BLOCK]) if len(content) > BLOCK else content)
            await self._dialogue.room(self._timeouts.block)

    async def _end_data(self, parcel: Parcel) -> None:
        if parcel.before_dot is not None:
            await parcel.before_dot()
        await asyncio.sleep(0)  # lets a reply that is already here be seen before the dot makes it look like an answer
        self._refuse_early_reply()
        self._dialogue.write(b".\r\n")
        self.phase = Phase.DOT  # not before: a connection that is lost already never heard the dot

    def _refuse_early_reply(self) -> None:
        if self._dialogue.has_unread:
            raise NotSmtp("a reply before the final dot")
