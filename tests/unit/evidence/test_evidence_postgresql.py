"""The journal as evidence on PostgreSQL: the same leaves, roots, findings and erasure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.crypto.vault import create_master_key
from gateway.journal_note import opened
from gateway.queue import auditing, entries, tiles
from gateway.queue.auditing import Asking, Wrong
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from gateway.service.journal.checkpoints import Checkpoints
from tests.peers.postgresql import running_postgresql
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import letter_number
from tests.unit.queue.conftest import Clock
from tests.unit.queue.engines import OnPostgresql

pytestmark = pytest.mark.peer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    create_master_key(tmp_path / "master-key")
    vault, clock = RestVault.open(tmp_path / "master-key"), Clock()
    with running_postgresql() as address:
        database = OnPostgresql.open(address, "evidence", vault, clock())
        made = Store(tmp_path, vault, limits=Limits(free_share=0), clock=clock, database=database)
        yield made
        made.close()


async def test_postgresql_keeps_the_tree_names_a_changed_line_and_forgets_as_sqlite_does(store: Store):
    vault, clock = store._vault, Clock()
    checkpoints = Checkpoints(store, vault, domain="hospital.test", clock=clock, every=timedelta(hours=1))
    await journal_kit.write(store, clock, 520)
    head = opened(await checkpoints.sign(), vault.public_key())
    asking = Asking(seal=vault.vouch, public=vault.public_key(), kept=(head,))
    with store._disk.engine.begin() as connection:
        entries.erase(connection, [letter_number(30)], clock())
    with store.reading() as connection:
        found = auditing.audit(connection, asking)
        assert (found.findings, found.entries, found.erased) == ((), 521, 9)
        assert tiles.StoredTree(connection).root(520) == head.root
    with store._disk.engine.begin() as connection:
        connection.execute(text("UPDATE entry SET code = 'x' WHERE seq = 401"))
    with store.reading() as connection:
        told = auditing.audit(connection, asking).findings
    assert [(each.code, each.seq) for each in told] == [(Wrong.CHANGED, 401)]
