"""One dashboard for all pages. After each journey nothing may have gone wrong unseen, or left this computer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.make_browser import PATIENCE_MS
from tests.make_house import House, open_house


@pytest.fixture(scope="package")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    with open_house(tmp_path_factory.mktemp("dashboard")) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    house = replace(shared_house, watches=[])
    yield house
    assert {host for watch in house.watches for host in watch.hosts} == {"127.0.0.1"}
    assert [error for watch in house.watches for error in watch.errors] == []
    assert "Traceback" not in house.server.log.read_text(errors="replace")
    for context in house.browser.contexts:
        context.close()
