"""Databases for tests of what the store keeps: a new one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.util import get_temp_dir
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from forensics.store import Store
from tests import make_postgres


@pytest.fixture(scope="session", autouse=True)
def _sockets() -> None:
    """The folder of multiprocessing's sockets is chosen once a process: not while a test has temporary files lie in a
    folder of its own, whose path would be too long for a socket."""
    get_temp_dir()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store in a file of its own."""
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server of PostgreSQL for all tests of a process."""
    if reason := make_postgres.missing():
        pytest.skip(reason)
    with make_postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, as a user writes it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'scans.db'}"
    address: str = request.getfixturevalue("postgres")
    engine = create_engine(make_url(address).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        # A database of its own for each test takes ten times as long to make and to remove.
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return address
