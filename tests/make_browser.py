"""A real dashboard behind a real browser: the command is started as a user would, and Chromium looks at it headless."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NEEDED = "UNFORGED_NEEDS_BROWSER"
"""Set where no journey may be skipped, as by `.ci/run`."""

STARTS_S = 90.0

PATIENCE_MS = 240_000
"""A crowded machine scans ten times slower than an idle one; nothing waits longer than it has to."""

BROKEN = '[data-testid="stAlertContentError"]'

FIRST = f".u-verdict, {BROKEN}"
"""A first result of a file that was brought, or why there is none."""

FINAL = f".u-verdict:not(.u-provisional), {BROKEN}"
"""Its verdict, or why there is none."""

IDLE = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app && app.getAttribute('data-test-script-state') === 'notRunning'
        && !document.querySelector('[data-testid="stSkeleton"]');
}"""

STILL = "() => !document.querySelector('[data-testid=\"stSpinner\"]')"

POLL_MS = 100
"""Asked at every frame, as is usual, a page without a graphics card is drawn sixty times a second while one waits."""


@dataclass(frozen=True)
class Server:
    """A dashboard that runs.

    Attributes:
        url: without a slash at its end.
        database: SQLAlchemy URL of its store.
        log: what it printed.
        pid: of its process, whose children are its workers.
    """

    url: str
    database: str
    log: Path
    pid: int


@dataclass
class Watch:
    """What went wrong in a browser without being seen.

    Attributes:
        errors: uncaught errors of scripts.
        hosts: of everything that was asked for.
    """

    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


def missing(*also: str) -> str:
    """Why there can be no journey; "" where there can.

    Args:
        also: packages that it needs beside those of all journeys.

    Raises:
        RuntimeError: there can be none although it was said that there must.
    """
    from importlib.util import find_spec

    lacking = [name for name in ("streamlit", "playwright", *also) if find_spec(name) is None]
    if not any(map(shutil.which, CHROMIUMS)):
        lacking.append("chromium")
    reason = f"journeys need {', '.join(lacking)}" if lacking else ""
    if reason and os.environ.get(NEEDED):
        raise RuntimeError(f"{reason}, and {NEEDED} says that none may be skipped")
    return reason


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Server]:
    """Run `unforged dashboard` on a free port with everything it keeps below a folder.

    Args:
        folder: of the test.
        options: more words of the command.

    Raises:
        RuntimeError: it does not answer; the message holds what it printed.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database, log = f"sqlite:///{folder / 'scans.db'}", folder / "server.log"
    command = [sys.executable, "-m", "forensics.cli", "dashboard", "--port", str(port), "--database", database]
    command += ["--folder", str(folder / "kept"), *options]
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield Server(f"http://127.0.0.1:{port}", database, log, process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window, with no window of its own to the network."""
    from playwright.sync_api import sync_playwright

    path = next(found for name in CHROMIUMS if (found := shutil.which(name)))
    # Root has no sandbox of its own, and containers little shared memory.
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def visitor(browser: Browser, *, width: int = 1280, dark: bool = False) -> tuple[Page, Watch]:
    """A browser of somebody new, and what goes wrong in it."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page, watch = context.new_page(), Watch()
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    page.on("request", lambda request: watch.hosts.update(re.findall(r"^\w+://([^/:]+)", request.url)))
    return page, watch


def go(page: Page, url: str) -> None:
    """Open an address and wait until all of it is drawn."""
    page.goto(url)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script has run and nothing is a placeholder any more."""
    page.wait_for_selector('[data-testid="stMain"] h1')
    page.wait_for_function(IDLE, polling=POLL_MS)


def rest(page: Page) -> None:
    """Wait until nothing turns any more: what is fetched after the script has run is there."""
    page.wait_for_function(STILL, polling=POLL_MS)


def words(page: Page) -> str:
    """Everything that can be read on the page, without the navigation."""
    return page.inner_text('[data-testid="stMain"]')


def shoot(page: Page, path: Path, *, most_px: int = 2400) -> None:
    """A screenshot of the whole page, which scrolls within its window."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(height, most_px))})
    settle(page)
    page.wait_for_timeout(400)  # charts are drawn anew for the new size
    page.screenshot(path=path, animations="disabled")
    page.set_viewport_size(size)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + STARTS_S
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError), urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the dashboard does not answer: {log.read_text(errors='replace')[-2000:]}")
