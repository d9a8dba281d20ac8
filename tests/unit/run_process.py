"""Durable runs for tests: they note what they examine, and a process of its own may be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from forensics.containers import InsideLimits
from forensics.inputs import expand
from forensics.media import Media
from forensics.messages import Answer, Opened, Task
from forensics.recall import Recall
from forensics.report import ScanReport
from forensics.runs import DurableRun, Ended, Settings
from forensics.runs.ending import write_end
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs, RunState
from tests.unit.failing_scanners import Scripted

LIMITS = Limits(image_timeout_s=60.0, memory_bytes=400 << 20)

LOG = "examined.log"


class Noting(Recall):
    """Notes each file before it is examined, in the file that the setting `trust_list` names."""

    def decide(self, task: Task, opened: Opened) -> Answer:
        """Do it: workers may write nothing."""
        answer, log = super().decide(task, opened), self._settings.trust_list
        assert log is not None
        if answer.scan:
            with log.open("a") as file:
                file.write(f"{task.name} {opened.sha256}\n")
        return answer


class Flaky(Scripted):
    """What is called "flaky" is killed the first time."""

    def scan(self, media: Media) -> ScanReport:
        """Do it."""
        log = self.settings.trust_list
        assert log is not None
        if "flaky" in media.name and log.read_text().count(media.sha256) == 1:
            os.kill(os.getpid(), 9)
        return super().scan(media)


class NotedRun(DurableRun):
    """A run that notes what it examines."""

    def __init__(self, *args: Any, **given: Any) -> None:
        with patch("forensics.runs.durable.Recall", Noting):
            super().__init__(*args, **given)


def plan(folder: Path) -> Plan:
    """Of a run over a folder; the notes lie beside it."""
    settings = ScanSettings(limits=LIMITS, trust_list=folder.parent / LOG)
    return Plan((str(folder),), settings, InsideLimits())


def go(store: Store, folder: Path, out: Path | None = None, *, name: str = "run", **given: Any) -> list[Ended]:
    """One pass, to its end."""
    run, was_cut_off = Runs(store).claim(name, plan(folder))
    how = Settings(folder=out, build=Flaky, **given)
    durable = NotedRun(store, run, how, is_new_pass=not was_cut_off)
    with durable:
        ended = list(durable.examine(expand([str(folder)], out=out)))
    durable.end(RunState.DONE)
    if out is not None:
        write_end(Runs(store).get(name), durable.files, out)
    return ended


if __name__ == "__main__":
    with Store(sys.argv[1]) as opened:
        go(opened, Path(sys.argv[2]), Path(sys.argv[3]), n_workers=2)
