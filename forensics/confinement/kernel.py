"""System calls of Linux that Python has no name for, by their numbers."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from multiprocessing import forkserver

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
"""linux/prctl.h"""


def call(number: int, *arguments: int | bytes | ctypes.Structure | None) -> int:
    """Make a system call.

    Args:
        number: on this architecture.
        arguments: whole numbers, and what is handed over by its address.

    Returns:
        What it returns.

    Raises:
        OSError: it failed, or this is not Linux.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    library = ctypes.CDLL(None, use_errno=True)
    # Each argument fills a register: ctypes would hand over half of one for a number.
    handed = [_handed(argument) for argument in arguments]
    result: int = library.syscall(ctypes.c_long(number), *handed)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def give_up_privileges() -> None:
    """No program that is started may have more rights than this process (no_new_privs): what seccomp and Landlock ask.

    Raises:
        OSError: this is not Linux.
    """
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def end_with_parent() -> None:
    """Be killed when the parent ends, whatever ends it: also while C code that never returns is at work.

    The parent is the server that forked this process, and it lives as long as anyone holds the line that keeps it up.
    Every process that it forks is handed that line, to start others in turn; a worker starts none and lets go of it.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        line: int | None = getattr(forkserver, "_forkserver")._forkserver_alive_fd  # noqa: B009 - no public name
        if line is not None:
            os.close(line)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _handed(argument: int | bytes | ctypes.Structure | None) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.byref(argument) if isinstance(argument, ctypes.Structure) else argument
