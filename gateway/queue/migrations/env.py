"""Run by alembic: the connection comes from :func:`gateway.queue.migrations.upgrade`, never from a file of settings."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    # pysqlite cannot be trusted with DDL, our engine can: it says BEGIN IMMEDIATE itself (gateway/queue/sqlite.py).
    transactional_ddl=True,
    transaction_per_migration=True,
    render_as_batch=True,
    **context.config.attributes.get("options", {}),
)
with context.begin_transaction():
    context.run_migrations()
