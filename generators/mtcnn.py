"""Multi-task cascaded networks: three small networks look for faces, each at what the one before it let through.

They run on ONNX Runtime, so that who only looks for faces needs no torch. Weights are the authors', as the wheel of
facenet-pytorch has them (`benchmarks/import_mtcnn.py`). Boxes count pixels from 1, as in the authors' MATLAB code.

Source:
    Zhang et al., "Joint face detection and alignment using multi-task cascaded convolutional networks", IEEE Signal
    Processing Letters 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.images import Pixels
from generators.onnx_session import cpu_session, serialized
from generators.weights import ZOO, load

STEM = "mtcnn-1"
"""Of the files in `weights.ZOO`."""
CELL_PX, STRIDE_PX = 12, 2
"""What the first network sees at once, and the step between two looks."""
PYRAMID = 0.709
"""Next size over this one, about the root of one half: half the area."""
THRESHOLDS = (0.6, 0.7, 0.7)
"""Least probability of a face after each network; with `PYRAMID` the authors' own."""
INPUT_PX = (24, 48)
"""Sides of what the second and the third network see."""

Floats = NDArray[np.float32]

TRUNKS = {
    "pnet": "convolution halved2 convolution convolution",
    "rnet": "convolution halved3 convolution halved3 convolution columns dense",
    "onet": "convolution halved3 convolution halved3 convolution halved2 convolution columns dense",
}
"""Names of the networks, and the layers through which each of them sees."""


class Stage:
    """One of the three networks.

    Args:
        trunk: the layers through which it sees.
        tensors: weights of these in their order, then of the layers that answer.
    """

    def __init__(self, trunk: Sequence[str], tensors: Iterable[NDArray[Any]]) -> None:
        self._session = cpu_session(_graph(trunk, iter(tensors)))

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        """(N, 3, H, W) about -1..1 -> probability of a face (N, ...) and shifts (N, 4, ...) of the edges of the box.

        The last one also gives the places of eyes, nose and mouth (N, 10).
        """
        face, *others = self._session.run(None, {"images": images})
        return 0.5 + 0.5 * np.tanh((face[:, 1] - face[:, 0]) / 2), *others  # a softmax of two


Stages = tuple[Stage, ...]
"""First, second and third network."""


def stages(tensors: Mapping[str, NDArray[Any]]) -> Stages:
    """The networks with these weights, `<network>.<number>` in the order of the layers."""
    return tuple(
        Stage(trunk.split(), [tensors[key] for key in sorted(tensors) if key.startswith(f"{name}.")])
        for name, trunk in TRUNKS.items()
    )


