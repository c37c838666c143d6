"""What the doors of this package need of the rest: somewhere to put a letter before they say yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.identifiers import LetterId
from gateway.letter import KeptLetter, ReceivedLetter

Clock = Callable[[], datetime]
"""Aware UTC now."""

Ids = Callable[[], LetterId]
"""A new letter id."""


class Intake(Protocol):
    """Where a letter goes before the door says yes (design.md, decision 1)."""

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """On return the letter is durable; raises ``TransientFailure`` when it cannot be now.

        When the same source handed in the same replay key within 72 hours and that copy did not fail, the first
        letter comes back with ``again`` set and nothing new is kept (promise A8).
        """
        ...

    async def keep_and_read(self, letter: ReceivedLetter) -> KeptLetter:
        """``keep``, then read: on return the letter is durable and can be taken.

        Raises ``UnreadableDocument`` when it cannot: the far side is told why, and nobody else will be. What was
        refused is no earlier copy: the same bytes are read anew, since the settings or the reader may have changed.
        """
        ...

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """Remember what the far side was told, so that a replay gets the same (``KeptLetter.answer``)."""
        ...

    async def withdraw(self, letter: LetterId) -> bool:
        """Take back a letter that nobody was told we have; whether it could still be taken back.

        It cannot once a delivery began, nor once a replay of it was answered.
        """
        ...
