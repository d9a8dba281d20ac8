"""The GAN presets as trainers: pictures in a folder become weights with a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.gan.settings import GanSettings, gan_settings
from generators.picture_folder import read_folders
from generators.quality.estimates import N_GROUPS
from generators.trainers import Progress, RunSettings, Size
from generators.weights import ModelCard, save

if TYPE_CHECKING:
    from generators.gan.observing import Watch
    from generators.gan.running import Run
    from generators.quality.monitor import Quality

VERSION = "1"

LICENCE = (
    "Weights Apache-2.0 as far as they are ours to give; learnt from pictures that their owners offer for research, so "
    "look at the terms of the sources above before any other use."
)

SPOKEN = {
    "fd_lite0": "FD-lite0 against held-out reals",
    "fd_floor": "FD-lite0 of reals against held-out reals (floor)",
    "kd_lite0": "KD-lite0 against held-out reals",
    "kd_floor": "KD-lite0 of reals against held-out reals (floor)",
    "inception_score": "inception-style score",
    "spread": "distance between fakes over that between reals",
    "copied": "share nearer to a training picture than 99 % of held-out reals",
    "nearest": "distance to the nearest training picture over that of held-out reals",
}
"""Figures whose own names say too little on a card."""


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
        from generators.gan.running import Run
        from generators.runs import check_folder

        if not isinstance(settings, GanSettings):
            raise ValueError(f"{self.name} wants GanSettings, not {type(settings).__name__}")
        check_folder(out, resume)
        pictures = read_folders(folders, settings.side_px, min_pictures=self.min_pictures, n_squares=settings.n_squares)
        if report is not None:
            report(Progress(0, settings.n_images, 0.0, pictures.describe()))
        learnt, held_out = split(pictures.paths, settings)
        if len(held_out) < 2 * N_GROUPS:
            raise ValueError(
                f"{len(held_out)} held-out pictures cannot carry figures; raise held_out_share or add photos"
            )
        out.mkdir(parents=True, exist_ok=True)
        watch = Watch(pictures.pixels[learnt], pictures.pixels[held_out], out, settings)
        # A run that goes on from its own checkpoint no longer needs the one that it began with.
        played = replace(settings, start_from="") if resume else settings
        run = Run(pictures.pixels[learnt], out, played, observer=watch)
        if resume:
            run.resume()
        run.play(report)
        if report is not None:
            note = f"measuring against {len(held_out):,} held-out and {len(learnt):,} learnt pictures"
            report(Progress(run.game.n_seen, settings.n_images, 0.0, note))
        sources = Counter(_source(pictures.paths[i], folders) for i in learnt)
        return self._finish(run, watch, settings, sources, out)

    def _finish(
        self, run: Run, watch: Watch, settings: GanSettings, sources: Mapping[str, int], out: Path
    ) -> ModelCard:
        """Weights in half precision and a card whose figures are of just these weights."""
        tensors = {name: tensor.half() for name, tensor in run.game.average.state_dict().items()}
        run.game.average.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        quality = watch.final(run.game)
        card = ModelCard(
            name=self.name,
            version=VERSION,
            task=self.task,
            data=dict(sorted(sources.items())),
            settings=asdict(settings)
            | {
                "pictures seen": run.game.n_seen,
                "hours": round(run.spent_s / 3600, 2),
                "device": run.device,
                "start_from": "/".join(Path(settings.start_from).parts[-2:]),
                "ways back": run.game.n_rollbacks,
                "n_resumes": run.n_resumes,
            },
            measures=card_measures(quality),
            limits=self.limits,
            licence=LICENCE,
        )
        return save({name: tensor.cpu().numpy() for name, tensor in tensors.items()}, card, out)


class Face64Trainer(GanTrainer):
    """Faces of 64 pixels."""

    name = "face-64"
    about = "Faces, 64 pixels a side, from aligned pictures of faces."
    task = "A seed in, a picture of a face that nobody has out, 64 x 64 pixels."
    limits = (
        "Faces as they lie in the training pictures: frontal, aligned, tight; glasses, hands, hats and backgrounds "
        "come out smeared, and rare faces look worse than frequent ones. Not a likeness of anybody."
    )


class Face128Trainer(GanTrainer):
    """Faces of 128 pixels."""

    name = "face-128"
    about = "Faces, 128 pixels a side, from aligned pictures of faces; wants a graphics card."
    task = "A seed in, a picture of a face that nobody has out, 128 x 128 pixels."
    limits = Face64Trainer.limits


class Photo64Trainer(GanTrainer):
    """Photos of 64 pixels."""

    name = "photo-64"
    about = "Small scenes, animals and things, 64 pixels a side, from any photos."
    task = "A seed in, a small picture that resembles a photo at a glance out, 64 x 64 pixels."
    limits = (
        "Colours, light and layout of photos; things are rarely recognisable, because few and very different pictures "
        "were learnt from."
    )


def card_measures(quality: Quality) -> dict[str, float]:
    """Figures with interval and number of pictures in their names, as a card wants them."""
    measures: dict[str, float] = {}
    for name, figure in quality.figures().items():
        spoken = SPOKEN.get(name, name.replace("_", " "))
        measures[f"{spoken}, n {figure.n:,}"] = round(figure.value, 5)
        measures[f"{spoken}, 95 % low"] = round(figure.low, 5)
        measures[f"{spoken}, 95 % high"] = round(figure.high, 5)
    measures["FD-lite0 over its floor"] = round(quality.over_floor, 3)
    return measures


def _source(path: Path, folders: Sequence[Path]) -> str:
    """The folder just below the given one that a picture lies in, or the given one itself."""
    for folder in folders:
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).parts
            # Folders of repositories are written owner__name.
            return parts[0].replace("__", "/") if len(parts) > 1 else folder.name
    return path.parent.name


def split(photos: Sequence[Hashable], settings: GanSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which pictures are learnt from and which are held out for the figures; both in the pictures' order.

    Args:
        photos: for each picture the photo it was cut from; squares of one photo stay on one side.
        settings: of the run.
    """
    numbers = {photo: i for i, photo in enumerate(dict.fromkeys(photos))}
    order = np.random.default_rng(settings.seed).permutation(len(numbers))
    n_held_out = min(int(len(numbers) * settings.held_out_share), settings.max_held_out)
    of_photo = np.zeros(len(numbers), bool)
    of_photo[order[:n_held_out]] = True
    held_out = of_photo[[numbers[photo] for photo in photos]]
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
