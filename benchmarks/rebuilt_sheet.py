"""A sheet of rebuilt pictures that may be published: the originals are made by a GAN, so no photo is on it.

python -m benchmarks.rebuilt_sheet --out docs/images/rebuilt.png [--pictures photo-64] [-n 8] [--seed 1]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generators.base import blank
from generators.catalog import GENERATORS
from generators.images import to_uint8
from generators.labels import encode, label
from generators.sheet import contact_sheet
from generators.whole_files import write_whole

NAMES = ("reconstruct-f4", "reconstruct-f8", "superres-x2", "superres-x4", "inpaint")


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(
        description="Pictures that a GAN made and what the others make of them, one row each."
    )
    cli.add_argument("--out", type=Path, required=True)
    cli.add_argument("--pictures", default="photo-64", help="written name of the generator of the originals")
    cli.add_argument("-n", type=int, default=8, help="pictures")
    cli.add_argument("--seed", type=int, default=1, help="of the first picture")
    arguments = cli.parse_args()
    originals = GENERATORS.load(arguments.pictures)().forge(blank(arguments.n), seed=arguments.seed).images
    makers = [GENERATORS.load(name)() for name in NAMES]
    columns = [originals, *(maker.forge(originals, seed=arguments.seed).images for maker in makers)]
    tiles = [tile for row in zip(*map(to_uint8, columns), strict=True) for tile in row]
    said = ", ".join(("original by " + arguments.pictures, *NAMES))
    told = label(makers[0], seed=arguments.seed, recipe=f"columns: {said}")
    sheet = contact_sheet(tiles, len(columns), names=("original", *NAMES))
    write_whole(arguments.out, encode(sheet, "png", told))


if __name__ == "__main__":
    main()
