"""What a client may not do: too many errors, too much junk, too slowly, too long a line (promises.md §2: 6, 9, 11)."""

from __future__ import annotations

import asyncio

import structlog

from gateway.smtp.reply import STOCK_REPLIES, Refusal
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.engine import Engine
from gateway.smtp.server.settings import SmtpListener

_LONGEST_LINE = 1 << 16
_TLS = b"\x16\x03"
_HTTP = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PRI ")
_PROXY = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")
_NOT_SMTP = (_TLS, *_HTTP, *_PROXY)
_TOO_SLOW = "421 4.4.2 Too slow"
_IDLE = "421 4.4.2 Idle for too long"

_log = structlog.get_logger()


class Limits(Engine):
    """Watches all that comes in and goes out; whatever ends a connection here says why first."""

    def __init__(
        self, hooks: object, door: SharedDoor, listener: SmtpListener, *, network: str, admitted: bool
    ) -> None:
        self.door = door
        self.listener = listener
        self.limits = door.limits
        self.network = network
        self.receiving = False
        """Between 354 and the answer to the letter: the client's errors are then the letter's, not his."""
        self.client_gone = False
        self._admitted = admitted
        self._is_first = True
        self._line = 0
        self._slow_timer: asyncio.TimerHandle | None = None
        self._parting = _IDLE
        self._errors = 0
        self._junk = 0
        settings = door.settings
        super().__init__(
            hooks, listener, hostname=settings.hostname, max_size=self.limits.max_size, idle=self.limits.idle
        )

    # Coming and going ------------------------------------------------------------------------------------------------

    def connection_lost(self, error: Exception | None) -> None:
        """Leave the gate once: aiosmtpd calls this twice after a failed handshake."""
        self.client_gone = True
        self._stop_slow_timer()
        self.leave_gate()
        super().connection_lost(error)

    def leave_gate(self) -> None:
        """Give the place at the gate back, once."""
        if self._admitted:
            self._admitted = False
            self.door.gate.leave(self.network)

    async def _handle_client(self) -> None:
        refused = "Closing" if self.door.draining else "" if self._admitted else "Too many connections, try again later"
        if refused:
            await self.push(f"421 4.3.2 {refused}")
            return
        await super()._handle_client()

    def hang_up(self) -> None:
        """Close after the client had a moment to read the last reply; nothing he still sends is looked at.

        A socket closed with unread octets resets the connection and takes the reply with it.
        """
        if not self.deaf:
            self.deaf = True
            self.forget_input()
            self._stop_slow_timer()
            self.time_out_after(self.limits.linger.total_seconds())

    def farewell(self, reply: str) -> None:
        """Say why and hang up, from outside the command loop."""
        if not self.deaf and not self.closing:
            self._writer.write(reply.encode() + b"\r\n")
            self.hang_up()

    # What comes in ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Look at the beginning of the connection and at lines that do not end, before any of it is a command."""
        if self.deaf:
            return
        if self._is_first and data.startswith(_NOT_SMTP):
            _log.warning("smtp_not_spoken", listener=self.listener.name, network=self.network)
            self.farewell("500 5.5.1 This is an SMTP port")
            return
        self._is_first = False
        super().data_received(data)
        if not self.receiving:
            self._watch_line(data)

    def _watch_line(self, data: bytes) -> None:
        if data.endswith(b"\n"):
            self._line = 0
            self._stop_slow_timer()
            return
        tail = data.rfind(b"\n")
        self._line = len(data) - tail - 1 + (self._line if tail < 0 else 0)
        if self._line > _LONGEST_LINE:
            self.farewell("500 5.5.2 Command line too long")
        elif self._slow_timer is None:
            self._slow_timer = self.loop.call_later(self.limits.grace.total_seconds(), self.farewell, _TOO_SLOW)

    def stop_watching_line(self) -> None:
        """Content is not a command line."""
        self._line = 0
        self._stop_slow_timer()

    def _stop_slow_timer(self) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def part_after(self, seconds: float, reply: str = _IDLE) -> None:
        """Say ``reply`` and close unless something happens within ``seconds``."""
        if not self.deaf:
            self._parting = reply
            self.time_out_after(seconds)

    def allow_for(self, received: int, started: float) -> None:
        """Credit: after a grace, each ``bytes_per_second`` octets buy a second, up to the idle limit."""
        credit = self.limits.grace.total_seconds() + received / self.limits.bytes_per_second
        left = started + credit - self.loop.time()
        self.part_after(min(left, self.limits.idle.total_seconds()), _TOO_SLOW)

    def _timeout_cb(self) -> None:
        if self.deaf:
            self.close_or_abort()
            return
        _log.info("smtp_timed_out", network=self.network, receiving=self.receiving)
        self.farewell(self._parting)

    # What goes out ---------------------------------------------------------------------------------------------------

    async def push(self, status: str | bytes) -> None:
        """Send one reply: with an enhanced code, later the more errors there were, and 421 when there were too many."""
        if self.deaf or self.closing:
            return
        reply = status.decode() if isinstance(status, bytes) else status
        reply = STOCK_REPLIES.get(reply, reply)
        if reply.startswith("5") and not self.receiving:
            reply = await self._after_error(reply)
        await super().push(reply)
        if reply.startswith("421 "):
            self.hang_up()

    async def _after_error(self, reply: str) -> str:
        self._errors += 1
        if self._errors >= self.limits.max_errors:
            return "421 4.7.0 Too many errors"
        if self._errors > self.limits.patient_errors:
            await asyncio.sleep(self.limits.error_delay.total_seconds())
        return reply

    def count_junk(self) -> None:
        """One more command that hands nothing in; raises ``Refusal`` when that was too many since the last letter."""
        self._junk += 1
        if self._junk > self.limits.max_junk:
            raise Refusal(421, "4.7.0", "Too many commands without a letter")

    def forgive(self) -> None:
        """A letter was taken: whatever came before was not junk."""
        self._errors = self._junk = 0
