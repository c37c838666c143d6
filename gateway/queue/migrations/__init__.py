"""The shape of the database, step by step: each revision is one transaction, so that a kill leaves the old or the new.

How a revision is added is in README.md beside this file.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from gateway.errors import DatabaseRefused

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
        command.upgrade(config(connection), to)


def refuse_another_shape(connection: Connection) -> None:
    """For those who only read: raises DatabaseRefused unless the database has the shape that this program knows."""
    if _behind(connection, "head"):
        raise DatabaseRefused(
            "the database is of an older version: start `huitaine serve` once, it brings it up to date"
        )


def config(connection: Connection) -> Config:
    """What alembic's commands ask for, without its file."""
    given = Config()
    given.set_main_option("script_location", str(HERE))
    given.attributes["connection"] = connection
    return given


def newest() -> str:
    """The number of the last revision."""
    return ScriptDirectory(str(HERE)).get_current_head() or ""


def _behind(connection: Connection, to: str) -> bool:
    """Whether something is left to do before ``to``."""
    scripts = ScriptDirectory(str(HERE))
    known = [each.revision for each in scripts.walk_revisions()]
    now = MigrationContext.configure(connection).get_current_revision()
    if now is not None and now not in known:
        raise DatabaseRefused(
            f"the database is of a newer version (its revision {now}, ours {known[0]}): install that version again"
        )
    return now != (known[0] if to == "head" else to)
