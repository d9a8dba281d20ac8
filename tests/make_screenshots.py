"""Screenshots: kept for whoever looks at a run, and made small for the documents."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from tests.upkeep.documents import ROOT

KEPT = "UNFORGED_SCREENSHOTS"
"""Names the folder that screenshots of a run are kept in."""

DOCS = "UNFORGED_DOCS_IMAGES"
"""Set to make the pictures of the documents anew."""

N_COLOURS = (256, 128, 64, 32)
"""The most that leave it small enough."""

MAX_BYTES = 150_000

MAX_HEIGHT_PX = 1000


def keep(path: Path) -> None:
    """Copy a screenshot to where the run keeps them, and to the documents if they are made anew."""
    folder = os.environ.get(KEPT)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / path.name).write_bytes(path.read_bytes())
    target = ROOT / "docs" / "images" / f"dashboard-{path.name}"
    if os.environ.get(DOCS) and target.exists():  # of a picture that the documents show already
        shrink(path, target)


def shrink(source: Path, target: Path, height_px: int = MAX_HEIGHT_PX) -> None:
    """The upper part with fewer colours, under 150 kB.

    Args:
        source: a screenshot.
        target: in the documents.
        height_px: of the upper part.
    """
    with Image.open(source) as image:
        part = image.convert("RGB").crop((0, 0, image.width, min(image.height, height_px)))
    for n_colours in N_COLOURS:
        part.quantize(n_colours, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= MAX_BYTES:
            return
