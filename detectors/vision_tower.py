"""A CLIP ViT-B/16 image tower, cut after its middle blocks, on ONNX Runtime: what a picture shows, as token vectors.

The upper middle of the tower tells machine-made pictures best: the last block keeps only what a caption would say.
Weights are stored as int8 with one scale for each output channel. Where that is faster, they are multiplied with
activations rounded in short blocks: class tokens keep a cosine of 0.9999 with float32, in half the time on 2 cores.
Rounding activations by whole tensors, the usual way, left 0.97. Elsewhere all is of float32: see `tower_products`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.tower_products import IN_FLOAT, ROUNDED, rounding_pays
from generators.onnx_session import constant_beside, cpu_session, serialized

Tensors = Mapping[str, NDArray[Any]]
Tokens = NDArray[np.float32]
"""(N, 1 + g * g, WIDTH) float32: the class token, then the patches row by row, g of them in a row."""

SIDE_PX, PATCH_PX, WIDTH, N_HEADS = 224, 16, 768, 12
"""ViT-B/16. Source: Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021."""
GRID = SIDE_PX // PATCH_PX
"""Patches in a row of the pictures that the tower was trained with, the most that it looks at."""
QUICK_GELU = 1.702
"""The sigmoid's slope in OpenAI's approximation of the GELU."""
EPSILON = 1e-5

N_LARGE = 4096
"""Numbers from which on a constant stays beside the model: products' weights, but no norm's and no bias."""

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
"""RGB statistics that the tower was trained with. Source: Radford et al., Learning Transferable Visual Models From
Natural Language Supervision, ICML 2021."""


class VisionTower:
    """Turns pictures of any side that `grid_seen` takes into the tokens of some blocks.

    Args:
        tensors: weights under the names that `graph` reads.
        blocks: blocks whose tokens are wanted, counted from 1; the tower ends after the last one.
        stop: of the blocks, the one that `tokens_at` can end after; None for a tower that always goes to its end.
        n_threads: that ONNX Runtime may use; None takes OMP_NUM_THREADS where it is set, else all cores.
        rounded: multiply with activations rounded to 8 bits, or in float32; None as is faster on this machine.

    Raises:
        ValueError: the weights lack something.
    """

    def __init__(
        self,
        tensors: Tensors,
        blocks: Sequence[int],
        *,
        stop: int | None = None,
        n_threads: int | None = None,
        rounded: bool | None = None,
    ) -> None:
        way = ROUNDED if (rounding_pays() if rounded is None else rounded) else IN_FLOAT
        # The runtime computes all of a model, whichever of its outputs are asked for: so a stop parts it in two.
        stops = (0, max(blocks)) if stop in (None, max(blocks)) else (0, stop, max(blocks))
        self._stages = []
        for after, last in pairwise(stops):
            own = [block for block in blocks if after < block <= last]
            model = graph(tensors, own, after=after)
            session = cpu_session(model.data, way, beside=model.beside, n_threads=n_threads)
            self._stages.append((session, own))
        self._blocks = tuple(blocks)
        self._places = cache(lambda grid: places(tensors["position"], grid))

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Tokens after each wanted block.

        Args:
            pixels: (N, s, s, 3) uint8 RGB, s a multiple of PATCH_PX up to SIDE_PX.

        Returns:
            One array (N, 1 + g * g, WIDTH) a block, g = s / PATCH_PX patches in a row.

        Raises:
            ValueError: pixels are something else.
        """
        found = self._seen(pixels, max(self._blocks))
        return tuple(found[block] for block in self._blocks)

    def tokens_at(self, block: int, pixels: NDArray[np.uint8]) -> Tokens:
        """Tokens after one wanted block, as `tokens` has them; up to the stop, blocks behind that cost nothing."""
        return self._seen(pixels, block)[block]

    def _seen(self, pixels: NDArray[np.uint8], last: int) -> dict[int, Tokens]:
        grid = grid_seen(pixels)
        values = (pixels.astype(np.float32) / 255 - MEAN) / STD
        given = {"pixels": values.transpose(0, 3, 1, 2), "places": self._places(grid)[None]}
        found: dict[int, Tokens] = {}
        for session, blocks in self._stages:
            found.update(zip(blocks, session.run([_output(block) for block in blocks], given), strict=True))
            if last in found:
                break
            given = {"tokens": found[blocks[-1]]}
        return found


