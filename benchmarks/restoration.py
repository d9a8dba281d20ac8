"""How close the generators that rebuild photos come to their originals, on photos that nothing was trained on.

    python -m benchmarks.restoration --data DIR [DIR ...] [--most N] [--only NAME ...] [--sheet PNG] [--write]

Each photo gives its middle square at natural size; of one folder at most `--each` photos are taken. Beside each
network stands what costs nothing: bicubic enlarging, and Telea's filling of the same holes. Figures of `inpaint` are of
what was filled. FD-lite0 compares fakes of one half of the photos with the other half; the floor is the first half as
it was.
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

from generators.base import FakeBatch
from generators.catalog import GENERATORS
from generators.images import to_float, to_uint8
from generators.picture_folder import find_pictures, read_pixels
from generators.quality.distances import frechet_figure
from generators.quality.estimates import Figure, mean
from generators.quality.lite0 import embed
from generators.restoration.evaluation import as_measures
from generators.weights import ZOO, load, save

NAMES = ("reconstruct-f4", "reconstruct-f8", "superres-x2", "superres-x4", "inpaint")
SIDE_PX = 192
SEED = 1

Photos = NDArray[np.uint8]
"""(N, S, S, 3) uint8."""


def middles(folders: Sequence[Path], most: int, each: int) -> Photos:
    """The middle squares of photos at natural size, drawn at random, not too many of one folder."""
    paths = find_pictures(folders)
    taken: Counter[Path] = Counter()
    squares = []
    for i in np.random.default_rng(SEED).permutation(len(paths)):
        path = paths[i]
        if len(squares) == most or taken[path.parent] == each:
            continue
        pixels = read_pixels(path)
        if min(pixels.shape[:2]) >= SIDE_PX:
            top, left = ((side - SIDE_PX) // 2 for side in pixels.shape[:2])
            squares.append(pixels[top : top + SIDE_PX, left : left + SIDE_PX])
            taken[path.parent] += 1
    return np.stack(squares)


def measure(name: str, photos: Photos, features: NDArray[np.float32]) -> tuple[dict[str, Figure], Photos]:
    """Figures of a generator, and its fakes."""
    rng = np.random.default_rng(SEED)
    batch = GENERATORS.load(name)().forge(to_float(photos), seed=SEED)
    fakes, inside = to_uint8(batch.images), batch.masks[:, 0] > 0
    figures = {"PSNR in dB": mean(_psnr(fakes, photos, inside), rng), "SSIM": mean(_ssim(fakes, photos, inside), rng)}
    plain = _plainly(name, photos, batch)
    if plain is not None:
        figures["PSNR in dB, without a network"] = mean(_psnr(plain, photos, inside), rng)
        figures["SSIM, without a network"] = mean(_ssim(plain, photos, inside), rng)
    half = len(photos) // 2
    fake_features, _ = embed(fakes[:half])
    figures["FD-lite0, fakes of one half against the other"] = frechet_figure(
        fake_features, features[half : 2 * half], rng
    )
    figures["FD-lite0, the floor between the halves"] = frechet_figure(features[:half], features[half : 2 * half], rng)
    return figures, fakes


def _psnr(made: Photos, reals: Photos, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    error = np.square(made.astype(np.float64) - reals).mean(axis=3)
    errors = np.array([own[where].mean() for own, where in zip(error, inside, strict=True)])
    return np.asarray(10 * np.log10(255**2 / np.maximum(errors, 1e-9)))


def _ssim(made: Photos, reals: Photos, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004."""
    maps = [structural_similarity(a, b, channel_axis=2, full=True)[1] for a, b in zip(made, reals, strict=True)]
    return np.array([own.mean(axis=2)[where].mean() for own, where in zip(maps, inside, strict=True)])


def _plainly(name: str, photos: Photos, batch: FakeBatch) -> Photos | None:
    """What is there to be had without a network."""
    if name == "inpaint":
        masks = batch.masks[:, 0].astype(np.uint8)
        filled = [cv2.inpaint(a, mask, 5, cv2.INPAINT_TELEA) for a, mask in zip(photos, masks, strict=True)]
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
    photos = middles(arguments.data, arguments.most, arguments.each)
    features, _ = embed(photos)
    rows = [photos[:6]]
    for name in arguments.only:
        figures, fakes = measure(name, photos, features)
        rows.append(fakes[:6])
        measures: dict[str, float] = {}
        for key, figure in figures.items():
            print(f"{name}: {key}: {figure}", flush=True)
            measures |= as_measures(f"photos of unseen sources, middle {SIDE_PX} pixels, {key}", figure)
        if arguments.write:
            tensors, card = load(f"{name}-1", ZOO)
            save(tensors, replace(card, measures={**card.measures, **measures}), ZOO)
    if arguments.sheet is not None:
        Image.fromarray(np.concatenate([np.concatenate(list(row), axis=1) for row in rows])).save(arguments.sheet)


if __name__ == "__main__":
    main()
