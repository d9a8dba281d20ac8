"""A sheet of edits that may be published: the originals are made by a GAN, so no photo of a person is on it.

python -m benchmarks.attributes_sheet --out docs/images/attributes.jpg [--faces face-64] [-n 8] [--seed 1]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generators.attributes.generator import AttributeEditor
from generators.attributes.labels import AGE_GROUPS, GENDERS
from generators.base import blank
from generators.catalog import GENERATORS
from generators.images import to_uint8
from generators.labels import encode, label
from generators.sheet import contact_sheet
from generators.whole_files import write_whole


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description="Every edit of faces that a GAN made, one row a face.")
    cli.add_argument("--out", type=Path, required=True)
    cli.add_argument("--faces", default="face-64", help="written name of the generator of the originals")
    cli.add_argument("-n", type=int, default=8, help="faces")
    cli.add_argument("--seed", type=int, default=1, help="of the first face")
    arguments = cli.parse_args()
    faces = GENERATORS.load(arguments.faces)().forge(blank(arguments.n), seed=arguments.seed)
    editor = AttributeEditor()
    columns = [faces.images, *(editor.edit(faces.images, age_group=group).images for group in AGE_GROUPS)]
    columns += [editor.edit(faces.images, gender=gender).images for gender in GENDERS]
    tiles = [tile for row in zip(*map(to_uint8, columns), strict=True) for tile in row]
    said = ", ".join(("original by " + arguments.faces, *AGE_GROUPS, *GENDERS))
    told = label(editor, seed=arguments.seed, recipe=f"columns: {said}")
    sheet = contact_sheet(tiles, len(columns), names=("original", *AGE_GROUPS, *GENDERS))
    write_whole(arguments.out, encode(sheet, "png" if arguments.out.suffix == ".png" else "jpeg", told))


if __name__ == "__main__":
    main()
