"""What ends a file before its time: limits that the parent watches, and the words for how a worker died.

Why the parent watches: RLIMIT_AS stops libraries that map far more than they touch; RLIMIT_DATA counts what was asked
for, not what is used; an alarm or a watching thread waits for C code to let go of the interpreter. So the parent reads
each worker's resident memory and its clock every few milliseconds, and kills it from outside. Processor time is the
kernel's to count.
"""

from __future__ import annotations

import signal
import sys
import time

from detectors.served_tower import LOST
from forensics.errors import MediaError
from forensics.settings import Limits
from forensics.watched import Worker


def overrun(worker: Worker, limits: Limits) -> MediaError | None:
    """Why a worker has to be stopped now; None if it may go on with its file."""
    if time.monotonic() > worker.deadline_s and worker.paused_s is None:
        spent_s = time.monotonic() - worker.started_s
        what = "examining it" if worker.report is None else "examining it and drawing its report"
        return MediaError("timeout", f"it was stopped after {spent_s:.0f} s, the limit for {what}")
    if worker.resident_bytes() > limits.memory_bytes:
        limit = limits.memory_bytes >> 20
        return MediaError("out-of-memory", f"examining it took more than {limit} MiB of memory, the limit")
    return None


def how_it_died(exit_code: int | None) -> str:
    """The end of a process in a few words; one without an exit code is stopped for what it says."""
    if exit_code is None:
        return "it said what no worker says"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"


def of_death(exit_code: int | None, last_line: str, limits: Limits) -> MediaError:
    """What a file is told to have done that its worker died of.

    Args:
        exit_code: of the worker, the negative number of a signal.
        last_line: that it wrote.
        limits: of the scan.
    """
    if sys.platform != "win32" and exit_code == -signal.SIGXCPU:
        words = f"it was stopped after {limits.cpu_s:g} s of processor time, the limit for examining it"
        return MediaError("out-of-cpu-time", words)
    if "bad_alloc" in last_line or "MemoryError" in last_line:
        return MediaError("out-of-memory", "decoding it takes more memory than there is")
    if exit_code == LOST:
        return MediaError("crashed", "the process that ran the network for it ended")
    words = f"a decoder or an analyzer crashed on it ({how_it_died(exit_code)}) {last_line}"
    return MediaError("crashed", words)
