"""Whom the DNS is asked of and what it says, without dnspython: only a gateway that delivers to the MX loads that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """A recursive server, by address; ours should validate DNSSEC and be on this machine."""

    address: str
    port: int = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """What the DNS says, and whether a validating resolver that we trust vouches for it."""

    records: tuple[T, ...]
    is_secure: bool = False
