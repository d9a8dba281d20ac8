"""Opens the database of the store and brings its tables up to date."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

HEAD = "0005"
"""The newest migration. Known here so that Alembic is imported only when there is something to migrate."""

BUSY_TIMEOUT_S = 30.0
"""Another scan may be writing; a write takes milliseconds, a migration seconds."""


_WANTED = "the store takes an address such as sqlite:///scans.db or postgresql://host/name"


class StoreError(OSError):
    """The database cannot be reached, read or written; one line says why."""


def store_error(error: SQLAlchemyError) -> StoreError:
    """What the database said, in one line and without the statement, which holds hostile text."""
    said = str(getattr(error, "orig", None) or error)
    return StoreError(f"the store does not work: {' '.join(said.split())[:300]}")


def open_engine(url: str) -> Engine:
    """Connect, create or migrate.

    Args:
        url: SQLAlchemy URL, "sqlite:///..." or "postgresql+psycopg://...".

    Raises:
        ValueError: no usable URL, or a database of a newer version of this tool.
        ImportError: the driver for this database is not installed.
        StoreError: the database cannot be reached, read or written.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(_WANTED)
        engine = create_engine(parsed, connect_args=_arguments(parsed.get_backend_name()))
    except (ArgumentError, NoSuchModuleError):
        raise ValueError(_WANTED) from None
    except ImportError as error:
        raise ImportError(f"{error}; install the extra: pip install 'unforged[postgres]'") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, parsed.database)
    try:
        _migrate(engine)
    except SQLAlchemyError as error:
        raise store_error(error) from None
    return engine


def _arguments(backend: str) -> dict[str, Any]:
    return {"timeout": BUSY_TIMEOUT_S} if backend == "sqlite" else {}


def _prepare_sqlite(engine: Engine, database: str | None) -> None:
    if database and database != ":memory:":
        # Cases are nobody else's business.
        Path(database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        # The driver's own idea of transactions skips schema changes; SQLAlchemy's manual advises to take over.
        connection.isolation_level = None
        _write_ahead(connection)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        writes = options.get("writes", False)
        if writes:
            # A commit that must outlive a power cut waits for the disk, and takes the earlier ones along.
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('durable') else 'NORMAL'}")
        # A reader that turns writer fails at once when somebody else wrote: writers say so at the start and wait.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(connection: Any) -> None:
    """Change to the journal that lets readers and a writer work side by side.

    The change needs the file for itself, and SQLite does not wait for it: of several scans that make one database at
    the same moment all but one are told that it is locked.
    """
    until_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until_s:
                raise
            time.sleep(0.01)


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        lock(connection, "unforged migration")
        _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def lock(connection: Connection, key: str) -> None:
    """Until the transaction ends, let nobody else in who asks for the same key; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "forensics:migrations")
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise ValueError(
            f"the store has version {_version(connection)}, which this unforged does not know; a newer one wrote it"
        ) from None
