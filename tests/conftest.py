"""Which tests run on one worker, one after the other, and which begin: no worker shall wait for another at last."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

HOUSES = TESTS / "journeys" / "dashboard"
"""Its files share one dashboard with a browser; each worker that ran some of them would open another."""

LONGEST = (HOUSES, TESTS / "upkeep" / "test_documents.py", TESTS / "unit" / "test_ray_engine.py")
"""They begin, each on a worker of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(_together(item).relative_to(TESTS))))
    items.sort(key=lambda item: LONGEST.index(_together(item)) if _together(item) in LONGEST else len(LONGEST))


def _together(item: pytest.Item) -> Path:
    return HOUSES if item.path.is_relative_to(HOUSES) else item.path
