"""Chains that a search tries on fakes: what people do to pictures, at the size that they had, in words and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import cv2
import numpy as np

from generators.images import Pixels
from generators.launder import INTERPOLATIONS, Blur, Jpeg, Noise, Step, Tone, Webp

Wash: TypeAlias = tuple[Step | None, ...]
"""One step or none for each of DRAWS, in their order; () does nothing at all."""


@dataclass(frozen=True)
class ThereAndBack:
    """Shrink or enlarge by a factor and come back to the old size: fakes stay comparable with photos of their size.

    Attributes:
        scale: of the sides in between.
        interpolation: of both steps, a name in `launder.INTERPOLATIONS`.
    """

    scale: float
    interpolation: str

    def __call__(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        way = INTERPOLATIONS[self.interpolation]
        between = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
        return np.asarray(
            cv2.resize(cv2.resize(pixels, between, interpolation=way), (width, height), interpolation=way), np.uint8
        )


def _resizing(rng: np.random.Generator) -> Step:
    return ThereAndBack(round(float(rng.uniform(0.5, 1.6)), 3), str(rng.choice(list(INTERPOLATIONS))))


def _tone(rng: np.random.Generator) -> Step:
    return Tone(round(float(rng.uniform(0.9, 1.1)), 3), round(float(rng.uniform(0.9, 1.0)), 3))


def _coding(rng: np.random.Generator) -> Step:
    quality = int(rng.integers(35, 97))
    return Webp(quality) if rng.random() < 0.3 else Jpeg(quality, None, int(rng.choice([0, 2])))


DRAWS: tuple[tuple[float, Callable[[np.random.Generator], Step]], ...] = (
    (0.6, _resizing),
    (0.3, lambda rng: Blur(round(float(rng.uniform(0.3, 1.2)), 3))),
    (0.3, _tone),
    (0.4, lambda rng: Noise(round(float(rng.uniform(0.5, 8.0)), 3), 0)),
    (0.8, _coding),
)
"""How often each kind of step is there, and how it is drawn: ranges of `launder.PRESETS`, coded last as files are."""

KINDS: Mapping[str, Callable[..., Step]] = {
    "resize": ThereAndBack,
    "blur": Blur,
    "tone": Tone,
    "noise": Noise,
    "jpeg": Jpeg,
    "webp": Webp,
}
"""By the names that they are written down under."""


def drawn(rng: np.random.Generator) -> Wash:
    """A wash at random."""
    return tuple(_one(place, rng) for place in range(len(DRAWS)))


def varied(wash: Wash, rng: np.random.Generator) -> Wash:
    """A wash with one of its steps drawn anew."""
    place = int(rng.integers(len(DRAWS)))
    return (*wash[:place], _one(place, rng), *wash[place + 1 :])


def washed(wash: Wash, pixels: Pixels, seed: int) -> Pixels:
    """A picture gone through a wash; the seed is of the noise, if there is any."""
    for step in wash:
        if step is not None:
            pixels = (replace(step, seed=seed) if isinstance(step, Noise) else step)(pixels)
    return pixels


def words(wash: Wash) -> str:
    """What is done, in order."""
    said = [f"{_name(step)} {_settings(step)}" for step in wash if step is not None]
    return ", ".join(said) or "nothing"


def to_json(wash: Wash) -> list[dict[str, Any] | None]:
    """As plain values."""
    return [None if step is None else {"step": _name(step), **_plain(step)} for step in wash]


def from_json(plain: Sequence[Mapping[str, Any] | None]) -> Wash:
    """Back from `to_json`.

    Raises:
        KeyError, TypeError: it is none.
    """
    return tuple(None if step is None else _read(**step) for step in plain)


def _read(step: str, **settings: Any) -> Step:
    return KINDS[step](**settings)


def _name(step: Step) -> str:
    return next(name for name, kind in KINDS.items() if type(step) is kind)


def _settings(step: Step) -> str:
    return " ".join(str(value) for name, value in _plain(step).items() if name != "seed")


def _one(place: int, rng: np.random.Generator) -> Step | None:
    often, draw = DRAWS[place]
    return draw(rng) if rng.random() < often else None


def _plain(step: Step) -> dict[str, Any]:
    settings: dict[str, Any] = asdict(step)  # type: ignore[call-overload]
    return {name: value for name, value in settings.items() if value is not None}
