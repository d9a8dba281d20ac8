"""Searches for the kind of self-blend that a detector doubts least, among those that still change the face.

Black box, by the cross-entropy method: kinds are drawn around a mean, and mean and spread move to the best of them.
The shipped detector `synthetic` hardly sees self-blends (AUROC 0.53 on 60 faces and their blends): against it there is
nothing to hide until it has learned them.

Source:
    Rubinstein, The cross-entropy method for combinatorial and continuous optimization, Methodology and Computing in
    Applied Probability 1999.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.attacks.base import Effort, Forged, Report, Target
from detectors.attacks.plain import TUNING_SEED
from detectors.attacks.searching import mean_logit
from generators.images import Images, Pixels, to_float, to_uint8
from generators.selfblend import PAPER, Ranges, SelfBlend
from generators.whole_files import write_whole

FILE = "ranges.json"
"""What was found, in the folder of the attack."""

SPANS = tuple(field.name for field in fields(Ranges) if field.name not in ("softened", "strengths"))
"""Ranges that are narrowed; whether versions are softened, and the weight of the blend, are chosen."""

WIDTH = 0.3
"""Of a narrowed range over the paper's: fakes still differ from each other."""

LEAST_CHANGE = 4 / 255
"""Mean change inside the mask that a kind must make, 0..1: a blend that changes nothing is a photo, and would win."""

SPREAD, LEAST_SPREAD = 0.4, 0.08
"""Of the first draws, on a scale on which the paper's range has a width of 1; and the least one."""

N_CANDIDATES, N_ROUNDS, ELITE = 12, 3, 0.34
"""At least so many kinds are tried, in so many rounds, and this share of a round moves the mean."""

MAX_PROBES, MAX_DRAWS = 8, 60

