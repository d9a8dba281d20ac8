"""Weights of networks that rebuild photos, in half precision on disk, in float32 where they compute."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from generators.weights import ZOO, load, read_card

Network = TypeVar("Network", bound=nn.Module)


def packed(network: nn.Module) -> dict[str, NDArray[Any]]:
    """Weights as they are stored."""
    return {name: tensor.detach().cpu().half().numpy() for name, tensor in network.state_dict().items()}


def network_of(kind: Callable[..., Network], factor: int | None, stem: str, folder: Path = ZOO) -> Network:
    """A trained network, frozen; read once a process, and again where weights were written anew.

    Args:
        kind: its class.
        factor: that it is made with; None where there is but one.
        stem: of the weight file.
        folder: where it lies.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    written = read_card(folder / f"{stem}.card.json").sha256
    return cast("Network", _network_of(kind, factor, stem, folder, written))


@cache
def _network_of(kind: Callable[..., nn.Module], factor: int | None, stem: str, folder: Path, written: str) -> nn.Module:
    tensors, _ = load(stem, folder)
    # First weights come from the global random state, which is not ours to move.
    with torch.random.fork_rng(devices=[]):
        network = kind() if factor is None else kind(factor)
    network.load_state_dict({name: torch.from_numpy(tensor.astype(np.float32)) for name, tensor in tensors.items()})
    return network.eval().requires_grad_(False)
