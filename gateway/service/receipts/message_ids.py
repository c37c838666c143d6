"""Message-IDs that lead back to their delivery and that nobody else can make: ``<delivery.attempt.tag@domain>``.

No table is needed to match a receipt, and nothing has to be written between sealing and sending.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from gateway.identifiers import DeliveryId

Pseudonym = Callable[[str, str], str]
_TAG = 12
_ATTEMPT = re.compile(r"[0-9]{1,9}")
"""Anybody may write to the receipts mailbox: a number of a thousand digits is no number."""


class MessageIds:
    """Makes and recognises our own."""

    def __init__(self, domain: str, pseudonym: Pseudonym) -> None:
        """``pseudonym(purpose, text)`` is the vault's keyed hash."""
        self._domain, self._pseudonym = domain, pseudonym

    def __call__(self, delivery: DeliveryId, attempt: int) -> str:
        """The Message-ID of a delivery: every attempt's the same, so that a double can be told (promises.md B2)."""
        return f"<{self.envid(delivery, 0)}@{self._domain}>"

    def envid(self, delivery: DeliveryId, attempt: int) -> str:
        """The same without brackets and domain, for ENVID (RFC 3461 §4.4)."""
        return f"{delivery.lower()}.{attempt}.{self._tag(delivery, attempt)}"

    def delivery_of(self, text: str | None) -> DeliveryId | None:
        """The delivery that a Message-ID or ENVID of ours names; ``None`` for anybody else's."""
        parts = (text or "").strip().strip("<>").partition("@")[0].split(".")
        if len(parts) != 3 or not _ATTEMPT.fullmatch(parts[1]):
            return None
        delivery = DeliveryId(parts[0].upper())
        right = self._tag(delivery, int(parts[1])).encode()
        return delivery if hmac.compare_digest(right, parts[2].lower().encode("utf-8", "replace")) else None

    def attempt_of(self, envid: str | None, delivery: DeliveryId) -> int | None:
        """The attempt that an ENVID names; ``None`` for another delivery's, and for a Message-ID: it has none."""
        named = (envid or "").strip().strip("<>").partition("@")[0].split(".")
        attempt = int(named[1]) if self.delivery_of(envid) == delivery else 0
        return attempt or None

    def _tag(self, delivery: DeliveryId, attempt: int) -> str:
        return self._pseudonym("message-id", f"{delivery}.{attempt}")[:_TAG]
