"""The generator `attributes`: the same face with another age group, the other gender, or both.

The editor works at 64 pixels. What it changes there is enlarged and added to the source, so a large face keeps its
detail, and pixels that are not changed stay the source's.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.attributes.labels import AGE_GROUPS, AS_IT_IS, GENDERS, Attributes
from generators.attributes.settings import SIDE_PX
from generators.base import FakeBatch, Family, check_sources, keep_outside, randomness
from generators.extras import needs
from generators.images import Images, Masks
from generators.weights import ZOO, ModelCard, load, read_card

if TYPE_CHECKING:
    from generators.attributes.networks import Editor, Reader

STEM = "attributes-1"

LEAST_CHANGE = np.float32(1 / 255)
"""A change below one step of 8 bits is none."""

FADE = 1 / 8
"""Of the side of the square: towards sides of the square that lie inside the picture a change fades to nothing."""


class AttributeEditor:
    """Edits the face in the middle square of a picture.

    Args:
        zoo: folder of the weights.
    """

    name: ClassVar[str] = "attributes"
    about: ClassVar[str] = "A face edited in age group, gender or both; for aligned frontal faces."
    family: ClassVar[Family] = Family.FACE
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = SIDE_PX

    def __init__(self, zoo: Path = ZOO) -> None:
        self._zoo = zoo

    @property
    def card(self) -> ModelCard:
        """Where the weights come from."""
        return read_card(self._zoo / f"{STEM}.card.json")

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The seed decides what a face is edited to, never what it is read as already."""
        check_sources(sources, self.min_side_px)
        read = self.read(sources)
        asked = [draw_edit(own, rng) for own, rng in zip(read, randomness(seed, len(sources)), strict=True)]
        return self._edited(sources, read, asked, seed)

    def edit(self, sources: Images, *, age_group: str | None = None, gender: str | None = None) -> FakeBatch:
        """Edit faces to what is wanted.

        Args:
            sources: (N, 3, H, W) float32 RGB 0..1, a face in the middle square of each.
            age_group: one of `labels.AGE_GROUPS`; None leaves it as it is.
            gender: one of `labels.GENDERS`; None leaves it as it is.

        Returns:
            N edits; the seed is 0, as nothing is drawn.

        Raises:
            ValueError: nothing is asked for, there is no such group or gender, or the sources are too small.
        """
        check_sources(sources, self.min_side_px)
        asked = Attributes(age_group, gender)
        if asked == Attributes():
            raise ValueError("an edit needs an age group or a gender")
        return self._edited(sources, self.read(sources), [asked] * len(sources), 0)

    def read(self, sources: Images) -> list[Attributes]:
        """Age group and gender that the small reader sees in each face."""
        from generators.attributes.networks import read_attributes

        return [read_attributes(self._networks[1], small(source)) for source in sources]

    def _edited(self, sources: Images, read: list[Attributes], asked: list[Attributes], seed: int) -> FakeBatch:
        fakes, masks, recipes = np.empty_like(sources), np.empty_like(sources[:, :1]), []
        for i, (source, own, wanted) in enumerate(zip(sources, read, asked, strict=True)):
            fakes[i], masks[i] = self._edit_one(source, wanted)
            recipes.append(f"attributes: a face read as {own}, edited to {wanted}, {masks[i].mean():.1%} of the area")
        return FakeBatch(fakes, masks, tuple(recipes), self.name, seed)

    def _edit_one(self, source: Images, wanted: Attributes) -> tuple[Images, Masks]:
        """(3, H, W) -> the edit (3, H, W) and its mask (1, H, W)."""
        from generators.attributes.networks import change_of

        change = placed(change_of(self._networks[0], small(source), wanted), source.shape[1:])
        mask = (np.abs(change).max(axis=0, keepdims=True) >= LEAST_CHANGE).astype(np.float32)
        if not mask.any():
            # A face that needs no change is an output all the same: its square counts as made.
            mask = placed(np.ones((1, SIDE_PX, SIDE_PX), np.float32), source.shape[1:]).round()
        return keep_outside(np.clip(source + change, 0.0, 1.0), source, mask), mask

    @cached_property
    def _networks(self) -> tuple[Editor, Reader]:
        with needs("learned"):
            from generators.attributes.networks import editor_from, reader_from
        tensors, _ = load(STEM, self._zoo)
        return editor_from(tensors), reader_from(tensors)


def draw_edit(own: Attributes, rng: np.random.Generator) -> Attributes:
    """Another age group, the other gender, or both, each of the three equally often."""
    age, gender = own.classes
    other_age = (age + int(rng.integers(1, len(AGE_GROUPS)))) % len(AGE_GROUPS)
    kind = int(rng.integers(3))
    return Attributes.of(AS_IT_IS if kind == 1 else other_age, AS_IT_IS if kind == 0 else (gender + 1) % len(GENDERS))


def small(source: Images) -> Images:
    """The middle square of (3, H, W), averaged down to (3, 64, 64)."""
    top, left, side = _square(source.shape[1:])
    middle = source[:, top : top + side, left : left + side].transpose(1, 2, 0)
    shrunk = cv2.resize(middle, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(shrunk.transpose(2, 0, 1))


def placed(change: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A change at 64 pixels, enlarged to the middle square of a picture.

    Args:
        change: (C, 64, 64).
        size: height and width of the picture in pixels.

    Returns:
        (C, H, W), 0 outside of the square and faded towards its sides within the picture.
    """
    top, left, side = _square(size)
    grown = np.stack([cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR) for part in change])
    ramp = np.clip(np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / (FADE * side), 0, 1)
    grown *= (ramp[:, None] if size[0] > side else ramp if size[1] > side else np.ones(1)).astype(np.float32)
    found = np.zeros((len(change), *size), np.float32)
    found[:, top : top + side, left : left + side] = grown
    return found


def _square(size: tuple[int, ...]) -> tuple[int, int, int]:
    """Top, left and side of the middle square."""
    side = min(size)
    return (size[0] - side) // 2, (size[1] - side) // 2, side
