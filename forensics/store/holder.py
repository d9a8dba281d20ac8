"""The process that works on a run: whether it lives tells whether the run goes on or is lost."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")

LOST_S = 300.0
"""On another computer only signs of life tell that a process lives; a video may take a minute, or two."""


@dataclass(frozen=True)
class Holder:
    """One process of one computer.

    Attributes:
        host: name of the computer.
        process: its number and its birth, as JSON.
    """

    host: str
    process: str

    @classmethod
    def of(cls, pid: int | None = None) -> Self:
        """A process of this computer, this one if None.

        Raises:
            OSError: there is none of this number.
        """
        pid = os.getpid() if pid is None else pid
        try:
            born = _birth(pid)
        except psutil.Error:
            raise ProcessLookupError(f"there is no process {pid}") from None
        return cls(platform.node(), json.dumps({"pid": pid, "born": born}))

    @property
    def words(self) -> str:
        """For people."""
        return f"process {json.loads(self.process)['pid']} on {self.host}"

    def lives(self, beat_s: float, now_s: float) -> bool:
        """Whether it does, as far as can be told from here.

        Args:
            beat_s: its last sign of life, seconds since 1970.
            now_s: the time now.
        """
        if self.host != platform.node():
            return now_s - beat_s < LOST_S
        told = json.loads(self.process)
        try:
            # One that has ended keeps its number until whoever started it asks how it ended.
            if psutil.Process(int(told["pid"])).status() == psutil.STATUS_ZOMBIE:
                return False
            # Numbers of processes come round again.
            return bool(_birth(int(told["pid"])) == told.get("born"))
        except psutil.Error:
            return False


def _birth(pid: int) -> str:
    """What no other process of this number has on this computer; a clock that is set changes nothing of it.

    Raises:
        psutil.Error: there is no such process.
    """
    if not sys.platform.startswith("linux"):
        return f"{psutil.Process(pid).create_time():.0f}"
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    # Field 22 of proc(5): ticks from the start of the system. The name of the program, in brackets, may hold anything.
    ticks = told.rpartition(")")[2].split()[19]
    return f"{_BOOT.read_text(encoding='ascii').strip()} {ticks}"
