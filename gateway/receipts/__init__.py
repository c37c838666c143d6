"""Station 8, hear back: DSN and MDN become receipts, and receipts find the delivery they speak of.

``dsn``, ``mdn`` and ``bounce`` read what strangers send, ``matching`` and ``effect`` decide what it means for a
delivery, ``zam`` and ``notice`` tell the hospital, ``mailbox`` fetches; all but the last are pure.
"""

from gateway.receipts.effect import Effect, apply, grade
from gateway.receipts.matching import Matched, Sent, Unmatched, match
from gateway.receipts.reading import read_receipts

__all__ = ["Effect", "Matched", "Sent", "Unmatched", "apply", "grade", "match", "read_receipts"]