Kind: TypeAlias = NDArray[np.float64]
"""(len(SPANS) + 2,) 0..1: middles of the narrowed ranges, softened or not, and which weight."""


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes:
        ranges: of the best kind; the paper's where none was better.
        before, after: mean log odds of fake, of the paper's kind and of the best, on the photos it was tried on.
        change: mean change inside the mask by the best kind, 0..1.
        n_queries: pictures put to the detector.
    """

    ranges: Ranges
    before: float
    after: float
    change: float
    n_queries: int

    @property
    def words(self) -> str:
        """As a plain clause."""
        change = f"faces changed by {255 * self.change:.0f} of 255"
        return f"{self.n_queries} queries, log odds {self.before:.1f} -> {self.after:.1f}, {change}"


def search(target: Target, photos: Sequence[Pixels], effort: Effort, report: Report | None = None) -> Found:
    """Find a kind of self-blend.

    Args:
        target: only `score` is used.
        photos: of one size, to try kinds on; as many are used as the queries allow.
        effort: `n_queries` in all, and `seed`.
        report: called after each kind.

    Raises:
        ValueError: there is no photo, or a score is no number.
    """
    if not photos:
        raise ValueError("a search for a kind of self-blend needs photos to try it on, got none")
    probes = to_float(np.stack(photos[: int(np.clip(effort.n_queries // N_CANDIDATES, 1, MAX_PROBES))]))
    n_tries = max(effort.n_queries // len(probes) - 1, 0)
    seed, rng = TUNING_SEED + effort.seed, np.random.default_rng(effort.seed)
    pictures, change = _blended(PAPER, probes, seed)
    before = mean_logit(target, pictures)
    best, n_queries = Found(PAPER, before, before, change, len(probes)), len(probes)
    mean, spread = np.full(len(SPANS) + 2, 0.5), np.full(len(SPANS) + 2, SPREAD)
    tried: list[tuple[float, Kind]] = []
    for attempt in range(n_tries):
        kind, pictures, change = _changing(mean, spread, probes, seed, rng)
        n_queries += len(probes)
        after = mean_logit(target, pictures)
        if after < best.after:
            best = Found(_ranges(kind), before, after, change, n_queries)
        tried.append((after, kind))
        if len(tried) >= max(n_tries // N_ROUNDS, 3):
            mean, spread = _moved(tried)
            tried = []
        if report is not None:
            report(attempt + 1, n_tries, f"log odds {before:.1f} -> {best.after:.1f}")
    return Found(best.ranges, before, best.after, best.change, n_queries)


class SelfBlendSearch:
    """One kind of self-blend for all faces."""

    name: ClassVar[str] = "selfblend"
    about: ClassVar[str] = (
        "Faces are blended with themselves in the way that lowers the score most and still changes them."
    )
    generator: ClassVar[str] = "selfblend"
    white_box: ClassVar[bool] = False
    side_px: ClassVar[int] = 160
    needs_faces: ClassVar[bool] = True

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Search, unless there was a search already; see `Attack.tune`."""
        path = folder / FILE
        if not path.is_file():
            found = search(target, photos, effort, report)
            write_whole(path, (json.dumps(asdict(found), indent=1) + "\n").encode())
        return _read(path).words

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Blend each photo; see `Attack.forge`.

        Raises:
            FileNotFoundError: nothing was searched for yet.
            ValueError: what was found is damaged.
        """
        ranges = _read(folder / FILE).ranges
        if not photos:
            return Forged((), (), ())
        sources = to_float(np.stack(photos))
        fakes, plain = (SelfBlend(of).forge(sources, seed=seed) for of in (ranges, PAPER))
        return Forged(tuple(to_uint8(fakes.images)), tuple(to_uint8(plain.images)), fakes.recipes)


def _changing(
    mean: Kind, spread: Kind, probes: Images, seed: int, rng: np.random.Generator
) -> tuple[Kind, list[Pixels], float]:
    """A kind around the mean that changes faces enough; the one that changes them most where none was drawn."""
    best: tuple[Kind, list[Pixels], float] | None = None
    for _ in range(MAX_DRAWS):
        kind = rng.normal(mean, spread).clip(0, 1)
        pictures, change = _blended(_ranges(kind), probes, seed)
        if best is None or change > best[2]:
            best = kind, pictures, change
        if change >= LEAST_CHANGE:
            return kind, pictures, change
    assert best is not None
    return best


def _blended(ranges: Ranges, probes: Images, seed: int) -> tuple[list[Pixels], float]:
    """Probes blended, and their mean change inside the masks."""
    made = SelfBlend(ranges).forge(probes, seed=seed)
    change = np.abs(made.images - probes).mean(axis=1, keepdims=True)[made.masks > 0]
    return list(to_uint8(made.images)), float(change.mean()) if change.size else 0.0


def _ranges(kind: Kind) -> Ranges:
    plain: dict[str, Any] = {}
    for name, place in zip(SPANS, kind, strict=False):
        low, high = getattr(PAPER, name)
        width = (high - low) * WIDTH
        start = low + float(place) * (high - low - width)
        plain[name] = (start, start + width)
    strengths = sorted(set(PAPER.strengths))
    strength = strengths[min(int(kind[-1] * len(strengths)), len(strengths) - 1)]
    return Ranges(**plain, softened=float(kind[-2] >= 0.5), strengths=(strength,))


def _moved(tried: Sequence[tuple[float, Kind]]) -> tuple[Kind, Kind]:
    """Mean and spread of the best of a round."""
    order = sorted(tried, key=lambda one: one[0])
    elite = np.stack([kind for _, kind in order[: max(2, round(len(order) * ELITE))]])
    return elite.mean(axis=0), elite.std(axis=0).clip(LEAST_SPREAD)


def _read(path: Path) -> Found:
    raw = path.read_text(encoding="utf-8")
    try:
        plain = json.loads(raw)
        ranges: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in plain["ranges"].items()
        }
        return Found(**plain | {"ranges": Ranges(**ranges)})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path.name} holds no kind of self-blend: {error}") from error
