"""Durable runs on a Ray cluster for tests: scanners that may be held up, and a process that may be killed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forensics.containers import InsideLimits
from forensics.engine import Cluster
from forensics.inputs import expand
from forensics.media import Media
from forensics.report import ScanReport
from forensics.runs import DurableRun, Ended, Settings
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs, RunState
from tests.unit.failing_scanners import Scripted
from tests.unit.failing_towers import Asking, asks_elsewhere

LIMITS = Limits(image_timeout_s=120.0, memory_bytes=400 << 20)
SCAN_S = 0.1


class Gated(Scripted):
    """Takes its time; on a file called "gated" until there is a file at the path that the setting `trust_list` has."""

    def scan(self, media: Media) -> ScanReport:
        """Wait, and do it."""
        gate = self.settings.trust_list
        time.sleep(SCAN_S)
        while "gated" in media.name and gate is not None and not gate.exists():
            time.sleep(0.02)
        return super().scan(media)


class Patient(Asking):
    """Where it has no tower to ask, it waits for the gate; the third file of one that asks takes the tower along.

    So it matters neither which station takes which file, nor which is there first. It does so until there is a file
    "cured" beside the gate.
    """

    n_asked = 0

    def scan(self, media: Media) -> ScanReport:
        """Wait, and do it."""
        gate = self.settings.trust_list
        while not asks_elsewhere() and gate is not None and not gate.exists():
            time.sleep(0.02)
        return super().scan(media)

    def is_deadly(self, media: Media) -> bool:
        """Whether it is the third one."""
        gate = self.settings.trust_list
        assert gate is not None
        self.n_asked += asks_elsewhere()
        return self.n_asked == 3 and not gate.with_name("cured").exists()


class OfItsOwn(Scripted):
    """Has another version in every process."""

    def __init__(self, settings: ScanSettings) -> None:
        super().__init__(settings)
        self.versions = {"unforged": "test", "numpy": f"{os.getpid()}"}


def go(
    store: Store,
    folder: Path,
    cluster: Cluster | None,
    *,
    out: Path | None = None,
    forms: tuple[str, ...] = (),
    build: Any = Gated,
    tell: Callable[[str, dict[str, Any]], None] = lambda event, details: None,
    see: Callable[[Ended], None] = lambda ended: None,
) -> list[Ended]:
    """One pass, to its end."""
    settings = ScanSettings(limits=LIMITS, trust_list=folder.parent / "gate")
    run, was_cut_off = Runs(store).claim("run", Plan((str(folder),), settings, InsideLimits()))
    how = Settings(folder=out, cluster=cluster, forms=forms, build=build)
    all_ended = []
    state = RunState.STOPPED
    durable = DurableRun(store, run, how, is_new_pass=not was_cut_off, tell=tell)
    try:
        with durable:
            for ended in durable.examine(expand([str(folder)], out=out)):
                see(ended)
                all_ended.append(ended)
        state = RunState.DONE
    finally:
        durable.end(state)
    return all_ended


def main() -> None:
    """Of a process of its own; other processes must find its scanner by the name of this module."""
    url, folder, out, address = sys.argv[1:]
    with Store(url) as opened:
        go(opened, Path(folder), Cluster(address), out=Path(out))
