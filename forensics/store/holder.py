"""The process that works on a run: whether it lives tells whether the run goes on or is lost."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from typing import Self

import psutil

LOST_S = 300.0
"""On another computer only signs of life tell that a process lives; a video may take a minute, or two."""


@dataclass(frozen=True)
class Holder:
    """One process of one computer.

    Attributes:
        host: name of the computer.
        process: its number and when it was born, as JSON.
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
            born_s = psutil.Process(pid).create_time()
        except psutil.Error:
            raise ProcessLookupError(f"there is no process {pid}") from None
        return cls(platform.node(), json.dumps({"pid": pid, "born_s": round(born_s, 2)}))

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
            found = psutil.Process(int(told["pid"]))
            # One that has ended keeps its number until whoever started it asks how it ended.
            if found.status() == psutil.STATUS_ZOMBIE:
                return False
            # Numbers of processes come round again.
            return abs(float(found.create_time()) - float(told["born_s"])) < 1.0
        except psutil.Error:
            return False
