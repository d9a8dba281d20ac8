"""What benchmarks of speed share: costs by the clock and of the processor, turns, intervals, pictures, the machine.

Whatever is compared is measured in turns within one run, so that a machine that others use too slows all of it alike.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from generators.processor import usable_processors

WEB_SIZE_PX = (1024, 768)
WEB_QUALITY = 85

N_SCENES = 12
"""Different ones that pictures are cut out of: one takes half a second to make, a cut some milliseconds."""

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Cost:
    """Of some work.

    Attributes:
        wall_s: by the clock.
        cpu_s: processor time of this process.
        peak_mb: the most memory at once, 0 where it was not measured.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


def measured(work: Callable[[], object]) -> Cost:
    """Do it once."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall_s, time.process_time() - cpu_s)


def in_turns(tasks: Mapping[str, Callable[[int], object]], n_turns: int) -> dict[str, list[Cost]]:
    """Do each task so many times, one after the other, after one turn to warm up.

    Args:
        tasks: name -> what is to be done; it gets the number of the turn, so that it need not do the same again.
        n_turns: at least 1.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in tasks}
    for turn in range(n_turns + 1):
        for name, task in tasks.items():
            cost = measured(lambda: task(turn))  # noqa: B023
            if turn:
                costs[name].append(cost)
    return costs


def ratio(over: Sequence[float], under: Sequence[float], *, seed: int = 0) -> tuple[float, float, float]:
    """Ratio of two sums over the same turns, with a 95 % interval from drawing whole turns anew (bootstrap)."""
    above, below = np.asarray(over, np.float64), np.asarray(under, np.float64)
    drawn = np.random.default_rng(seed).integers(len(above), size=(N_RESAMPLES, len(above)))
    low, high = np.quantile(above[drawn].sum(axis=1) / below[drawn].sum(axis=1), (0.025, 0.975))
    return float(above.sum() / below.sum()), float(low), float(high)


def told(value: tuple[float, float, float]) -> str:
    """A value with its interval."""
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def machine() -> str:
    """What this runs on and how busy that is, in one line."""
    n_usable = usable_processors()
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"{_processor()}, {n_usable} processors, {memory_gb:.0f} GB, {platform.system()}; load {load}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


class WebPictures:
    """Makes JPEGs, no two of which look alike, at the price of an encode.

    Args:
        size_px: width and height; those of web pictures unless told otherwise.
    """

    def __init__(self, size_px: tuple[int, int] = WEB_SIZE_PX) -> None:
        from tests.make_media import photo

        self._size_px = width, height = size_px
        self._scenes = [photo(1000 + i, width=width * 3 // 2, height=height * 3 // 2) for i in range(N_SCENES)]

    def write(self, folder: Path, n: int, *, seed: int = 0) -> list[Path]:
        """Make files.

        Args:
            folder: made if it is not there.
            n: how many.
            seed: others for another one.

        Returns:
            Their paths.
        """
        from tests.make_media import jpeg

        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        paths = [folder / f"{number:05d}.jpg" for number in range(n)]
        for path in paths:
            path.write_bytes(jpeg(self._cut(rng), WEB_QUALITY))
        return paths

    def _cut(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Another place of a scene at another scale, turned over or not, brighter or darker."""
        width, height = self._size_px
        scene = self._scenes[int(rng.integers(N_SCENES))]
        share = float(rng.uniform(0.35, 1.0))
        rows, columns = round(share * scene.shape[0]), round(share * scene.shape[1])
        top, left = (int(rng.integers(n + 1)) for n in (scene.shape[0] - rows, scene.shape[1] - columns))
        part = scene[top : top + rows, left : left + columns][:: int(rng.choice((-1, 1))), :: int(rng.choice((-1, 1)))]
        sized = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_AREA)
        return np.clip(sized * rng.uniform(0.7, 1.2, 3) + rng.uniform(-20, 20), 0, 255).astype(np.uint8)
