"""What is done with a mail once its operator has his yes: he neither waits for it nor hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.letter import ReceivedLetter
from gateway.smtp.server.contract import Certificate

OnMail = Callable[[bytes], Awaitable[None]]


class Errand:
    """Runs beside; what goes wrong leaves a line."""

    def __init__(self, on_mail: OnMail | None) -> None:
        """``None`` has nothing done."""
        self._on_mail = on_mail
        self._running: set[asyncio.Task[None]] = set()

    def run(self, letter: ReceivedLetter) -> None:
        """Begin; returns at once."""
        if self._on_mail is not None:
            task = asyncio.get_running_loop().create_task(_told(self._on_mail, letter))
            self._running.add(task)
            task.add_done_callback(self._running.discard)


async def _told(on_mail: OnMail, letter: ReceivedLetter) -> None:
    try:
        await on_mail(_with_source(letter))
    except Exception as error:  # noqa: BLE001 - nobody else would see it
        structlog.get_logger().error("errand-failed", letter_id=letter.id, error=type(error).__name__)


def _with_source(letter: ReceivedLetter) -> bytes:
    """Whoever counts failures by source believes the topmost Return-Path (RFC 5321 §4.4): ours, not the mail's own.

    It names the operator: the domain that he was vouched for, with the null reverse-path his certificate's name.
    """
    source = letter.envelope.sender.rpartition("@")[2] or _common_name(letter.peer or {})
    return b"Return-Path: <operator@%s>\r\n%s" % (source.encode(), letter.content)


def _common_name(certificate: Certificate) -> str:
    shown = [pair for pairs in certificate.get("subject", ()) for pair in pairs]
    name = next((value for key, value in shown if key == "commonName"), "")
    return "".join(filter(str.isprintable, name))
