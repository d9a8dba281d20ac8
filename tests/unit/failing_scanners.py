"""Scanners that do to a worker what hostile files do: the file's first bytes after the magic say what."""

from __future__ import annotations

import os
import signal
import time
from typing import ClassVar

import numpy as np

from forensics.finding import Claim, Finding, Trace
from forensics.hashing import media_hashes
from forensics.media import Media
from forensics.report import OUT_OF_TIME, ScanReport
from forensics.settings import ScanSettings
from forensics.verdict import weigh


class Scripted:
    """Behaves as the file's name says: killed, hangs, eats, raises, hurried, or unlucky (killed
    until a file `lucky` lies beside it); anything else gets a whole report."""

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings
        self.versions = {"unforged": "test"}

    def scan(self, media: Media) -> ScanReport:
        """Do it."""
        is_unlucky = "unlucky" in media.name and media.path and not media.path.with_name("lucky").exists()
        if "killed" in media.name or is_unlucky:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hangs" in media.name:
            time.sleep(600)
        if "eats" in media.name:
            eaten = [np.ones(4_000_000) for _ in range(1000)]
            raise AssertionError(len(eaten))
        if "raises" in media.name:
            raise RuntimeError("a bug outside the analyzers")
        llr = 2.0 if "fake" in media.name else -1.0
        found = Finding("scripted", Trace.GEOMETRY, f"Process {os.getpid()}", llr=llr, claim=Claim.MANIPULATED)
        height, width = media.pixels.shape[:2]
        return ScanReport(
            filename=media.name,
            path=str(media.path),
            sha256=media.sha256,
            kind=str(media.kind),
            format=media.format,
            size_bytes=media.size_bytes,
            width=width,
            height=height,
            duration_s=None,
            verdict=weigh([found], self.settings),
            findings=(found,),
            skipped={"unhurried": OUT_OF_TIME} if "hurried" in media.name else {},
            failed={},
            settings=self.settings,
            versions=self.versions,
            timings_s={},
            scanned_at="2026-01-01T00:00:00+00:00",
            pdq=media_hashes(media),
        )


class Refusing(Scripted):
    """Cannot be built."""

    def __init__(self, settings: ScanSettings) -> None:
        raise LookupError("no such analyzer")


class Stillborn(Scripted):
    """Takes its process along when it is built."""

    def __init__(self, settings: ScanSettings) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Loaded(Scripted):
    """Holds 240 MB from the first scan of any scanner on, as detectors do, which are loaded once a process."""

    held: ClassVar[list[object]] = []

    def scan(self, media: Media, tell: object = None) -> ScanReport:
        """Hold it."""
        if not self.held:
            self.held.append(np.ones(30_000_000))
        return super().scan(media)


class Heavy(Scripted):
    """Holds 240 MB from the first scan on, as the weights of a detector; 80 MB more of every file called "leaks"."""

    def __init__(self, settings: ScanSettings) -> None:
        super().__init__(settings)
        self._held: list[object] = []

    def scan(self, media: Media) -> ScanReport:
        """Hold it."""
        if not self._held:
            self._held.append(np.ones(30_000_000))
        if "leaks" in media.name:
            self._held.append(np.ones(10_000_000))
        return super().scan(media)
