"""Which mails are with the hospital's mail server already, or on their way there: an operator may bring one again."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.errors import Busy
from gateway.identifiers import LetterId
from gateway.letter import ReceivedLetter

AGAIN = timedelta(hours=72)
"""As long as the queue knows a letter again (promise A8)."""
MOST = 10_000
"""Mails, some 200 octets each."""


class HandedOn:
    """In memory: after a restart a mail whose yes got lost on the way is handed on twice, never lost."""

    def __init__(self, most: int = MOST) -> None:
        """The oldest are forgotten first."""
        self._most = most
        self._had: OrderedDict[bytes, tuple[LetterId, datetime]] = OrderedDict()
        self._under_way: set[bytes] = set()

    def first(self, letter: ReceivedLetter) -> LetterId | None:
        """The id under which the mail server took the same mail, if it did."""
        known = self._had.get(letter.replay_key)
        return known[0] if known and letter.received_at - known[1] < AGAIN else None

    @contextlib.contextmanager
    def once(self, letter: ReceivedLetter) -> Iterator[None]:
        """Inside, nobody else has this mail in hand; ``Busy`` at once when somebody has."""
        if letter.replay_key in self._under_way:
            raise Busy("the same mail is under way")
        self._under_way.add(letter.replay_key)
        try:
            yield
        finally:
            self._under_way.discard(letter.replay_key)

    def note(self, letter: ReceivedLetter) -> None:
        """The mail server said yes to it."""
        self._had.pop(letter.replay_key, None)
        self._had[letter.replay_key] = letter.id, letter.received_at
        while len(self._had) > self._most:
            self._had.popitem(last=False)
