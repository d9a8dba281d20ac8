"""Pictures of 512 pixels a second through the quick detectors, `glance` and `residual`, each beside its bare network.

Processor seconds are printed beside the clock: on a machine that others use too, only they say what the work costs.
`residual` has random weights, as none ship: which it has does not matter. The exit code is 1 where `glance` misses the
goal.

python -m benchmarks.quick_speed [--n 50] [--threads 2]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.timing import in_turns, machine, ratio, told

SIDE_PX = 512
N_PICTURES = 8
A_SECOND = 40
"""Goal."""

BARE = "bare network of "


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50, help="repetitions")
    parser.add_argument("--threads", type=int, default=2, help="that ONNX Runtime and OpenCV may use")
    given = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = str(given.threads)  # before ONNX Runtime is loaded
    import cv2

    cv2.setNumThreads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        costs = in_turns(tasks(Path(folder), given.threads), given.n)
    print(machine())
    for name, turns in costs.items():
        wall_s, cpu_s = (float(np.median(values)) for values in ([c.wall_s for c in turns], [c.cpu_s for c in turns]))
        print(f"{name}: {1 / wall_s:.0f} a second, {cpu_s:.4f} processor seconds")
    walls = {name: [cost.wall_s for cost in turns] for name, turns in costs.items()}
    for name in ("glance", "residual"):
        print(f"{name} takes {told(ratio(walls[name], walls[BARE + name]))} times its bare network")
    print(f"goal: {A_SECOND} a second; n = {given.n}")
    return int(float(np.median(walls["glance"])) > 1 / A_SECOND)


def tasks(folder: Path, n_threads: int) -> dict[str, Callable[[int], object]]:
    """What is measured, by name; made here, as it loads all that the detectors need."""
    from benchmarks.bare import bare_tower
    from detectors.glance import Glance
    from detectors.residual import READING, Residual
    from detectors.residual_graph import ResidualRuntime
    from detectors.residual_network import ResidualNetwork
    from detectors.residual_planes import residual_planes
    from detectors.token_features import whole_picture
    from generators.weights import ModelCard, save
    from tests.make_media import photo

    pictures = [photo(i, width=SIDE_PX, height=SIDE_PX) for i in range(N_PICTURES)]
    small = [whole_picture(pixels, Glance.side_px) for pixels in pictures]
    planes = [residual_planes(pixels) for pixels in pictures]
    tensors = ResidualNetwork().plain()
    calibration = {"weights": np.ones(1), "bias": np.zeros(()), "llr_range": np.array([-1.0, 1.0])}
    name, _, version = READING.rpartition("-")
    card = ModelCard(name, version, "speed alone", claim="synthetic")
    save({**tensors, **calibration, "heat_range": np.array([0.0, 1.0])}, card, folder)
    glance, residual = Glance(), Residual(folder)
    tower, network = bare_tower(n_threads), ResidualRuntime(tensors)
    return {
        "glance": lambda turn: glance.score([pictures[turn % N_PICTURES]]),
        f"{BARE}glance": lambda turn: tower.tokens(small[turn % N_PICTURES]),
        "residual": lambda turn: residual.score([pictures[turn % N_PICTURES]]),
        f"{BARE}residual": lambda turn: network.cells(planes[turn % N_PICTURES]),
    }


if __name__ == "__main__":
    sys.exit(main())
