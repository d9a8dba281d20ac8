"""What a training run of the rebuilding networks is told. Needs no extra, so that a dry run can print it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from generators.trainers import RunSettings

FREE = ("minutes", "device", "n_devices", "n_between_saves")
"""A resumed run may change these: they decide how long it goes and where, not what it does in a step."""


@dataclass(frozen=True)
class RestorationSettings(RunSettings):
    """What a run of these networks is told besides.

    Attributes:
        n_each: patches cut from each photo.
        n_warmup: real patches shown before the discriminator comes in.
        learning_rate, weight_decay: of AdamW, for both networks; the rate falls to nothing over the last third.
        ema_images: real patches over which the averaged weights forget.
        edges, features, adversarial: weights of these losses beside the colours'.
        r1, r1_every: weight of the gradient penalty, and the steps between two.
    """

    batch_size: int = 32
    n_each: int = 16
    n_warmup: int = 20_000
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    ema_images: int = 8_000
    edges: float = 1.0
    features: float = 0.1
    adversarial: float = 0.05
    r1: float = 0.05
    r1_every: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side_px % 8:
            raise ValueError(f"side_px must be a multiple of 8, not {self.side_px}")


def fixed(settings: RestorationSettings) -> dict[str, Any]:
    """Settings that a resumed run must share."""
    return {name: value for name, value in asdict(settings).items() if name not in FREE}


def check_same(found: Mapping[str, Any], settings: RestorationSettings) -> None:
    """Complain when a checkpoint was made with other settings.

    Raises:
        ValueError: names the setting and both values.
    """
    for name, asked in fixed(settings).items():
        if found.get(name) != asked:
            raise ValueError(
                f"the checkpoint was made with {name} {found.get(name)}, not {asked}; resume with the same"
            )