@cache
def shipped() -> Stages:
    """The networks as they ship.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    return stages(load(STEM, ZOO)[0])


def detect(pixels: Pixels, min_face_px: int, networks: Stages | None = None) -> tuple[Floats, Floats]:
    """Find faces on the CPU.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        min_face_px: side of the smallest box looked for, at least 12.
        networks: that look; those that ship if None.

    Returns:
        (N, 5) left, top, right, bottom in pixels and the probability of a face; (N, 5, 2) eyes, nose and corners of the
        mouth as x, y in pixels, left in the picture before right. The most probable face first.

    Raises:
        FileNotFoundError, ValueError: see `shipped`.
    """
    first, second, third = networks or shipped()
    image = _Image(pixels)
    boxes = _refined(image, _proposals(image, first, min_face_px), second)
    return _located(image, boxes, third)


def _graph(trunk: Sequence[str], tensors: Iterator[NDArray[Any]]) -> bytes:
    """A network as a serialized ONNX model; its tensors come in the order of its layers, then of its answers."""
    import onnx

    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes: list[Any] = []
    constants: list[Any] = []

    def add(kind: str, x: str, *weights: NDArray[Any], **attributes: Any) -> str:
        made, names = f"{kind}{len(nodes)}", [f"{kind}{len(nodes)}.{i}" for i in range(len(weights))]
        values = [np.ascontiguousarray(weight, np.float32) for weight in weights]
        constants.extend(onnx.numpy_helper.from_array(value, name) for value, name in zip(values, names, strict=True))
        nodes.append(helper.make_node(kind, [x, *names], [made], **attributes))
        return made

    def product(x: str, weight: NDArray[Any]) -> str:
        bias = next(tensors)
        return add("Conv", x, weight, bias) if weight.ndim == 4 else add("Gemm", x, weight, bias, transB=1)

    x = "images"
    for layer in trunk:
        if layer.startswith("halved"):
            x = add("MaxPool", x, kernel_shape=[int(layer[-1])] * 2, strides=[2, 2], ceil_mode=1)
        elif layer == "columns":  # (N, C, H, W) -> (N, W * H * C), in the order of MATLAB
            x = add("Flatten", add("Transpose", x, perm=[0, 3, 2, 1]))
        else:
            slopes = (-1, 1, 1) if layer == "convolution" else (-1,)
            x = add("PRelu", product(x, next(tensors)), next(tensors).reshape(slopes))
    answers = [product(x, weight) for weight in tensors]
    images = helper.make_tensor_value_info("images", floats, ["n", 3, "height", "width"])
    outputs = [helper.make_tensor_value_info(name, floats, None) for name in answers]
    return serialized("mtcnn", nodes, [images], outputs, constants)


_Ints = NDArray[np.int64]


class _Image:
    """A picture of which any square can be had in any size: each new pixel is the mean of all that it touches.

    Args:
        pixels: (H, W, 3) uint8.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.height, self.width = pixels.shape[:2]
        # Sums of whole rectangles; beyond 2**31 they wrap, and their differences are right all the same.
        self._sums = np.asarray(cv2.integral(pixels, sdepth=cv2.CV_32S), np.int32)

    def resized(self, height: int, width: int) -> Floats:
        """The whole of it: (1, 3, height, width)."""
        rows = _edges(np.zeros(1, np.int64), np.array([self.height]), height)
        columns = _edges(np.zeros(1, np.int64), np.array([self.width]), width)
        return self._means(rows, columns)

    def crops(self, boxes: Floats, side_px: int) -> tuple[Floats, Floats]:
        """Boxes that touch the picture, and what is in them, black beyond it: (N, 5) and (N, 3, side_px, side_px).

        facenet-pytorch leaves out what is beyond: a face that fills the picture gets its eyes in the wrong place there.
        """
        left, top, right, bottom = boxes[:, :4].T.astype(np.int64)
        x, y = np.maximum(left - 1, 0), np.maximum(top - 1, 0)
        touching = (x < np.minimum(right, self.width)) & (y < np.minimum(bottom, self.height))
        left, top, right, bottom = (edge[touching] for edge in (left, top, right, bottom))
        rows = _edges(top - 1, bottom - top + 1, side_px)
        return boxes[touching], self._means(rows, _edges(left - 1, right - left + 1, side_px))

    def _means(self, rows: tuple[_Ints, _Ints], columns: tuple[_Ints, _Ints]) -> Floats:
        """(N, 3, rows, columns) about -1..1, of rectangles between edges (N, rows) and (N, columns)."""
        area = (rows[1] - rows[0])[:, :, None] * (columns[1] - columns[0])[:, None]
        top, bottom = (np.clip(edge, 0, self.height)[:, :, None] for edge in rows)
        left, right = (np.clip(edge, 0, self.width)[:, None] for edge in columns)
        sums = self._sums
        found = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        means = found.astype(np.float32) / area[..., None].astype(np.float32)
        return np.ascontiguousarray(((means - 127.5) / 128).transpose(0, 3, 1, 2))


def _edges(start: _Ints, length: _Ints, n: int) -> tuple[_Ints, _Ints]:
    """Where each of n equal parts of N spans begins and ends, in whole pixels that it touches: twice (N, n)."""
    parts = np.arange(n)
    length = length[:, None]
    return start[:, None] + parts * length // n, start[:, None] - -(parts + 1) * length // n


