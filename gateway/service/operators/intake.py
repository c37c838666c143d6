"""Where what other operators bring goes: receipts are heard here, all else is for the hospital's own mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import Protocol

import structlog

from gateway.errors import PermanentFailure
from gateway.identifiers import LetterId
from gateway.letter import KeptLetter, Receipt, ReceivedLetter, Recipient
from gateway.receipts.reading import read_mail
from gateway.service.operators.errand import Errand
from gateway.service.operators.handed_on import HandedOn
from gateway.smtp.courier.failures import HandOverFailure, Phase
from gateway.smtp.server.contract import Certificate

Hear = Callable[[Sequence[Receipt], Callable[[str], bool]], Awaitable[int]]
"""On return what the receipts prove is committed, and how many of them are about letters of ours.

The second argument says of a mailbox whether who brought them may tell of letters to it. Raises ``TransientFailure``
when something cannot be said yet.
"""

_log = structlog.get_logger()


class Heard(Enum):
    """How much of a mail is receipts about letters of ours."""

    NOTHING = auto()
    PART = auto()
    """People may have written in it, too."""
    ALL = auto()


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
        may_tell_of: Callable[[Certificate, str], bool],
        on_mail: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        """Without ``server`` only receipts are taken.

        ``may_tell_of`` says whether who showed a certificate may bring a receipt about a letter to a mailbox;
        ``on_mail`` sees each mail that was taken, and nobody waits for it.
        """
        self._ours, self._hear, self._server, self._may_tell_of = ours, hear, server, may_tell_of
        self._handed_on = HandedOn()
        self._errand = Errand(on_mail)

    async def asks(self, sender: str, address: str) -> None:
        """Whether there is somebody to take mail for ``address``; raises ``HuitaineError``: never a relay (E6).

        Receipts are heard here, whatever a mail server says of the address; what is none it may refuse at the dot.
        """
        if address not in self._ours:
            raise OnlyForHere("not ours")
        if self._server is not None and not self._ours.hears(address):
            await self._server.asks(sender, address)

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """On return nothing of it depends on us any more; raises ``HuitaineError``, and the far side keeps it."""
        first = self._handed_on.first(letter)
        if first is not None:
            return KeptLetter(received=replace(letter, id=first), again=True)
        with self._handed_on.once(letter):
            await self._sort(letter)
        self._errand.run(letter)
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        """Never: who heard it, or has it, keeps it. The far side brings it again, and the second changes nothing."""
        return False

    async def _sort(self, letter: ReceivedLetter) -> None:
        to = letter.envelope.recipients
        others = tuple(each for each in to if not self._ours.hears(each.address))
        heard = await self._heard(letter) if len(others) < len(to) else Heard.NOTHING
        if heard is Heard.ALL:
            to = others
        try:
            await self._hand_on(letter, to)
        except HandOverFailure as refused:
            if heard is not Heard.PART or refused.phase is not Phase.RCPT or not refused.permanent:
                raise
            # Nobody reads at our return path: it is the receipt that was written to it.
            await self._hand_on(letter, others)

    async def _heard(self, letter: ReceivedLetter) -> Heard:
        """How much of it is receipts, all of which are committed now."""
        # A crafted mail takes a fraction of a second to read: not on the loop.
        read = await asyncio.to_thread(read_mail, letter.content)
        if not read.receipts:
            return Heard.NOTHING
        about_ours = await self._hear(read.receipts, partial(self._may_tell_of, letter.peer or {}))
        kinds = [each.kind.value for each in read.receipts]
        _log.info("receipts-read", letter_id=letter.id, kinds=kinds, about_ours=about_ours)
        if self._server is None:
            return Heard.ALL
        if not about_ours:
            return Heard.NOTHING
        return Heard.PART if read.has_more else Heard.ALL

    async def _hand_on(self, letter: ReceivedLetter, to: tuple[Recipient, ...]) -> None:
        if not to:
            return
        if self._server is None:
            raise OnlyReceipts("no receipt")
        try:
            await self._server.take(replace(letter, envelope=replace(letter.envelope, recipients=to)))
        except HandOverFailure as failure:
            if failure.ambiguous:
                _log.warning("operator-mail-ambiguous", letter_id=letter.id, why=type(failure).__name__)
            raise
        self._handed_on.note(letter)
        _log.info("operator-mail-handed-on", letter_id=letter.id, recipients=len(to))
