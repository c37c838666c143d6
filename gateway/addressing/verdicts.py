"""How one step of the choice can end: a mailbox, or none that may be used; each with the reasons that led to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.letter import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One mailbox and why this one."""

    mailbox: str = field(repr=False)
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No mailbox, or none that may be used: the last of the reasons."""

    reasons: tuple[Reason, ...]
