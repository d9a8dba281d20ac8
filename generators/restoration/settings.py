"""What a training run of the rebuilding networks is told. Needs no extra, so that a dry run can print it."""

from __future__ import annotations

from dataclasses import dataclass

from generators.trainers import RunSettings


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
