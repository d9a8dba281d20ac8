"""Opens the store of scans for the dashboard."""

from __future__ import annotations

import re

from forensics.store import Store

__all__ = ["Store", "open_store", "without_password"]

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^@]*@")


def open_store(url: str) -> Store:
    """Open, create or migrate it.

    Raises:
        ValueError: no usable address, or a store of a newer version.
        StoreError: the database cannot be reached, read or written.
    """
    return Store(url)


def without_password(url: str) -> str:
    """The address of a database as it may be shown."""
    return _PASSWORD.sub(r"\1:***@", url)
