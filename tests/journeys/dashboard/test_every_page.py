"""Every page at the width of a laptop, in the light, and of a phone, in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.pages import PAGES
from tests.make_browser import go, missing, rest, shoot
from tests.make_house import WIDTHS, House
from tests.make_screenshots import keep

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import expect


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_the_width_of_a_laptop_and_of_a_phone(width: int, house: House, tmp_path: Path) -> None:
    page = house.enter("ada", width=width, dark=width < 600)
    for entry in PAGES:
        go(page, f"{house.server.url}/{'?id=1' if entry is PAGES[0] else entry.path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
        rest(page)
        picture = tmp_path / f"{entry.path}-{width}.png"
        shoot(page, picture)
        keep(picture)
        needed = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollWidth")
        assert needed <= width, f"{entry.title} is {needed} pixels wide"
        assert page.locator('[data-testid="stException"], [role="dialog"]').count() == 0
