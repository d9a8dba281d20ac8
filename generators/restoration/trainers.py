"""The presets that train networks which rebuild a photo: one class each, one loop for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from generators.extras import needs
from generators.restoration.settings import RestorationSettings
from generators.trainers import Progress, RunSettings, Size
from generators.weights import ModelCard, save

if TYPE_CHECKING:
    from generators.restoration.losses import Features
    from generators.restoration.tasks import Task

FEATURES_SIDE_PX = 64
N_STAGES = 4
"""The perceptual loss looks at patches of 64 pixels through all but the last, coarsest stage of the network."""

LICENCE = (
    "Apache-2.0; learned from pictures whose own licences vary and are mostly research-only or unstated: see the data."
)

LIMITS = (
    "A small network: fine texture is smoothed or made up, and a viewer who compares sees it. Learned from photos that "
    "were shrunk up to four times; drawings, text and medical pictures come out worse."
)


INPAINT_LIMITS = (
    "Holes of up to some 50 pixels: edges go on into them, texture does not, so that a smooth spot shows in busy "
    "places; wider ones are filled ring by ring and smear. Learned from photos that were shrunk up to four times."
)


class _Rebuilding:
    """Trains one network.

    Attributes:
        stem: of the weights that it writes, a generator's name and a version.
        task_line: what goes in and what comes out.
        limits: what it cannot do.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    min_pictures: ClassVar[int] = 20
    stem: ClassVar[str]
    task_line: ClassVar[str]
    limits: ClassVar[str] = LIMITS

    def settings(self, size: Size) -> RestorationSettings:
        """See `Trainer.settings`."""
        if size == "cpu":
            return RestorationSettings()
        return RestorationSettings(
            n_images=3_000_000, batch_size=128, side_px=96, n_warmup=300_000, ema_images=50_000, n_between_saves=200_000
        )

    def task(self) -> Task:
        """What the network learns."""
        from generators.restoration.tasks import TASKS

        return TASKS[self.name]

    def train(
        self,
        folders: Sequence[Path],
        out: Path,
        settings: RunSettings,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> ModelCard:
        """See `Trainer.train`."""
        if not isinstance(settings, RestorationSettings):
            raise ValueError(f"{self.name} needs the settings it gives, not {type(settings).__name__}")
        with needs("learned"):
            from generators.restoration.evaluation import as_measures, held_out_psnr
            from generators.restoration.patches import read_patches
            from generators.restoration.shipped import packed
            from generators.restoration.training import hours_of, train
            from generators.runs import check_folder
        check_folder(out, resume)
        task = self.task()
        patches = read_patches(
            folders, settings.side_px, settings.n_each, seed=settings.seed, min_pictures=self.min_pictures
        )
        if report is not None:
            report(Progress(0, settings.n_images, 0.0, patches.describe()))
        run = train(task, patches, out, settings, resume=resume, report=report, features=_features(settings.device))
        reached = {name: getattr(run, name) for name in ("n_seen", "n_rollbacks", "n_resumes")}
        reached |= {"hours": round(hours_of(out), 3), "device": _device(settings.device)}
        figure = held_out_psnr(task, run.averaged, patches.held_out)
        card = self.card_of(
            patches.sources, asdict(settings) | reached, as_measures("held-out patches, PSNR in dB", figure)
        )
        return save(packed(run.averaged), card, out)

    def card_of(
        self, sources: Mapping[str, int], settings: Mapping[str, Any], measures: Mapping[str, float]
    ) -> ModelCard:
        """The card of weights that came out of a run."""
        name, _, version = self.stem.rpartition("-")
        return ModelCard(
            name, version, self.task_line, sources, settings, measures=measures, limits=self.limits, licence=LICENCE
        )


class ReconstructF4Trainer(_Rebuilding):
    """Trains the weights of `reconstruct-f4`."""

    name: ClassVar[str] = "reconstruct-f4"
    about: ClassVar[str] = "Learns to rebuild photos from latents 4 times smaller a side."
    stem: ClassVar[str] = "reconstruct-f4-1"
    task_line: ClassVar[str] = "A photo in; the photo rebuilt from 8 channels of latents 4 times smaller a side out."


class ReconstructF8Trainer(_Rebuilding):
    """Trains the weights of `reconstruct-f8`."""

    name: ClassVar[str] = "reconstruct-f8"
    about: ClassVar[str] = "Learns to rebuild photos from latents 8 times smaller a side."
    stem: ClassVar[str] = "reconstruct-f8-1"
    task_line: ClassVar[str] = "A photo in; the photo rebuilt from 16 channels of latents 8 times smaller a side out."


class SuperresX2Trainer(_Rebuilding):
    """Trains the weights of `superres-x2`."""

    name: ClassVar[str] = "superres-x2"
    about: ClassVar[str] = "Learns to enlarge photos to twice their side."
    stem: ClassVar[str] = "superres-x2-1"
    task_line: ClassVar[str] = "A photo in; a photo of twice its side out."


class SuperresX4Trainer(_Rebuilding):
    """Trains the weights of `superres-x4`."""

    name: ClassVar[str] = "superres-x4"
    about: ClassVar[str] = "Learns to enlarge photos to four times their side."
    stem: ClassVar[str] = "superres-x4-1"
    task_line: ClassVar[str] = "A photo in; a photo of four times its side out."


class InpaintTrainer(_Rebuilding):
    """Trains the weights of `inpaint`."""

    name: ClassVar[str] = "inpaint"
    about: ClassVar[str] = "Learns to fill holes in photos."
    stem: ClassVar[str] = "inpaint-1"
    task_line: ClassVar[str] = "A photo and a mask in; the photo with what is masked filled from its surroundings out."
    limits: ClassVar[str] = INPAINT_LIMITS

    def settings(self, size: Size) -> RestorationSettings:
        """See `Trainer.settings`. Larger patches than the others: a hole is to have surroundings."""
        return replace(super().settings(size), side_px=128, batch_size=16 if size == "cpu" else 96)


def _features(device: str) -> Features:
    """The shipped EfficientNet-Lite0, for the perceptual loss."""
    from generators.quality import lite0

    network = lite0.load("cuda" if _device(device) != "cpu" else "cpu")
    return lambda images: network.stages(images, FEATURES_SIDE_PX)[:N_STAGES]


def _device(device: str) -> str:
    """What Lightning Fabric makes of a device's name: "cpu", or the name of the graphics card."""
    import torch

    wants_card = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return str(torch.cuda.get_device_name()) if wants_card else "cpu"
