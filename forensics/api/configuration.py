"""Everything a server is started with, in one frozen object."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from forensics.api.intake import Allowed
from forensics.languages import ENGLISH
from forensics.messages import Examiner
from forensics.settings import ScanSettings
from forensics.towers import Towers, TowersNearby

LOCAL = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this computer reaches."""


@dataclass(frozen=True)
class Configuration:
    """Of a server.

    Attributes:
        folder: takes uploads; one server at a time works in it.
        settings: of every scan.
        key_file: API keys; None takes everybody who reaches the server for one tenant with all rights.
        hosts: names by which a server without keys may be asked, so that no web page can reach it under another.
        allowed: folders whose files may be named instead of sent.
        n_lanes: files examined at a time.
        towers: give workers lines to the network that detectors share; by default each loads its own.
        language_code: of HTML and PDF reports.
        max_body_bytes: of one request.
        max_files: of one batch.
        max_waiting: files of one tenant that may wait.
        requests_per_min, bytes_per_min: of each key that has no limit of its own.
        checks_per_min: wrong keys that one address may try, as each costs a tenth of a second.
        keep_s: how long results are kept.
        stop_s: how long a server that stops waits for what is under way.
        receive_s: the longest pause within a body.
        clock: seconds since any moment, ever rising, for limits.
        now: seconds since 1970, for the time that results are kept.
        build: makes the scanner in the workers; None for the real one.
    """

    folder: Path
    settings: ScanSettings = field(default_factory=ScanSettings)
    key_file: Path | None = None
    hosts: tuple[str, ...] = LOCAL
    allowed: tuple[Allowed, ...] = ()
    n_lanes: int = 1
    towers: Towers = field(default_factory=TowersNearby)
    language_code: str = ENGLISH
    max_body_bytes: int = 256 << 20
    max_files: int = 1000
    max_waiting: int = 10_000
    requests_per_min: int = 600
    bytes_per_min: int = 1 << 30
    checks_per_min: int = 30
    keep_s: float = 7 * 86400.0
    stop_s: float = 10.0
    receive_s: float = 30.0
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    build: Callable[[ScanSettings], Examiner] | None = None

    def __post_init__(self) -> None:
        for name in ("n_lanes", "max_body_bytes", "max_files", "max_waiting", "requests_per_min", "bytes_per_min"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least, not {getattr(self, name)}")
        if self.keep_s <= 0:
            raise ValueError(f"results are kept for longer than {self.keep_s} s")
