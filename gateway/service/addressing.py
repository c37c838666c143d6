"""Station 4 as the road is handed it: the source's own codes become numbers first, and trouble is told in our terms."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.addressing import Addressing
from gateway.correspondents import with_correspondents
from gateway.letter import AddressedLetter, ParsedLetter
from gateway.service.trouble import directory_trouble


class AddressingDesk:
    """Raises ``StorageUnavailable`` when the directory cannot be read now: the letter waits and is taken up again."""

    def __init__(self, addressing: Addressing, correspondents: Mapping[str, Mapping[str, str]]) -> None:
        """``correspondents``: per source, its codes to RPPS numbers."""
        self._addressing, self._correspondents = addressing, correspondents

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        """One outcome per addressee."""
        table = self._correspondents.get(parsed.kept.received.source, {})
        with directory_trouble():
            return self._addressing.address(with_correspondents(parsed, table))
