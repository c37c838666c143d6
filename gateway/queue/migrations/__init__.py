"""The shape of the database, step by step: each revision is one transaction, so that a kill leaves the old or the new.

How a revision is added is in README.md beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect

from gateway.errors import DatabaseRefused

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the database to the newest shape; the caller holds the folder's lock.

    A database of version 0.1, which has tables but no number, begins at the first revision: that one makes only what is
    missing. Raises DatabaseRefused when a newer version of the program made it.
    """
    with engine.connect() as connection:
        if not _behind(connection, to):
            return
        connection.rollback()
        from alembic import command  # noqa: PLC0415 - half a second that a database of today's shape does not need

        command.upgrade(config(connection), to)


def refuse_another_shape(connection: Connection) -> None:
    """For those who only read: raises DatabaseRefused unless the database has the shape that this program knows."""
    if _behind(connection, "head"):
        raise DatabaseRefused(
            "the database is of an older version: start `huitaine serve` once, it brings it up to date"
        )


def config(connection: Connection) -> Config:
    """What alembic's commands ask for, without its file."""
    from alembic.config import Config  # noqa: PLC0415

    given = Config()
    given.set_main_option("script_location", str(HERE))
    given.attributes["connection"] = connection
    return given


def numbers() -> list[str]:
    """The number of every revision, oldest first: their files are named by it."""
    return sorted(path.stem[1:5] for path in (HERE / "versions").glob("r[0-9]*.py"))


def newest() -> str:
    """The number of the last revision."""
    return numbers()[-1]


def _behind(connection: Connection, to: str) -> bool:
    """Whether something is left to do before ``to``."""
    known, now = numbers(), _number(connection)
    if now is not None and now not in known:
        raise DatabaseRefused(
            f"the database is of a newer version (its revision {now}, ours {known[-1]}): install that version again"
        )
    return now != (known[-1] if to == "head" else to)


def _number(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