def grid_seen(pixels: NDArray[np.uint8]) -> int:
    """Patches in a row of pictures, if a tower can look at them.

    Raises:
        ValueError: they are not (N, s, s, 3) uint8, or s is no multiple of PATCH_PX up to SIDE_PX.
    """
    grid = pixels.shape[1] // PATCH_PX if pixels.ndim == 4 else 0
    side_px = grid * PATCH_PX
    if not 1 <= grid <= GRID or pixels.shape[1:] != (side_px, side_px, 3) or pixels.dtype != np.uint8:
        raise ValueError(
            f"pixels must be (N, s, s, 3) uint8, s a multiple of {PATCH_PX} up to {SIDE_PX}, "
            f"not {pixels.shape} {pixels.dtype}"
        )
    return grid


def places(position: NDArray[Any], grid: int) -> NDArray[np.float32]:
    """What is added to patches for where they are, interpolated bicubically from where the tower learned it.

    Args:
        position: (1 + g * g, WIDTH), of the class token and of g patches in a row.
        grid: patches in a row that are wanted.

    Returns:
        (grid * grid, WIDTH) float32.
    """
    import cv2

    of_patches = position[1:].astype(np.float32)
    size = math.isqrt(len(of_patches))
    if grid == size:
        return of_patches
    of_channels = of_patches.reshape(size, size, -1).transpose(2, 0, 1)
    moved = [cv2.resize(channel, (grid, grid), interpolation=cv2.INTER_CUBIC).ravel() for channel in of_channels]
    return np.ascontiguousarray(np.array(moved, np.float32).T)


