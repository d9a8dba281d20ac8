"""What people do with the dashboard, in a real browser: bring a file, see why, decide, come back, and not be alone.

One server for all, with a login, started by the command. Screenshots of every page at two widths go to the folder
that UNFORGED_SCREENSHOTS names; with UNFORGED_DOCS_IMAGES set, those of the documents are made anew.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import make_browser
from tests.demo import write_samples
from tests.make_browser import FINAL, PATIENCE_MS, Server, Watch, chromium, go, serve, settle, shoot, visitor, words
from tests.make_race import write_house
from tests.make_screenshots import keep

REASON = make_browser.missing()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import Browser, Page, expect

    from dashboard.backend.configuration import Configuration, Limits, ScanSettings, save
    from dashboard.backend.options import Options
    from dashboard.pages import PAGES
    from dashboard.roles import LOCAL_USER

PEOPLE = {"ada": "admin", "mia": "moderator", "max": "moderator", "vera": "viewer"}

WIDTHS = (1280, 390)

ANALYZERS = ("metadata", "provenance", "ela", "jpeg_history", "noise", "timeline")
"""Without what takes longest to load."""

QUEUED = ("signed_as_ai.jpg", "changed_later.jpg", "copied_part.jpg", "saved_twice.jpg")
"""Samples that were scanned on the command line and await a decision."""

PASSWORD = "a long pass phrase"


@dataclass(frozen=True)
class House:
    """Everything that the journeys share.

    Attributes:
        server: the one dashboard.
        browser: the one Chromium; each visitor has a context of their own.
        media: sample files with known truth.
        watches: what went wrong in any of the visitors' browsers.
    """

    server: Server
    browser: Browser
    media: Path
    watches: list[Watch]

    def enter(self, name: str, path: str = "", *, width: int = 1280, dark: bool = False) -> Page:
        """Sign in as somebody and open a page."""
        page, watch = visitor(self.browser, width=width, dark=dark)
        self.watches.append(watch)
        page.goto(f"{self.server.url}/{path}")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        with page.expect_response("**/ticket"):
            page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text(f"Signed in as {name}")).to_be_attached()
        go(page, f"{self.server.url}/{path}")
        return page


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("dashboard")
    for name, role in PEOPLE.items():
        add = [sys.executable, "-m", "forensics.cli", "dashboard", "add-user", name, "--role", role]
        subprocess.run([*add, "--password-file", str(folder / "people")], input=PASSWORD.encode(), check=True)
    write_samples(folder / "media")
    write_house(folder / "models")
    # A crowded machine may take longer than the usual 10 s for a picture.
    unhurried = ScanSettings(Limits(image_timeout_s=120.0, timeout_s=240.0), ANALYZERS)
    save(Options("", folder / "kept"), Configuration(unhurried), user=LOCAL_USER)
    expect.set_options(timeout=PATIENCE_MS)
    with (
        serve(folder, "--password-file", str(folder / "people"), "--models", str(folder / "models")) as server,
        chromium() as browser,
    ):
        scan = [sys.executable, "-m", "forensics.cli", "scan", *(str(folder / "media" / name) for name in QUEUED)]
        scan += ["--store", server.database, "--queue", "all", "--out", str(folder / "out"), "--image-timeout", "120"]
        scan += ["--analyzers", ",".join(ANALYZERS)]
        assert subprocess.run(scan, capture_output=True, check=False).returncode == 1, "some are likely fakes"
        yield House(server, browser, folder / "media", [])


def bring(page: Page, path: Path) -> None:
    """Upload a file and wait until it is examined."""
    page.locator('input[type="file"]').first.set_input_files(path)
    page.wait_for_selector(FINAL)
    settle(page)


def in_hands(page: Page) -> str:
    """Name of the file that a moderator holds."""
    heading = page.get_by_role("heading", level=3).filter(has_text=re.compile(r"\.(jpg|png|mp4)$")).first
    expect(heading).to_be_visible()
    return heading.inner_text()


def missed(page: Page) -> str:
    """What the threshold costs in fakes, once that is drawn."""
    told = page.get_by_text(re.compile(r"Fakes missed: [\d.]+%")).first
    expect(told).to_be_visible()
    return re.findall(r"Fakes missed: [\d.]+%", told.inner_text())[0]


def begin(page: Page, folder: Path, name: str) -> None:
    """Start a run on the page Archive, under another name than the one that is proposed."""
    field = page.get_by_label("Folder on the computer")
    if not field.is_visible():
        page.get_by_text("Runs", exact=True).click()
    field.fill(str(folder))
    field.press("Tab")
    proposed = page.get_by_label("Name of the run")
    expect(proposed).to_have_value(re.compile(rf"{folder.name} \d{{4}}-\d\d-\d\d"))
    proposed.fill(name)
    page.get_by_role("button", name="Start", exact=True).click()


def audit(house: House, command: str) -> str:
    """What `unforged audit` says; it must find nothing wrong."""
    words = [sys.executable, "-m", "forensics.cli", "audit", command, "--store", house.server.database]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


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
    said = page.locator(make_browser.BROKEN).inner_text().splitlines()[-1]  # an icon stands before
    assert re.fullmatch(r"broken\.jpg: the file is .{10,100}", said)
    assert "Traceback" not in words(page)


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
    log = audit(house, "list")
    assert "mia" in log and "reject" in log
    audit(house, "verify")


def test_two_moderators_never_hold_the_same_file(house: House) -> None:
    mia, other = house.enter("mia", "queue"), house.enter("max", "queue")
    for page in (mia, other):
        if page.get_by_role("button", name="Take the heaviest file").count():
            page.get_by_role("button", name="Take the heaviest file").click()
    assert in_hands(mia) != in_hands(other)
    before = in_hands(mia)
    other.get_by_role("button", name="Skip").click()
    settle(other)
    assert in_hands(other) != before and in_hands(mia) == before
    audit(house, "verify")


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
    # Without a table there are no thumbnails to come, which draw the page and its buttons anew.
    go(vera, f"{house.server.url}/archive?run=case+7&name=nothing")
    with vera.expect_download() as waited:
        vera.get_by_role("button", name="JSON Lines").click()
    lines = [json.loads(line) for line in waited.value.path().read_bytes().splitlines()]
    assert sorted(line["path"] for line in lines) == sorted(f"press/{path.name}" for path in folder.iterdir())
    assert re.search(r"ada\s.*start run\s.*case 7", audit(house, "list"))
    audit(house, "verify")


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
    acts = re.findall(r"(\w+) run\s+long", audit(house, "list"))
    assert acts == ["stop", "resume", "stop", "start"]


def test_somebody_who_may_only_look_can_bring_nothing(house: House) -> None:
    page = house.enter("vera")
    assert page.locator('input[type="file"]').count() == 0
    assert "needs the role moderator" in words(page)


def test_a_wrong_password_lets_nobody_in(house: House) -> None:
    page, watch = visitor(house.browser)
    house.watches.append(watch)
    page.goto(f"{house.server.url}/settings")
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


def test_a_race_is_told_and_an_admin_chooses_what_scans_use_and_takes_it_back(house: House) -> None:
    page = house.enter("ada", "race")
    page.get_by_role("tab", name="Matrix").click()
    expect(page.get_by_role("rowheader", name="gan-face, round 3")).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    for act, word, stands in (("Promote", "promote", "1+4"), ("Roll back", "roll back", "1")):
        page.get_by_label("Reason").fill("finds what the other one lets pass")
        page.get_by_role("button", name=act).click()
        expect(page.get_by_text("From now on scans shall use version")).to_be_visible()
        page.get_by_role("button", name=f"Yes, {word}").click()
        expect(page.get_by_text(f"Version {stands} of synthetic stands now.")).to_be_visible()
        log = audit(house, "list")
        assert re.search(rf"ada\s.*{word}\s.*synthetic {re.escape(stands)}\b", log), log
    audit(house, "verify")
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


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_the_width_of_a_laptop_and_of_a_phone(width: int, house: House, tmp_path: Path) -> None:
    page = house.enter("ada", width=width, dark=width < 600)
    for entry in PAGES:
        go(page, f"{house.server.url}/{'?id=1' if entry is PAGES[0] else entry.path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
        page.wait_for_function("() => !document.querySelector('[data-testid=\"stSpinner\"]')")
        picture = tmp_path / f"{entry.path}-{width}.png"
        shoot(page, picture)
        keep(picture)
        needed = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollWidth")
        assert needed <= width, f"{entry.title} is {needed} pixels wide"
        assert page.locator('[data-testid="stException"], [role="dialog"]').count() == 0


def test_nothing_went_wrong_unseen_and_nothing_left_this_computer(house: House) -> None:
    assert house.watches, "the journeys above have been made"
    assert {host for watch in house.watches for host in watch.hosts} == {"127.0.0.1"}
    assert [error for watch in house.watches for error in watch.errors] == []
    assert "Traceback" not in house.server.log.read_text(errors="replace")
