"""A dashboard with a login and with people, files and a race in it, for journeys in a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.demo import write_samples
from tests.make_browser import FINAL, Server, Watch, chromium, go, serve, settle, visitor
from tests.make_race import write_house

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PEOPLE = {"ada": "admin", "mia": "moderator", "max": "moderator", "vera": "viewer"}

PASSWORD = "a long pass phrase"

WIDTHS = (1280, 390)

ANALYZERS = ("metadata", "provenance", "ela", "jpeg_history", "noise", "timeline")
"""Without what takes longest to load."""

QUEUED = ("signed_as_ai.jpg", "changed_later.jpg", "copied_part.jpg", "saved_twice.jpg")
"""Samples that were scanned on the command line and await a decision."""

_CLI = (sys.executable, "-m", "forensics.cli")


@dataclass(frozen=True)
class House:
    """Everything that the journeys share.

    Attributes:
        server: the one dashboard.
        browser: the one Chromium; each visitor has a context of their own.
        media: sample files with known truth.
        watches: what went wrong in the browsers of those who visit now.
    """

    server: Server
    browser: Browser
    media: Path
    watches: list[Watch]

    def knock(self, path: str = "", *, width: int = 1280, dark: bool = False) -> Page:
        """Somebody new at the form."""
        page, watch = visitor(self.browser, width=width, dark=dark)
        self.watches.append(watch)
        page.goto(f"{self.server.url}/{path}")
        return page

    def enter(self, name: str, path: str = "", *, width: int = 1280, dark: bool = False) -> Page:
        """Sign in as somebody and open a page."""
        page = self.knock(path, width=width, dark=dark)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        with page.expect_response("**/ticket"):
            page.get_by_role("button", name="Sign in").click()
        page.get_by_text(f"Signed in as {name}").wait_for(state="attached")
        go(page, f"{self.server.url}/{path}")
        return page

    def audit(self, command: str) -> str:
        """What `unforged audit` says; it must find nothing wrong."""
        words = [*_CLI, "audit", command, "--store", self.server.database]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr


def bring(page: Page, path: Path) -> None:
    """Upload a file and wait until it is examined."""
    page.locator('input[type="file"]').first.set_input_files(path)
    page.wait_for_selector(FINAL)
    settle(page)


@contextmanager
def open_house(folder: Path, analyzers: tuple[str, ...] | None = ANALYZERS) -> Iterator[House]:
    """Run one with everything it keeps below a folder, and some files in its queue.

    Args:
        folder: of the test.
        analyzers: that examine what is brought; None for all.
    """
    people, models = folder / "people", folder / "models"
    for name, role in PEOPLE.items():
        add = [*_CLI, "dashboard", "add-user", name, "--role", role, "--password-file", str(people)]
        subprocess.run(add, input=PASSWORD.encode(), check=True)
    write_samples(folder / "media")
    write_house(models)
    _hurry_nobody(folder / "kept", analyzers)
    with serve(folder, "--password-file", str(people), "--models", str(models)) as server, chromium() as browser:
        _fill(server, folder)
        yield House(server, browser, folder / "media", [])


def _hurry_nobody(folder: Path, analyzers: tuple[str, ...] | None) -> None:
    """A crowded machine may take longer than the usual 10 s for a picture."""
    from dashboard.backend.configuration import Configuration, Limits, ScanSettings, save
    from dashboard.backend.options import Options
    from dashboard.roles import LOCAL_USER

    unhurried = ScanSettings(Limits(image_timeout_s=120.0, timeout_s=240.0), analyzers)
    save(Options("", folder), Configuration(unhurried), user=LOCAL_USER)


def _fill(server: Server, folder: Path) -> None:
    scan = [*_CLI, "scan", *(str(folder / "media" / name) for name in QUEUED), "--analyzers", ",".join(ANALYZERS)]
    scan += ["--store", server.database, "--queue", "all", "--out", str(folder / "out"), "--image-timeout", "120"]
    scan += ["--jobs", "1"]  # the first scan is that of the first file, which the screenshots show
    assert subprocess.run(scan, capture_output=True, check=False).returncode == 1, "some are likely fakes"
