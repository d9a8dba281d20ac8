"""A pass of a run from its beginning to its end, as the command line and a process of its own make it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from forensics.inputs import expand
from forensics.messages import Task
from forensics.runs.durable import BEAT_S, DurableRun
from forensics.runs.watch import watch
from forensics.runs.work import Ended, StopWanted
from forensics.store import Store
from forensics.store.runs import Run, Runs, RunState

Show = Callable[[Ended | None], None]
"""Called with each file as it ends; with None after each walk of a run that watches its sources."""


@contextlib.contextmanager
def noted_end(store: Store, run: Run) -> Iterator[None]:
    """Write into the store how a pass ends that is made meanwhile; what it raises goes on.

    Args:
        store: of the run.
        run: claimed by this process, or handed over to it.
    """
    state, message = RunState.STOPPED, "interrupted"
    try:
        yield
        state, message = RunState.DONE, ""
    except StopWanted as wish:
        message = str(wish)
        raise
    except Exception as error:
        state, message = RunState.FAILED, str(error)
        raise
    finally:
        # A store that broke cannot be told; the process that is gone tells as much.
        with contextlib.suppress(OSError):
            Runs(store).end(run.id, state, message)


def follow(
    run: DurableRun,
    show: Show,
    *,
    sources: Sequence[str] | None = None,
    out: Path | None = None,
    remote: bool = False,
    poll_s: float | None = None,
) -> None:
    """Pass over the sources of a run.

    Args:
        run: not opened yet.
        show: hears of each file.
        sources: with the secrets in addresses that the run does not keep; None takes those that it keeps.
        out: folder of results, which is no source.
        remote: sources may be fetched over the network.
        poll_s: the pass goes on, looking for changes every so often, until it is interrupted; None makes one walk.

    Raises:
        ValueError, RuntimeError, OSError, StopWanted: as for `DurableRun.examine`.
        ImportError: what speaks the protocol of a source is not installed.
    """

    def walk() -> Iterable[Task]:
        return expand(run.run.plan.sources if sources is None else sources, out=out, remote=remote)

    with run:
        if poll_s is None:
            for ended in run.examine(walk()):
                show(ended)
            return
        try:
            for following in watch(run, walk, lambda: _pause(run, poll_s)):
                show(following)
        except StopWanted:
            raise
        except KeyboardInterrupt:
            # That is how a person ends what has no end.
            return


def _pause(run: DurableRun, pause_s: float) -> None:
    until_s = time.monotonic() + pause_s
    while (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(left_s, BEAT_S))
        run.beat()
