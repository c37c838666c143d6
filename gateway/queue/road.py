"""The journey, as the worker of the queue needs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.letter import AddressedLetter, Done, KeptLetter, SealedMail, Step


class Road(Protocol):
    """The journey, as the worker needs it."""

    async def carry(
        self, step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None
    ) -> tuple[SealedMail, Done]:
        """Compose, seal, hand over; ``before_dot`` has returned before the final dot is sent."""
        ...

    async def seal(self, step: Step) -> SealedMail:
        """Compose and seal."""
        ...

    async def readdress(self, kept: KeptLetter) -> list[AddressedLetter]:
        """Read and address again."""
        ...
