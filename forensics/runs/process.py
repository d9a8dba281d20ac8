"""A run in a process of its own, which outlives whoever started it: how it is launched, and what it does.

It reads one line of JSON from standard input, since the address of a store may hold a password, which no command line
shows:
    {"store": URL, "run": name, "actor": name, "bar": what to queue, "is_new_pass": bool, "retry_failed": bool,
     "devices": [name]}
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from forensics.messages import Examiner
from forensics.queueing import Queueing
from forensics.runs.durable import DurableRun, Settings
from forensics.runs.following import follow, noted_end
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.queue_words import Bar
from forensics.store.runs import Plan, Run, Runs, RunState
from forensics.usual_workers import usual_workers


@dataclass(frozen=True)
class Order:
    """What the process is to do.

    Attributes:
        store: SQLAlchemy URL.
        run: name of a run that is handed over to the process.
        actor: who started it, for the audit log.
        bar: which files await a decision.
        is_new_pass, retry_failed, devices: as for `DurableRun` and its `Settings`.
    """

    store: str
    run: str
    actor: str
    bar: Bar
    is_new_pass: bool = True
    retry_failed: bool = False
    devices: tuple[str, ...] = ()

    @classmethod
    def from_line(cls, line: str) -> Order:
        """As standard input brings it."""
        plain = json.loads(line)
        return cls(**{**plain, "bar": Bar(plain["bar"]), "devices": tuple(plain["devices"])})


def launch(
    store: Store,
    url: str,
    name: str,
    plan: Plan | None,
    *,
    actor: str,
    bar: Bar,
    retry_failed: bool = False,
    devices: tuple[str, ...] = (),
) -> Run:
    """Begin a run, or go on with one, in a process of its own.

    Args:
        store: of the run.
        url: of this store, for the process.
        name, plan: as for `Runs.claim`.
        actor: who starts it, for the audit log.
        bar: which files await a decision.
        retry_failed: files that failed in an earlier pass are tried again.
        devices: as for `make_engine`.

    Raises:
        LookupError, ValueError: as for `Runs.claim`.
        OSError: the process cannot be started, or the store does not work.
    """
    runs = Runs(store)
    run, was_cut_off = runs.claim(name, plan, actor=actor)
    order = Order(url, name, actor, bar, is_new_pass=not was_cut_off, retry_failed=retry_failed, devices=devices)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "forensics.runs.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Neither Ctrl-C in the terminal of who started it nor the end of that program reaches it.
            start_new_session=True,
        )
        assert process.stdin is not None
        with process.stdin as pipe:
            # It waits for its order: before it works the run is its own.
            runs.hand_over(run.id, process.pid)
            pipe.write(json.dumps(asdict(order)).encode() + b"\n")
    except OSError as error:
        runs.end(run.id, RunState.FAILED, f"its process did not start: {error}")
        raise
    return run


def work(order: Order, build: Callable[[ScanSettings], Examiner] | None = None) -> RunState:
    """Follow an order to its end, or until somebody stops the run.

    Args:
        order: to follow.
        build: makes the scanner in the workers; None for the real one.

    Returns:
        How it ended; the store says so as well, and why.
    """
    with Store(order.store) as store:
        run = Runs(store).get(order.run)
        queueing = Queueing(store, order.bar, actor=order.actor)
        # Nobody waits for it: one processor stays free for who works at this computer.
        n_workers = usual_workers(run.plan.settings, n_spare=1)
        how = Settings(n_workers=n_workers, devices=order.devices, retry_failed=order.retry_failed, build=build)
        try:
            with noted_end(store, run):
                durable = DurableRun(store, run, how, is_new_pass=order.is_new_pass)
                follow(durable, lambda ended: queueing.add(None if ended is None else ended.result))
        except KeyboardInterrupt:
            return RunState.STOPPED
        except (ValueError, LookupError, RuntimeError, ImportError, OSError):
            return RunState.FAILED
    return RunState.DONE


def main() -> int:
    """Read the order and follow it."""
    # A kill ends the workers like an interruption.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    return 0 if work(Order.from_line(sys.stdin.readline())) is not RunState.FAILED else 2


if __name__ == "__main__":
    sys.exit(main())
