"""How a parent listens to its worker: nothing that a hostile file could make a worker say runs, hangs or misleads it.

Messages are pickled. A pickle may name any function to be called, so only classes of which reports are made are let
in, and what comes out has to have the types that it declares. Reading and writing give up after a while.
"""

from __future__ import annotations

import io
import pickle
import re
import socket
import struct
import sys
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import NoneType
from typing import Any, TypeAlias

import numpy as np

from forensics.containers.account import Account
from forensics.containers.member import Member
from forensics.finding import Claim, Finding, Heat, Region, SaidBy, Trace
from forensics.media import Kind
from forensics.messages import Done, Entered, Opened, Ready, Scanned, Step
from forensics.report import ScanReport
from forensics.settings import Limits, ScanSettings
from forensics.verdict import Opinion, Reason, Verdict

Said: TypeAlias = Ready | Opened | Entered | Member | Step | Scanned | Done

MAX_MESSAGE_BYTES = 256 << 20
"""Reports with their maps take 2 MB, those of a long video as pages perhaps 30."""

MAX_PARTS = 100_000
"""Of a message, all rows of a table and all findings together; a few bytes may stand for very many."""

PATIENCE_S = 30
"""For the next part of a message that has begun, and for room for one to the worker."""

_MESSAGES = (Ready, Opened, Entered, Member, Step, Scanned, Done)
_PARTS = (Account, ScanReport, Finding, Region, Heat, Verdict, Reason, ScanSettings, Limits)
_WORDS = (Trace, Claim, SaidBy, Kind, Opinion, type(Path()))
_CLASSES = {(kind.__module__, kind.__qualname__): kind for kind in (*_MESSAGES, *_PARTS, *_WORDS)}

_ARRAYS = re.compile(r"numpy ndarray|numpy dtype|numpy\._?core\.(multiarray (_reconstruct|scalar)|numeric _frombuffer)")
"""What arrays and single numbers of numpy are put together from: each fills memory and calls nothing."""

_SHA256 = re.compile(r"[0-9a-f]{64}|")

_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bytes": (bytes,),
    "int": (int, np.integer),
    "float": (int, float, np.number),
    "bool": (bool, np.bool_),
    "None": (NoneType,),
    "tuple": (tuple, list),
    "Mapping": (dict,),
    "NDArray": (np.ndarray,),
}
"""Written type of a field -> what it may hold; others go by the name of their class."""


def listen(connection: Connection, forms: Collection[str]) -> Said:
    """What a worker says next.

    Args:
        connection: with something to be read.
        forms: of pages that were asked for.

    Raises:
        EOFError, OSError: it is gone, or says what no worker says (ConnectionError).
    """
    data = connection.recv_bytes(MAX_MESSAGE_BYTES)
    try:
        said = _Reader(io.BytesIO(data)).load()
        is_sound = isinstance(said, _MESSAGES) and _is_sound(said)
    except Exception as error:  # Hostile bytes raise anything while they are put together.
        raise ConnectionError(f"it said what no worker says: {type(error).__name__}: {error}") from error
    if not is_sound or not _leads_nowhere(said, forms):
        raise ConnectionError(f"it said what no worker says: {type(said).__name__}")
    answer: Said = said
    return answer


def give_up_after(connection: Connection, patience_s: int = PATIENCE_S) -> None:
    """Let reading and writing fail that would wait for longer."""
    if sys.platform == "win32":
        return
    with socket.socket(fileno=connection.fileno()) as same:
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            same.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", patience_s, 0))
        same.detach()


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Let in what reports are made of."""
        if (module, name) in _CLASSES:
            return _CLASSES[module, name]
        if _ARRAYS.fullmatch(f"{module} {name}"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a report")


def _is_sound(said: object) -> bool:
    """Whether every part of it has the types that it declares."""
    parts: list[Any] = [said]
    n_parts = 0
    while parts and n_parts < MAX_PARTS:
        part, n_parts = parts.pop(), n_parts + 1
        kind: Any = type(part)
        for name, kinds, classes in _declared(kind):
            value = getattr(part, name)
            if not isinstance(value, kinds) and classes.isdisjoint(one.__name__ for one in type(value).__mro__):
                return False
            if isinstance(value, tuple | list):
                parts += value[:MAX_PARTS]
            else:
                parts.append(value)
    return not parts


@cache
def _declared(kind: type) -> tuple[tuple[str, tuple[type, ...], frozenset[str]], ...]:
    """Fields of a class, each with the built-in types and the names of other classes that it may hold."""
    if not is_dataclass(kind):
        return ()
    written = [(one.name, [name.partition("[")[0] for name in str(one.type).split(" | ")]) for one in fields(kind)]
    return tuple(
        (field, sum((_TYPES.get(name, ()) for name in names), ()), frozenset(names) - {*_TYPES})
        for field, names in written
    )


def _leads_nowhere(said: Said, forms: Collection[str]) -> bool:
    """Whether nothing in it that becomes part of a path is anything but that part."""
    told = said.report if isinstance(said, Scanned | Step) else said
    if not _SHA256.fullmatch(getattr(told, "sha256", "")):
        return False
    return not isinstance(said, Done) or {*said.pages} <= {*forms}
