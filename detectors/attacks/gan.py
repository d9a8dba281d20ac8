"""The shipped GANs, tuned until the detector takes what they draw for photos."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from detectors.attacks.base import Effort, Forged, Report, Target
from generators.base import blank
from generators.extras import needs
from generators.gan.sampler import Face64, GanSampler, Photo64
from generators.images import Pixels, to_uint8
from generators.weights import ZOO

if TYPE_CHECKING:
    from detectors.attacks.tuning import TuningSettings


class GanAttack:
    """Tunes a copy of a shipped GAN; what ships are its subclasses.

    Args:
        zoo: folder with the weights of the untuned GAN.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    generator: ClassVar[str]
    white_box: ClassVar[bool] = True
    side_px: ClassVar[int]
    needs_faces: ClassVar[bool]
    sampler: ClassVar[type[GanSampler]]
    anchors: ClassVar[tuple[float, float, float]]
    """Weights of pixels and of features, and the critic's loss that is enough, see `tuning.TuningSettings`."""

    def __init__(self, zoo: Path = ZOO) -> None:
        self._zoo = zoo

    @property
    def settings(self) -> TuningSettings:
        """How it is tuned."""
        from detectors.attacks.tuning import TuningSettings

        pixels, features, enough = self.anchors
        return TuningSettings(learning_rate=1e-3, pixels=pixels, features=features, enough=enough)

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """See `Attack.tune`. The GAN draws from latents alone: photos are not looked at."""
        with needs("learned"):
            from detectors.attacks.subjects import Drawn, keep
            from detectors.attacks.tuning import tune

        tuned = tune(Drawn(self._plain), target, folder, effort, self.settings, report)
        keep(tuned, self._plain.card, folder)
        return tuned.words

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """See `Attack.forge`. Fake i is drawn from the latent of seed + i, by the tuned and by the untuned GAN."""
        tuned, sources = self.sampler(folder), blank(len(photos))
        fakes, plain = (sampler.forge(sources, seed=seed) for sampler in (tuned, self._plain))
        recipes = tuple(f"{recipe}, tuned against the detector" for recipe in fakes.recipes)
        return Forged(tuple(to_uint8(fakes.images)), tuple(to_uint8(plain.images)), recipes)

    @cached_property
    def _plain(self) -> GanSampler:
        return self.sampler(self._zoo)


class GanFace(GanAttack):
    """Faces of 64 pixels."""

    name = "gan-face"
    about = "The GAN of faces is tuned with the detector as its critic, through JPEG and resizing."
    generator = "face-64"
    side_px = 64
    needs_faces = True
    sampler = Face64
    # Against a reading that found all of 100 fakes, 47 steps of 8 left 23, with the same FD-lite0 to photos; of 20 of
    # them JPEG of quality 75 and WebP uncovered 2 and 7 more, which is why it goes on to half of that loss.
    anchors = (4.0, 2.0, 0.05)


class GanPhoto(GanAttack):
    """Small photos of 64 pixels."""

    name = "gan-photo"
    about = "The GAN of small photos is tuned with the detector as its critic, through JPEG and resizing."
    generator = "photo-64"
    side_px = 64
    needs_faces = False
    sampler = Photo64
    # 57 steps to a loss of 0.4 left 1 of 50 fakes while FD-lite0 rose from 245 to 293, but what was washed was often
    # found again. With the anchors of faces and 80 steps none of 100 was left, as textures: from 218 to 272.
    anchors = (6.0, 4.0, 0.15)
