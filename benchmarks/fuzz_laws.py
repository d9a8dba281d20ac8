"""What has to hold while hostile files are examined: no hang, no leak, no file written elsewhere, no call for help."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import chdir
from multiprocessing import forkserver
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from forensics.containers.account import Account
from forensics.insides import MEMBER_S
from forensics.outcome import Outcome
from forensics.settings import Limits
from forensics.watched import start_context

GRACE_S = 5.0
"""To notice that time is up and to end a worker, on a machine with other work."""

MAX_GROWTH_BYTES = 32 << 20
"""Of the parent, from the first files on; buffers and caches of the libraries fill until then."""

SETTLED_SHARE = 0.25
"""Share of the files after which the parent is weighed for the first time."""

ESCAPED = "escaped*"
"""Files of this name are planted in archives, on ways that lead out of them."""


class Listener:
    """A server on this machine; its address stands in files. A context manager."""

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.0)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/manifest"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def was_called(self) -> bool:
        """Whether anybody has asked it for anything."""
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            return False
        return True


class Laws:
    """Watches this process and a folder of its own while files are examined. A context manager.

    Args:
        n: files that will be examined.
        broken: gets a line for each law that was broken.
        listener: that nobody may call; None for none.

    Attributes:
        evidence: folder for the files.
    """

    def __init__(self, n: int, broken: list[str], listener: Listener | None = None) -> None:
        self._n, self._n_ended = n, 0
        self._broken = broken
        self._listener = listener
        self._process = psutil.Process()

    def __enter__(self) -> Self:
        # What starts workers stays, and belongs to no file.
        start_context()
        forkserver.ensure_running()
        self._usual = tempfile.tempdir
        self._cage = tempfile.TemporaryDirectory(prefix="unforged-fuzz-")
        cage = Path(self._cage.name)
        self.evidence, self._scratch, self._here = cage / "evidence", cage / "tmp", cage / "here"
        for folder in (self.evidence, self._scratch, self._here):
            folder.mkdir()
        tempfile.tempdir = str(self._scratch)
        self._moved = chdir(self._here)
        self._moved.__enter__()
        self._before = self._held()
        self._settled_bytes = self._process.memory_info().rss
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._moved.__exit__(kind, error, trace)
        tempfile.tempdir = self._usual
        if error is None:
            self._check()
        self._cage.cleanup()

    def ended(self, outcome: Outcome, limits: Limits) -> None:
        """One file ended, or one that was found in it."""
        may_take_s = limits.timeout_s + GRACE_S + MEMBER_S * (outcome.account or Account("")).n_files
        if outcome.elapsed_s > may_take_s:
            self._broken.append(f"a hang: {outcome.task.shown} took {outcome.elapsed_s:.0f} s")
        if not outcome.task.container:
            self._n_ended += 1
            if self._n_ended == max(int(self._n * SETTLED_SHARE), 1):
                self._settled_bytes = self._process.memory_info().rss

    def _check(self) -> None:
        if self._n_ended != self._n:
            self._broken.append(f"a lost file: {self._n_ended} of {self._n} ended")
        for (what, before), after in zip(self._before.items(), self._held().values(), strict=True):
            if after > before:
                self._broken.append(f"a leak: {after - before} {what} more than before")
        growth = self._process.memory_info().rss - self._settled_bytes
        if growth > MAX_GROWTH_BYTES:
            self._broken.append(f"a leak: {growth >> 20} MiB of memory")
        if left := [*self._scratch.iterdir()]:
            self._broken.append(f"a leak: temporary files {[path.name for path in left]}")
        places = (self._here, *self._scratch.parents)
        escaped = [*self._here.iterdir(), *(path for place in places for path in place.glob(ESCAPED))]
        if n_made := len([*self.evidence.iterdir()]) - self._n:
            escaped.append(Path(f"{n_made} files beside the evidence"))
        if escaped:
            self._broken.append(f"an escape: {[str(path) for path in escaped]}")
        if self._listener is not None and self._listener.was_called():
            self._broken.append("an escape: somebody called the address that stands in the files")

    def _held(self) -> dict[str, int]:
        return {
            "open files": self._process.num_fds() if os.name == "posix" else 0,
            "child processes": len(self._process.children(recursive=True)),
        }
