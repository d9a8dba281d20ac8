"""Watches what code does besides returning: prints, writes files, opens connections, changes the process."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

T = TypeVar("T")

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATH_EVENTS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")
_NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


@dataclass(frozen=True)
class SideEffects:
    """What was seen.

    Attributes:
        printed: what reached standard output and error, also from C libraries.
        written: paths that were opened for writing, made, moved or removed, but for scratch files that are gone again.
        fetched: connections asked for.
        changed: what differs in the process, each in a few words. A variable that a library sets while it is imported
            is the library's doing: whoever comes first to need it cannot help it.
    """

    printed: str = ""
    written: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(eq=False)
class _Watch:
    scratch: Path
    written: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
            self._path(args[0])
        elif event in _PATH_EVENTS and args[-1] in (-1, None):
            # With an open folder as last argument the path is relative to that: the folder was seen already.
            self._path(args[0])
        elif event in ("os.putenv", "os.unsetenv") and _is_importing():
            self.imported.add(os.fsdecode(args[0]))
        elif event in _NETWORK_EVENTS:
            self.fetched.append(" ".join(str(arg) for arg in args[-2:]))

    def _path(self, given: object) -> None:
        if not isinstance(given, str | bytes | os.PathLike):
            return
        path = Path(os.fsdecode(given)).absolute()
        if not path.is_relative_to(self.scratch) and not path.is_relative_to("/dev"):
            self.written.append(str(path))


_watches: list[_Watch] = []


def observe(action: Callable[[], T]) -> tuple[T, SideEffects]:
    """Run something in an empty folder and report what it did to the outside.

    Args:
        action: may use the folder for scratch files as long as it removes them.

    Returns:
        What it returned, and what was seen.

    Raises:
        Exception: whatever the action raises.
    """
    _listen()
    before = _process()
    with tempfile.TemporaryDirectory(prefix="unforged-") as folder, _scratch(Path(folder)) as scratch:
        watch = _Watch(scratch)
        _watches.append(watch)
        try:
            with _captured() as printed:
                result = action()
        finally:
            _watches.remove(watch)
        left = sorted(str(path.relative_to(scratch)) for path in scratch.rglob("*") if path.is_file())
        after = _process() | {"working directory": before["working directory"]}
        for state in (before, after):
            state["environment"] = {k: v for k, v in state["environment"].items() if k not in watch.imported}
        moved = () if Path.cwd() == scratch else ("working directory",)
    changed = (*(name for name in before if before[name] != after.get(name)), *moved)
    return result, SideEffects("".join(printed), (*watch.written, *left), tuple(watch.fetched), changed)


def _listen() -> None:
    # An audit hook stays for the life of the process, so there is one, and it is deaf while nobody watches.
    if not getattr(_hear, "listens", False):
        sys.addaudithook(_hear)
        _hear.listens = True  # type: ignore[attr-defined]


def _hear(event: str, args: tuple[Any, ...]) -> None:
    for watch in _watches:
        watch.hear(event, args)


def _is_importing() -> bool:
    """Whether some module is being loaded further up the stack."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
    return False


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder = folder.resolve()
    usual, bytecode = tempfile.tempdir, sys.dont_write_bytecode
    # Libraries that are imported on the way would leave their byte code behind.
    tempfile.tempdir, sys.dont_write_bytecode = str(folder), True
    try:
        with contextlib.chdir(folder):
            yield folder
    finally:
        tempfile.tempdir, sys.dont_write_bytecode = usual, bytecode


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Both streams, as Python and as C libraries write to them; the text is there after the block."""
    printed: list[str] = []
    said = io.StringIO()
    with tempfile.TemporaryFile() as file:
        _flush()
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield printed
        finally:
            _flush()
            for number, usual in zip((1, 2), kept, strict=True):
                os.dup2(usual, number)
                os.close(usual)
        file.seek(0)
        printed += [said.getvalue(), file.read().decode("utf-8", "replace")]


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


def _process() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    state = {
        "environment": dict(os.environ),
        "working directory": Path.cwd(),
        "Python's random state": random.getstate(),
        "numpy's random state": np.random.get_state(legacy=False)["state"]["key"].tobytes(),  # noqa: NPY002
        "numpy's error handling": np.geterr(),
        "threads of OpenCV": cv2.getNumThreads(),
    }
    return state if torch is None else state | {"threads of torch": torch.get_num_threads()}
