"""What happens to pictures on their way: JPEG and WebP, shrinking, crops, blur, noise, screenshots, social networks.

Applied alike to fakes and reals: if only one side were washed, a detector would learn the wash. A chain is drawn from a
preset and a seed alone, never from the picture, so a fake and its own real go through the very same one.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.images import Pixels

MIN_SIDE_PX = 64
"""Shrinking stops here: below there is nothing left to judge."""

INTERPOLATIONS = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}


class Step(Protocol):
    """One thing done to a picture. Same picture, same result."""

    def __call__(self, pixels: Pixels) -> Pixels: ...


@dataclass(frozen=True)
class Jpeg:
    """Save as JPEG and read again.

    Attributes:
        quality, chroma_quality: of the two tables, 1..100 on the scale of libjpeg; cameras scale them apart.
        subsampling: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0.
    """

    quality: int
    chroma_quality: int | None = None
    subsampling: int = 2

    def __call__(self, pixels: Pixels) -> Pixels:
        return _decoded(self.encode(pixels))

    def encode(self, pixels: Pixels) -> bytes:
        """The file itself."""
        out = io.BytesIO()
        tables = [list(table) for table in self.tables]
        Image.fromarray(pixels).save(out, "JPEG", qtables=tables, subsampling=self.subsampling)
        return out.getvalue()

    @property
    def tables(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Quantization tables of luma and chroma, 64 steps each."""
        chroma = self.quality if self.chroma_quality is None else self.chroma_quality
        return _standard_tables(self.quality)[0], _standard_tables(chroma)[1]


@dataclass(frozen=True)
class Webp:
    """Save as lossy WebP and read again; quality 0..100."""

    quality: int

    def __call__(self, pixels: Pixels) -> Pixels:
        return _decoded(self.encode(pixels))

    def encode(self, pixels: Pixels) -> bytes:
        """The file itself."""
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "WEBP", quality=self.quality, method=2)
        return out.getvalue()


@dataclass(frozen=True)
class Resize:
    """Scale by a factor, 0..2, but never under MIN_SIDE_PX a side."""

    scale: float
    interpolation: str = "area"

    def __call__(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        scale = max(self.scale, min(1.0, MIN_SIDE_PX / min(height, width)))
        return _resized(pixels, scale, self.interpolation)


@dataclass(frozen=True)
class Fit:
    """Shrink until the longer side is at most `side_px`, as networks do with uploads."""

    side_px: int
    interpolation: str = "area"

    def __call__(self, pixels: Pixels) -> Pixels:
        return _resized(pixels, min(1.0, self.side_px / max(pixels.shape[:2])), self.interpolation)


@dataclass(frozen=True)
class Crop:
    """Keep a part: `share` of both sides, 0..1, its free play divided at `y`, `x`, 0..1."""

    share: float
    y: float = 0.5
    x: float = 0.5

    def __call__(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        new_h = min(height, max(round(height * self.share), MIN_SIDE_PX))
        new_w = min(width, max(round(width * self.share), MIN_SIDE_PX))
        top, left = round((height - new_h) * self.y), round((width - new_w) * self.x)
        return np.ascontiguousarray(pixels[top : top + new_h, left : left + new_w])


@dataclass(frozen=True)
class Blur:
    """Gaussian blur of a standard deviation in pixels."""

    sigma_px: float

    def __call__(self, pixels: Pixels) -> Pixels:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), self.sigma_px), np.uint8)


@dataclass(frozen=True)
class Noise:
    """White Gaussian noise of a standard deviation in 8-bit steps."""

    sigma: float
    seed: int

    def __call__(self, pixels: Pixels) -> Pixels:
        noise = np.random.default_rng(self.seed).normal(0, self.sigma, pixels.shape)
        return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Tone:
    """What a screen's profile does: a gamma near 1 and a gain."""

    gamma: float
    gain: float

    def __call__(self, pixels: Pixels) -> Pixels:
        levels = np.clip(255.0 * self.gain * (np.arange(256) / 255.0) ** self.gamma, 0, 255)
        return np.rint(levels).astype(np.uint8)[pixels]


