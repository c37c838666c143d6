"""The fence around aioimaplib 2.0.3: nothing waits for ever, nothing grows without end, nothing is printed.

What it fences (traps.md, row 10; a test each): about 1,000 lines in one read end in ``RecursionError`` and a call that
never returns; fed more gently, 20,000 lines of a FETCH take minutes (quadratic) and stop the loop; a closed connection
does not wake the call; an IDLE that the server refuses or cuts hangs; literals and lines have no limit; a BYE greeting
becomes an exception in a task nobody awaits; DEBUG prints mails.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import aioimaplib
from aioimaplib.aioimaplib import IMAP4ClientProtocol, Response

from gateway.errors import LoginRefused, MailboxUnavailable

LINES_AT_ONCE = 100
MOST_LINES = 500
"""Per answer: aioimaplib looks at all lines of a FETCH again for each new one."""
LONGEST_LINE = 1024 * 1024
_OUT_OF_ORDER = (b"[UNAVAILABLE]", b"[INUSE]", b"[LIMIT]", b"[SERVERBUG]")

T = TypeVar("T")


class GuardedProtocol(IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """aioimaplib's parser, fed in small pieces, with a budget of bytes per command."""

    def __init__(self, on_broken: Callable[[str], None]) -> None:
        """``on_broken`` is called once or more with why the session is over."""
        super().__init__(asyncio.get_running_loop(), lambda error: on_broken(f"connection lost {type(error).__name__}"))
        self._on_broken = on_broken
        self.budget = LONGEST_LINE

    def data_received(self, data: bytes) -> None:
        """Refuses more than the budget; never gives the recursive parser more than ``LINES_AT_ONCE`` lines."""
        self.budget -= len(data)
        if self.budget < 0 or len(self.incomplete_line) > LONGEST_LINE:
            self.stop("more data than the command can need")
            return
        try:
            for piece in _pieces(data):
                super().data_received(piece)
                if self._lines_held() > MOST_LINES:
                    self.stop("more lines than the command can need")
                    return
        except Exception as error:  # noqa: BLE001 - RecursionError, Abort, ValueError, AttributeError: any ends it
            self.stop(f"{type(error).__name__} in the answer")

    def _lines_held(self) -> int:
        waiting = (self.pending_sync_command, *self.pending_async_commands.values())
        return max((len(command.response.lines) for command in waiting if command is not None), default=0)

    def eof_received(self) -> bool:
        """The server closed its side."""
        self._on_broken("closed by the server")
        return False

    async def welcome(self, command: bytes) -> None:
        """The greeting; one that is no greeting ends the session instead of an unseen task."""
        try:
            await super().welcome(command)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - Error, IndexError, UnicodeDecodeError: not an IMAP server
            self.stop(f"{type(error).__name__} in the greeting")

    def stop(self, why: str) -> None:
        """Cuts the connection at once."""
        self._on_broken(why)
        if self.transport is not None:
            self.transport.abort()


class GuardedClient(aioimaplib.IMAP4):  # type: ignore[misc]  # aioimaplib has no types
    """aioimaplib's client on a guarded protocol. Every call goes through :meth:`ask`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, server_name: str) -> None:
        """Starts connecting; the first :meth:`ask` tells how it went."""
        logging.getLogger("aioimaplib").setLevel(logging.WARNING)
        self._server_name = server_name
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        super().__init__(host, port, ssl_context=context, timeout=None)

    def create_client(
        self, host: str, port: int, loop: object, conn_lost_cb: object = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """The library's hook, with our protocol and the name to verify."""
        running = asyncio.get_running_loop()
        self.protocol = GuardedProtocol(self._break)
        connecting = running.create_connection(
            lambda: self.protocol, host, port, ssl=ssl_context, server_hostname=self._server_name
        )
        self._client_task = running.create_task(connecting)

    async def ask(self, call: Coroutine[Any, Any, T], seconds: float, budget: int = LONGEST_LINE) -> T:
        """The call's result within ``seconds`` and ``budget`` bytes.

        Raises ``MailboxUnavailable`` for anything else, and then the connection is already cut: no state is shared
        with a session that misbehaved once.
        """
        self.protocol.budget = budget
        task = asyncio.ensure_future(call)
        try:
            waiting: set[asyncio.Future[Any]] = {task, self._broken}
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return self._result_of(task)
        except MailboxUnavailable:
            self.cut()
            raise
        except Exception as error:
            self.cut()
            raise MailboxUnavailable(type(error).__name__) from error  # its words may be the server's
        except BaseException:
            self.cut()  # cancelled in the middle of a command: the next answer would be this one's
            raise
        finally:
            task.cancel()
            task.add_done_callback(_forget)

    def _result_of(self, task: asyncio.Future[T]) -> T:
        if self._broken.done():
            raise MailboxUnavailable(self._broken.result())
        if not task.done():
            raise MailboxUnavailable("no answer in time")
        return task.result()

    def cut(self) -> None:
        """Ends the connection at once, with everything that still waits on it; safe to call twice."""
        self._break("cut by us")
        self._client_task.cancel()
        self._client_task.add_done_callback(_forget)
        if self.protocol.transport is not None:
            self.protocol.transport.abort()
        for task in (*self.tasks, *self.protocol.tasks):
            task.cancel()
            task.add_done_callback(_forget)
        if self._idle_waiter is not None:
            self._idle_waiter.cancel()

    @property
    def is_open(self) -> bool:
        """Whether nothing went wrong so far."""
        return not self._broken.done()

    def _break(self, why: str) -> None:
        if not self._broken.done():
            self._broken.set_result(why)


def completed(response: Response, command: str) -> list[bytes | bytearray]:
    """The lines of a response that ended in OK; ``MailboxUnavailable`` otherwise."""
    if response.result != "OK":
        raise MailboxUnavailable(f"{command} answered {response.result}")
    return list(response.lines)


def logged_in(response: Response) -> None:
    """``LoginRefused`` when the answer is no, unless the server says that it is only out of order (RFC 5530)."""
    said = b" ".join(bytes(line) for line in response.lines)
    if response.result == "NO" and not any(code in said for code in _OUT_OF_ORDER):
        raise LoginRefused("LOGIN answered NO")
    completed(response, "LOGIN")


def _forget(task: asyncio.Future[Any]) -> None:
    """Takes a task's exception so that the loop does not print it; what matters was told already."""
    if not task.cancelled():
        task.exception()


def _pieces(data: bytes) -> list[bytes]:
    if data.count(b"\n") <= LINES_AT_ONCE:
        return [data]
    *lines, rest = data.split(b"\n")
    lines = [line + b"\n" for line in lines]
    return [b"".join(lines[at : at + LINES_AT_ONCE]) for at in range(0, len(lines), LINES_AT_ONCE)] + (
        [rest] * bool(rest)
    )
