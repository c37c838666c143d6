"""What is known of a mail besides its bytes, and how strictly its signers are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.crypto.trust.policy import Revocation, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How a mail came; what is not known is not held against it."""

    envelope_sender: str | None = field(repr=False, default=None)
    """Who handed it in, by MAIL FROM or by his login; ``None`` when nobody knows, empty for the null sender."""
    mailboxes: tuple[str, ...] = field(repr=False, default=())
    """Whose it is; the addresses in the certificates of the opening keys count besides."""
    revocation: Revocation = field(default_factory=Revocation)
    by_domain: Mapping[str, Trust] = field(default_factory=dict)
    """Domains whose signers are believed under authorities of their own alone (CR-18)."""
    organisations: frozenset[str] = frozenset()
    """Domains whose one certificate stands for all their mailboxes (CR-16)."""
    from_archive: bool = False
    """Whether a person reads an old mail of his own: triple DES is opened then, and remarked (CR-12)."""
