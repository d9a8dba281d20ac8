"""How well the maps of analyzers and detectors show where a picture was altered: pixel AUROC on edits with masks.

Each picture is examined as a scan examines it, as the file that lies there and saved again as JPEG. A map says how
strongly each place is suspected, so the area under the curve over the pixels of one picture needs no threshold. A
finding without a map suspects every place alike, which is 0.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, read_pixels
from detectors.metrics import Interval, auroc
from detectors.operating import ENDS, redrawn
from forensics.errors import MediaError
from forensics.finding import Finding
from forensics.media import Media
from forensics.messages import Examiner
from forensics.overlay import to_jpeg

CONDITIONS: Mapping[str, int | None] = {"original": None, "q90": 90, "q75": 75}
"""Name -> JPEG quality that the picture is saved again with; None leaves the file as it is."""

SIDE_PX = 256
"""Longer side at which map and mask are compared: maps are coarser than that."""

N_RESAMPLES = 1000

ALL = "all"


@dataclass(frozen=True, eq=False)
class Located:
    """What one map said of one picture.

    Attributes:
        looked: whose map: the analyzer, or the detector of the analyzer `learned`, and what bright means.
        condition: of CONDITIONS.
        example: the picture.
        auroc: over its pixels.
    """

    looked: str
    condition: str
    example: Example
    auroc: float


@dataclass(frozen=True)
class MapRow:
    """How well a kind of map shows one kind of edit.

    Attributes:
        looked, condition: as in `Located`.
        generator: what altered the pictures; ALL for all of them.
        n: pictures.
        n_mapped: of them have such a map.
        auroc: mean over pictures; one without a map counts one half.
        interval: 95 %, whole sources redrawn.
        auroc_mapped: mean over pictures with a map; None without any.
    """

    looked: str
    condition: str
    generator: str
    n: int
    n_mapped: int
    auroc: float
    interval: Interval
    auroc_mapped: float | None


def locate(scanner: Examiner, example: Example, conditions: Sequence[str] = tuple(CONDITIONS)) -> Iterator[Located]:
    """Examine one altered picture under every condition.

    Args:
        scanner: whose findings are looked at.
        example: a picture with a mask, used as a whole.
        conditions: of CONDITIONS.

    Yields:
        One line for each map that was drawn.

    Raises:
        ValueError: picture or mask cannot be read, they differ in size, or nothing or all of it was altered.
    """
    mask = _mask(example)
    for condition in conditions:
        quality = CONDITIONS[condition]
        try:
            whole = example.path if quality is None else to_jpeg(read_pixels(example), quality)
            report = scanner.scan(Media.open(whole, name=example.path.name, limits=scanner.settings.limits))
        except MediaError as error:
            raise ValueError(f"{example.path} cannot be examined: {error}") from error
        for looked, heat in _maps(report.findings).items():
            size = mask.shape[1], mask.shape[0]
            area = auroc(mask.ravel(), cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR).ravel())
            yield Located(looked, condition, example, area)


def map_rows(located: Iterable[Located], examples: Sequence[Example], *, seed: int = 0) -> Iterator[MapRow]:
    """Sum up, for every kind of map and condition, over all pictures and each generator.

    Args:
        located: what `locate` said of the examples.
        examples: all that could be examined.
        seed: of the intervals.
    """
    said = list(located)
    for looked in sorted({one.looked for one in said}):
        for condition in dict.fromkeys(one.condition for one in said):
            own = [one for one in said if (one.looked, one.condition) == (looked, condition)]
            for generator in (ALL, *sorted({e.generator for e in examples})):
                chosen = [e for e in examples if generator in (ALL, e.generator)]
                areas = {one.example.path: one.auroc for one in own}
                yield _row((looked, condition, generator), chosen, areas, seed)


def _row(names: tuple[str, str, str], examples: Sequence[Example], areas: Mapping[Path, float], seed: int) -> MapRow:
    mapped = [areas[e.path] for e in examples if e.path in areas]
    values = np.array([areas.get(e.path, 0.5) for e in examples])
    counts = redrawn(np.array([e.source for e in examples]), np.random.default_rng(seed), N_RESAMPLES)
    low, high = np.quantile(counts @ values / counts.sum(1), ENDS)
    return MapRow(
        *names,
        n=len(examples),
        n_mapped=len(mapped),
        auroc=float(values.mean()),
        interval=Interval(float(low), float(high)),
        auroc_mapped=float(np.mean(mapped)) if mapped else None,
    )


def _maps(findings: Iterable[Finding]) -> dict[str, NDArray[np.float32]]:
    """Whose map it is, in words -> the map; where a finding repeats, the stronger suspicion of each place."""
    maps: dict[str, NDArray[np.float32]] = {}
    for finding in findings:
        if finding.heat is not None:
            owner = dict(finding.details).get("detector", finding.analyzer)
            looked, values = f"{owner}: {finding.heat.label}", finding.heat.values
            earlier = maps.get(looked)
            maps[looked] = values if earlier is None or earlier.shape != values.shape else np.maximum(earlier, values)
    return maps


def _mask(example: Example) -> NDArray[np.uint8]:
    """1 where it was altered, in small."""
    if example.mask is None or example.crop is not None:
        raise ValueError(f"{example.path} has no mask, or only a part of it is to be used")
    mask = cv2.imread(str(example.mask), cv2.IMREAD_GRAYSCALE)
    height, width = read_pixels(example).shape[:2]
    if mask is None or mask.shape != (height, width):
        raise ValueError(f"the mask {example.mask} is no picture of {width} x {height} pixels")
    scale = min(1.0, SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) >= 128).astype(np.uint8)
    if small.min() == small.max():
        raise ValueError(f"by the mask {example.mask}, all or nothing of the picture was altered")
    return small
