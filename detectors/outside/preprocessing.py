"""From a picture to what a network of somebody else was trained to see: resize, crop, normalise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.images import Pixels

Resize = Literal["squash", "shorter", "none"]
"""Both sides to one length; the shorter side to a length; not at all."""

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]

_FILTERS: Mapping[str, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""RGB statistics of ImageNet, which most image networks are trained with."""

MAX_SIDE_PX = 2048
"""No network here takes more; a card that says so is wrong."""

MAP_SIDE = 56
"""Longer side of a map over a whole picture: a network tells 7 to 32 places a side apart."""


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a picture before a network sees it.

    Attributes:
        side_px: of the square that the network takes.
        resize: how the picture is brought to `resize_px`.
        resize_px: length that the sides, or the shorter one, are brought to before the middle is cut out.
        interpolation: filter of the resizing; all but nearest are anti-aliased.
        mean, std: of RGB in 0..1, taken off and divided by.
    """

    side_px: int
    resize: Resize = "squash"
    resize_px: int = 0
    interpolation: Interpolation = "bicubic"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if not self.resize_px:
            object.__setattr__(self, "resize_px", self.side_px)
        if not 1 <= self.side_px <= self.resize_px <= MAX_SIDE_PX:
            raise ValueError(
                f"a network takes 1 to {MAX_SIDE_PX} pixels a side out of at least as many, not {self.side_px} of "
                f"{self.resize_px}"
            )
        if self.resize not in get_args(Resize) or self.interpolation not in _FILTERS:
            raise ValueError(f"there is no resizing {self.resize!r} by {self.interpolation!r}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"mean and std are three numbers each, std above 0, not {self.mean} and {self.std}")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Preprocessing:
        """Read what `dataclasses.asdict` and JSON made of one.

        Raises:
            ValueError: a member is unknown, missing or makes no sense.
        """
        try:
            values: dict[str, Any] = {k: tuple(map(float, v)) if k in ("mean", "std") else v for k, v in plain.items()}
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a preprocessing: {error}") from error

    def __call__(self, pixels: Pixels) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB -> (1, 3, side_px, side_px) float32; what lies outside of a small picture is black."""
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
        middle = self._middle(self._resized(Image.fromarray(pixels)))
        values = (middle.astype(np.float32) / 255 - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

    def over_whole(self, values: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
        """A map of what the network sees, spread over the whole picture.

        Args:
            values: (h, w) over the square.
            width, height: of the picture, in pixels.

        Returns:
            (H, W) float32 in the proportion of the picture, MAP_SIDE on its longer side; 0 where nothing was seen.
        """
        scale = MAP_SIDE / max(width, height)
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        # For each place of the map, where it lies among the values.
        y, x = (
            ((np.arange(n) + 0.5) / n * side - _start(side, self.side_px)) / self.side_px * cells - 0.5
            for n, side, cells in zip(shape, self._size(width, height)[::-1], values.shape, strict=True)
        )
        columns, rows = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        return np.asarray(cv2.remap(values, columns, rows, cv2.INTER_NEAREST), np.float32)

    def _size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture is brought to."""
        if self.resize == "none":
            return width, height
        if self.resize == "squash":
            return self.resize_px, self.resize_px
        # Rounded down, as torchvision does.
        if width <= height:
            return self.resize_px, max(self.resize_px * height // width, 1)
        return max(self.resize_px * width // height, 1), self.resize_px

    def _resized(self, image: Image.Image) -> Image.Image:
        size = self._size(*image.size)
        return image if image.size == size else image.resize(size, _FILTERS[self.interpolation])

    def _middle(self, image: Image.Image) -> NDArray[np.uint8]:
        left, top = (_start(side, self.side_px) for side in image.size)
        if (left, top) == (0, 0) and image.size == (self.side_px, self.side_px):
            return np.asarray(image)
        return np.asarray(image.crop((left, top, left + self.side_px, top + self.side_px)))


def _start(side: int, middle: int) -> int:
    """Where the middle of a side begins."""
    return round((side - middle) / 2)
