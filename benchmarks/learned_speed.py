"""Time of the trained detectors: `synthetic` beside its bare network, 2 megapixels through all, faces, a clip.

Every repetition sees another picture, since detectors remember what the network saw last. Processor seconds are printed
beside the clock: on a machine that others use too, only they say what the work costs. The exit code is 1 where a goal
is missed: `synthetic` at most 1.3 times its bare network, 2 megapixels through all in at most 0.6 s.

    python -m benchmarks.learned_speed [--n 10] [--threads 2]

The face is that of an astronaut (NASA, public domain), which scikit-image brings.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from benchmarks.timing import WEB_SIZE_PX, in_turns, machine, ratio, told

BARE = "bare network"
SYNTHETIC = "synthetic, 1024 x 768"
LARGE = "all trained detectors, 2 megapixels with one face"

N_FRAMES = 16

TIMES_BARE, LARGE_S = 1.3, 0.6
"""Goals, see above."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10, help="repetitions")
    parser.add_argument("--threads", type=int, default=2, help="that ONNX Runtime and PyTorch may use")
    given = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = str(given.threads)  # before ONNX Runtime and PyTorch are loaded
    print(machine())
    costs = in_turns(tasks(given.n, given.threads), given.n)
    middle = {name: sorted(turns, key=lambda cost: cost.wall_s)[len(turns) // 2] for name, turns in costs.items()}
    for name, cost in middle.items():
        print(f"{name}: {cost.wall_s:.3f} s, {cost.cpu_s:.3f} processor seconds, {1 / cost.wall_s:.1f} a second")
    own, bare = costs[SYNTHETIC], costs[BARE]
    times_bare = ratio([cost.wall_s for cost in own], [cost.wall_s for cost in bare])
    by_processor = ratio([cost.cpu_s for cost in own], [cost.cpu_s for cost in bare])
    print(
        f"{SYNTHETIC}: {told(times_bare)} times its bare network by the clock, {told(by_processor)} by processor time"
    )
    print(f"goals: {TIMES_BARE} times; {LARGE}: {LARGE_S} s; n = {given.n}")
    return int(times_bare[0] > TIMES_BARE or middle[LARGE].wall_s > LARGE_S)


def tasks(n: int, n_threads: int) -> dict[str, Callable[[int], object]]:
    """What is measured, by name; made here, as it loads all that the detectors need."""
    import cv2
    import numpy as np
    from numpy.typing import NDArray
    from skimage.data import astronaut

    from benchmarks.bare import bare_tower
    from detectors.clips import score_clip
    from detectors.face_crops import located
    from detectors.loading import load
    from detectors.token_features import whole_picture
    from forensics.analyzers.learned import Learned
    from forensics.media import Media
    from forensics.settings import ScanSettings
    from generators.launder import Jpeg

    portrait = np.ascontiguousarray(astronaut()[:288])  # type: ignore[no-untyped-call]

    def pictures(width: int, height: int, n_more: int = 0) -> list[NDArray[np.uint8]]:
        """One for each turn, and more; the same scene, a little brighter each time."""
        sized = cv2.resize(portrait, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        return [np.clip(sized + turn, 0, 255).astype(np.uint8) for turn in range(n + 1 + n_more)]

    web, small = pictures(*WEB_SIZE_PX), pictures(1280, 720, n_more=N_FRAMES)
    large = [Media.open(Jpeg(90).encode(pixels)) for pixels in pictures(1730, 1156)]
    assert all(media.pixels.size for media in large) and len(located(small[0])) == 1
    seen = [whole_picture(pixels) for pixels in web]
    tower, every = bare_tower(n_threads), Learned(ScanSettings())
    return {
        BARE: lambda turn: tower.tokens(seen[turn]),
        SYNTHETIC: lambda turn: load("synthetic").score([web[turn]]),
        LARGE: lambda turn: list(every.examine(large[turn])),
        "face, 1280 x 720 with one face": lambda turn: load("face").score([small[turn]]),
        "MTCNN alone, 1280 x 720": lambda turn: located(small[turn]),
        f"temporal, {N_FRAMES} frames of 1280 x 720": lambda turn: score_clip(
            load("temporal"), small[turn : turn + N_FRAMES]
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
