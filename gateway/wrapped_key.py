"""A key between the master and the letters as the vault makes it and the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """One row of the table ``vault_key``: of use to nobody without the master key."""

    id: str
    """16 hex digits, at the head of all that it wrapped."""
    purpose: str
    """``tenant``, ``pseudonyms``, ``journal`` or ``checkpoints``."""
    name: str
    """The tenant's."""
    wrapped: bytes = field(repr=False)
    """Under the master key."""
    current: bool = True
    """Whether new letters are wrapped under it."""
