"""Whether the tower takes the faster way of multiplying on this machine, and how far apart both ways are.

    python -m benchmarks.tower_products [--n 20] [--threads 1]

Rounded activations and float32 in turns, at the sides of `synthetic` and `glance`, and how far apart the log odds lie
that `synthetic` gives to the same made photos either way. The exit code is 1 where the way that is taken is the slower
one at 224 pixels, beyond its interval.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.bare import bare_tower
from benchmarks.timing import in_turns, machine, ratio, told
from detectors.glance import Glance
from detectors.synthetic import Synthetic
from detectors.token_features import whole_picture
from detectors.tower_products import rounding_pays, runtime_rounds
from detectors.vision_tower import SIDE_PX
from generators.processor import multiplies_bytes

N_PHOTOS = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20, help="turns")
    parser.add_argument("--threads", type=int, default=1, help="that ONNX Runtime may use")
    given = parser.parse_args(arguments)
    print(machine())
    print(f"bytes multiplied in one instruction: {multiplies_bytes()}; kernels that round: {runtime_rounds()}")
    is_slower = False
    for side_px in (SIDE_PX, Glance.side_px):
        low, high = compare(side_px, given.n, given.threads)
        is_slower |= side_px == SIDE_PX and (low > 1 if rounding_pays() else high < 1)
    print(f"taken here: {'rounded' if rounding_pays() else 'float32'}")
    return int(is_slower)


def compare(side_px: int, n: int, n_threads: int) -> tuple[float, float]:
    """Measure and print both ways at one side; the interval of rounded over float32."""
    from tests.make_media import photo

    photos = [photo(i) for i in range(N_PHOTOS)]
    towers = {name: bare_tower(n_threads, name == "rounded") for name in ("rounded", "float32")}
    small = [whole_picture(pixels, side_px) for pixels in photos]
    tasks = {name: (lambda turn, tower=tower: tower.tokens(small[turn % N_PHOTOS])) for name, tower in towers.items()}
    walls = {name: [cost.wall_s for cost in turns] for name, turns in in_turns(tasks, n).items()}
    found = ratio(walls["rounded"], walls["float32"])
    seconds = ", ".join(f"{name} {float(np.median(taken)):.3f} s" for name, taken in walls.items())
    print(f"{side_px} pixels: {seconds}; rounded takes {told(found)} times as long")
    if side_px == SIDE_PX:
        scores = np.array([Synthetic(tower=tower).score(photos).fake for tower in towers.values()], np.float64)
        odds = np.log(scores / (1 - scores))
        print(f"log odds of {N_PHOTOS} made photos differ by {np.abs(odds[0] - odds[1]).max():.3f} at most")
    return found[1], found[2]


if __name__ == "__main__":
    sys.exit(main())
