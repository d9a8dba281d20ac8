"""Multi-task cascaded networks: three small networks look for faces, each at what the one before it let through.

The networks are those of facenet-pytorch, with the weights in its own wheel. Boxes count pixels from 1, as in the
authors' MATLAB code, from which the weights come.

Source:
    Zhang et al., "Joint face detection and alignment using multi-task cascaded convolutional networks", IEEE Signal
    Processing Letters 2016.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad
from torchvision.ops import nms

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


@cache
def networks() -> tuple[nn.Module, nn.Module, nn.Module]:
    """The three networks with their weights, which are read as data and never run."""
    made = (PNet(pretrained=False), RNet(pretrained=False), ONet(pretrained=False))
    for network in made:
        with as_file(files("facenet_pytorch") / "data" / f"{type(network).__name__.lower()}.pt") as path:
            network.load_state_dict(read_tensors(path))
        network.eval().requires_grad_(False)
    return made


def _proposals(image: Tensor, network: nn.Module, min_face_px: int) -> Tensor:
    """(N, 5) boxes that the first network, sliding over the picture at many sizes, finds worth a look."""
    height, width = image.shape[2:]
    scale = CELL_PX / min_face_px
    found = [torch.zeros(0, 9)]
    while min(height, width) * scale >= CELL_PX:
        shifts, p = network(_scaled(_resampled(image, (int(height * scale + 1), int(width * scale + 1)))))
        places = (p[0, 1] >= THRESHOLDS[0]).nonzero()  # (K, 2) of y, x
        corners = places.flip(1) * STRIDE_PX + 1
        boxes = torch.cat(((corners / scale).floor(), ((corners + CELL_PX - 1) / scale).floor()), dim=1)
        inside = p[0, 1, places[:, 0], places[:, 1]]
        rows = torch.cat((boxes, inside[:, None], shifts[0, :, places[:, 0], places[:, 1]].T), dim=1)
        found.append(rows[nms(boxes, inside, 0.5)])
        scale *= PYRAMID
    all_found = torch.cat(found)
    rows = all_found[nms(all_found[:, :4], all_found[:, 4], 0.7)]
    return _shifted(rows[:, :5], rows[:, 5:], 0)


def _refined(image: Tensor, boxes: Tensor, network: nn.Module) -> Tensor:
    """(K, 5) boxes that the second network also takes for faces, with its shifts and probabilities."""
    boxes, crops = _crops(image, _squared(boxes), INPUT_PX[0])
    if not len(crops):
        return boxes
    shifts, p = network(crops)
    boxes, shifts = _kept(boxes, p[:, 1], THRESHOLDS[1], shifts)
    picked = nms(boxes[:, :4], boxes[:, 4], 0.7)
    return _shifted(boxes[picked], shifts[picked], 1)


def _located(image: Tensor, boxes: Tensor, network: nn.Module) -> tuple[Tensor, Tensor]:
    """(K, 5) boxes that the third network takes for faces, and their (K, 5, 2) points."""
    boxes, crops = _crops(image, _squared(boxes), INPUT_PX[1])
    if not len(crops):
        return boxes, torch.zeros(0, 5, 2)
    shifts, places, p = network(crops)
    boxes, shifts, places = _kept(boxes, p[:, 1], THRESHOLDS[2], shifts, places)
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
