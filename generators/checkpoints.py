"""Checkpoints of a training run as safetensors: everything that decides how it goes on, and no pickle.

A state is a nested dict of tensors, numbers, strings, None, lists and dicts. Tensors go into the file as they are, the
rest as JSON in its header. A file appears whole or not at all, so a full disk or a kill leaves the last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from generators.whole_files import write_whole

TENSOR = "\x00tensor"
"""Stands in the JSON where a tensor was; its value is the key in the file."""

State = Mapping[str, Any]


def save_state(path: Path, state: State) -> None:
    """Write a state; the file that was there before stays until the new one is whole.

    Raises:
        OSError: disk full or folder not writable; the earlier file is untouched.
        TypeError: the state holds something else than tensors and plain values.
    """
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {}
    plain = _taken_apart(state, "", tensors)
    data = save(tensors, {"state": json.dumps(plain)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def load_state(path: Path) -> dict[str, Any]:
    """Read a state.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is no checkpoint or is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(2, "there is no checkpoint", str(path))
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
            plain = json.loads((file.metadata() or {})["state"])
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no checkpoint: {error}") from error
    put_together = _put_together(plain, tensors)
    assert isinstance(put_together, dict)
    return put_together


def _taken_apart(value: Any, key: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        # Two names of one tensor, and views into a larger one, are stored as tensors of their own.
        tensors[key] = value.detach().cpu().contiguous().clone()
        return {TENSOR: key}
    if isinstance(value, Mapping):
        # JSON knows only strings as keys; the numbers of optimiser states are marked to come back as numbers.
        return {_written(k): _taken_apart(v, f"{key}.{k}" if key else str(k), tensors) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_taken_apart(v, f"{key}.{i}", tensors) for i, v in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint holds tensors and plain values, not {type(value).__name__} at {key!r}")


def _put_together(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(value, dict):
        if set(value) == {TENSOR}:
            return tensors[value[TENSOR]]
        return {_read(k): _put_together(v, tensors) for k, v in value.items()}
    if isinstance(value, list):
        return [_put_together(v, tensors) for v in value]
    return value


def _written(key: object) -> str:
    if isinstance(key, bool) or not isinstance(key, int | str):
        raise TypeError(f"keys of a checkpoint are strings or whole numbers, not {key!r}")
    return f"#{key}" if isinstance(key, int) else key


def _read(key: str) -> int | str:
    return int(key[1:]) if key.startswith("#") else key
