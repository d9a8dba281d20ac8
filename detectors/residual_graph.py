"""The network of the detector `residual` on ONNX Runtime: which layers it has, and the model built from its weights.

Convolutions alone, so that a picture of any size gives a map: one score for each cell of 16 pixels. Every other one is
depthwise (Howard et al., MobileNets, 2017), and the first halves both sides, which makes it fast on a processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.residual_planes import Planes
from generators.onnx_session import cpu_session, serialized

Tensors = Mapping[str, NDArray[Any]]

STEM = 16
"""Channels after the first convolution, which halves both sides."""

BLOCKS = ((16, 32, 1), (32, 48, 2), (48, 48, 1), (48, 96, 2), (96, 96, 1), (96, 96, 1), (96, 128, 2), (128, 128, 1))
"""Inputs, outputs and stride of each depthwise-separable block; where both are alike, the block adds to its input."""

CELL_PX = 16
"""Pixels a side for which there is one score."""


class ResidualRuntime:
    """Scores the cells of pictures.

    Args:
        tensors: weights under the names that `graph` reads.
        n_threads: that ONNX Runtime may use; None takes OMP_NUM_THREADS where it is set, else all cores.

    Raises:
        ValueError: the weights lack something.
    """

    def __init__(self, tensors: Tensors, *, n_threads: int | None = None) -> None:
        self._session = cpu_session(graph(tensors), n_threads=n_threads)

    def cells(self, planes: Planes) -> NDArray[np.float32]:
        """(h, w) float32 readings of the cells of a picture, from its planes (C, H, W); h and w are rounded up."""
        (found,) = self._session.run(None, {"planes": planes[None]})
        return np.asarray(found[0, 0], np.float32)


def graph(tensors: Tensors) -> bytes:
    """The network as an ONNX model.

    Args:
        tensors: `stem`, for each block i from 0 `i.depthwise` and `i.pointwise`, and `head`, each with `.weight` and
            `.bias`.

    Returns:
        A serialized model: `planes` (N, C, H, W) in, `cells` (N, 1, ceil(H / CELL_PX), ceil(W / CELL_PX)) out.

    Raises:
        ValueError: a tensor is missing.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []

    def convolved(x: str, name: str, *, stride: int = 1, group: int = 1, rectified: bool = True) -> str:
        for part in ("weight", "bias"):
            values = tensors[f"{name}.{part}"].astype(np.float32)
            constants.append(numpy_helper.from_array(np.ascontiguousarray(values), f"{name}.{part}"))
        side = tensors[f"{name}.weight"].shape[-1]
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        pads = [side // 2] * 4
        nodes.append(helper.make_node("Conv", inputs, [name], strides=[stride] * 2, pads=pads, group=group))
        if not rectified:
            return name
        nodes.append(helper.make_node("Relu", [name], [f"{name}.rectified"]))
        return f"{name}.rectified"

    try:
        x = convolved("planes", "stem", stride=2)
        for i, (_, _, stride) in enumerate(BLOCKS):
            # Wider networks have the same blocks.
            n_out, n_in = tensors[f"{i}.pointwise.weight"].shape[:2]
            y = convolved(x, f"{i}.depthwise", stride=stride, group=n_in)
            y = convolved(y, f"{i}.pointwise")
            if (n_in, stride) == (n_out, 1):
                nodes.append(helper.make_node("Add", [x, y], [f"{i}.sum"]))
                y = f"{i}.sum"
            x = y
        x = convolved(x, "head", rectified=False)
        n_planes = tensors["stem.weight"].shape[1]
    except KeyError as error:
        raise ValueError(f"the weights of the network lack {error}") from error
    planes = helper.make_tensor_value_info("planes", TensorProto.FLOAT, ["n", n_planes, "height", "width"])
    cells = helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", 1, "rows", "columns"])
    return serialized("residual", nodes, [planes], [cells], constants)
