"""Message-IDs that lead back to their delivery and that nobody else can make: ``<delivery.attempt.tag@domain>``.

No table is needed to match a receipt, and nothing has to be written between sealing and sending.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from gateway.identifiers import DeliveryId

Pseudonym = Callable[[str, str], str]
_TAG = 12


class MessageIds:
    """Makes and recognises our own."""

    def __init__(self, domain: str, pseudonym: Pseudonym) -> None:
        """``pseudonym(purpose, text)`` is the vault's keyed hash."""
        self._domain, self._pseudonym = domain, pseudonym

    def __call__(self, delivery: DeliveryId, attempt: int) -> str:
        """The Message-ID of one attempt."""
        return f"<{self.envid(delivery, attempt)}@{self._domain}>"

    def envid(self, delivery: DeliveryId, attempt: int) -> str:
        """The same without brackets and domain, for ENVID (RFC 3461 §4.4)."""
        return f"{delivery.lower()}.{attempt}.{self._tag(delivery, attempt)}"

    def delivery_of(self, text: str | None) -> DeliveryId | None:
        """The delivery that a Message-ID or ENVID of ours names; ``None`` for anybody else's."""
        parts = (text or "").strip().strip("<>").partition("@")[0].split(".")
        if len(parts) != 3 or not parts[1].isdecimal():
            return None
        delivery = DeliveryId(parts[0].upper())
        return delivery if hmac.compare_digest(self._tag(delivery, int(parts[1])), parts[2].lower()) else None

    def _tag(self, delivery: DeliveryId, attempt: int) -> str:
        return self._pseudonym("message-id", f"{delivery}.{attempt}")[:_TAG]
