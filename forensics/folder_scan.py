"""The process that scans a folder on its own: started by the dashboard, it outlives browsers and the dashboard itself.

It reads one line of JSON from standard input (an address of a store may hold a password, which no command line shows):
    {"store": URL, "number": n, "actor": name, "bar": which files to queue, "settings": of the scan, "n_workers": n}
"""

from __future__ import annotations

import _thread
import json
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from forensics.batch import Batch
from forensics.messages import Examiner
from forensics.result import Result
from forensics.settings import ScanSettings
from forensics.store import Queue, Store, StoreError
from forensics.store.folder_scans import FolderScans, Progress
from forensics.store.queue_words import Bar

BEAT_S = 2.0
"""How often it writes how far it is, and looks whether it shall stop."""


class _Counts:
    """How far it is; written by one thread, read by another."""

    def __init__(self) -> None:
        self.n_files = self.n_done = self.n_failed = self.n_likely = 0

    def add(self, result: Result) -> None:
        # How many files a container holds is known when they come.
        self.n_files += bool(result.container)
        self.n_done += 1
        self.n_failed += result.is_error
        self.n_likely += result.report is not None and result.report.verdict.opinion.is_likely

    def named(self) -> dict[str, int]:
        return {"n_files": self.n_files, "n_done": self.n_done, "n_failed": self.n_failed, "n_likely": self.n_likely}


def run(order: dict[str, Any], build: Callable[[ScanSettings], Examiner] | None = None) -> Progress:
    """Scan the folder of an entered scan to its end, or until somebody stops it.

    Args:
        order: as in the heading of this module.
        build: makes the scanner in the workers; None for the real one.

    Returns:
        How it ended; the store says so as well.
    """
    number, counts = int(order["number"]), _Counts()
    with Store(order["store"]) as store:
        scans = FolderScans(store)
        ended = threading.Event()
        beat = threading.Thread(target=_beat, args=(scans, number, counts, ended), daemon=True)
        beat.start()
        state, message = Progress.DONE, ""
        try:
            _examine(order, store, scans.get(number).folder, scans, counts, build)
        except (KeyboardInterrupt, SystemExit):
            state = Progress.STOPPED
        except (ValueError, LookupError, RuntimeError, OSError) as error:
            state, message = Progress.FAILED, str(error)
        finally:
            ended.set()
            beat.join()
        scans.report(number, counts.named(), state=state, message=message)
    return state


def _examine(
    order: dict[str, Any],
    store: Store,
    folder: str,
    scans: FolderScans,
    counts: _Counts,
    build: Callable[[ScanSettings], Examiner] | None,
) -> None:
    bar, queue = Bar(order["bar"]), Queue(store)
    settings = ScanSettings.from_dict(order["settings"])
    batch = Batch(settings, store=store, n_workers=int(order["n_workers"]), build=build)
    tasks = batch.tasks([folder])
    counts.n_files = len(tasks)
    if scans.report(int(order["number"]), {"n_files": counts.n_files}):
        raise KeyboardInterrupt
    for result in batch.run(tasks):
        if result.report is not None and result.scan_id is not None and bar.includes(result.report.verdict.opinion):
            queue.add([store.row(result.scan_id)], actor=order["actor"])
        counts.add(result)


def _beat(scans: FolderScans, number: int, counts: _Counts, ended: threading.Event) -> None:
    """Give signs of life; interrupt the examination when somebody wants it to stop."""
    while not ended.wait(BEAT_S):
        try:
            if scans.report(number, counts.named()):
                _thread.interrupt_main()
                return
        except StoreError:
            # The examination meets the same trouble, and says so at its end.
            continue


def main() -> int:
    """Read the order and follow it."""
    # A shell that starts programs in the background has them ignore interrupts, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    return 0 if run(json.loads(sys.stdin.readline())) is not Progress.FAILED else 2


if __name__ == "__main__":
    sys.exit(main())
