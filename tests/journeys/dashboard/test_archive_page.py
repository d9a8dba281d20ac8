"""The page Archive: runs over folders, followed from any browser, and what came of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.make_browser import missing, settle, words
from tests.make_house import QUEUED, WIDTHS, House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import Page, expect


def begin(page: Page, folder: Path, name: str) -> None:
    """Start a run under another name than the one that is proposed, and leave the queue as it is."""
    field = page.get_by_label("Folder on the computer")
    if not field.is_visible():
        page.get_by_text("Runs", exact=True).click()
    field.fill(str(folder))
    field.press("Tab")
    proposed = page.get_by_label("Name of the run")
    expect(proposed).to_have_value(re.compile(rf"{folder.name} \d{{4}}-\d\d-\d\d"))
    proposed.fill(name)
    proposed.press("Tab")
    # A list that is open when the page is drawn anew, for the name, is closed again.
    settle(page)
    page.get_by_label("Queue for a decision").first.click()
    page.get_by_role("option", name="nothing").click()
    page.get_by_role("button", name="Start", exact=True).click()


def test_a_run_over_a_folder_goes_on_without_its_browser_and_its_results_are_taken_away(house: House) -> None:
    folder = house.media.parent / "press"
    folder.mkdir()
    for name in (*QUEUED, "broken.jpg"):
        (folder / name).write_bytes((house.media / name).read_bytes())
    (folder / "again.jpg").write_bytes((house.media / QUEUED[0]).read_bytes())
    ada = house.enter("ada", "archive")
    begin(ada, folder, "case 7")
    expect(ada.get_by_text(re.compile("(starting|running|done) · case 7"))).to_be_visible()
    ada.context.close()
    vera = house.enter("vera", "archive?run=case+7")
    expect(vera.get_by_text("done · case 7").last).to_be_attached()
    expect(vera.get_by_text("6 of 6 files have a result").last).to_be_attached()
    said = words(vera)
    assert "1 duplicate" in said and "1 not examined" in said and str(folder.parent) not in said
    assert vera.get_by_label("Folder on the computer").count() == 0
    expect(vera.get_by_text(re.compile("^4 scans"))).to_be_visible()
    with vera.expect_download() as waited:
        vera.get_by_role("button", name="JSON Lines").click()
    lines = [json.loads(line) for line in waited.value.path().read_bytes().splitlines()]
    assert sorted(line["path"] for line in lines) == sorted(f"press/{path.name}" for path in folder.iterdir())
    assert re.search(r"ada\s.*start run\s.*case 7", house.audit("list"))
    house.audit("verify")


def test_a_click_takes_the_file_away_while_thumbnails_still_come_and_others_look_on(house: House) -> None:
    thumbnails = house.server.log.parent / "kept" / "thumbnails"
    page, others = house.enter("vera", "archive"), [house.enter("max", "archive"), house.enter("mia", "archive")]
    button = page.get_by_role("button", name="Export as CSV")
    n_bytes = set()
    for _ in range(3):
        shutil.rmtree(thumbnails, ignore_errors=True)
        for one in (*others, page):
            one.reload()
        for _ in range(3):
            with page.expect_download() as waited:
                button.click()
            n_bytes.add(waited.value.path().stat().st_size)
    assert len(n_bytes) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_fit_a_phone_as_a_laptop_and_are_ticked_opened_and_sent(width: int, house: House) -> None:
    page = house.enter("mia", "archive?order=Oldest+first", width=width)
    rows = page.locator("tbody").get_by_role("row")
    expect(rows.first.get_by_role("img")).to_be_visible()
    first = rows.first.get_by_role("link")
    said, name = rows.first.inner_text(), first.inner_text()
    assert "likely" in said and "%" in said and ("Weight" in said) == (width < 600)
    edges = page.evaluate(
        "[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)"
        ".flatMap((root) => [...root.querySelectorAll('td')])"
        ".map((cell) => cell.getBoundingClientRect().right)"
    )
    assert len(edges) > 10 and max(edges) <= width
    for place in (0, 1):
        rows.nth(place).get_by_role("checkbox").check()
    expect(page.get_by_text("2 chosen.")).to_be_visible()
    page.get_by_role("button", name="Send to the queue").click()
    expect(page.get_by_text("0 sent to the queue")).to_be_visible()
    assert [rows.nth(place).get_by_role("checkbox").is_checked() for place in range(3)] == [True, True, False]
    first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Scan")
    expect(page.locator(".u-file")).to_contain_text(name)


def test_a_run_is_stopped_from_another_browser_and_gone_on_with(house: House) -> None:
    folder = house.media.parent / "many"
    folder.mkdir()
    for number in range(200):
        # What follows the end of a JPEG makes another file of it.
        (folder / f"{number:03d}.jpg").write_bytes((house.media / QUEUED[0]).read_bytes() + bytes([number]))
    began, other = house.enter("ada", "archive"), house.enter("ada", "archive")
    begin(began, folder, "long")
    expect(began.get_by_text("running · long")).to_be_visible()
    other.reload()
    settle(other)
    other.get_by_role("button", name="Stop", exact=True).click()
    for page in (began, other):
        expect(page.get_by_text("stopped · long").first).to_be_attached()
    other.reload()
    settle(other)
    other.get_by_text("Runs", exact=True).click()
    expect(other.get_by_text("stopped by ada")).to_be_visible()
    other.get_by_role("button", name="Go on").click()
    other.get_by_test_id("stPopoverBody").get_by_role("button", name="Start").click()
    expect(other.get_by_text("running · long")).to_be_visible()
    other.get_by_role("button", name="Stop", exact=True).click()
    expect(other.get_by_text("stopped · long").first).to_be_attached()
    acts = re.findall(r"(\w+) run\s+long", house.audit("list"))
    assert acts == ["stop", "resume", "stop", "start"]
