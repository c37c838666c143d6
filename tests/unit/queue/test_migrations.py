"""The revisions and the tables say the same, and what cannot be brought up to date is refused in one line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

import gateway.delays.escalation_tables
import gateway.delays.tables
import gateway.queue.tables
from gateway.errors import DatabaseRefused
from gateway.queue import migrations, sqlite
from tests.faults.migrating import of_version_0_1, opened, unreadable

assert gateway.delays.tables.stay is not None, "both stations' tables are known to SQLModel.metadata"
assert gateway.queue.tables.Letter.__tablename__ == "letter"


@pytest.fixture(autouse=True)
def databases_are_copies() -> None:
    """Here they are not: each is made by the revisions themselves."""


def upgraded(folder: Path) -> Path:
    engine = sqlite.open_writer(folder / "x.db")
    migrations.upgrade(engine)
    engine.dispose()
    return folder / "x.db"


def differences(database: Path) -> list[object]:
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, SQLModel.metadata)
    engine.dispose()
    return list(found)


def test_the_revisions_make_the_tables_that_the_code_declares(tmp_path: Path):
    assert differences(upgraded(tmp_path)) == []


def test_control_a_column_without_a_revision_is_noticed(tmp_path: Path):
    database = upgraded(tmp_path)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE chunk DROP COLUMN data")
    assert "data" in str(differences(database))


def test_revisions_are_one_row_in_the_order_of_their_files():
    scripts = ScriptDirectory(str(migrations.HERE))
    assert [each.revision for each in scripts.walk_revisions()] == migrations.numbers()[::-1]
    assert scripts.get_heads() == [migrations.newest()]


def test_a_database_of_version_0_1_comes_along_with_its_letters(tmp_path: Path):
    database = of_version_0_1(tmp_path)
    assert unreadable(tmp_path) == []
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (migrations.newest(),)
    assert differences(database) == []


def test_a_database_of_a_newer_version_refuses_to_start_and_stays_as_it_is(tmp_path: Path):
    database = of_version_0_1(tmp_path)
    opened(tmp_path).close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(DatabaseRefused, match="cannot be used") as refused:
        opened(tmp_path)
    assert "newer version (its revision 9999" in refused.value.detail
    assert "\n" not in refused.value.detail
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_who_only_reads_is_told_to_bring_an_old_database_up_to_date(tmp_path: Path):
    engine = sqlite.open_reader(of_version_0_1(tmp_path))
    with engine.connect() as connection, pytest.raises(DatabaseRefused) as refused:
        migrations.refuse_another_shape(connection)
    engine.dispose()
    assert "huitaine serve" in refused.value.detail
