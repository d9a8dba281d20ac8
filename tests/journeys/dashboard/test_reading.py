"""Whoever sees little, or nothing, reads every page: contrast, words for pictures, names of controls."""

from __future__ import annotations

import re

import pytest

from dashboard.pages import PAGES
from tests.journeys.dashboard.contrast import faint_words
from tests.make_browser import go, missing, rest
from tests.make_house import House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

NAMELESS = re.compile(
    r"\s*- (button|textbox|checkbox|slider|combobox|link|spinbutton|radio|tab|radiogroup|img)\s*:?\s*$"
)
"""A line of the tree that readers of screens walk, without a name."""


def addresses(house: House) -> list[str]:
    shown = "?id=1&id=2" if PAGES[0].path == "scan" else PAGES[0].path
    return [f"{house.server.url}/{path}" for path in (shown, "scan", *(entry.path for entry in PAGES[1:]))]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_words_stand_out_from_their_ground(dark: bool, house: House) -> None:
    page = house.enter("ada", dark=dark)
    for address in addresses(house):
        go(page, address)
        rest(page)
        assert faint_words(page, dark=dark) == [], address


def test_every_picture_has_words_and_every_control_a_name(house: House) -> None:
    page = house.enter("ada")
    for address in addresses(house):
        go(page, address)
        rest(page)
        tree = page.locator('[data-testid="stMain"]').aria_snapshot()
        assert len(tree) > 100 and [line for line in tree.splitlines() if NAMELESS.match(line)] == [], address
