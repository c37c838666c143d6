"""What the SMTP door needs of the rest, as narrow protocols of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

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

    async def withdraw(self, letter: LetterId) -> bool:
        """Take back a letter that nobody was told we have; whether it could still be taken back.

        It cannot once it has been leased, **nor once a replay of it was answered**: the sender may have come back on
        another connection between the commit and the withdrawal, and was promised the letter.
        """
        ...


class RecipientPolicy(Protocol):
    """Whether a source may hand in letters for an address; who gets them is decided by addressing, later."""

    def __call__(self, source: str, address: str) -> bool:
        """False refuses the recipient with ``550 5.7.1``."""
        ...


Certificate = Mapping[str, Any]
"""A certificate that TLS has verified, as ``ssl.SSLObject.getpeercert`` tells it."""


class Peers(Protocol):
    """Which operators may write as whom; asked anew for every letter, because a trust space changes."""

    def vouch(self, certificate: Certificate, sender: str) -> None:
        """Raises ``HuitaineError`` unless ``sender`` may be MAIL FROM here; empty is the null reverse-path."""
        ...

    def may_show(self, certificate: Certificate, address: str, *, is_report: bool) -> bool:
        """Whether a letter of this operator's may have ``address`` in its header From; raises ``TransientFailure``.

        ``is_report`` is one with the null reverse-path.
        """
        ...


class Asked(Protocol):
    """Whether somebody is there to take letters for an address: where the door is not the last to know."""

    async def __call__(self, sender: str, address: str) -> None:
        """Asked at RCPT, ``sender`` as in MAIL; raises ``HuitaineError`` with what the far side is to hear."""
        ...


async def nobody_asked(sender: str, address: str) -> None:
    """Who gets a letter is found out later: the default of ``SmtpDoorSettings.asks``."""


def any_recipient(source: str, address: str) -> bool:
    """Anything well-formed: the default."""
    return True


def always_open() -> None:
    """No reason to refuse a letter before it is sent: the default of ``SmtpDoorSettings.admit``."""
