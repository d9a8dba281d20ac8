"""The page Generators: fakes are made and taken away."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from tests.make_browser import missing
from tests.make_house import House

REASON = missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import expect


def test_faces_are_made_by_seed_and_taken_away_as_labelled_files(house: House) -> None:
    page = house.enter("max", "generators?generator=face-64")
    page.get_by_role("tab", name="Make some").click()
    page.get_by_role("spinbutton", name="Seed of the first").fill("11")
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.get_by_text("4 labelled fakes of seed 11 on")).to_be_visible()
    with page.expect_download() as waited:
        page.get_by_role("button", name=re.compile("Download as zip")).click()
    with zipfile.ZipFile(io.BytesIO(waited.value.path().read_bytes())) as archive:
        assert {"0000.png", "0003.png", "manifest.tsv", "sheet.png"} <= set(archive.namelist())
        assert b"Made by the unforged generator face-64, seed 11" in archive.read("0000.png")
