"""Time of the trained detectors: faces a second, a picture of 2 megapixels through all, a clip.

Processor seconds are printed beside the clock: on a machine that others use too, only they say what the work costs.

    python -m benchmarks.learned_speed [--n 10] [--threads 2]

The face is that of an astronaut (NASA, public domain), which scikit-image brings.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable


def main() -> None:
    """Measure and print one line a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10, help="repetitions")
    parser.add_argument("--threads", type=int, default=2, help="that ONNX Runtime and PyTorch may use")
    arguments = parser.parse_args()
    n = arguments.n
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)  # before ONNX Runtime and PyTorch are loaded
    import cv2
    import numpy as np
    from skimage.data import astronaut

    from detectors.face_crops import located
    from detectors.loading import load
    from forensics.analyzers.learned import Learned
    from forensics.media import Media
    from forensics.settings import ScanSettings
    from generators.launder import Jpeg

    portrait = np.ascontiguousarray(astronaut()[:288])
    small = np.asarray(cv2.resize(portrait, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)
    large = Media.open(Jpeg(90).encode(np.asarray(cv2.resize(portrait, (1730, 1156), interpolation=cv2.INTER_CUBIC))))
    assert large.pixels.size and len(located(small)) == 1
    frames = [small] * 16
    tasks: dict[str, Callable[[], object]] = {
        "face, 1280 x 720 with one face": lambda: load("face").score([small]),
        "MTCNN alone, 1280 x 720": lambda: located(small),
        "all trained detectors, 2 megapixels with one face": lambda: list(Learned(ScanSettings()).examine(large)),
        "temporal, 16 frames of 1280 x 720": lambda: load("temporal").score_clip(frames),  # type: ignore[attr-defined]
    }
    for name, task in tasks.items():
        wall_s, cpu_s = _best(task, n)
        print(f"{name}: {wall_s:.3f} s, {cpu_s:.3f} processor seconds, {1 / wall_s:.1f} a second")


def _best(task: Callable[[], object], n: int) -> tuple[float, float]:
    """The least time by the clock and of the processors, after one run to warm up."""
    task()
    found = []
    for _ in range(n):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        task()
        found.append((time.perf_counter() - wall_s, time.process_time() - cpu_s))
    return min(w for w, _ in found), min(c for _, c in found)


if __name__ == "__main__":
    main()
