"""Draw the picture of the README: the dashboard beside a photo in which a rocket was copied.

    python -m benchmarks.dashboard_picture --out docs/images [--width 1280]

The photo is scikit-image's `rocket` (SpaceX, in the public domain), the copy is made here. Needs the extras dashboard
and test, and Chromium.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from generators.images import Pixels
from tests.make_browser import rest, shoot
from tests.make_house import WIDTHS, bring, open_house
from tests.make_screenshots import shrink

COLUMNS, TOP, SHIFT_PX = slice(300, 344), 118, 66
"""Where the rocket stands, and how far to the right its copy."""

WIPED = 66
"""Of a hundred: how far the heat map reaches."""

MOVE = "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input', { bubbles: true })); }"

HEIGHT_PX = 1160
"""Down to the foot of the picture."""

SOFT_PX = 2.0
"""Width of the border of the copy."""


def two_rockets() -> Pixels:
    """(427, 640, 3): the launch pad with one rocket more."""
    from skimage.data import rocket

    photo = np.asarray(rocket(), np.uint8)
    weight = np.zeros(photo.shape[:2], np.float32)
    weight[TOP:, COLUMNS.start + SHIFT_PX : COLUMNS.stop + SHIFT_PX] = 1
    weight = cv2.GaussianBlur(weight, (0, 0), SOFT_PX)[..., None]
    return np.rint(photo * (1 - weight) + np.roll(photo, SHIFT_PX, axis=1) * weight).astype(np.uint8)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--out", type=Path, required=True)
    cli.add_argument("--width", type=int, choices=WIDTHS, action="append")
    args = cli.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, open_house(Path(name), analyzers=None) as house:
        suspect = Path(name) / "two_rockets.jpg"
        Image.fromarray(two_rockets()).save(suspect, quality=92, subsampling=0)
        for width in args.width or WIDTHS:
            page = house.enter("mia", width=width, dark=width < 600)
            bring(page, suspect)
            rest(page)
            # Not by hand: that would scroll there, and leave a ring around what has the focus.
            page.get_by_role("slider").first.evaluate(MOVE, WIPED)
            shoot(page, Path(name) / "shot.png")
            shrink(Path(name) / "shot.png", args.out / f"dashboard-rockets-{width}.png", HEIGHT_PX)


if __name__ == "__main__":
    main()
