"""Where somebody else's network looked: a class activation map of the last layer that still knows places.

HiResCAM (Draelos, Carin 2020, arXiv 2011.08891): the layer's values times the gradient of the log odds, summed over
channels; what is left of it above zero speaks for a fake. Unlike Grad-CAM it never averages a gradient over places, so
that a bright place is one the network used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from detectors.outside.reading import Reading
from generators.extras import needs

with needs("learned"):
    import torch
    from torch import Tensor, nn

LEAST_SIDE = 2
"""A layer of fewer cells a side knows no places."""


def activation_map(network: nn.Module, values: NDArray[np.float32], reading: Reading) -> NDArray[np.float32] | None:
    """What of a prepared picture speaks for a fake.

    Args:
        network: in evaluation mode.
        values: (1, 3, S, S).
        reading: of its outputs.

    Returns:
        (h, w), 0 and up, over the square that the network sees; None if no layer of it knows places.
    """
    with _layers(network) as seen, torch.enable_grad():
        picture = torch.from_numpy(values).requires_grad_()
        outputs = network(picture).reshape(-1)
    places = [layer for layer in seen if layer.requires_grad and _as_map(layer, layer) is not None]
    direction = reading.direction(outputs.detach().float().numpy())
    for layer in reversed(places):
        (slope,) = torch.autograd.grad(
            outputs, layer, torch.from_numpy(direction).to(outputs), retain_graph=True, allow_unused=True
        )
        found = None if slope is None else _as_map(layer.detach(), slope)
        # After its last attention, a transformer is read at one token: the others no longer count.
        if found is not None and bool(found.any()):
            return np.asarray(found.clamp(min=0).float().numpy(), np.float32)
    return None


@contextmanager
def _layers(network: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what each module gives, in the order of the computation."""
    seen: list[Tensor] = []

    def keep(module: nn.Module, given: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen.append(output)

    handles = [module.register_forward_hook(keep) for module in network.modules()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _as_map(layer: Tensor, slope: Tensor) -> Tensor | None:
    """The sum over channels as (h, w); None for a layer without places.

    Pictures are square, so layers are (1, C, S, S) of a convolution, (1, S, S, C) of a Swin transformer, or (1, T, C)
    of a vision transformer, whose tokens are a square after those that stand for the whole picture.
    """
    if layer.ndim == 4:
        _, first, second, third = layer.shape
        if second < LEAST_SIDE or second not in (first, third):
            return None
        return (layer * slope)[0].sum(0 if second == third else -1)
    if layer.ndim == 3:
        side = isqrt(layer.shape[1])
        if side < LEAST_SIDE or layer.shape[1] - side * side > side:
            return None
        return (layer * slope)[0].sum(-1)[-side * side :].reshape(side, side)
    return None
