"""The networks that rebuild photos, tuned until the detector takes what they rebuild for the photo itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.attacks.base import Effort, Forged, Report, Target
from generators.extras import needs
from generators.images import Pixels, to_float, to_uint8
from generators.reconstruct import ReconstructF4
from generators.restoration.rebuilt import Rebuilt
from generators.superres import SuperresX2
from generators.weights import ZOO

if TYPE_CHECKING:
    from detectors.attacks.subjects import RebuildingTask
    from detectors.attacks.tuning import TuningSettings


class RebuildingAttack:
    """Tunes a copy of a shipped network; what attacks are its subclasses.

    Args:
        zoo: folder with the untuned weights.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    generator: ClassVar[str]
    white_box: ClassVar[bool] = True
    side_px: ClassVar[int] = 256
    needs_faces: ClassVar[bool] = False
    rebuilder: ClassVar[type[Rebuilt]]

    def __init__(self, zoo: Path = ZOO) -> None:
        self._zoo = zoo

    @property
    def settings(self) -> TuningSettings:
        """How it is tuned."""
        from detectors.attacks.tuning import TuningSettings

        # Against a reading that found all of 20 reconstructions (30 dB to the photo), 50 steps of 4 left 5 at 27 dB;
        # with anchors of 4 and 2 all but a few got past, at 20 dB: in other colours and under a grid that anybody sees.
        return TuningSettings(learning_rate=3e-4, pixels=30.0, features=30.0, features_px=112, enough=0.3)

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """See `Attack.tune`. Batches are drawn from the photos."""
        if not photos:
            raise ValueError(f"{self.name} needs photos to be tuned on, got none")
        plain = self.rebuilder(self._zoo)
        with needs("learned"):
            from detectors.attacks.subjects import Rebuilding, keep
            from detectors.attacks.tuning import tune

            subject = Rebuilding(self._task(), plain, photos)
        tuned = tune(subject, target, folder, effort, self.settings, report)
        keep(tuned, plain.card, folder)
        return tuned.words

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """See `Attack.forge`. Photo i is rebuilt with the draws of seed + i, by the tuned and the untuned network."""
        if not photos:
            return Forged((), (), ())
        sources = to_float(np.stack(photos))
        fakes, plain = (self.rebuilder(place).forge(sources, seed=seed) for place in (folder, self._zoo))
        recipes = tuple(f"{recipe}, tuned against the detector" for recipe in fakes.recipes)
        return Forged(tuple(to_uint8(fakes.images)), tuple(to_uint8(plain.images)), recipes)

    def _task(self) -> RebuildingTask:
        raise NotImplementedError


class Reconstruct(RebuildingAttack):
    """Through a bottleneck 4 times smaller a side."""

    name = "reconstruct"
    about = "The autoencoder that rebuilds photos is tuned with the detector as its critic, through JPEG and resizing."
    generator = "reconstruct-f4"
    rebuilder = ReconstructF4

    def _task(self) -> RebuildingTask:
        from generators.restoration import tasks

        return tasks.Reconstruct(self.rebuilder.factor)


class Superres(RebuildingAttack):
    """Shrunk to half the side and grown again."""

    name = "superres"
    about = "The network that enlarges photos is tuned with the detector as its critic, through JPEG and resizing."
    generator = "superres-x2"
    rebuilder = SuperresX2

    def _task(self) -> RebuildingTask:
        from generators.restoration import tasks

        return tasks.Enlarge(self.rebuilder.factor)
