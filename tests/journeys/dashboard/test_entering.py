"""The way in by a password, and to the page one wanted."""

from __future__ import annotations

import pytest

from tests.make_browser import go, missing
from tests.make_house import House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import expect


def test_a_wrong_password_lets_nobody_in(house: House) -> None:
    page = house.knock("settings")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("do not fit together")).to_be_visible()
    assert page.get_by_text("Signed in as").count() == 0 and "Thresholds" not in page.content()


def test_signing_in_leads_where_one_wanted_to_go_and_every_address_is_a_page(house: House) -> None:
    page = house.enter("ada", "settings")
    assert page.url.endswith("/settings") and "Thresholds" in page.content()
    go(page, f"{house.server.url}/scan")
    assert page.locator("h1").inner_text() == "Scan" and page.get_by_role("dialog").count() == 0
