"""How many connections there may be: in all, from one network, and in a minute (traps.md 4: aiosmtpd counts none)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.smtp.server.settings import SmtpLimits

_MINUTE = 60.0


class Gate:
    """Counts connections; whoever was admitted must leave."""

    def __init__(self, limits: SmtpLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._open: Counter[str] = Counter()
        self._arrived: Counter[str] = Counter()
        self._minute = 0.0

    def admit(self, network: str) -> bool:
        """Count one more connection from ``network``; false when that is too many (it is then not counted)."""
        now = self._monotonic()
        if now - self._minute >= _MINUTE:
            self._minute = now
            self._arrived.clear()
        self._arrived[network] += 1
        too_many = (
            self._open.total() >= self._limits.max_connections
            or self._open[network] >= self._limits.max_connections_per_address
            or self._arrived[network] > self._limits.max_connections_per_minute
        )
        if not too_many:
            self._open[network] += 1
        return not too_many

    def leave(self, network: str) -> None:
        """One connection less."""
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._open.total()
