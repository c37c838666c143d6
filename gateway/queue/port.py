"""What the engine asks of a database: three things. SQLite's adapter is ``opening.py``; another one stands beside it.

Every statement of the verbs is Core for both dialects (``dialects.py`` has the differences) and is run on a real
PostgreSQL by ``tests/unit/queue/test_both_engines.py``.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Engine


class Database(Protocol):
    """An opened database whose tables have the shape of ``tables.py``."""

    @property
    def engine(self) -> Engine:
        """For the one thread that writes: a commit that returns is on the disk, and only a commit is."""
        ...

    @property
    def readers(self) -> Engine:
        """For threads that only read; they neither wait for the writer nor make it wait."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
