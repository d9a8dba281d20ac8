"""Settings of a GAN run and the presets that ship."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generators.quality.estimates import N_GROUPS
from generators.trainers import RunSettings, Size


@dataclass(frozen=True)
class GanSettings(RunSettings):
    """See `RunSettings` for what every run is told.

    Attributes:
        latent: width of the latent.
        g_channels: of the generator at 4, 8, ... pixels up to half of `side_px`.
        g_tail: of the generator at full resolution.
        d_channels: of the discriminator at half of `side_px` down to 4 pixels.
        d_deep: of its halvings, the last ones, that refine first.
        learning_rate: of both networks (Adam, betas 0 and 0.99); falls along a half cosine to `final_rate` of it over
            the last `share_falling` of the run.
        penalty: weight of R1 and R2, half the mean squared gradient, had it been applied at each step.
        penalty_every: steps of the discriminator between two applications.
        ema_half_life: pictures after which an averaged weight has half forgotten; less at the start of a run.
        n_squares: cut from a photo that is longer than wide; more of them are more pictures, though not more photos.
        mirror: whether pictures are mirrored left to right at random.
        max_strength: bound of the augmentation, 0..1.
        held_out_share: of the photos, kept from training for the figures; at most `max_held_out`.
        n_between_evaluations: real pictures between two rounds of figures.
        n_quality: fakes that a round of figures rests on.
        critic_weight: of a critic's loss beside the discriminator's.
        start_from: checkpoint of another run with networks of the same shape, whose weights a new run starts with; few
            pictures are learnt much sooner by networks that know other ones. "" starts from nothing.
    """

    latent: int = 128
    g_channels: tuple[int, ...] = (192, 128, 64, 32)
    g_tail: int = 8
    d_channels: tuple[int, ...] = (32, 64, 128, 256)
    d_deep: int = 0
    learning_rate: float = 5e-4
    final_rate: float = 0.1
    share_falling: float = 0.4
    penalty: float = 5.0
    penalty_every: int = 16
    ema_half_life: int = 20_000
    n_squares: int = 1
    mirror: bool = True
    max_strength: float = 0.8
    held_out_share: float = 0.1
    max_held_out: int = 2_000
    n_between_evaluations: int = 100_000
    n_quality: int = 1_000
    critic_weight: float = 0.0
    start_from: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_numbers()
        if not 0.0 < self.held_out_share < 1.0:
            raise ValueError(f"held_out_share must lie between 0 and 1, not {self.held_out_share}")
        if self.batch_size < 2:
            raise ValueError("a relativistic pair of batches needs at least 2 pictures a step")
        for name in ("g_channels", "d_channels"):
            if min(getattr(self, name), default=0) < 1:
                raise ValueError(f"{name} must be at least 1 each, not {getattr(self, name)}")

    def _check_numbers(self) -> None:
        """Each by itself: in its range."""
        for least, names in _LEAST.items():
            for name in names:
                if getattr(self, name) < least:
                    raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        for name in ("final_rate", "share_falling", "max_strength"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie within 0 and 1, not {getattr(self, name)}")
        if self.learning_rate <= 0.0:
            raise ValueError(f"learning_rate must be above 0, not {self.learning_rate}")


_LEAST: dict[int, tuple[str, ...]] = {
    0: ("seed", "d_deep", "penalty", "critic_weight"),
    1: ("latent", "g_tail", "penalty_every", "ema_half_life", "n_squares", "n_between_evaluations"),
    2 * N_GROUPS: ("max_held_out", "n_quality"),  # fewer carry no figures
}
"""The smallest value of settings."""


def gan_settings(name: str, size: Size) -> GanSettings:
    """Settings of a preset.

    Raises:
        LookupError: there is no such preset.
    """
    if (name, size) not in _PRESETS:
        raise LookupError(
            f"no preset {name!r} of size {size!r}; there is {', '.join(sorted({n for n, _ in _PRESETS}))}"
        )
    return _PRESETS[name, size]


_GPU_64 = GanSettings(
    n_images=4_000_000,
    batch_size=256,
    latent=256,
    g_channels=(384, 384, 256, 128),
    g_tail=32,
    d_channels=(96, 192, 384, 512),
    d_deep=3,
    learning_rate=3e-4,
    n_between_saves=200_000,
    n_between_evaluations=400_000,
    n_quality=2_000,
)

_PRESETS: dict[tuple[str, Size], GanSettings] = {
    ("face-64", "cpu"): GanSettings(n_images=2_000_000),
    ("face-64", "gpu"): _GPU_64,
    ("face-128", "cpu"): GanSettings(
        n_images=1_000_000,
        batch_size=32,
        side_px=128,
        g_channels=(192, 128, 64, 32, 16),
        d_channels=(16, 32, 64, 128, 256),
    ),
    ("face-128", "gpu"): GanSettings(
        n_images=4_000_000,
        batch_size=128,
        side_px=128,
        latent=256,
        g_channels=(384, 384, 256, 128, 64),
        g_tail=32,
        d_channels=(48, 96, 192, 384, 512),
        d_deep=3,
        learning_rate=3e-4,
        n_between_saves=200_000,
        n_between_evaluations=400_000,
        n_quality=2_000,
    ),
    ("photo-64", "cpu"): GanSettings(n_images=600_000, n_squares=3, held_out_share=0.2),
    ("photo-64", "gpu"): replace(_GPU_64, n_squares=3, held_out_share=0.2),
}
