"""Which shelf an installation has: PostgreSQL where its settings name one, else the file in its folder."""

from __future__ import annotations

from pathlib import Path

from directory.errors import DirectoryError
from directory.shelf import Shelf
from directory.shelf_sqlite import SqliteShelf


def shelf_of(folder: Path, database: str = "") -> Shelf:
    """The shelf in ``folder``, or of the PostgreSQL at ``database``.

    Raises :class:`DirectoryError`: ``not-postgresql`` for another address or one that shows a password,
    ``no-driver`` when ``huitaine[postgres]`` is not installed.
    """
    if not database:
        return SqliteShelf(folder)
    _refuse_other(database)
    try:
        # Loading its driver takes time that an installation on SQLite does not pay.
        from directory.shelf_postgres import PostgresShelf  # noqa: PLC0415
    except ImportError as error:
        raise DirectoryError("no-driver", "directory.database: install huitaine[postgres] for it") from error
    return PostgresShelf(database)


def _refuse_other(database: str) -> None:
    if not database.startswith(("postgresql://", "postgres://")):
        raise DirectoryError("not-postgresql", "directory.database: postgresql://user@host/name, or nothing")
    who = database.partition("://")[2].rpartition("@")[0]
    if ":" in who or "password=" in database:
        raise DirectoryError("not-postgresql", "directory.database: the password belongs in libpq's file (PGPASSFILE)")
