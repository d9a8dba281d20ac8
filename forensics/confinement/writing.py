"""A fence in the kernel: a worker can write, make, move and remove files only below folders that are its own.

What it rests on: Landlock (landlock(7); Linux, Documentation/userspace-api/landlock.rst), which any process may put on
itself. Reading stays as it is, and so does what was open before.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from forensics.confinement.kernel import call, give_up_privileges

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""

CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
REMOVE, MAKE_DIR, MAKE_REG, MAKE_LINK, REFER = 1 << 4 | 1 << 5, 1 << 7, 1 << 8, 1 << 12, 1 << 13
MAKE_OTHER = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11
"""linux/landlock.h, LANDLOCK_ACCESS_FS_*; MAKE_OTHER are devices, sockets and pipes, which nobody may make."""

SINCE = {REFER: 2, TRUNCATE: 3}
"""Right -> the version of Landlock that knows it first."""

SCOPED, SCOPED_SINCE = 1 << 0 | 1 << 1, 6
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL: no signal to a process outside."""

DEVICES = ("null", "nvidia*", "dri/*", "kfd")
"""Below /dev: written to by who writes nothing, and by who computes on a graphics card."""


class _Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr; older kernels take what they know, as long as the rest is 0."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def write_only_below(folders: Sequence[Path]) -> None:
    """Forbid writing elsewhere to this thread, and all that it starts, until the process ends.

    Args:
        folders: existing ones.

    Raises:
        OSError: not on Linux, or a kernel without Landlock; or a folder is not there.
    """
    version = call(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    within = _known((WRITE_FILE, REMOVE, MAKE_DIR, MAKE_REG, MAKE_LINK, REFER, TRUNCATE), version)
    rules = _Ruleset(within | MAKE_OTHER, 0, SCOPED if version >= SCOPED_SINCE else 0)
    ruleset = call(CREATE_RULESET, rules, ctypes.sizeof(rules), 0)
    try:
        for folder in folders:
            _allow(ruleset, folder, within)
        for device in (path for pattern in DEVICES for path in Path("/dev").glob(pattern)):
            _allow(ruleset, device, WRITE_FILE)
        give_up_privileges()
        call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _known(rights: Iterable[int], version: int) -> int:
    return sum(right for right in rights if version >= SINCE.get(right, 1))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        call(ADD_RULE, ruleset, RULE_PATH_BENEATH, _PathBeneath(rights, place), 0)
    finally:
        os.close(place)
