"""What every trainable generator offers, and the catalogue that `unforged generate train` reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from generators.catalog import Catalog

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from generators.weights import ModelCard

CHECKPOINT = "checkpoint.safetensors"
"""The last save of a run, in its folder."""

AUTO, HALF, FLOAT = "auto", "bf16-mixed", "32-true"
"""Precisions, as settings have them."""

Size = Literal["cpu", "gpu"]
"""Networks and batches for two processor cores or for one graphics card."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        n_seen, n_total: real pictures shown so far, and in all.
        per_second: real pictures a second of late.
        note: what is worth saying now, such as a figure or an alarm; "" for nothing.
    """

    n_seen: int
    n_total: int
    per_second: float
    note: str = ""


@dataclass(frozen=True)
class RunSettings:
    """What every run is told; each trainer adds its own. Frozen, printed by a dry run, stored in checkpoint and card.

    Attributes:
        n_images: real pictures to show in all, repeats counted.
        batch_size: of them a step.
        side_px: of the squares that are trained on.
        seed: decides every draw.
        device: "auto", "cpu" or "cuda", as Lightning Fabric names accelerators.
        n_devices: processes, one a device.
        precision: as Lightning Fabric names it, HALF or FLOAT; AUTO becomes one of them, see `usual_precision`, so that
            `dataclasses.replace` with another device wants it again.
        minutes: stop after this much time with everything saved; 0 for no limit.
        n_between_saves: real pictures between two checkpoints.
    """

    n_images: int = 100_000
    batch_size: int = 64
    side_px: int = 64
    seed: int = 1
    device: str = "auto"
    n_devices: int = 1
    precision: str = AUTO
    minutes: float = 0.0
    n_between_saves: int = 20_000

    def __post_init__(self) -> None:
        check_finite(self)
        for name in ("n_images", "batch_size", "side_px", "n_devices", "n_between_saves"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.minutes < 0:
            raise ValueError(f"minutes must not be negative, not {self.minutes}")
        if self.precision == AUTO:
            # A checkpoint and a card say what was computed with, not that it was left open.
            object.__setattr__(self, "precision", usual_precision(self.device))


def check_finite(settings: DataclassInstance) -> None:
    """Complain about a setting that is no number: files of JSON may hold NaN and Infinity, which pass many a bound.

    Raises:
        ValueError: one is not finite.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite, not {value}")


def usual_precision(device: str) -> str:
    """HALF where a device, as in `RunSettings`, has products of bfloat16, else FLOAT."""
    from generators.processor import multiplies_bfloat16

    if multiplies_bfloat16() or device not in ("auto", "cpu"):
        return HALF
    if device == "cpu":
        return FLOAT
    try:
        import torch
    except ImportError:
        return FLOAT  # settings can be seen without it
    return HALF if torch.cuda.is_available() or torch.backends.mps.is_available() else FLOAT


class Trainer(Protocol):
    """Trains one preset. Made without arguments.

    Attributes:
        name: of the preset, such as "face-64".
        about: what it learns to make, in one plain sentence.
        min_pictures: fewer usable ones are an error.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    min_pictures: ClassVar[int]

    def settings(self, size: Size) -> RunSettings:
        """The preset's own settings for a processor or a graphics card; `dataclasses.replace` changes them."""
        ...

    def train(
        self,
        folders: Sequence[Path],
        out: Path,
        settings: RunSettings,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> ModelCard:
        """Train until `n_images` were seen, and write weights and card into `out`.

        Args:
            folders: real pictures, as `read_folders` takes them.
            out: made if missing; holds `CHECKPOINT`, samples and curves while it runs.
            settings: those of this trainer, see `settings`.
            resume: go on from the checkpoint in `out`, which a killed run leaves; without it a folder that holds one
                is refused, so that no run is lost by mistake.
            report: called from time to time.

        Raises:
            FileNotFoundError: no such folder, or nothing to resume.
            ValueError: too few pictures, or a checkpoint of other settings.
            FileExistsError: `out` holds a checkpoint and `resume` is False.
        """
        ...


TRAINERS: Catalog[Trainer] = Catalog(
    "unforged.trainers",
    {
        "face-64": "generators.gan.presets:Face64Trainer",
        "face-128": "generators.gan.presets:Face128Trainer",
        "photo-64": "generators.gan.presets:Photo64Trainer",
        "attributes": "generators.attributes.training:AttributesTrainer",
        "reconstruct-f4": "generators.restoration.trainers:ReconstructF4Trainer",
        "reconstruct-f8": "generators.restoration.trainers:ReconstructF8Trainer",
        "superres-x2": "generators.restoration.trainers:SuperresX2Trainer",
        "superres-x4": "generators.restoration.trainers:SuperresX4Trainer",
        "inpaint": "generators.restoration.trainers:InpaintTrainer",
    },
)
"""Adding one costs a file and a line here; plug-ins register under the entry-point group."""
