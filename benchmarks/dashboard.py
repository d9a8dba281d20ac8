"""What somebody in front of the dashboard waits for, in a real browser: first result, change of page; and its memory.

    python -m benchmarks.dashboard uploads [-n 200] [--megapixels 2]   first result and verdict, memory of the server
    python -m benchmarks.dashboard pages [-n 10] [--scans 50000]       change of page with that many stored scans

Needs the extras dashboard and test, and Chromium. Times are by the clock, from the moment the browser has the file (or
the click) until the answer can be read; on a machine that others use too they say little, so its load is printed.
Uploads are different pictures: none is answered from memory. Memory is the resident memory of the server and its
workers together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.make_browser import Server

N_WARM = 2
"""Uploads before the first that counts: they load the models."""

MB = 1e6


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = cli.add_subparsers(dest="part", required=True)
    uploads = parts.add_parser("uploads", help="first result, verdict, memory")
    uploads.add_argument("-n", type=int, default=200, help="pictures")
    uploads.add_argument("--megapixels", type=float, default=2.0, help="of each")
    pages = parts.add_parser("pages", help="change of page")
    pages.add_argument("-n", type=int, default=10, help="visits of each page")
    pages.add_argument("--scans", type=int, default=50_000, help="scans in the store")
    given = cli.parse_args()
    if given.part == "uploads":
        measure_uploads(given.n, given.megapixels)
    else:
        measure_pages(given.n, given.scans)


def measure_uploads(n: int, megapixels: float) -> None:
    """Bring pictures one after the other, each in a page of its own, as people do."""
    with tempfile.TemporaryDirectory() as name, _started(Path(name)) as (server, page):
        pictures = _pictures(Path(name), megapixels)
        for _ in range(N_WARM):
            _upload(page, server, next(pictures))
        firsts, finals, memory, after = [], [], [_memory_mb(server)], [0]
        for i in range(1, n + 1):
            first, final = _upload(page, server, next(pictures))
            firsts.append(first)
            finals.append(final)
            if i % max(1, n // 8) == 0:
                memory.append(_memory_mb(server))
                after.append(i)
                print(f"{i} uploads: {memory[-1]:,.0f} MB", flush=True)
    print(f"\n{n} JPEG of {megapixels:g} megapixels; load of the machine {os.getloadavg()[1]:.1f}")
    print(f"first result   {_spread(firsts)}")
    print(f"verdict        {_spread(finals)}")
    print(f"memory in MB   {', '.join(f'{m:,.0f}' for m in memory)} (after the warm-up, then on the way)")
    print(f"growth         {_growth_mb(after, memory):+,.0f} MB in 100 uploads, over the second half of them")


def measure_pages(n: int, n_scans: int) -> None:
    """Click through the navigation."""
    from benchmarks.archive_pages import fill
    from dashboard.pages import PAGES
    from forensics.store import Store

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if n_scans:
            fill(Store(f"sqlite:///{folder / 'scans.db'}"), n_scans)
        with _started(folder) as (_, page):
            took: dict[str, list[float]] = {entry.title: [] for entry in PAGES}
            for i in range(n + 1):
                for title in took:
                    seconds = _change(page, title)
                    if i:  # the first visit imports what the page needs
                        took[title].append(seconds)
    print(f"{n_scans:,} stored scans, {n} visits each; load of the machine {os.getloadavg()[1]:.1f}")
    for title, times in took.items():
        print(f"{title:<12} {_spread(times)}")


@contextmanager
def _started(folder: Path) -> Iterator[tuple[Server, Page]]:
    from tests.make_browser import chromium, go, serve, visitor

    with serve(folder) as server, chromium() as browser:
        page, _ = visitor(browser)
        go(page, server.url)
        yield server, page


def _pictures(folder: Path, megapixels: float) -> Iterator[Path]:
    """Endless different ones: each is another part of one large scene."""
    from tests.make_media import jpeg, photo

    height = round((megapixels * 1e6 * 3 / 4) ** 0.5) // 2 * 2
    width = height * 4 // 3 // 2 * 2
    scene = photo(1, width=width + 512, height=height + 512)
    i = 0
    while True:
        top, left = 2 * (i * 37 % 256), 2 * (i * 91 % 256)
        path = folder / f"{i}.jpg"
        path.write_bytes(jpeg(scene[top : top + height, left : left + width], 90))
        yield path
        path.unlink()
        i += 1


def _upload(page: Page, server: Server, path: Path) -> tuple[float, float]:
    """Seconds until the first result and until the verdict."""
    from tests.make_browser import FINAL, FIRST, go

    go(page, server.url)
    start = time.perf_counter()
    page.locator('input[type="file"]').first.set_input_files(path)
    page.wait_for_selector(FIRST)
    first = time.perf_counter() - start
    page.wait_for_selector(FINAL)
    return first, time.perf_counter() - start


def _change(page: Page, title: str) -> float:
    from tests.make_browser import settle

    start = time.perf_counter()
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    page.wait_for_function("title => document.querySelector('h1')?.textContent === title", arg=title)
    settle(page)
    return time.perf_counter() - start


def _memory_mb(server: Server) -> float:
    root = psutil.Process(server.pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True))) / MB


def _growth_mb(after: Sequence[int], memory: Sequence[float]) -> float:
    """Slope of the second half in MB for 100 uploads: caches fill first, and only a leak goes on."""
    half = len(after) // 2
    if len(after) - half < 2:
        return 0.0
    return 100 * statistics.linear_regression(after[half:], memory[half:]).slope


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"median {statistics.median(ordered):.2f} s, 95 % within {late:.2f} s, n = {len(ordered)}"


if __name__ == "__main__":
    main()
