"""Durable runs for tests: a scanner that notes what it examines, and a process of its own that may be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from forensics.containers import InsideLimits
from forensics.inputs import expand
from forensics.media import Media
from forensics.report import ScanReport
from forensics.runs import DurableRun, Ended, Settings
from forensics.runs.ending import write_end
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs, RunState
from tests.unit.failing_scanners import Scripted

LIMITS = Limits(image_timeout_s=60.0, memory_bytes=400 << 20)

LOG = "examined.log"


class Noting(Scripted):
    """Notes each file before it does what the name says; what is called "flaky" is killed the first time.

    The setting `trust_list` names the file that takes the notes: workers know nothing else of a test.
    """

    def scan(self, media: Media) -> ScanReport:
        """Do it."""
        log = self.settings.trust_list
        assert log is not None
        is_first = media.sha256 not in log.read_text() if log.exists() else True
        with log.open("a") as file:
            file.write(f"{media.name} {media.sha256}\n")
        if "flaky" in media.name and is_first:
            os.kill(os.getpid(), 9)
        return super().scan(media)


def plan(folder: Path) -> Plan:
    """Of a run over a folder; the notes lie beside it."""
    settings = ScanSettings(limits=LIMITS, trust_list=folder.parent / LOG)
    return Plan((str(folder),), settings, InsideLimits())


def go(store: Store, folder: Path, out: Path | None = None, *, name: str = "run", **given: Any) -> list[Ended]:
    """One pass, to its end."""
    run, was_cut_off = Runs(store).claim(name, plan(folder))
    how = Settings(folder=out, build=Noting, **given)
    durable = DurableRun(store, run, how, is_new_pass=not was_cut_off)
    with durable:
        ended = list(durable.examine(expand([str(folder)], out=out)))
    durable.end(RunState.DONE)
    if out is not None:
        write_end(Runs(store).get(name), durable.files, out)
    return ended


if __name__ == "__main__":
    with Store(sys.argv[1]) as opened:
        go(opened, Path(sys.argv[2]), Path(sys.argv[3]), n_workers=2)
