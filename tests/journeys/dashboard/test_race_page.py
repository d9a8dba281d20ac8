"""The page Arms race: it is told, and what scans use is chosen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detectors.synthetic import READING
from tests.make_browser import missing, settle, shoot
from tests.make_house import WIDTHS, House
from tests.make_screenshots import keep

SHIPS = READING.rpartition("-")[2]
"""The version of `synthetic` that ships."""

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import expect


def test_a_race_is_told_and_an_admin_chooses_what_scans_use_and_takes_it_back(house: House) -> None:
    page = house.enter("ada", "race")
    page.get_by_role("tab", name="Matrix").click()
    expect(page.get_by_role("rowheader", name="gan-face, round 3")).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    for act, word, stands in (("Promote", "promote", f"{SHIPS}+4"), ("Roll back", "roll back", SHIPS)):
        page.get_by_label("Reason").fill("finds what the other one lets pass")
        page.get_by_role("button", name=act).click()
        expect(page.get_by_text("From now on scans shall use version")).to_be_visible()
        page.get_by_role("button", name=f"Yes, {word}").click()
        expect(page.get_by_text(f"Version {stands} of synthetic stands now.")).to_be_visible()
        log = house.audit("list")
        assert re.search(rf"ada\s.*{word}\s.*synthetic {re.escape(stands)}\b", log), log
    house.audit("verify")
    vera = house.enter("vera", "race")
    vera.get_by_role("tab", name="Versions").click()
    expect(vera.get_by_text("Only an admin may promote")).to_be_visible()
    assert vera.get_by_role("button", name="Promote").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_every_part_of_a_race_fits_the_width_of_a_laptop_and_of_a_phone(
    width: int, house: House, tmp_path: Path
) -> None:
    page = house.enter("ada", "race", width=width, dark=width < 600)
    for tab in ("Matrix", "Attacks", "Ways of learning", "Versions"):
        page.get_by_role("tab", name=tab).click()
        settle(page)
        picture = tmp_path / f"race-{tab.split()[0].lower()}-{width}.png"
        shoot(page, picture)
        keep(picture)
        needed = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollWidth")
        assert needed <= width, f"{tab} is {needed} pixels wide"
