"""What `unforged train` can train: for each detector its settings, what it learns from, and its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from detectors.data import Example, Reader
    from generators.weights import ModelCard

NAMES = ("synthetic", "glance", "face", "temporal", "adversarial", "residual")


class Settings(Protocol):
    """Settings of any run."""

    @property
    def n_views(self) -> int: ...


class Run(Protocol):
    """Trains, calibrates and writes weights and card."""

    def __call__(
        self,
        examples: Sequence[Example],
        out: Path,
        settings: Any,
        *,
        cache: Path | None,
        reader: Reader,
        progress: Callable[[int], None] | None,
    ) -> ModelCard: ...


@dataclass(frozen=True)
class Trainable:
    """One detector that can be trained.

    Attributes:
        read: settings from the file of a recipe.
        default: settings without one.
        usable: the examples that a run with these settings learns from.
        run: the run.
        amount: what the run's progress adds up to, from the number of usable examples and the settings.
    """

    read: Callable[[Path], Settings]
    default: Callable[[], Settings]
    usable: Callable[[Sequence[Example], Any], tuple[Example, ...]]
    run: Run
    amount: Callable[[int, Any], int] = lambda n_examples, settings: n_examples * int(settings.n_views)


def trainable(name: str) -> Trainable:
    """What is called so.

    Raises:
        LookupError: it cannot be trained.
    """
    if name in ("synthetic", "glance"):
        from detectors.glance import Glance
        from detectors.lessons import TrainingSettings, usable
        from detectors.synthetic import Synthetic
        from detectors.training import train_synthetic

        kind = Glance if name == Glance.name else Synthetic
        default = partial(TrainingSettings, side_px=kind.side_px)
        run = partial(train_synthetic, kind=kind)
        return Trainable(TrainingSettings.load, default, usable, run, lambda n, settings: n * int(settings.n_rows))
    if name == "face":
        from detectors.face_training import FaceSettings, train_face, usable_faces

        return Trainable(FaceSettings.load, FaceSettings, usable_faces, train_face)
    if name == "temporal":
        from detectors.temporal_training import ClipSettings, train_temporal
        from detectors.temporal_training import usable as usable_clips

        return Trainable(ClipSettings.load, ClipSettings, usable_clips, train_temporal)
    if name == "adversarial":
        from detectors.adversarial_training import AdversarialSettings, train_adversarial, usable_pictures

        return Trainable(AdversarialSettings.load, AdversarialSettings, usable_pictures, train_adversarial)
    if name == "residual":
        from detectors.residual_settings import ResidualSettings
        from detectors.residual_training import amount, train_residual, usable_residuals

        return Trainable(ResidualSettings.load, ResidualSettings, usable_residuals, train_residual, amount)
    raise LookupError(f"{name!r} cannot be trained; what can is {', '.join(NAMES)}")
