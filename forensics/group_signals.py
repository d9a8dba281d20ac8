"""Signals that end a program, which terminals, service managers and clusters send to all of its processes at once.

The main process alone decides what becomes of the work in hand. Its workers must not die under it meanwhile: each would
be taken for one that its file has crashed.
"""

from __future__ import annotations

import signal
from functools import cache
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from weakref import WeakSet

ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)


def start_deaf(process: BaseProcess) -> None:
    """Start a process which, from its first moment on, hears none of ENDING; neither does a server that forks it.

    Like any of multiprocessing it is ended when this process exits, if it is left then.
    """
    _started().add(process)
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    # To start this one lets signals through again, so it comes first.
    resource_tracker.ensure_running()
    # What starts inherits the mask; a signal that comes meanwhile is heard here afterwards.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_endings() -> None:
    """Ignore ENDING in this process, for as long as it lives."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@cache
def _started() -> WeakSet[BaseProcess]:
    """What was started deaf. At the exit multiprocessing would wait for ever for those that ignore its SIGTERM."""
    started: WeakSet[BaseProcess] = WeakSet()
    Finalize(None, _end, args=(started,), exitpriority=0)
    return started


def _end(started: WeakSet[BaseProcess]) -> None:
    for process in started:
        if process.is_alive():
            process.kill()
