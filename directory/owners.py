"""Whose a mailbox is: the persons whom the directory gives it to, never those whom the administrator lets it serve."""

from __future__ import annotations

from collections.abc import Sequence

from directory.records import Mailbox, Source


def owners(boxes: Sequence[Mailbox]) -> list[Mailbox]:
    """Of what the directory knows of one address, the records of persons whose own it is.

    The administrator who enters an organisation's mailbox for somebody permits it: it does not become his own.
    """
    is_shared = any(not box.personal for box in boxes)
    return [box for box in boxes if box.personal and (box.source is Source.DIRECTORY or not is_shared)]
