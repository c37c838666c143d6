"""What the doors of this package need of the rest: somewhere to put a letter before they say yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.errors import HuitaineError, KeyStoreRefused, SettingsRefused
from gateway.identifiers import LetterId
from gateway.letter import Fate, KeptLetter, MailKey, ReceivedLetter

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


class MailIntake(Intake, Protocol):
    """What the door of a mailbox needs besides: the same mail is seen again until it is moved, maybe for days."""

    async def became(self, mail: MailKey) -> Fate | None:
        """What became of this mail, or of the same bytes in this mailbox; ``None`` when it is new.

        A letter's mail is taken from the commit of :meth:`keep_and_read` on (``ReceivedLetter.mail``).
        """
        ...

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        """On return it is durable that this mail was refused and its sender told."""
        ...


def is_ours(failure: HuitaineError) -> bool:
    """Whether the failure is the gateway's own, however permanent: no change of the letter would help."""
    return isinstance(failure, KeyStoreRefused | SettingsRefused)
