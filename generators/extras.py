"""What is said when an optional library is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports within name the extra that brings what is missing.

    Raises:
        ImportError: a library is missing; the message says what to install.
    """
    try:
        yield
    except ImportError as error:
        if "pip install" in str(error):
            raise  # whoever raised it knows better
        raise ImportError(f"{error}; install the extra: pip install 'unforged[{extra}]'", name=error.name) from None
