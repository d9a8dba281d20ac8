"""Square Attack by the Adversarial Robustness Toolbox: squares of colour, kept where the score falls. Scores suffice.

This is the one door to that library: another of its attacks on pictures would come in through `_Asked` too.

Source:
    Andriushchenko et al., Square Attack: a query-efficient black-box adversarial attack via random search, ECCV 2020.
    Nicolae et al., Adversarial Robustness Toolbox, arXiv 1807.01069.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.attacks.base import Effort, Forged, Report, Target
from detectors.attacks.plain import plain_fakes
from detectors.attacks.searching import logits
from generators.extras import needs
from generators.images import Pixels, to_float, to_uint8

MARGIN = 1.0
"""Natural log odds under the threshold at which a fake is left alone: what lies right under it is caught again by any
change of the file."""

SQUARE_SHARE, LARGEST_SIDE = 0.8, 0.9
"""Of the picture's area, and at most of its shorter side, at the start. Squares shrink with the share of queries spent:
the paper's 0.05, meant for ten thousand of them, would leave dots for the few that are asked here."""


class Square:
    """Fakes of the face GAN, each one perturbed by itself."""

    name: ClassVar[str] = "square"
    about: ClassVar[str] = (
        "Fakes with squares of slightly changed colour, found by asking the detector for scores alone."
    )
    generator: ClassVar[str] = "face-64"
    white_box: ClassVar[bool] = False
    side_px: ClassVar[int] = 64
    needs_faces: ClassVar[bool] = True

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Nothing; see `Attack.tune`.

        Raises:
            ImportError: the extra `attacks` is not installed.
        """
        with needs("attacks"):
            import art  # noqa: F401
        return ""

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Draw a fake for each photo and perturb it; see `Attack.forge`."""
        plain, recipes = plain_fakes(self.generator, photos, seed=seed)
        fakes, said = [], []
        for i, (pixels, recipe) in enumerate(zip(plain, recipes, strict=True)):
            fake, n_queries = perturbed(target, pixels, effort, seed + i)
            fakes.append(fake)
            said.append(f"{recipe}, perturbed by squares within {_steps(effort)}/255 in {n_queries} queries")
        return Forged(tuple(fakes), plain, tuple(said))


def perturbed(target: Target, pixels: Pixels, effort: Effort, seed: int) -> tuple[Pixels, int]:
    """One picture with squares on it.

    Args:
        target: only `score` and `threshold` are used.
        pixels: (H, W, 3) uint8.
        effort: `epsilon` holds after rounding to 8 bits; `n_queries` is never exceeded.
        seed: of this picture.

    Returns:
        The picture of the lowest score among all that were asked about, and how many these were.

    Raises:
        ValueError: epsilon is less than one step of 8 bits, or a score is no number.
        ImportError: the extra `attacks` is not installed.
    """
    if _steps(effort) < 1:
        raise ValueError(f"epsilon must be at least 1/255, not {effort.epsilon:g}")
    with needs("attacks"):
        from art.attacks.evasion import SquareAttack
        from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    asked = _Asked(target, effort.n_queries)
    images = to_float(pixels)
    estimator = BlackBoxClassifierNeuralNetwork(
        asked.log_odds, images.shape[1:], 2, channels_first=True, clip_values=(0.0, 1.0)
    )
    attack = SquareAttack(
        estimator,
        adv_criterion=lambda said, _: said[:, 1] < -MARGIN,
        loss=lambda x, _: estimator.predict(x)[:, 1],
        max_iter=effort.n_queries,
        eps=_steps(effort) / 255,
        p_init=_first_share(pixels),
        verbose=False,
    )
    with _drawn_from(seed), suppress(_Spent):
        attack.generate(images, y=np.array([[0.0, 1.0]]))
    return asked.best, len(asked.known)


class _Spent(Exception):
    """No query is left."""


class _Asked:
    """What the library takes for a classifier: remembers answers, so that none costs a second query.

    Attributes:
        known: contents of a picture -> log odds over the threshold.
        best: the picture of the lowest score so far.
    """

    def __init__(self, target: Target, n_queries: int) -> None:
        self._target, self._n_queries = target, n_queries
        self._bar = float(logits(np.array([target.threshold]))[0])
        self.known: dict[bytes, float] = {}
        self.best: Pixels

    def log_odds(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """(N, 3, H, W) 0..1 -> (N, 2), over the threshold, of real and of fake."""
        found = np.array([self._one(np.ascontiguousarray(one)) for one in to_uint8(images)])
        return np.stack([-found, found], axis=1)

    def _one(self, pixels: Pixels) -> float:
        key = pixels.tobytes()
        if key not in self.known:
            if len(self.known) >= self._n_queries:
                raise _Spent
            said = float(logits(self._target.score([pixels]))[0]) - self._bar
            if not self.known or said < min(self.known.values()):
                self.best = pixels
            self.known[key] = said
        return self.known[key]


@contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """The library draws from numpy's global state; it is put back."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _first_share(pixels: Pixels) -> float:
    height, width = pixels.shape[:2]
    largest: float = (LARGEST_SIDE * min(height, width)) ** 2 / (height * width)
    return min(SQUARE_SHARE, largest)


def _steps(effort: Effort) -> int:
    """Epsilon in steps of 8 bits."""
    return int(effort.epsilon * 255 + 1e-6)
