"""Multi-task cascaded networks: three small networks look for faces, each at what the one before it let through.

Weights are those in the wheel of facenet-pytorch, which itself is not imported: with it comes torchvision, which takes
seconds and changes the environment. Boxes count pixels from 1, as in the authors' MATLAB code, where the weights come
from.

Source:
    Zhang et al., "Joint face detection and alignment using multi-task cascaded convolutional networks", IEEE Signal
    Processing Letters 2016.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from generators.images import Pixels
from generators.torch_files import read_tensors

CELL_PX, STRIDE_PX = 12, 2
"""What the first network sees at once, and the step between two looks."""
PYRAMID = 0.709
"""Next size over this one, about the root of one half: half the area."""
THRESHOLDS = (0.6, 0.7, 0.7)
"""Least probability of a face after each network; with `PYRAMID` the authors' own."""
INPUT_PX = (24, 48)
"""Sides of what the second and the third network see."""


def detect(pixels: Pixels, min_face_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find faces on the CPU.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        min_face_px: side of the smallest box looked for, at least 12.

    Returns:
        (N, 5) left, top, right, bottom in pixels and the probability of a face; (N, 5, 2) eyes, nose and corners of the
        mouth as x, y in pixels, left in the picture before right. The most probable face first.
    """
    first, second, third = networks()
    with torch.inference_mode():
        image = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]  # (1, 3, H, W)
        boxes = _refined(image, _proposals(image, first, min_face_px), second)
        boxes, points = _located(image, boxes, third)
    return boxes.numpy(), points.numpy()


class Stage(nn.Module):
    """One of the three networks: what it sees through common layers, and each answer from one layer more.

    Args:
        trunk: the common layers.
        answers: layers for whether it is a face (two numbers), shifts of the edges (four) and, of the last network,
            places of eyes, nose and mouth (ten).
    """

    def __init__(self, trunk: nn.Sequential, *answers: nn.Module) -> None:
        super().__init__()
        self.trunk, self.answers = trunk, nn.ModuleList(answers)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) about -1..1 -> probability of a face (N, ...), shifts (N, 4, ...), places (N, 10)."""
        seen = self.trunk(images)
        face, *others = (answer(seen) for answer in self.answers)
        return face.softmax(dim=1)[:, 1], *others


class _ByColumn(nn.Module):
    """(N, C, H, W) -> (N, W * H * C) in the order of MATLAB."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 2, 1).flatten(1)


def _convolution(before: int, after: int, kernel_px: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(before, after, kernel_px), nn.PReLU(after)


def _dense(before: int, after: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return _ByColumn(), nn.Linear(before, after), nn.PReLU(after)


def _halved(kernel_px: int) -> nn.Module:
    return nn.MaxPool2d(kernel_px, 2, ceil_mode=True)


@cache
@torch.random.fork_rng(devices=[])  # layers are drawn at random before their weights are read
def networks() -> tuple[Stage, Stage, Stage]:
    """The three networks with their weights, which are read as data and never run.

    Raises:
        ImportError: facenet-pytorch is not installed.
    """
    convolution, halved = _convolution, _halved
    first = nn.Sequential(*convolution(3, 10, 3), halved(2), *convolution(10, 16, 3), *convolution(16, 32, 3))
    second = nn.Sequential(
        *convolution(3, 28, 3),
        halved(3),
        *convolution(28, 48, 3),
        halved(3),
        *convolution(48, 64, 2),
        *_dense(576, 128),
    )
    third = nn.Sequential(
        *(*convolution(3, 32, 3), halved(3), *convolution(32, 64, 3), halved(3)),
        *(*convolution(64, 64, 3), halved(2), *convolution(64, 128, 2), *_dense(1152, 256)),
    )
    return (
        _loaded(Stage(first, nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)), "pnet.pt"),
        _loaded(Stage(second, nn.Linear(128, 2), nn.Linear(128, 4)), "rnet.pt"),
        _loaded(Stage(third, nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)), "onet.pt"),
    )


def _loaded(network: Stage, name: str) -> Stage:
    found = find_spec("facenet_pytorch")  # where it is, without importing it
    if found is None or not found.submodule_search_locations:
        raise ImportError("No module named 'facenet_pytorch'", name="facenet_pytorch")
    tensors = read_tensors(Path(found.submodule_search_locations[0]) / "data" / name)
    # Both list their layers from the picture to the answers, under names of their own.
    network.load_state_dict(dict(zip(network.state_dict(), tensors.values(), strict=True)))
    return network.eval().requires_grad_(False)


def _proposals(image: Tensor, network: Stage, min_face_px: int) -> Tensor:
    """(N, 5) boxes that the first network, sliding over the picture at many sizes, finds worth a look."""
    height, width = image.shape[2:]
    scale = CELL_PX / min_face_px
    found = [torch.zeros(0, 9)]
    while min(height, width) * scale >= CELL_PX:
        p, shifts = network(_scaled(_resampled(image, (int(height * scale + 1), int(width * scale + 1)))))
        places = (p[0] >= THRESHOLDS[0]).nonzero()  # (K, 2) of y, x
        corners = places.flip(1) * STRIDE_PX + 1
        boxes = torch.cat(((corners / scale).floor(), ((corners + CELL_PX - 1) / scale).floor()), dim=1)
        inside = p[0, places[:, 0], places[:, 1]]
        rows = torch.cat((boxes, inside[:, None], shifts[0, :, places[:, 0], places[:, 1]].T), dim=1)
        found.append(rows[_apart(rows, 0.5)])
        scale *= PYRAMID
    rows = torch.cat(found)
    rows = rows[_apart(rows, 0.7)]
    return _shifted(rows[:, :5], rows[:, 5:], 0)


def _refined(image: Tensor, boxes: Tensor, network: Stage) -> Tensor:
    """(K, 5) boxes that the second network also takes for faces, with its shifts and probabilities."""
    boxes, crops = _crops(image, _squared(boxes), INPUT_PX[0])
    if not len(crops):
        return boxes
    p, shifts = network(crops)
    boxes, shifts = _kept(boxes, p, THRESHOLDS[1], shifts)
    picked = _apart(boxes, 0.7)
    return _shifted(boxes[picked], shifts[picked], 1)


def _located(image: Tensor, boxes: Tensor, network: Stage) -> tuple[Tensor, Tensor]:
    """(K, 5) boxes that the third network takes for faces, and their (K, 5, 2) points."""
    boxes, crops = _crops(image, _squared(boxes), INPUT_PX[1])
    if not len(crops):
        return boxes, torch.zeros(0, 5, 2)
    p, shifts, places = network(crops)
    boxes, shifts, places = _kept(boxes, p, THRESHOLDS[2], shifts, places)
    sides = boxes[:, 2:4] - boxes[:, :2] + 1
    # The network says five x, then five y, from 0 to 1 inside the square that it saw.
    points = places.view(-1, 2, 5).transpose(1, 2) * sides[:, None] + boxes[:, None, :2] - 1
    boxes = _shifted(boxes, shifts, 1)
    picked = _without_nested(boxes, 0.7)
    return boxes[picked], points[picked]


def _crops(image: Tensor, boxes: Tensor, side_px: int) -> tuple[Tensor, Tensor]:
    """Boxes that touch the picture, and what is in them, black beyond it: (N, 5) and (N, 3, side_px, side_px).

    facenet-pytorch leaves out what is beyond, so that a face that fills the picture gets its eyes in the wrong place.
    """
    height, width = image.shape[2:]
    kept, crops = [], []
    for box in boxes:
        left, top, right, bottom = box[:4].int().tolist()
        inside = image[:, :, max(top, 1) - 1 : max(bottom, 0), max(left, 1) - 1 : max(right, 0)]
        if inside.numel():
            beyond = (max(1 - left, 0), max(right - width, 0), max(1 - top, 0), max(bottom - height, 0))
            kept.append(box)
            crops.append(_resampled(pad(inside, beyond), (side_px, side_px)))
    if not kept:
        return boxes[:0], torch.zeros(0, 3, side_px, side_px)
    return torch.stack(kept), _scaled(torch.cat(crops))


def _kept(boxes: Tensor, p: Tensor, threshold: float, *others: Tensor) -> tuple[Tensor, ...]:
    """Boxes with their new probabilities, where these are high enough, and the same rows of the others."""
    rows = p > threshold
    return torch.cat((boxes[rows, :4], p[rows, None]), dim=1), *(other[rows] for other in others)


def _shifted(boxes: Tensor, shifts: Tensor, more_px: int) -> Tensor:
    """Boxes with each edge moved by a share of the side; two of the networks count both ends of a side."""
    sides = (boxes[:, 2:4] - boxes[:, :2] + more_px).repeat(1, 2)
    return torch.cat((boxes[:, :4] + shifts * sides, boxes[:, 4:]), dim=1)


def _squared(boxes: Tensor) -> Tensor:
    """Boxes grown to squares about their middles."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    side = sides.amax(dim=1, keepdim=True)
    corner = boxes[:, :2] + sides * 0.5 - side * 0.5
    return torch.cat((corner, corner + side, boxes[:, 4:]), dim=1)


def _apart(boxes: Tensor, overlap: float) -> list[int]:
    """The most probable first, and none that shares more than `overlap` of their union with one before it."""
    corner, sides = boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]
    rectangles = torch.cat((corner, sides), dim=1).tolist()
    return [int(i) for i in cv2.dnn.NMSBoxes(rectangles, boxes[:, 4].tolist(), 0.0, overlap)]


def _without_nested(boxes: Tensor, overlap: float) -> list[int]:
    """The most probable first, and none that shares more than `overlap` of the smaller box with one before it."""
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    picked: list[int] = []
    for i in boxes[:, 4].argsort(descending=True, stable=True).tolist():
        corners = torch.maximum(boxes[picked, :2], boxes[i, :2]), torch.minimum(boxes[picked, 2:4], boxes[i, 2:4])
        shared = (corners[1] - corners[0] + 1).clamp(min=0).prod(dim=1)
        if not (shared > overlap * torch.minimum(area[picked], area[i])).any():
            picked.append(i)
    return picked


def _resampled(image: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(image, size=size, mode="area")


def _scaled(image: Tensor) -> Tensor:
    return (image - 127.5) / 128
