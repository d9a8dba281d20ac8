"""Tensors out of files of PyTorch's format before 1.6, which are pickles: taken apart as data, never run.

A pickle is a program for a small stack machine, and what makes it dangerous are its calls. Here the same program is
read with a machine that knows no calls: a function and its arguments stay a pair of values to look at.
"""

from __future__ import annotations

import math
import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

N_HEADER_PICKLES = 3
"""Magic number, protocol version and system come first; then the tensors, the keys of their storages, the storages."""

TYPES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch HalfStorage": np.dtype("<f2"),
    "torch LongStorage": np.dtype("<i8"),
}

REBUILD = "torch._utils _rebuild_tensor_v2"

MARK = object()


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """A state dict: name -> values of a tensor, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no state dict in this format, or is damaged.
    """
    with path.open("rb") as file:
        try:
            for _ in range(N_HEADER_PICKLES):
                read_pickle(file)
            layouts = {name: _layout(value) for name, value in dict(read_pickle(file)).items()}
            kinds = {key: (kind, n) for key, kind, n, *_ in layouts.values()}
            storages = {key: _storage(file, *kinds[key]) for key in read_pickle(file)}
            return {
                name: _view(storages[key], offset, size, stride).copy()
                for name, (key, _, _, offset, size, stride) in layouts.items()
            }
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ValueError(f"{path.name} holds no tensors that can be read without running it: {error}") from error


def read_pickle(file: BinaryIO) -> Any:
    """The next pickle of a file as plain values: a call is the pair (its function's name, its arguments).

    Raises:
        ValueError: it needs more than values, tuples, lists, dicts and calls.
    """
    stack: list[Any] = []
    memory: dict[int, Any] = {}
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name in ("PROTO", "FRAME", "BINPERSID"):  # an object from outside stays the tuple that describes it
            continue
        if name == "STOP":
            return stack.pop()
        if name in ("BINPUT", "LONG_BINPUT"):
            memory[int(str(argument))] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memory[int(str(argument))])
        elif argument is not None:
            stack.append(argument)
        else:
            _apply(name, stack)
    raise ValueError("it ends in the middle")


def _apply(name: str, stack: list[Any]) -> None:
    """Carry out an operation that has no argument of its own."""
    constants = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK, "EMPTY_TUPLE": ()}
    if name in constants:
        stack.append(constants[name])
    elif name in ("EMPTY_LIST", "EMPTY_DICT"):
        stack.append([] if name == "EMPTY_LIST" else {})
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        n = int(name[-1])
        stack[-n:] = [tuple(stack[-n:])]
    elif name == "TUPLE":
        items = _since_mark(stack)
        stack.append(tuple(items))
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else _since_mark(stack)
        stack[-1].extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _since_mark(stack)
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        stack.append({} if function == "collections OrderedDict" and not arguments else (function, arguments))
    elif name == "BUILD":  # attributes of an object, such as versions of layers
        stack.pop()
    else:
        raise ValueError(f"operation {name}")


def _since_mark(stack: list[Any]) -> list[Any]:
    items: list[Any] = []
    while (item := stack.pop()) is not MARK:
        items.append(item)
    return items[::-1]


def _layout(value: Any) -> tuple[str, np.dtype[Any], int, int, tuple[int, ...], tuple[int, ...]]:
    """Of a tensor its storage's key, type and length, and its own offset, size and stride in it."""
    function, ((_, kind, key, _, n, _), offset, size, stride, *_) = value
    if function != REBUILD:
        raise ValueError(f"{function} is no tensor")
    return key, TYPES[kind], n, offset, size, stride


def _storage(file: BinaryIO, kind: np.dtype[Any], n: int) -> NDArray[Any]:
    if int.from_bytes(file.read(8), "little") != n:
        raise ValueError("a storage is not as long as it was said to be")
    data = file.read(n * kind.itemsize)
    if len(data) < n * kind.itemsize:
        raise ValueError("it ends in the middle")
    return np.frombuffer(data, kind)


def _view(storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    """A tensor in its storage, offset and strides counted in values."""
    steps = [(n - 1) * step for n, step in zip(size, stride, strict=True)]
    # A step of 0 would make as much as anybody likes of a single number.
    reaches = 0 not in size and offset + sum(steps) >= len(storage)
    if min((offset, *size, *stride)) < 0 or reaches or math.prod(size) > len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    return as_strided(storage[offset:], size, [step * storage.itemsize for step in stride])
