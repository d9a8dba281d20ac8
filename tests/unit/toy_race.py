"""A race in miniature: stripes for fakes, a spectrum for features, an attack that looks for unknown stripes."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.attacks.base import Effort, Forged, Report, Target
from detectors.attacks.catalog import ATTACKS
from detectors.data import Example, read_pixels
from detectors.lineage import Lineage
from detectors.race.contender import Newcomers, Remembered, Tensors
from detectors.race.defence import Linear
from detectors.race.engine import Entry, run_race
from detectors.race.settings import RaceSettings
from detectors.registry import Registry
from detectors.shipped import shipped
from detectors.washed_views import Views, chain
from generators.base import FakeBatch, Family, everywhere
from generators.catalog import GENERATORS
from generators.images import Images, Pixels, to_float
from generators.weights import ModelCard

if TYPE_CHECKING:
    from torch import Tensor

IN_WORKERS = "UNFORGED_TEST_TOYS"
"""Variable of the environment that puts the toys into the catalogues of other processes."""

SIDE_PX, N_BINS = 64, 15
N_FEATURES = 3 * N_BINS
FREQUENCIES = (4, 7, 10, 13)
"""Cycles of the stripes over a picture: what generators draw, the first one before any attack."""

RACE = RaceSettings(
    attacks=("stripes",),
    unseen=("stripes-red",),
    rounds=2,
    n_photos=80,
    n_fakes=40,
    memory=100,
    max_false_positives=0.3,
    tether=0.01,
)


def striped(pixels: Pixels, frequency: int, channel: int = 1) -> Pixels:
    """The photo with upright stripes over it."""
    wave = 40 * np.sin(2 * np.pi * frequency * np.arange(pixels.shape[1]) / pixels.shape[1])
    out = pixels.astype(np.float64)
    out[:, :, channel] += wave[None]
    return np.clip(out, 0, 255).astype(np.uint8)


class Stripes:
    """Generator: stripes of the first frequency."""

    name: ClassVar[str] = "stripes-made"
    about: ClassVar[str] = "Stripes."
    family: ClassVar[Family] = Family.GAN
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = SIDE_PX
    card: ModelCard | None = None
    channel: ClassVar[int] = 1

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """Draw them over each source."""
        photos = np.rint(sources.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
        images = to_float(np.stack([striped(photo, FREQUENCIES[0], self.channel) for photo in photos]))
        return FakeBatch(images, everywhere(images), ("stripes",) * len(images), self.name, seed)


class RedStripes(Stripes):
    """Generator that is never learned from."""

    name = "stripes-red"
    channel = 0


class StripesAttack:
    """Attack: the frequency that the detector scores lowest."""

    name: ClassVar[str] = "stripes"
    about: ClassVar[str] = "Looks for stripes that the detector does not know."
    generator: ClassVar[str] = "stripes-made"
    white_box: ClassVar[bool] = False
    side_px: ClassVar[int] = SIDE_PX
    needs_faces: ClassVar[bool] = False

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Try all."""
        scores = {f: float(target.score([striped(p, f) for p in photos[:8]]).mean()) for f in FREQUENCIES}
        best = min(scores, key=lambda f: scores[f])
        (folder / "frequency.json").write_text(json.dumps(best))
        return f"{best} cycles"

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Draw them."""
        frequency = json.loads((folder / "frequency.json").read_text())
        fakes = tuple(striped(photo, frequency) for photo in photos)
        return Forged(fakes, tuple(striped(p, FREQUENCIES[0]) for p in photos), ("stripes",) * len(fakes))


class ToyContender:
    """Reads the spectrum of the mean row."""

    name = "synthetic"

    def features(self, pixels: Pixels) -> NDArray[np.float32]:
        """(N_FEATURES,) log amplitudes."""
        square = cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float64)
        amplitudes = np.abs(np.fft.rfft(square.mean(axis=0), axis=0))[1 : N_BINS + 1]  # (N_BINS, 3)
        return np.log1p(amplitudes).astype(np.float32).ravel()

    def usable(self, examples: Sequence[Example]) -> tuple[Example, ...]:
        """All."""
        return tuple(examples)

    def known(
        self, examples: Sequence[Example], *, n_views: int, cache: Path | None, progress: Callable[[int], None] | None
    ) -> Views:
        """Views of each."""
        rows = [
            [self.features(chain(e.path.name, view, 1)(read_pixels(e))) for view in range(n_views)] for e in examples
        ]
        return Views(np.array(rows, np.float32).reshape(len(rows), n_views, N_FEATURES), tuple(examples), ())

    def reading(self, tensors: Tensors) -> Linear:
        """As stored."""
        return Linear(tensors["weights"].astype(np.float32), float(tensors["bias"].item()))

    def remembered(self, tensors: Tensors) -> Remembered | None:
        """Nothing."""
        return None

    def critic(self, reading: Linear) -> Callable[[Tensor], Tensor]:
        """None that the toy attack would ask."""

        def critic(images: Tensor) -> Tensor:
            raise AssertionError("the toy attack asks for scores alone")

        return critic

    def renewed(
        self, tensors: Tensors, reading: Linear, llr_range: tuple[float, float], newcomers: Newcomers
    ) -> dict[str, NDArray[Any]]:
        """The reading alone."""
        return {**tensors, "weights": reading.weights, "bias": np.array([reading.bias], np.float64)}


def photos(folder: Path, n_sources: int = 20, n_each: int = 4) -> Path:
    """Smooth noisy pictures, in a subfolder for each source."""
    for source in range(n_sources):
        (folder / f"s{source:02d}").mkdir(parents=True)
        for number in range(n_each):
            rng = np.random.default_rng((source, number))
            coarse = rng.uniform(40, 210, (5, 5, 3)).astype(np.float32)
            smooth = cv2.resize(coarse, (SIDE_PX + 8, SIDE_PX + 8), interpolation=cv2.INTER_CUBIC)
            noisy = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"s{source:02d}" / f"{number}.png")
    return folder


def begin(models: Path) -> Path:
    """A registry in which a version stands that knows nothing: it takes every picture for a fake."""
    registry = Registry(models)
    tensors: Mapping[str, NDArray[Any]] = {
        "weights": np.zeros(N_FEATURES, np.float32),
        "bias": np.zeros(1),
        "llr_range": np.array([-2.0, 2.0]),
    }
    card = replace(shipped("synthetic").card, data={}, thresholds={"0.01": 0.5, "0.05": 0.4}, sets={})
    version = registry.add("synthetic", tensors, card, Lineage(parent=card.version, race="toy", round=0))
    registry.promote("synthetic", version.version, by="test", reason="the toy begins with it")
    return models


def install(put: Callable[[dict[str, str], str, str], None]) -> None:
    """Put the toys into the catalogues."""
    put(ATTACKS._built_in, "stripes", "tests.unit.toy_race:StripesAttack")
    put(GENERATORS._built_in, "stripes-made", "tests.unit.toy_race:Stripes")
    put(GENERATORS._built_in, "stripes-red", "tests.unit.toy_race:RedStripes")


def entry(root: Path, settings: RaceSettings = RACE) -> Entry:
    """Of a race below a folder that `photos` and `begin` have prepared."""
    return Entry(
        out=root / "race",
        photos=root / "photos",
        models=root / "models",
        settings=settings,
        contender=ToyContender(),
    )


def main() -> None:
    """Run the race below a folder in a process that dies, without any warning, while it is at a step of round 0."""
    install(dict.__setitem__)
    root, step = Path(sys.argv[1]), sys.argv[2]

    def say(text: str) -> None:
        if text.startswith(f"round 0: {step}"):
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in run_race(entry(root), resume=(root / "race" / "race.json").is_file(), say=say):
        pass


if os.environ.get(IN_WORKERS):
    install(dict.__setitem__)

if __name__ == "__main__":
    main()
