"""The GAN presets as trainers: pictures in a folder become weights with a card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.gan.settings import GanSettings, gan_settings
from generators.picture_folder import read_folders
from generators.trainers import Progress, RunSettings, Size
from generators.weights import ModelCard

VERSION = "1"


class GanTrainer:
    """Trains a preset of `settings.py`; its subclasses are the catalogue's lines."""

    name: ClassVar[str]
    about: ClassVar[str]
    task: ClassVar[str]
    limits: ClassVar[str]
    min_pictures: ClassVar[int] = 200

    def settings(self, size: Size) -> GanSettings:
        """See `Trainer.settings`."""
        return gan_settings(self.name, size)

    def train(
        self,
        folders: Sequence[Path],
        out: Path,
        settings: RunSettings,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> ModelCard:
        """See `Trainer.train`. A part of the pictures is held out and never learnt from: the figures rest on it."""
        from generators.gan.observing import Watch
        from generators.gan.running import CHECKPOINT, Run

        if not isinstance(settings, GanSettings):
            raise ValueError(f"{self.name} wants GanSettings, not {type(settings).__name__}")
        if not resume and (out / CHECKPOINT).exists():
            raise FileExistsError(17, "holds the checkpoint of a run; resume it or choose another folder", str(out))
        pictures = read_folders(folders, settings.side_px, min_pictures=self.min_pictures)
        if report is not None:
            report(Progress(0, settings.n_images, 0.0, pictures.describe()))
        learnt, held_out = split(len(pictures), settings)
        out.mkdir(parents=True, exist_ok=True)
        watch = Watch(pictures.pixels[learnt], pictures.pixels[held_out], out, settings)
        run = Run(pictures.pixels[learnt], out, settings, observer=watch)
        if resume:
            run.resume()
        run.play(report)
        return self._finish(run, watch, pictures, folders, out)


def split(n: int, settings: GanSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of n pictures are learnt from and which are held out for the figures; both in the pictures' order."""
    order = np.random.default_rng(settings.seed).permutation(n)
    n_held_out = min(int(n * settings.held_out_share), settings.max_held_out)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
