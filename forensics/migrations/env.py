"""Alembic runs this: it uses the connection, and the transaction, of whoever opens the store."""

from __future__ import annotations

from alembic import context

from forensics.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