@dataclass(frozen=True)
class Chain:
    """Steps in order.

    Attributes:
        preset: what it was drawn from.
        steps: what is done; nothing for the picture as it is.
    """

    preset: str
    steps: tuple[Step, ...] = ()

    def __call__(self, pixels: Pixels) -> Pixels:
        """Wash one picture, (H, W, 3) uint8; the size may change.

        Raises:
            ValueError: it is no such picture.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
        for step in self.steps:
            pixels = step(pixels)
        return pixels

    @property
    def last_coding(self) -> Jpeg | Webp | None:
        """The last lossy coding, None without one."""
        return next((step for step in reversed(self.steps) if isinstance(step, Jpeg | Webp)), None)


def draw(preset: str, *, seed: int | Sequence[int]) -> Chain:
    """Draw a chain from a preset.

    Args:
        preset: a name in PRESETS.
        seed: same preset and seed, same chain.

    Raises:
        LookupError: there is no such preset.
    """
    if preset not in PRESETS:
        raise LookupError(f"no preset {preset!r}; there is {', '.join(PRESETS)}")
    parts = (seed,) if isinstance(seed, int) else tuple(seed)
    rng = np.random.default_rng((zlib.crc32(preset.encode()), *parts))
    return Chain(preset, PRESETS[preset](rng))


def launder(images: Sequence[Pixels], preset: str, *, seed: int) -> list[Pixels]:
    """Wash pictures, each by a chain of its own; call it with reals and their own fakes alike.

    Args:
        images: N pictures (H, W, 3) uint8 of any sizes.
        preset: a name in PRESETS.
        seed: same seed, same pixels; the picture at place i goes through the chain of (seed, i).

    Returns:
        N pictures.
    """
    return [draw(preset, seed=(seed, i))(pixels) for i, pixels in enumerate(images)]


def _coding(rng: np.random.Generator) -> Step:
    """Any lossy coding that pictures meet: mostly JPEG, with tables of a software or, scaled apart, of a camera."""
    quality = int(rng.integers(35, 96))
    if rng.random() < 0.25:
        return Webp(quality)
    chroma = int(np.clip(quality + rng.integers(-15, 11), 25, 98)) if rng.random() < 0.5 else None
    return Jpeg(quality, chroma, int(rng.choice([0, 1, 2], p=[0.25, 0.1, 0.65])))


def _interpolation(rng: np.random.Generator) -> str:
    return str(rng.choice(list(INTERPOLATIONS)))


def _wild(rng: np.random.Generator) -> tuple[Step, ...]:
    """What a picture may have gone through before anybody looks at it: the wash for training."""
    steps: list[Step] = []
    if rng.random() < 0.5:
        steps.append(Crop(float(rng.uniform(0.6, 1.0)), float(rng.random()), float(rng.random())))
    if rng.random() < 0.7:
        steps.append(Resize(float(rng.uniform(0.3, 1.0)), _interpolation(rng)))
    if rng.random() < 0.1:
        steps.append(Blur(float(rng.uniform(0.3, 1.2))))
    if rng.random() < 0.1:
        steps.append(Noise(float(rng.uniform(0.5, 5.0)), int(rng.integers(1 << 31))))
    if rng.random() < 0.7:
        steps.append(_coding(rng))
    return (*steps, _coding(rng))


def _screenshot(rng: np.random.Generator) -> tuple[Step, ...]:
    shown = Resize(float(rng.uniform(0.5, 0.9)), "bilinear")
    tone = Tone(float(rng.uniform(0.95, 1.05)), float(rng.uniform(0.97, 1.0)))
    return shown, tone, Crop(float(rng.uniform(0.94, 0.99)), float(rng.random()), float(rng.random()))


PRESETS: dict[str, Callable[[np.random.Generator], tuple[Step, ...]]] = {
    "original": lambda rng: (),
    "q90": lambda rng: (Jpeg(90),),
    "q75": lambda rng: (Jpeg(75),),
    "q50": lambda rng: (Jpeg(50),),
    "half": lambda rng: (Resize(0.5), Jpeg(90)),
    "webp": lambda rng: (Webp(80),),
    "screenshot": _screenshot,
    "messenger": lambda rng: (Fit(1600), Jpeg(int(rng.integers(70, 83)))),
    "social": lambda rng: (Fit(1080, "lanczos"), Jpeg(int(rng.integers(68, 88)))),
    "blur": lambda rng: (Blur(float(rng.uniform(0.5, 1.5))), Jpeg(90)),
    "noise": lambda rng: (Noise(float(rng.uniform(2, 8)), int(rng.integers(1 << 31))), Jpeg(90)),
    "wild": _wild,
}
"""Name -> steps drawn at random. Sizes and qualities of messenger and social are of the order services were seen to use
(Giudice et al., ICIAP 2017); they change by service and year."""


def _resized(pixels: Pixels, scale: float, interpolation: str) -> Pixels:
    if scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=INTERPOLATIONS[interpolation]), np.uint8)


@cache
def _standard_tables(quality: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tables that libjpeg scales to a quality, read from a file it wrote."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=quality)
    tables: dict[int, list[int]] = Image.open(out).quantization  # type: ignore[attr-defined]
    return tuple(tables[0]), tuple(tables[1])


def _decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))
