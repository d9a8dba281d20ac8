"""Searches for the wash that makes a detector doubt its fakes most and still leaves the picture what it was.

Black box: only scores are asked for. Half of the queries go to washes at random, half to small changes of the best one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from detectors.attacks.base import Effort, Forged, Report, Target
from detectors.attacks.likeness import Likeness, likeness
from detectors.attacks.plain import TUNING_SEED, plain_fakes
from detectors.attacks.searching import mean_logit
from detectors.attacks.washes import Wash, drawn, from_json, to_json, varied, washed, words
from generators.images import Pixels
from generators.whole_files import write_whole

FILE = "wash.json"
"""What was found, in the folder of the attack."""

FLOOR = Likeness(psnr_db=26.0, structure=0.8)
"""Of a washed fake to the unwashed one, in the mean. JPEG of quality 50 leaves photos some 30 dB and 0.9; under this a
viewer sees that the picture was spoilt."""

MAX_DRAWS = 200
"""Washes drawn in a row for one that leaves enough; asking for a likeness costs no query."""

N_CANDIDATES = 12
"""At least so many washes are tried: a few fakes each are enough to tell them apart, more washes find better ones."""

MAX_PROBES = 8
"""Fakes that each wash is tried on, at most."""


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes:
        wash: the best one.
        before, after: mean log odds of fake, unwashed and washed, of the fakes that it was tried on.
        likeness: of these, washed to unwashed, in the mean.
        n_queries: pictures put to the detector.
    """

    wash: Wash
    before: float
    after: float
    likeness: Likeness
    n_queries: int

    @property
    def words(self) -> str:
        """As a plain clause."""
        left = f"{self.likeness.psnr_db:.1f} dB and SSIM {self.likeness.structure:.2f} left"
        return f"{self.n_queries} queries, log odds {self.before:.1f} -> {self.after:.1f}, {left}: {words(self.wash)}"


def search(target: Target, fakes: Sequence[Pixels], effort: Effort, report: Report | None = None) -> Found:
    """Find a wash.

    Args:
        target: only `score` is used.
        fakes: to try washes on, 11 pixels a side or more; as many are used as the queries allow.
        effort: `n_queries` in all, and `seed`.
        report: called after each wash.

    Returns:
        The best wash; that of no steps where nothing was better.

    Raises:
        ValueError: there is no fake, or a score is no number.
    """
    if not fakes:
        raise ValueError("a search for a wash needs fakes to try it on, got none")
    probes = fakes[: int(np.clip(effort.n_queries // N_CANDIDATES, 1, MAX_PROBES))]
    n_tries = max(effort.n_queries // len(probes) - 1, 0)
    rng = np.random.default_rng(effort.seed)
    before = mean_logit(target, probes)
    best = Found((), before, before, _likeness(probes, probes), len(probes))
    n_queries = len(probes)
    for attempt in range(n_tries):
        near = best.wash if attempt >= n_tries // 2 else ()
        tried = _leaves_enough(near, probes, rng)
        if tried is not None:
            wash, pictures, like = tried
            n_queries += len(probes)
            if (after := mean_logit(target, pictures)) < best.after:
                best = Found(wash, before, after, like, n_queries)
        if report is not None:
            report(attempt + 1, n_tries, f"log odds {before:.1f} -> {best.after:.1f}")
    return replace(best, n_queries=n_queries)


class Laundering:
    """One wash for all fakes of a generator; what attacks are its subclasses."""

    name: ClassVar[str]
    about: ClassVar[str]
    generator: ClassVar[str]
    white_box: ClassVar[bool] = False
    side_px: ClassVar[int]
    needs_faces: ClassVar[bool] = False

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Search, unless there was a search already; see `Attack.tune`."""
        path = folder / FILE
        if not path.is_file():
            fakes, _ = plain_fakes(self.generator, photos[:MAX_PROBES], seed=TUNING_SEED + effort.seed)
            found = search(target, fakes, effort, report)
            plain: dict[str, Any] = asdict(found) | {"wash": to_json(found.wash)}
            write_whole(path, (json.dumps(plain, indent=1) + "\n").encode())
        return _read(path).words

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Make fakes and wash them; see `Attack.forge`.

        Raises:
            FileNotFoundError: nothing was searched for yet.
            ValueError: what was found is damaged.
        """
        wash = _read(folder / FILE).wash
        plain, recipes = plain_fakes(self.generator, photos, seed=seed)
        fakes = tuple(washed(wash, pixels, seed + i) for i, pixels in enumerate(plain))
        return Forged(fakes, plain, tuple(f"{recipe}, washed: {words(wash)}" for recipe in recipes))


class LaunderingDrawn(Laundering):
    """Small photos of a GAN."""

    name = "laundering"
    about = "Small photos of a GAN go through the chain of resizing, noise and coding that lowers their score most."
    generator = "photo-64"
    side_px = 64


class LaunderingRebuilt(Laundering):
    """Photos rebuilt by an autoencoder."""

    name = "laundering-rebuilt"
    about = "Rebuilt photos go through the chain of resizing, noise and coding that lowers their score most."
    generator = "reconstruct-f4"
    side_px = 256


def _leaves_enough(
    start: Wash, probes: Sequence[Pixels], rng: np.random.Generator
) -> tuple[Wash, list[Pixels], Likeness] | None:
    """A wash near `start`, any where that is none, that stays over the floor, with what it makes of the probes."""
    for _ in range(MAX_DRAWS):
        wash = varied(start, rng) if start else drawn(rng)
        pictures = [washed(wash, pixels, i) for i, pixels in enumerate(probes)]
        like = _likeness(pictures, probes)
        if like.reaches(FLOOR) and wash != start:
            return wash, pictures, like
    return None


def _likeness(changed: Sequence[Pixels], before: Sequence[Pixels]) -> Likeness:
    found = [likeness(a, b) for a, b in zip(changed, before, strict=True)]
    return Likeness(*(float(np.mean([getattr(one, name) for one in found])) for name in ("psnr_db", "structure")))


def _read(path: Path) -> Found:
    raw = path.read_text(encoding="utf-8")
    try:
        plain = json.loads(raw)
        return Found(**plain | {"wash": from_json(plain["wash"]), "likeness": Likeness(**plain["likeness"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path.name} holds no wash: {error}") from error
