"""Where what other operators bring goes: receipts are heard here, all else is for the hospital's own mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.errors import PermanentFailure
from gateway.identifiers import LetterId
from gateway.letter import KeptLetter, Receipt, ReceivedLetter
from gateway.receipts.reading import read_receipts

Hear = Callable[[Sequence[Receipt]], Awaitable[None]]
"""On return what the receipts prove is committed; raises ``TransientFailure`` when that cannot be said yet."""

_log = structlog.get_logger()


class OnlyReceipts(PermanentFailure):
    """A letter for people, where nobody reads."""

    status, words = "5.7.1", "Only receipts are taken at this address; write to the letter's Reply-To"


class OnlyForHere(PermanentFailure):
    """An address that is none of ours."""

    status, words = "5.7.1", "Relaying not allowed"


class MailServer(Protocol):
    """The hospital's own, behind us."""

    async def asks(self, sender: str, address: str) -> None:
        """Returns when it would take mail for ``address`` now; raises ``HuitaineError`` with what it said instead."""
        ...

    async def take(self, letter: ReceivedLetter) -> None:
        """On return it has answered 2xx to the final dot, for every recipient; raises ``HuitaineError`` otherwise."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Which addresses are this gateway's to take mail for."""

    return_path: str
    """Receipts come back to it."""
    domains: frozenset[str] = frozenset()
    """Whose other mailboxes the hospital's mail server has."""

    def __contains__(self, address: str) -> bool:
        return self.hears(address) or address.rpartition("@")[2].lower() in self.domains

    def hears(self, address: str) -> bool:
        """Whether receipts to ``address`` are about letters of ours."""
        return address.casefold() == self.return_path.casefold()


class OperatorMail:
    """Says yes to a mail once it is in other hands: its receipts committed, the rest with the hospital's server."""

    def __init__(
        self,
        ours: Ours,
        hear: Hear,
        server: MailServer | None = None,
        *,
        on_mail: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        """Without ``server`` only receipts are taken; ``on_mail`` sees each mail that was, once it was."""
        self._ours, self._hear, self._server, self._on_mail = ours, hear, server, on_mail

    async def asks(self, sender: str, address: str) -> None:
        """Whether there is somebody to take mail for ``address``; raises ``HuitaineError``: never a relay (E6)."""
        if address not in self._ours:
            raise OnlyForHere("not ours")
        if self._server is not None:
            await self._server.asks(sender, address)
        elif not self._ours.hears(address):
            raise OnlyReceipts("no mail server")

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """On return nothing of it depends on us any more; raises ``HuitaineError``, and the far side keeps it."""
        to = letter.envelope.recipients
        others = tuple(each for each in to if not self._ours.hears(each.address))
        left = others if len(others) < len(to) and await self._heard(letter) else to
        if left:
            await self._hand_on(replace(letter, envelope=replace(letter.envelope, recipients=left)))
        if self._on_mail is not None:
            await self._on_mail(letter.content)
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        """Never: who heard it, or has it, keeps it. The far side brings it again, and the second changes nothing."""
        return False

    async def _heard(self, letter: ReceivedLetter) -> bool:
        """Whether it is a receipt, all of which is committed now."""
        # A crafted mail takes a fraction of a second to read: not on the loop.
        receipts = await asyncio.to_thread(read_receipts, letter.content)
        if receipts:
            await self._hear(receipts)
            _log.info("receipts-read", letter_id=letter.id, kinds=[each.kind.value for each in receipts])
        return bool(receipts)

    async def _hand_on(self, letter: ReceivedLetter) -> None:
        if self._server is None:
            raise OnlyReceipts("no receipt")
        await self._server.take(letter)
        _log.info("operator-mail-handed-on", letter_id=letter.id, recipients=len(letter.envelope.recipients))
