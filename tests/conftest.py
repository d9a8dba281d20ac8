"""Which tests run on one worker, one after the other, and which begin: no worker shall wait for another at last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

HOUSES = "tests/journeys/dashboard"
"""Its files share one dashboard with a browser; each worker that ran some of them would open another."""

LONGEST = (HOUSES, "tests/upkeep/test_documents.py", "tests/unit/test_ray_engine.py")
"""They begin, each on a worker of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(_together(item.nodeid), len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _together(nodeid)

    return ByFile(config, log)


def _together(nodeid: str) -> str:
    """The file of a test, or the folder whose files go together."""
    return HOUSES if nodeid.startswith(f"{HOUSES}/") else nodeid.partition("::")[0]
