"""Follows the sources of a run: walks them again and again, and examines what is new or changed since the last walk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from forensics.messages import Task
from forensics.runs.durable import DurableRun
from forensics.runs.walk import Unlisted, seen
from forensics.runs.work import Ended

POLL_S = 5.0

Known = dict[bytes, tuple[int | None, int | None]]
"""What stands for a file -> its size and time of change."""


def watch(
    run: DurableRun, walk: Callable[[], Iterable[Task]], wait: Callable[[], object], *, n_walks: int | None = None
) -> Iterator[Ended | None]:
    """Examine everything once, then what changes.

    Walks and not notices of the system: those do not come from network disks, and get lost when many files change.

    Args:
        run: opened.
        walk: meets all files of the sources.
        wait: called between two walks.
        n_walks: None goes on until somebody interrupts.

    Yields:
        Each file as it ends, and None after each walk.
    """
    known: Known = {}
    yield from run.examine(_noted(walk(), known))
    yield None
    for _ in count() if n_walks is None else range(n_walks - 1):
        wait()
        met: Known = {}
        unlisted = Unlisted(run.run.plan.sources)
        changed = [task for task, key in _with_keys(unlisted.noted(walk()), met) if known.get(key, ()) != met[key]]
        missed = known.keys() - met.keys()
        kept = missed & run.keep(unlisted)
        # Before what is new: a file that was moved is no copy of one that is gone.
        if gone := missed - kept:
            run.leave(gone)
        if changed:
            yield from run.examine(changed, is_whole=False)
        known = met | {key: known[key] for key in kept}
        yield None


def _noted(tasks: Iterable[Task], known: Known) -> Iterator[Task]:
    return (task for task, _ in _with_keys(tasks, known))


def _with_keys(tasks: Iterable[Task], known: Known) -> Iterator[tuple[Task, bytes]]:
    for task in tasks:
        met = seen(task)
        known[met.key] = (met.size_bytes, met.mtime_ns)
        yield task, met.key
