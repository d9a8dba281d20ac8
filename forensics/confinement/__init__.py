"""What a worker process may do to the machine that it runs on, should a hostile file ever take it over.

It reads files; it needs no network, starts no program and writes into two folders. Each of these walls is the kernel's,
put up from inside the worker before the first file, and cannot be taken down again. Limits on resources hold on every
POSIX system; the two walls need Linux (seccomp, 5.13 for Landlock) and are told to be missing elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from forensics.confinement.calls import forbid_calls
from forensics.confinement.kernel import end_with_parent
from forensics.confinement.resources import limit_resources
from forensics.confinement.writing import write_only_below

LOG = logging.getLogger("unforged.workers")


def confine(folders: Sequence[Path], *, max_file_bytes: int) -> tuple[str, ...]:
    """Confine this process for the rest of its life.

    Args:
        folders: existing ones, the only ones that it may write into.
        max_file_bytes: size of a file that it may write.

    Returns:
        What this system cannot give, a sentence each.
    """
    end_with_parent()
    limit_resources(max_file_bytes)
    lacking = []
    try:
        write_only_below(folders)
    except OSError as error:
        lacking.append(f"workers can write outside their scratch folders here: no Landlock ({error.strerror})")
    try:
        forbid_calls()
    except OSError as error:
        lacking.append(f"workers can reach the network and start programs here: no seccomp ({error.strerror})")
    return tuple(lacking)


@cache
def warn(lacking: str) -> None:
    """Tell what is lacking, once a process."""
    LOG.warning(lacking)
