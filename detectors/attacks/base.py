"""What an attack is: it may tune something against a detector that stays as it is, and then forges fakes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from generators.images import Pixels

if TYPE_CHECKING:
    from torch import Tensor

Scorer: TypeAlias = Callable[[Sequence[Pixels]], NDArray[np.float64]]
"""N pictures -> (N,) scores, 0 real to 1 fake, as a scan would give them."""


@dataclass(frozen=True, eq=False)
class Target:
    """The detector under attack. It never learns from being attacked.

    Attributes:
        score: what anybody can ask it; all that a black-box attack may use.
        threshold: score that real photos reach at the false-positive rate of the race; fakes under it got past.
        critic: (N, 3, H, W) float 0..1 -> (N,) log odds of fake, differentiable; what a white-box attack may use.
        transfer: the same of another detector, for attacks that know only that one; None where there is none.
    """

    score: Scorer
    threshold: float
    critic: Callable[[Tensor], Tensor]
    transfer: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Effort:
    """How much an attack may spend.

    Attributes:
        n_steps: of tuning.
        n_iterations: on one picture, of attacks that work on each by itself.
        n_queries: that a black-box attack may put to the detector, for a search or for one picture.
        batch_size: pictures a step.
        epsilon: largest change of a pixel by a perturbation, 0..1.
        minutes: of tuning; 0 is no limit.
        seed: of everything that is drawn.
    """

    n_steps: int = 100
    n_iterations: int = 10
    n_queries: int = 60
    batch_size: int = 8
    epsilon: float = 4 / 255
    minutes: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.n_steps, self.n_iterations, self.n_queries, self.batch_size) < 1:
            raise ValueError("an attack needs at least one step, query and picture a step")
        if not 0.0 < self.epsilon <= 1.0 or self.minutes < 0:
            raise ValueError(f"epsilon lies above 0 and up to 1 and minutes are 0 or more, not {self}")


@dataclass(frozen=True, eq=False)
class Forged:
    """What came out, picture by picture.

    Attributes:
        fakes: N pictures (H, W, 3) uint8 that shall get past.
        plain: the same fakes without the attack, for comparison: same latent, source and seed.
        recipes: how each fake was made, in words.
    """

    fakes: tuple[Pixels, ...]
    plain: tuple[Pixels, ...]
    recipes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.fakes) == len(self.plain) == len(self.recipes):
            raise ValueError(f"{len(self.fakes)} fakes, {len(self.plain)} plain ones and {len(self.recipes)} recipes")


Report: TypeAlias = Callable[[int, int, str], None]
"""Called now and then with steps done, steps in all, and a plain clause about how it goes."""


class Attack(Protocol):
    """Made without arguments. Same photos, seed and tuned state: same pixels.

    Attributes:
        name: written name in the catalogue.
        about: what it does, in one plain sentence.
        generator: the generator it works on, by its name in the catalogue of generators; "" for files as they are.
        white_box: whether it uses gradients of the detector.
        side_px: photos are handed in as squares of this side; reals that its fakes are compared with are shrunk alike.
        needs_faces: whether photos of faces are wanted.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    generator: ClassVar[str]
    white_box: ClassVar[bool]
    side_px: ClassVar[int]
    needs_faces: ClassVar[bool]

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Learn to get past, and keep in the folder whatever `forge` needs. What lies there already is gone on from.

        Args:
            target: the detector.
            photos: real ones, (side_px, side_px, 3) uint8, none of which is forged from later.
            folder: exists; the attack's own.
            effort: limits.
            report: called about once a step.

        Returns:
            What was done, as a plain clause such as "200 steps, critic 3.1 -> 0.4"; "" where nothing is tuned.

        Raises:
            ValueError: the photos will not do, or the loss is no number.
        """
        ...

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Make one fake for each photo, by what was tuned into the folder.

        Args:
            target: the detector.
            photos: N real ones, (side_px, side_px, 3) uint8; only their number counts where none is altered.
            folder: that `tune` wrote to.
            effort: limits of what is done for each picture.
            seed: fake i depends on photo i and seed + i alone.
        """
        ...
