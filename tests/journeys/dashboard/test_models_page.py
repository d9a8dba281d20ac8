"""The page Models: what a threshold costs."""

from __future__ import annotations

import re

import pytest

from tests.make_browser import missing
from tests.make_house import House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import Page, expect


def missed(page: Page) -> str:
    """What the threshold costs in fakes, once that is drawn."""
    told = page.get_by_text(re.compile(r"Fakes missed: [\d.]+%")).first
    expect(told).to_be_visible()
    return re.findall(r"Fakes missed: [\d.]+%", told.inner_text())[0]


def test_the_threshold_moves_and_tells_its_price(house: House) -> None:
    page = house.enter("vera", "models")
    expect(page.get_by_text("Photos taken for fakes:")).to_be_visible()
    shipped = missed(page)
    page.get_by_role("button", name=re.compile("for 1 of 100 photos")).click()
    expect(page.get_by_text(shipped)).to_have_count(0)
    strict = missed(page)
    page.get_by_role("button", name=re.compile("for 5 of 100 photos")).click()
    expect(page.get_by_text(strict)).to_have_count(0)
    strictly, laxly = (float(re.findall(r"[\d.]+", told)[0]) for told in (strict, missed(page)))
    assert strictly > laxly, "a threshold that accuses fewer photos misses more fakes"