def quantize(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 with a scale for each output channel.

    Args:
        weight: (inputs, outputs) float32.

    Returns:
        (inputs, outputs) int8 and (outputs,) float32; their product is the weight to half a step.
    """
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-12) / 127
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


@dataclass(frozen=True, eq=False)
class SplitModel:
    """A serialized ONNX model without its larger constants, and these.

    Attributes:
        data: of the model.
        beside: name -> values, see `onnx_session.cpu_session`.
    """

    data: bytes
    beside: Tensors


def graph(tensors: Tensors, blocks: Sequence[int], *, after: int = 0) -> SplitModel:
    """The tower, or the end of it, as an ONNX model.

    Args:
        tensors: `class`, `position`, `patch.weight`, `norm.weight|bias` and, for each block i from 0, `i.norm1|norm2`,
            `i.query|key|value|output|up|down` with `.weight`, `.bias` and, for the latter, `.scale`.
        blocks: blocks to give out, counted from 1.
        after: block that it begins behind, 0 for all of it.

    Returns:
        A model: `pixels` (N, 3, s, s) and `places` (1, g * g, WIDTH) in, see `places`, or `tokens` after a block;
        `block<i>` (N, 1 + g * g, WIDTH) out, with s = g * PATCH_PX.

    Raises:
        ValueError: a tensor is missing.
    """
    try:
        return _Graph(tensors).build(blocks, after)
    except KeyError as error:
        raise ValueError(f"the weights of the tower lack {error}") from error


@dataclass(frozen=True)
class _Op:
    """Where one piece of the network sits: node and tensor names are derived from it."""

    value: str


class _Graph:
    """Collects nodes and constants of the model."""

    def __init__(self, tensors: Tensors) -> None:
        import onnx

        self._onnx = onnx
        self._tensors = tensors
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._beside: dict[str, NDArray[Any]] = {}

    def build(self, blocks: Sequence[int], after: int) -> SplitModel:
        helper, floats = self._onnx.helper, self._onnx.TensorProto.FLOAT
        x = _Op("tokens") if after else self._embedded()
        for index in range(after, max(blocks)):
            x = self._mlp(self._attention(x, index), index)
            if index + 1 in blocks:
                self._nodes.append(helper.make_node("Identity", [x.value], [_output(index + 1)]))
        of_tokens = ["n", "tokens", WIDTH]
        of_picture = {"pixels": ["n", 3, "side", "side"], "places": [1, "patches", WIDTH]}
        shapes = {"tokens": of_tokens} if after else of_picture
        inputs = [helper.make_tensor_value_info(name, floats, shape) for name, shape in shapes.items()]
        outputs = [helper.make_tensor_value_info(_output(block), floats, of_tokens) for block in blocks]
        data = serialized("tower", self._nodes, inputs, outputs, list(self._constants.values()))
        return SplitModel(data, self._beside)

    def _embedded(self) -> _Op:
        own, place = self._tensors["class"].astype(np.float32), self._tensors["position"][0].astype(np.float32)
        start = (own + place)[None, None]
        x = self._add("Conv", _Op("pixels"), self._weight("patch.weight"), strides=[PATCH_PX, PATCH_PX])
        x = self._add("Reshape", x, self._constant("flat", np.array([0, WIDTH, -1])))
        x = self._add("Transpose", x, perm=[0, 2, 1])
        x = self._add("Add", x, _Op("places"))
        # A class token for each picture: the batch is as long as the caller likes.
        zeros = self._add("Mul", self._add("Slice", x, *self._ends()), self._constant("zero", np.zeros(1, np.float32)))
        x = self._add("Concat", self._add("Add", zeros, self._constant("start", start)), x, axis=1)
        return self._norm(x, "norm")

    def _ends(self) -> tuple[_Op, ...]:
        return tuple(self._constant(f"slice{i}", np.array([value])) for i, value in enumerate((0, 1, 1)))

    def _attention(self, x: _Op, index: int) -> _Op:
        normed = self._norm(x, f"{index}.norm1")
        heads = self._constant("heads", np.array([0, 0, N_HEADS, WIDTH // N_HEADS]))
        turns = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
        query, key, value = (
            self._add("Transpose", self._add("Reshape", self._linear(normed, f"{index}.{name}"), heads), perm=turn)
            for name, turn in turns.items()
        )
        root = self._constant("root", np.array((WIDTH // N_HEADS) ** -0.5, np.float32))
        weights = self._add("Softmax", self._add("MatMul", self._add("Mul", query, root), key), axis=-1)
        mixed = self._add("Transpose", self._add("MatMul", weights, value), perm=[0, 2, 1, 3])
        mixed = self._add("Reshape", mixed, self._constant("joined", np.array([0, 0, WIDTH])))
        return self._add("Add", x, self._linear(mixed, f"{index}.output"))

    def _mlp(self, x: _Op, index: int) -> _Op:
        up = self._linear(self._norm(x, f"{index}.norm2"), f"{index}.up")
        gate = self._add("Sigmoid", self._add("Mul", up, self._constant("gelu", np.array(QUICK_GELU, np.float32))))
        return self._add("Add", x, self._linear(self._add("Mul", up, gate), f"{index}.down"))

    def _linear(self, x: _Op, name: str) -> _Op:
        weight = self._constant(f"{name}.weight", self._tensors[f"{name}.weight"])
        scale = self._weight(f"{name}.scale")
        product = self._add("MatMul", x, self._add("DequantizeLinear", weight, scale, axis=1))
        return self._add("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, x: _Op, name: str) -> _Op:
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", x, weight, bias, axis=-1, epsilon=EPSILON)

    def _weight(self, name: str) -> _Op:
        return self._constant(name, self._tensors[name].astype(np.float32))

    def _constant(self, name: str, values: NDArray[Any]) -> _Op:
        if name not in self._constants:
            whole = np.ascontiguousarray(values)
            if whole.size < N_LARGE:
                self._constants[name] = self._onnx.numpy_helper.from_array(whole, name)
            else:
                self._constants[name], self._beside[name] = constant_beside(name, whole), whole
        return _Op(name)

    def _add(self, kind: str, *inputs: _Op, **attributes: Any) -> _Op:
        output = _Op(f"{kind}_{len(self._nodes)}")
        names = [op.value for op in inputs]
        self._nodes.append(self._onnx.helper.make_node(kind, names, [output.value], **attributes))
        return output


def _output(block: int) -> str:
    return f"block{block}"
