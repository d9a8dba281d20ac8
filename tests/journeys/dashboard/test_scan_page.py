"""The page Scan: bring a file, see why, take the report away, come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.make_browser import BROKEN, missing, settle, words
from tests.make_containers import zipped
from tests.make_house import House, bring
from tests.make_media import jpeg, photo

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import expect


def test_a_picture_that_says_it_was_generated_is_called_so_with_the_reason(house: House) -> None:
    page = house.enter("mia")
    bring(page, house.media / "prompt.png")
    expect(page.locator(".u-opinion")).to_have_text("Likely synthetic")
    said = words(page)
    assert "made by Stable Diffusion WebUI" in said, "what its generator wrote into it"
    assert re.search(r"\d+\s?% probability", said)
    with page.expect_download() as waited:
        page.get_by_role("button", name="JSON").click()
    assert b'"likely synthetic"' in waited.value.path().read_bytes()


def test_a_photo_that_was_saved_once_is_not_accused_and_the_result_survives_a_reload(house: House) -> None:
    page = house.enter("mia")
    bring(page, house.media / "untouched.jpg")
    expect(page.locator(".u-opinion")).to_have_text(re.compile("No trace found|Inconclusive"))
    before = page.locator(".u-opinion").inner_text()
    page.reload()
    settle(page)
    expect(page.locator(".u-opinion")).to_have_text(before)
    assert "untouched.jpg" in words(page)


def test_a_video_has_a_time_line_with_the_part_that_was_inserted_twice(house: House) -> None:
    page = house.enter("mia")
    bring(page, house.media / "repeated.mp4")
    expect(page.locator(".u-opinion")).to_have_text("Likely manipulated")
    expect(page.get_by_text("Moment", exact=True)).to_be_visible()
    assert re.search(r"repeat", words(page))


def test_a_broken_file_is_refused_in_one_plain_sentence(house: House) -> None:
    page = house.enter("mia")
    bring(page, house.media / "broken.jpg")
    said = page.locator(BROKEN).inner_text().splitlines()[-1]  # an icon stands before
    assert re.fullmatch(r"broken\.jpg: the file is .{10,100}", said)
    assert "Traceback" not in words(page)


def test_an_empty_file_and_a_container_are_refused_and_not_counted_as_examined(house: House, tmp_path: Path) -> None:
    brought = {"empty.jpg": b"", "case.zip": zipped({"a.jpg": b"x"}), "good.jpg": jpeg(photo(3, width=160, height=120))}
    for name, data in brought.items():
        (tmp_path / name).write_bytes(data)
    page = house.enter("mia")
    page.locator('input[type="file"]').first.set_input_files([tmp_path / name for name in brought])
    expect(page.get_by_text("1 of 3 files examined, 2 could not be.")).to_be_visible()
    for said in ("could not be examined: the file is empty", "to look inside, use unforged scan or a run"):
        expect(page.get_by_text(said)).to_be_visible()


def test_a_tall_picture_makes_neither_the_page_nor_its_report_endless(house: House, tmp_path: Path) -> None:
    (tmp_path / "tall.jpg").write_bytes(jpeg(photo(7, width=60, height=12_000)))
    page = house.enter("mia")
    bring(page, tmp_path / "tall.jpg")
    shown = page.locator('[data-testid="stImage"] img')
    expect(shown.first).to_be_visible()
    heights = [shown.nth(i).bounding_box() for i in range(shown.count())]
    assert all(box is not None and box["height"] < 800 for box in heights)
    with page.expect_download() as waited:
        page.get_by_role("button", name="HTML").click()
    waited.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator(".pair").count(), "there is evidence on the picture"
    assert page.evaluate("document.documentElement.scrollHeight") < 8_000


def test_somebody_who_may_only_look_can_bring_nothing(house: House) -> None:
    page = house.enter("vera")
    assert page.locator('input[type="file"]').count() == 0
    assert "needs the role moderator" in words(page)
