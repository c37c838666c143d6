"""A gateway that breaks promise A5 on purpose: after a failed fsync it simply goes on. Control of A5."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

import cli
from gateway.queue.writer import Writer


def failed_commit(self: Writer, connection: Connection, error: OperationalError) -> None:
    """Roll back and forget."""
    connection.rollback()


if __name__ == "__main__":
    Writer._failed_commit = failed_commit  # type: ignore[method-assign]
    cli.main()
