"""In how many pictures of a folder a face is found, to compare a generator's samples with real faces of their size.

    python benchmarks/face_share.py FOLDER [--side 64] [--limit 300] [--seed 1]

With --side every picture is first cut square and shrunk, as training does it. With --limit so many are drawn at random.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from generators.decoding import read_pixels
from generators.faces import face_share
from generators.picture_folder import cut_squares, find_pictures


def pictures(paths: Sequence[Path], side_px: int) -> Iterator[NDArray[np.uint8]]:
    """Pictures one by one, at their own size where `side_px` is 0."""
    for path in paths:
        pixels = read_pixels(path)
        yield cut_squares(pixels, side_px)[0] if side_px else np.ascontiguousarray(pixels)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path)
    cli.add_argument("--side", type=int, default=0)
    cli.add_argument("--limit", type=int, default=0)
    cli.add_argument("--seed", type=int, default=1)
    args = cli.parse_args()
    paths = find_pictures([args.folder])
    if args.limit and args.limit < len(paths):
        order = np.random.default_rng(args.seed).permutation(len(paths))[: args.limit]
        paths = tuple(paths[i] for i in sorted(order))
    print(f"a face in {face_share(pictures(paths, args.side))}")


if __name__ == "__main__":
    main()
