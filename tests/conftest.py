"""Which tests run on one worker, one after the other: those of a file, and all journeys through the dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

HOUSES = TESTS / "journeys" / "dashboard"
"""Its files share one dashboard with a browser; each worker that ran some of them would open another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = HOUSES if item.path.is_relative_to(HOUSES) else item.path
        item.add_marker(pytest.mark.xdist_group(str(group.relative_to(TESTS))))
