"""The page Queue: decide by keys, come back, and not be alone."""

from __future__ import annotations

import re

import pytest

from tests.journeys.dashboard.contrast import faint_words
from tests.make_browser import missing, settle
from tests.make_house import QUEUED, House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import Page, expect


def in_hands(page: Page) -> str:
    """Name of the file that a moderator holds."""
    heading = page.get_by_role("heading", level=3).filter(has_text=re.compile(r"\.(jpg|png|mp4)$")).first
    expect(heading).to_be_visible()
    return heading.inner_text()


def test_a_decision_is_made_by_keys_with_a_reason_and_the_next_file_comes_and_stays(house: House) -> None:
    page = house.enter("mia", "queue")
    page.get_by_role("button", name="Take the heaviest file").click()
    first = in_hands(page)
    page.keyboard.press("x")
    expect(page.get_by_text("Why?")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("heading", level=3, name=first, exact=True)).to_have_count(0)
    second = in_hands(page)
    assert second != first and {first, second} < set(QUEUED)
    page.reload()
    settle(page)
    assert in_hands(page) == second, "what one has in hands survives a reload"
    log = house.audit("list")
    assert "mia" in log and "reject" in log
    house.audit("verify")


def test_two_moderators_never_hold_the_same_file(house: House) -> None:
    mia, other = house.enter("mia", "queue"), house.enter("max", "queue", dark=True)
    for page in (mia, other):
        if page.get_by_role("button", name="Take the heaviest file").count():
            page.get_by_role("button", name="Take the heaviest file").click()
    assert in_hands(mia) != in_hands(other)
    for page in (mia, other):
        settle(page)
        assert faint_words(page, dark=page is other) == []
    before = in_hands(mia)
    other.get_by_role("button", name="Skip").click()
    settle(other)
    assert in_hands(other) != before and in_hands(mia) == before
    house.audit("verify")


def test_a_file_is_taken_from_the_list_by_its_name(house: House) -> None:
    page = house.enter("ada", "queue")
    page.get_by_text("Waiting", exact=True).click()
    free = page.locator("tbody").get_by_role("row").filter(has_not_text="in hands").first.get_by_role("button")
    name = free.inner_text()
    free.click()
    assert in_hands(page) == name
