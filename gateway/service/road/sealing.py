"""Station 6 for the event loop: a key on a card or in a token is asked in a thread of its own, and not for ever.

Our other keys seal at once, which is cheaper than any thread.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Protocol

from gateway.beside import beside
from gateway.crypto.trust.errands import Errands
from gateway.errors import TokenUnavailable
from gateway.letter import ComposedMail, OpenPgp, SealedMail, Smime

_LONGEST = timedelta(seconds=90)
"""More than gpg and its agent take to be given up, and the line before them."""


class Seals(Protocol):
    """The sealer; threads may share it."""

    def seal(self, mail: ComposedMail) -> SealedMail:
        """Sign, then encrypt; raises NoProtection or TokenUnavailable."""
        ...


class SealingDesk:
    """The sealer, kept from stopping everybody else while a card or token is silent."""

    def __init__(
        self, sealer: Seals, *, smime_elsewhere: bool, openpgp_elsewhere: bool, longest: timedelta = _LONGEST
    ) -> None:
        """``…_elsewhere``: whether that key of ours is not in this process; ``longest`` is waited for it."""
        self._sealer, self._longest = sealer, longest
        self._smime_elsewhere, self._openpgp_elsewhere = smime_elsewhere, openpgp_elsewhere
        self._errands, self._turn = Errands(1), asyncio.Lock()
        self._asked: asyncio.Future[SealedMail] | None = None

    async def seal(self, mail: ComposedMail) -> SealedMail:
        """As :meth:`Sealer.seal`; TokenUnavailable also when a token is silent, then at once until it has answered."""
        if not self._asks_elsewhere(mail):
            return await beside(len(mail.entity), self._sealer.seal, mail)
        async with self._turn:
            if self._asked is not None and not self._asked.done():
                raise TokenUnavailable("token: still no answer")
            self._asked = self._errands.run(partial(copy_context().run, self._sealer.seal, mail))
            self._asked.add_done_callback(_heard)
            await asyncio.wait({self._asked}, timeout=self._longest.total_seconds())
            if not self._asked.done():
                raise TokenUnavailable("token: no answer in time")
            return self._asked.result()

    def _asks_elsewhere(self, mail: ComposedMail) -> bool:
        """Whether a key that may come into play for this addressee is not here."""
        if not (self._smime_elsewhere or self._openpgp_elsewhere):
            return False
        wanted = mail.protection
        others = wanted.alternatives if isinstance(wanted, Smime | OpenPgp) else ()
        return any(
            self._openpgp_elsewhere if isinstance(each, OpenPgp) else self._smime_elsewhere
            for each in (wanted, *others)
        )


def _heard(late: asyncio.Future[SealedMail]) -> None:
    """What it failed with when nobody waits any more was told as silence already."""
    if not late.cancelled():
        late.exception()
