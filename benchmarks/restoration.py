"""How close the generators that rebuild photos come to their originals, on photos that nothing was trained on.

    python -m benchmarks.restoration --data DIR [DIR ...] [--most N] [--only NAME ...] [--sheet PNG] [--write]

Each photo gives its middle square at natural size, for FD-lite0 also random ones; of one folder at most `--each` photos
are taken. Beside each network stands what costs nothing: bicubic enlarging, and Telea's filling of the same holes.
Figures of `inpaint` are of what was filled. FD-lite0 compares fakes of one half of the photos with the other half; the
floor is the first half as it was. Its interval leaves out whole photos, never one square of a photo alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from generators.catalog import GENERATORS
from generators.decoding import read_pixels
from generators.images import to_float, to_uint8
from generators.picture_folder import find_pictures
from generators.quality.distances import frechet
from generators.quality.estimates import N_GROUPS, Figure, groups, jackknife, mean
from generators.quality.lite0 import embed
from generators.restoration.evaluation import as_measures
from generators.weights import ZOO, load, save

NAMES = ("reconstruct-f4", "reconstruct-f8", "superres-x2", "superres-x4", "inpaint")
SIDE_PX = 192
N_SQUARES = 2
"""Of each photo, for FD-lite0, which falls with their number."""
SEED = 1
PREFIX = "photos of unseen sources"
"""Of what stands on a card."""

Photos = NDArray[np.uint8]
"""(N, S, S, 3) uint8."""


def squares_of(folders: Sequence[Path], most: int, each: int) -> Photos:
    """Squares at natural size of photos drawn at random, not too many of one folder.

    Returns:
        (photos * N_SQUARES, S, S, 3), those of a photo one after another, its middle first.
    """
    paths = find_pictures(folders)
    taken: Counter[Path] = Counter()
    squares: list[Photos] = []
    for i in np.random.default_rng(SEED).permutation(len(paths)):
        path = paths[i]
        if len(squares) == most * N_SQUARES or taken[path.parent] == each:
            continue
        pixels = read_pixels(path)
        if min(pixels.shape[:2]) >= SIDE_PX:
            free = np.array(pixels.shape[:2]) - SIDE_PX
            drawn = np.random.default_rng((SEED, i)).integers(0, free + 1, (N_SQUARES - 1, 2))
            for top, left in (free // 2, *drawn):
                squares.append(pixels[top : top + SIDE_PX, left : left + SIDE_PX])
            taken[path.parent] += 1
    return np.stack(squares)


def measure(name: str, photos: Photos, features: NDArray[np.float32]) -> tuple[dict[str, Figure], Photos]:
    """Figures of a generator, and its fakes."""
    rng = np.random.default_rng(SEED)
    batch = GENERATORS.load(name)().forge(to_float(photos), seed=SEED)
    fakes, inside = to_uint8(batch.images), batch.masks[:, 0] > 0
    made, shown, where = (squares[::N_SQUARES] for squares in (fakes, photos, inside))  # the middles
    figures = {"PSNR in dB": mean(_psnr(made, shown, where), rng), "SSIM": mean(_ssim(made, shown, where), rng)}
    plain = _plainly(name, shown, batch.masks[::N_SQUARES, 0])
    if plain is not None:
        figures["PSNR in dB, without a network"] = mean(_psnr(plain, shown, where), rng)
        figures["SSIM, without a network"] = mean(_ssim(plain, shown, where), rng)
    half = len(shown) // 2 * N_SQUARES
    fake_features, _ = embed(fakes[:half])
    others = features[half : 2 * half]
    said = f"FD-lite0 of {N_SQUARES} squares a photo"
    figures[f"{said}, fakes of one half against the other"] = _frechet(fake_features, others, rng)
    figures[f"{said}, the floor between the halves"] = _frechet(features[:half], others, rng)
    return figures, made


def _frechet(fakes: NDArray[np.float32], reals: NDArray[np.float32], rng: np.random.Generator) -> Figure:
    """Distance of squares with an interval over photos, a tenth of which is left out in turn; n counts photos."""
    n_photos = len(fakes) // N_SQUARES
    in_fakes, in_reals = (groups(n_photos, rng).repeat(N_SQUARES) for _ in range(2))
    without = [frechet(fakes[in_fakes != g], reals[in_reals != g]) for g in range(N_GROUPS)]
    return jackknife(frechet(fakes, reals), np.array(without), n_photos)


def _psnr(made: Photos, reals: Photos, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    error = np.square(made.astype(np.float64) - reals).mean(axis=3)
    errors = np.array([own[where].mean() for own, where in zip(error, inside, strict=True)])
    return np.asarray(10 * np.log10(255**2 / np.maximum(errors, 1e-9)))


def _ssim(made: Photos, reals: Photos, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004."""
    maps = [structural_similarity(a, b, channel_axis=2, full=True)[1] for a, b in zip(made, reals, strict=True)]
    return np.array([own.mean(axis=2)[where].mean() for own, where in zip(maps, inside, strict=True)])


def _plainly(name: str, photos: Photos, masks: NDArray[np.float32]) -> Photos | None:
    """What is there to be had without a network."""
    if name == "inpaint":
        filled = [
            cv2.inpaint(np.ascontiguousarray(a), mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)
            for a, mask in zip(photos, masks, strict=True)
        ]
        return np.stack(filled).astype(np.uint8)
    if not name.startswith("superres"):
        return None
    small = SIDE_PX // int(name[-1])
    grown = [
        cv2.resize(
            cv2.resize(a, (small, small), interpolation=cv2.INTER_AREA),
            (SIDE_PX, SIDE_PX),
            interpolation=cv2.INTER_CUBIC,
        )
        for a in photos
    ]
    return np.stack(grown).astype(np.uint8)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description="Measure the generators that rebuild photos.")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="real photos that nothing was trained on")
    cli.add_argument("--most", type=int, default=200)
    cli.add_argument("--each", type=int, default=12, help="most photos of one folder")
    cli.add_argument("--only", nargs="+", default=list(NAMES))
    cli.add_argument("--sheet", type=Path, help="the first photos and their fakes; not to be published")
    cli.add_argument("--write", action="store_true", help="put the figures into the shipped cards")
    arguments = cli.parse_args()
    photos = squares_of(arguments.data, arguments.most, arguments.each)
    features, _ = embed(photos)
    rows = [photos[: 6 * N_SQUARES : N_SQUARES]]
    for name in arguments.only:
        figures, fakes = measure(name, photos, features)
        rows.append(fakes[:6])
        measures: dict[str, float] = {}
        for key, figure in figures.items():
            print(f"{name}: {key}: {figure}", flush=True)
            measures |= as_measures(f"{PREFIX}, {SIDE_PX} pixels a side, {key}", figure)
        if arguments.write:
            tensors, card = load(f"{name}-1", ZOO)
            kept = {key: value for key, value in card.measures.items() if not key.startswith(PREFIX)}
            save(tensors, replace(card, measures={**kept, **measures}), ZOO)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate([np.concatenate(list(row), axis=1) for row in rows])).save(arguments.sheet)


if __name__ == "__main__":
    main()
