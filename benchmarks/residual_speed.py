"""Pictures of 512 pixels a second through `residual`, beside its bare network; which weights it has does not matter.

Processor seconds are printed beside the clock: on a machine that others use too, only they say what the work costs.

python -m benchmarks.residual_speed [--n 50] [--threads 2]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.timing import in_turns, machine, ratio, told

SIDE_PX = 512
A_SECOND = 40
"""Goal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50, help="repetitions")
    parser.add_argument("--threads", type=int, default=2, help="that ONNX Runtime and OpenCV may use")
    given = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = str(given.threads)  # before ONNX Runtime is loaded
    import cv2

    from detectors.residual import READING, Residual
    from detectors.residual_graph import ResidualRuntime
    from detectors.residual_network import ResidualNetwork
    from detectors.residual_planes import residual_planes
    from generators.weights import ModelCard, save
    from tests.make_media import photo

    cv2.setNumThreads(given.threads)
    pictures = [photo(i, width=SIDE_PX, height=SIDE_PX) for i in range(8)]
    planes = [residual_planes(picture) for picture in pictures]
    tensors = ResidualNetwork().plain()
    calibration = {"weights": np.ones(1), "bias": np.zeros(()), "llr_range": np.array([-1.0, 1.0])}
    bare = ResidualRuntime(tensors)
    name, _, version = READING.rpartition("-")
    with tempfile.TemporaryDirectory() as folder:
        card = ModelCard(name, version, "speed alone", claim="synthetic")
        save({**tensors, **calibration, "heat_range": np.array([0.0, 1.0])}, card, Path(folder))
        detector = Residual(Path(folder))
        costs = in_turns(
            {
                "residual": lambda turn: detector.score([pictures[turn % len(pictures)]]),
                "bare network": lambda turn: bare.cells(planes[turn % len(planes)]),
            },
            given.n,
        )
    print(machine())
    for key, turns in costs.items():
        wall_s, cpu_s = (float(np.median(values)) for values in ([c.wall_s for c in turns], [c.cpu_s for c in turns]))
        least_s = min(cost.wall_s for cost in turns)
        print(f"{key}: {1 / wall_s:.0f} a second, {cpu_s:.4f} processor seconds; least {least_s:.4f} s")
    own, alone = ([cost.wall_s for cost in costs[key]] for key in ("residual", "bare network"))
    print(f"residual takes {told(ratio(own, alone))} times its bare network; goal {A_SECOND} a second")
    return int(float(np.median(own)) > 1 / A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
