"""Small pictures of examined files: newly encoded, cached on disk within a bound, made a few at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dashboard.backend.keeping import Kept
from forensics.overlay import preview, to_jpeg
from forensics.pictures import decoded
from forensics.redrawing import THUMBNAIL_QUALITY, THUMBNAIL_SIDE_PX, Redrawer
from forensics.store import ScanRow
from generators.whole_files import write_whole

__all__ = ["Redrawer", "Thumbnails"]

MAX_BYTES = 64 << 20
"""Of the cache: about 12,000 thumbnails."""

TRIM_EVERY = 200
"""New thumbnails between two looks at the size of the cache."""

MAX_MISSING = 20_000
"""Files that are remembered to have no picture, until the process ends."""


class Thumbnails:
    """The cache and what fills it; threads may share it.

    Args:
        folder: of the cache; made when it is first needed.
        kept: pictures of uploads.
        redrawer: draws files that still lie where they were examined.
        max_bytes: of the cache; the longest unused goes first.
    """

    def __init__(self, folder: Path, kept: Kept, redrawer: Redrawer, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._kept = kept
        self._redrawer = redrawer
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._missing: dict[str, None] = {}
        self._n_new = 0

    def cached(self, sha256: str) -> bytes | None:
        """A JPEG; b"" where it is known that there is none; None where nobody has tried."""
        if sha256 in self._missing:
            return b""
        path = self._path(sha256)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            path.touch()
        return data

    def make(self, rows: Iterable[ScanRow], *, budget_s: float) -> dict[str, bytes]:
        """Thumbnails by hash, from the cache or newly made until the time is over; the rest is not in the answer."""
        until_s = time.monotonic() + budget_s
        found: dict[str, bytes] = {}
        for row in rows:
            data = self.cached(row.sha256)
            if data is None and time.monotonic() < until_s and (data := self._drawn(row)) is not None:
                self._keep(row.sha256, data)
            if data is not None:
                found[row.sha256] = data
        return found

    def trim(self) -> None:
        """Remove the longest unused until the bound is kept."""
        if not self._folder.is_dir():
            return
        known = sorted((p.stat().st_mtime, p.stat().st_size, p) for p in self._folder.glob("*.jpg"))
        n_bytes = sum(size for _, size, _ in known)
        for _, size, path in known:
            if n_bytes <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            n_bytes -= size

    def _drawn(self, row: ScanRow) -> bytes | None:
        """A new one; b"" where there is none, None where whoever draws is not there yet."""
        frames = self._kept.load(row.sha256).frames
        if frames:
            with suppress(ValueError):
                return to_jpeg(preview(decoded(next(iter(frames.values()))), THUMBNAIL_SIDE_PX), THUMBNAIL_QUALITY)
        if row.location is None or not row.location.is_file():
            return b""
        return self._redrawer.thumbnail(row.location, row.sha256) if self._redrawer.is_ready() else None

    def _keep(self, sha256: str, data: bytes) -> None:
        with self._lock:
            if not data:
                while len(self._missing) >= MAX_MISSING:
                    self._missing.pop(next(iter(self._missing)))
                self._missing[sha256] = None
                return
            # A disk that is full costs the cache, not the page.
            with suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_whole(self._path(sha256), data)
                self._n_new += 1
                if self._n_new % TRIM_EVERY == 1:
                    self.trim()

    def _path(self, sha256: str) -> Path:
        if not (sha256.isascii() and sha256.isalnum()):
            raise ValueError(f"not a hash: {sha256!r}")
        return self._folder / f"{sha256}.jpg"
