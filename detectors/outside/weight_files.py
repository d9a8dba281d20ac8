"""Reads files of weights that hold nothing but tensors, and says in one line why it opens no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

from generators.extras import needs

with needs("learned"):
    import torch
    from torch import Tensor

PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".pickle", ".joblib", ".model", ".t7")
"""Endings of files that are usually pickles, which run code as they are opened."""

WRAPPERS = ("module.", "model.", "vit.", "backbone.", "network.", "net.")
"""What training code puts in front of all names of a network that it holds as a member."""


def refuse_pickle(path: Path) -> None:
    """Complain about files that would have to be run.

    Raises:
        ValueError: it is one.
    """
    if path.suffix.lower() in PICKLES:
        raise ValueError(
            f"{path.name} is a pickle, which runs code when it is opened; it is never opened here. Save the weights as "
            "safetensors or ONNX where you trust the file"
        )


def read_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """Tensors of a safetensors file, floating ones as float32, and the SHA-256 of the file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no safetensors file, or it is empty.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    refuse_pickle(path)
    data = path.read_bytes()
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"{path.name} is no safetensors file: {error}") from error
    if not tensors:
        raise ValueError(f"{path.name} holds no tensors")
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return floats, hashlib.sha256(data).hexdigest()


def to_bytes(tensors: dict[str, Tensor]) -> bytes:
    """Tensors as a safetensors file."""
    from safetensors.torch import save

    return bytes(save({name: tensor.contiguous().clone() for name, tensor in tensors.items()}))


def unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without what training code put in front of all of their names."""
    for wrapper in WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            return unwrapped({name.removeprefix(wrapper): tensor for name, tensor in tensors.items()})
    return tensors


def with_probe(tensors: dict[str, Tensor], probe: dict[str, Tensor]) -> dict[str, Tensor]:
    """A tower whose last linear layer is multiplied with a linear probe of its features.

    Args:
        tensors: of the tower, with `head.weight` (F, D).
        probe: one weight (K, F) and one bias (K,), under any names that end so.

    Returns:
        The tensors with a head (K, D): a probe of a linear layer is a linear layer.

    Raises:
        ValueError: there is no such layer, or the probe does not fit it.
    """
    found = {name.rpartition(".")[2]: tensor for name, tensor in probe.items()}
    if len(probe) != 2 or found.keys() != {"weight", "bias"}:
        raise ValueError(f"a linear probe holds a weight and a bias, this one holds {', '.join(sorted(probe))}")
    if "head.weight" not in tensors:
        raise ValueError("the tower has no last linear layer that a probe could read")
    weight, head = found["weight"].reshape(-1, found["weight"].shape[-1]), tensors["head.weight"]
    if weight.shape[1] != head.shape[0] or found["bias"].numel() != weight.shape[0]:
        raise ValueError(f"the probe reads {weight.shape[1]} features, the tower gives {head.shape[0]}")
    bias = tensors.get("head.bias", torch.zeros(head.shape[0]))
    return tensors | {"head.weight": weight @ head, "head.bias": weight @ bias + found["bias"].reshape(-1)}
