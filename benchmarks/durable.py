"""A durable run that benchmarks feed bit by bit, and what its processes hold and use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from forensics.inputs import expand
from forensics.messages import Task
from forensics.runs import DurableRun, Settings
from forensics.runs.ending import write_end
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs, RunState


@contextmanager
def opened_run(home: Path, settings: ScanSettings, *, n_workers: int) -> Iterator[DurableRun]:
    """A run with its store, and its results in `out`, below a folder; leaving it writes the tables as well.

    Args:
        home: that is there already.
        settings: of every scan.
        n_workers: processes.
    """
    with Store(f"sqlite:///{home / 'scans.db'}") as store:
        run, _ = Runs(store).claim("measured", Plan((str(home),), settings))
        with DurableRun(store, run, Settings(n_workers=n_workers, folder=home / "out"), is_new_pass=True) as examined:
            yield examined
        examined.end(RunState.DONE)
        write_end(Runs(store).get(run.name), examined.files, home / "out")


def tasks(folder: Path) -> Iterator[Task]:
    """The files of a folder."""
    return expand([str(folder)])


class Family:
    """The processes that this one has started, but for some.

    Args:
        strangers: numbers of processes that are left out.
    """

    def __init__(self, strangers: frozenset[int] = frozenset()) -> None:
        self._strangers = strangers

    def memory_mb(self) -> float:
        """What they hold together."""
        return float(sum(one.memory_info().rss for one in self._members()) / 1e6)

    def cpu_s(self) -> float:
        """Processor time that those which are alive have used."""
        return float(sum(times.user + times.system for one in self._members() for times in (one.cpu_times(),)))

    def _members(self) -> Iterator[psutil.Process]:
        for one in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if one.pid not in self._strangers:
                    yield one


def own_memory_mb() -> float:
    """What this process holds."""
    return float(psutil.Process().memory_info().rss / 1e6)


def size_bytes(*paths: Path) -> int:
    """Of files, and of all that lies in folders."""
    return sum(one.stat().st_size for path in paths for one in (path, *path.rglob("*")) if one.is_file())
