"""A PostgreSQL server of its own for tests, where Debian's package is installed: a socket in a folder, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def missing() -> str:
    """Why there can be no server here; "" if there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install 'unforged[postgres]')"
    return "" if _programs() else "PostgreSQL is not installed (apt install postgresql)"


@contextmanager
def server() -> Iterator[str]:
    """Start one and end it.

    Yields:
        Address of a database that may be used to create others.
    """
    folder = Path(tempfile.mkdtemp(prefix="unforged-pg-"))
    # The server refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    programs = _programs()
    assert programs is not None
    control = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    try:
        run(str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "tester", "--no-sync")
        run(*control, "-o", f"-c listen_addresses='' -c fsync=off -k {folder}", "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name)) if found else None
