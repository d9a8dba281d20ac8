"""Opens the store of scans for the dashboard."""

from __future__ import annotations

from forensics.store import Store

__all__ = ["Store", "open_store"]


def open_store(url: str) -> Store:
    """Open, create or migrate it.

    Raises:
        ValueError: no usable address, or a store of a newer version.
        StoreError: the database cannot be reached, read or written.
    """
    return Store(url)
