"""The network behind a description, whatever it runs on."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.outside.described import Described
from detectors.outside.reading import Reading


class Network(Protocol):
    """Runs on one picture at a time, so that no neighbour in a batch changes a score."""

    def outputs(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (K,) for one prepared picture (1, 3, S, S)."""
        ...

    def activation_map(self, values: NDArray[np.float32], reading: Reading) -> NDArray[np.float32] | None:
        """What of a prepared picture speaks for a fake, (h, w), 0 and up; None where that cannot be known."""
        ...


def network_of(described: Described, data: bytes) -> Network:
    """Build and fill it.

    Args:
        described: of its card.
        data: its file of weights.

    Raises:
        ImportError: it needs a library that is not installed.
        ValueError: description and weights do not fit.
    """
    if described.kind == "onnx":
        from detectors.outside.onnx_network import OnnxNetwork

        return OnnxNetwork(data)
    from safetensors.torch import load

    from detectors.outside.torch_network import TorchNetwork

    return TorchNetwork(described.kind, described.arguments, load(data))
