"""A server of the HTTP service within the test, with a scanner that loads at once and does what file names say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from forensics.api.app import create_app
from forensics.api.configuration import Configuration
from forensics.api.keys import Key, new_secret, write
from forensics.media import Media
from forensics.report import ScanReport
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(analyzers=("metadata", "ela"), limits=Limits(image_timeout_s=30.0, memory_bytes=600 << 20))

WAIT_S = 180.0


class Staged(Scripted):
    """The scripted scanner, telling of a step."""

    def scan(self, media: Media, tell: Callable[[str, ScanReport], None] | None = None) -> ScanReport:
        """Do what the name says."""
        if "slow" in media.name:
            time.sleep(1.5)
        return super().scan(media)


def keys(folder: Path, *wanted: Key) -> tuple[Path, dict[str, dict[str, str]]]:
    """A key file, and the headers that each key is sent with."""
    path, headers, lines = folder / "keys", {}, []
    for key in wanted:
        shown, secret = new_secret(key.name)
        lines.append(replace(key, secret=secret))
        headers[key.name] = {"Authorization": f"Bearer {shown}"}
    write(path, lines)
    return path, headers


@contextmanager
def service(folder: Path, **given: Any) -> Iterator[TestClient]:
    """A running service, asked as this computer asks; it stops at the end."""
    given = {"settings": SETTINGS, "build": Staged, "stop_s": 20.0, **given}
    configuration = Configuration(folder=folder / "serve", **given)
    with (
        Store(f"sqlite:///{folder / 'scans.db'}") as store,
        TestClient(create_app(configuration, store), base_url="http://localhost") as client,
    ):
        yield client


def ended(client: TestClient, number: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """How a submission stands once it is over."""
    until_s = time.monotonic() + WAIT_S
    while time.monotonic() < until_s:
        found: dict[str, Any] = client.get(f"/v1/scans/{number}", headers=headers).json()
        if found["state"] in ("done", "failed"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"it is not over after {WAIT_S} s: {found}")
