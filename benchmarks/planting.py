"""Cases with known truth from a folder of real photos: every manipulated file and its untouched twin share one chain.

A photo goes through the same resize and the same encoder whether something is planted in it or not, so that neither
container, nor size, nor compression tells the classes apart; only the planted trace does.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators import forgeries
from generators.images import Pixels

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
MAX_SIDE = 1600
MIN_SIDE = 192


@dataclass(frozen=True, eq=False)
class Case:
    """One file to examine.

    Attributes:
        data: the file.
        label: 1 manipulated, 0 untouched.
        source: where the photo is from; the split is by this.
        recipe: what was planted, "untouched" or "original" (the photo's own bytes).
        mask: (H, W) bool, where it was planted.
    """

    data: bytes
    label: int
    source: str
    recipe: str
    mask: NDArray[np.bool_] | None = None


Plant = Callable[[Pixels, Pixels, int, np.random.Generator], forgeries.Forgery]


def _splice(target: Pixels, donor: Pixels, seed: int, rng: np.random.Generator) -> forgeries.Forgery:
    return forgeries.splice(target, donor, seed=seed, area=float(rng.uniform(0.02, 0.2)))


def _copy_move(target: Pixels, donor: Pixels, seed: int, rng: np.random.Generator) -> forgeries.Forgery:
    plain = rng.random() < 0.4
    angle, scale = (0.0, 1.0) if plain else (float(rng.uniform(-45, 45)), float(rng.uniform(0.75, 1.3)))
    area = float(np.exp(rng.uniform(np.log(0.004), np.log(0.06))))
    return forgeries.copy_move(target, seed=seed, area=area, angle_deg=angle, scale=scale)


def _removal(target: Pixels, donor: Pixels, seed: int, rng: np.random.Generator) -> forgeries.Forgery:
    return forgeries.removal(target, seed=seed, area=float(rng.uniform(0.01, 0.08)))


def _rescaled_splice(target: Pixels, donor: Pixels, seed: int, rng: np.random.Generator) -> forgeries.Forgery:
    factor = float(rng.uniform(1.15, 2.0))
    enlarged = cv2.resize(donor, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return _splice(target, np.asarray(enlarged, np.uint8), seed, rng)


PLANTS: dict[str, Plant] = {
    "splice": _splice,
    "copy_move": _copy_move,
    "removal": _removal,
    "rescaled_splice": _rescaled_splice,
}


def photos(folders: Sequence[Path], n_per_source: int, seed: int) -> list[tuple[Path, str]]:
    """(path, source) of at most n photos of each source; a source is a folder that holds files."""
    rng = np.random.default_rng(seed)
    chosen: list[tuple[Path, str]] = []
    for home in sorted({p.parent for top in folders for p in top.rglob("*") if p.suffix.lower() in ENDINGS}):
        files = sorted(p for p in home.iterdir() if p.suffix.lower() in ENDINGS)
        picked = rng.permutation(len(files))[:n_per_source]
        chosen += [(files[i], home.name) for i in sorted(picked)]
    return chosen


def planted_cases(
    folders: Sequence[Path], kinds: list[str], *, n_per_source: int, seed: int, qualities: tuple[int, int] = (75, 96)
) -> Iterator[Case]:
    """For each photo: its original bytes, its untouched twin and one planted copy.

    Args:
        folders: real photos, one folder in them a source.
        kinds: names out of PLANTS, taken in turn.
        n_per_source: photos of each source.
        seed: same seed, same cases.
        qualities: range of the last JPEG quality; one case in five ends as PNG instead.
    """
    chosen = photos(folders, n_per_source, seed)
    for i, (path, source) in enumerate(chosen):
        rng = np.random.default_rng((seed, i))
        target = _load(path)
        if target is None:
            continue
        others = [p for p, s in chosen if s != source]
        donor = _load(others[int(rng.integers(len(others)))])
        if donor is None:
            continue
        quality = None if rng.random() < 0.2 else int(rng.integers(*qualities))
        kind = kinds[i % len(kinds)]
        forged = PLANTS[kind](target, donor, int(rng.integers(1 << 31)), rng)
        yield Case(path.read_bytes(), 0, source, "original")
        yield Case(encode(target, quality), 0, source, "untouched")
        yield Case(encode(forged.pixels, quality), 1, source, kind, forged.mask | forged.origin)


def generated_cases(
    reals: Sequence[Path], fakes: Sequence[Path], *, n_per_source: int, seed: int, qualities: tuple[int, int] = (75, 96)
) -> Iterator[Case]:
    """Real and generated pictures, each re-encoded with a quality drawn from one distribution for both classes."""
    for label, folders in ((0, reals), (1, fakes)):
        for i, (path, source) in enumerate(photos(folders, n_per_source, seed)):
            rng = np.random.default_rng((seed, label, i))
            pixels = _load(path)
            if pixels is not None:
                recipe = "generated" if label else "untouched"
                yield Case(encode(pixels, int(rng.integers(*qualities))), label, source, recipe)
                if not label:
                    yield Case(path.read_bytes(), 0, source, "original")


def encode(pixels: Pixels, quality: int | None) -> bytes:
    """JPEG 4:2:0 at a quality, PNG for None."""
    out = io.BytesIO()
    if quality is None:
        Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    else:
        Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _load(path: Path) -> Pixels | None:
    """A photo at its native scale (a shrunk one has lost what most analyzers read), cut to at most MAX_SIDE."""
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"))
    pixels = pixels[:MAX_SIDE, :MAX_SIDE]
    return pixels if min(pixels.shape[:2]) >= MIN_SIDE else None
