"""The same store on another database: what an adapter for PostgreSQL begins with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool, StaticPool

from gateway.queue import entries, keyring, migrations
from gateway.queue.bodies import AtRest
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.peers.postgresql import running_postgresql

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPostgresql:
    """A ``Database`` (gateway/queue/port.py) of one schema in a running server."""

    engine: Engine
    readers: Engine

    def close(self) -> None:
        self.readers.dispose()
        self.engine.dispose()

    @classmethod
    def open(cls, address: str, schema: str, vault: AtRest, now: datetime) -> OnPostgresql:
        """With the tables as the revisions make them."""
        _make(address, schema)
        options = {"options": f"-csearch_path={schema}"}
        engine = create_engine(address, connect_args=options, poolclass=StaticPool, hide_parameters=True)
        migrations.upgrade(engine)
        with engine.begin() as connection:
            new = keyring.open_ring(connection, vault, now)
            entries.seal_with(connection, vault.vouch, first=new)
        readers = create_engine(address, connect_args=options, poolclass=NullPool, hide_parameters=True)
        return cls(engine=engine, readers=readers)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running server."""
    with running_postgresql() as found:
        yield found


@pytest.fixture
def opened(
    tmp_path: Path, address: str, vault: RestVault, clock: Callable[[], datetime]
) -> Iterator[Callable[[], Store]]:
    """As the fixture of the same name, on a schema of its own: each call closes the store before and opens it again."""
    schema = f"s{next(_NUMBERS)}"
    with contextlib.ExitStack() as stores:

        def open_store() -> Store:
            stores.close()
            database = OnPostgresql.open(address, schema, vault, clock())
            store = Store(tmp_path, vault, limits=Limits(free_share=0), clock=clock, database=database)
            stores.callback(store.close)
            return store

        yield open_store


def _make(address: str, schema: str) -> None:
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    engine.dispose()
