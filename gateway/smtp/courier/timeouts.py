"""How long the next hop may take, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; the defaults are RFC 5321 §4.5.3.2's, and 30 s for the TCP connection itself.

    ``command`` is for the greeting, EHLO, STARTTLS, AUTH, MAIL and RCPT, each. The 600 s after the final dot are not
    generosity: giving up earlier makes duplicates.
    """

    connect: float = 30
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    opening: float = 600
    """For everything between the TCP connection and the end of the login together, however it is sliced."""
    others: float = 120
    """After that long no further host of the same domain is begun: the whole must end before the lease does."""