def _proposals(image: _Image, network: Stage, min_face_px: int) -> Floats:
    """(N, 5) boxes that the first network, sliding over the picture at many sizes, finds worth a look."""
    scale = CELL_PX / min_face_px
    found = [np.zeros((0, 9), np.float32)]
    while min(image.height, image.width) * scale >= CELL_PX:
        p, shifts = network(image.resized(int(image.height * scale + 1), int(image.width * scale + 1)))
        y, x = np.nonzero(p[0] >= THRESHOLDS[0])
        corners = (np.stack([x, y], axis=1) * STRIDE_PX + 1).astype(np.float32)
        ends = np.floor(corners / np.float32(scale)), np.floor((corners + CELL_PX - 1) / np.float32(scale))
        rows = np.concatenate((*ends, p[0, y, x][:, None], shifts[0, :, y, x]), axis=1)
        found.append(rows[_apart(rows, 0.5)])
        scale *= PYRAMID
    rows = np.concatenate(found)
    rows = rows[_apart(rows, 0.7)]
    return _shifted(rows[:, :5], rows[:, 5:], 0)


def _refined(image: _Image, boxes: Floats, network: Stage) -> Floats:
    """(K, 5) boxes that the second network also takes for faces, with its shifts and probabilities."""
    boxes, crops = image.crops(_squared(boxes), INPUT_PX[0])
    if not len(crops):
        return boxes
    p, shifts = network(crops)
    boxes, shifts = _kept(boxes, p, THRESHOLDS[1], shifts)
    picked = _apart(boxes, 0.7)
    return _shifted(boxes[picked], shifts[picked], 1)


def _located(image: _Image, boxes: Floats, network: Stage) -> tuple[Floats, Floats]:
    """(K, 5) boxes that the third network takes for faces, and their (K, 5, 2) points."""
    boxes, crops = image.crops(_squared(boxes), INPUT_PX[1])
    if not len(crops):
        return boxes, np.zeros((0, 5, 2), np.float32)
    p, shifts, places = network(crops)
    boxes, shifts, places = _kept(boxes, p, THRESHOLDS[2], shifts, places)
    sides = boxes[:, 2:4] - boxes[:, :2] + 1
    # The network says five x, then five y, from 0 to 1 inside the square that it saw.
    points = places.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + boxes[:, None, :2] - 1
    boxes = _shifted(boxes, shifts, 1)
    picked = _without_nested(boxes, 0.7)
    return boxes[picked], points[picked]


def _kept(boxes: Floats, p: Floats, threshold: float, *others: Floats) -> tuple[Floats, ...]:
    """Boxes with their new probabilities, where these are high enough, and the same rows of the others."""
    rows = p > threshold
    return np.concatenate((boxes[rows, :4], p[rows, None]), axis=1), *(other[rows] for other in others)


def _shifted(boxes: Floats, shifts: Floats, more_px: int) -> Floats:
    """Boxes with each edge moved by a share of the side; two of the networks count both ends of a side."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + more_px, 2)
    return np.concatenate((boxes[:, :4] + shifts * sides, boxes[:, 4:]), axis=1)


def _squared(boxes: Floats) -> Floats:
    """Boxes grown to squares about their middles."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    side = sides.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + sides * 0.5 - side * 0.5
    return np.concatenate((corner, corner + side, boxes[:, 4:]), axis=1)


def _apart(boxes: Floats, overlap: float) -> list[int]:
    """The most probable first, and none that shares more than `overlap` of their union with one before it."""
    rectangles = np.concatenate((boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]), axis=1).tolist()
    return [int(i) for i in cv2.dnn.NMSBoxes(rectangles, boxes[:, 4].tolist(), 0.0, overlap)]


def _without_nested(boxes: Floats, overlap: float) -> list[int]:
    """The most probable first, and none that shares more than `overlap` of the smaller box with one before it."""
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    picked: list[int] = []
    for i in np.argsort(-boxes[:, 4], kind="stable").tolist():
        corners = np.maximum(boxes[picked, :2], boxes[i, :2]), np.minimum(boxes[picked, 2:4], boxes[i, 2:4])
        shared = np.maximum(corners[1] - corners[0] + 1, 0).prod(axis=1)
        if not (shared > overlap * np.minimum(area[picked], area[i])).any():
            picked.append(i)
    return picked
