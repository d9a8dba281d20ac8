"""Settings of an editor's run."""

from __future__ import annotations

from dataclasses import dataclass

from generators.trainers import RunSettings, Size

SIDE_PX = 64
"""What the networks are made for."""


@dataclass(frozen=True)
class AttributeSettings(RunSettings):
    """See `RunSettings` for what every run is told.

    Attributes:
        wide, narrow, n_blocks, tail: of the editor, see `networks.Editor`.
        d_channels: of the discriminator at a half, a quarter, an eighth and a sixteenth of the side.
        reader_width: of the reader, see `networks.Reader`.
        learning_rate: of the editor (Adam, betas 0.5 and 0.999 as in Choi et al. 2018); falls along a half cosine to
            nothing over the last `share_falling` of the run.
        faster: learning rate of discriminator and reader over that of the editor (Heusel et al. 2017).
        name_weight: of naming the attributes, beside the adversarial loss. At StarGAN's 1 the first thing that an
            editor learns is a faint pattern that is named as wished and changes nothing for the eye.
        cycle_weight: of the way back to the original.
        cycle_share: of a batch that goes that way, 0..1; it costs as much as the way there.
        same_weight: of leaving a face alone that already is what is asked for.
        same_every: steps between two applications of that, scaled so that its mean weight is `same_weight`.
        attention_weight: of the mean attention, so that little is painted where nothing is gained.
        penalty: weight of R1, half the mean squared gradient of a face's logit, had it been applied at each step.
        penalty_every: steps between two applications.
        ema_half_life: pictures after which the averaged editor has half forgotten; less at the start of a run.
        held_out: pictures kept from training for the figures, at most a tenth of all.
    """

    wide: int = 64
    narrow: int = 32
    n_blocks: int = 3
    tail: int = 12
    d_channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    reader_width: int = 16
    learning_rate: float = 4e-4
    faster: float = 2.0
    share_falling: float = 0.4
    name_weight: float = 0.1
    cycle_weight: float = 4.0
    cycle_share: float = 0.5
    same_weight: float = 3.0
    same_every: int = 4
    attention_weight: float = 0.0
    penalty: float = 0.1
    penalty_every: int = 16
    ema_half_life: int = 5_000
    held_out: int = 2_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side_px != SIDE_PX:
            raise ValueError(f"the editor is made for {SIDE_PX} pixels a side, not {self.side_px}")
        if not 0.0 < self.cycle_share <= 1.0:
            raise ValueError(f"cycle_share must lie above 0 and up to 1, not {self.cycle_share}")
        for name in ("same_every", "penalty_every", "ema_half_life"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


def attribute_settings(size: Size) -> AttributeSettings:
    """The preset for a processor or for a graphics card; the editor is the same."""
    if size == "cpu":
        return AttributeSettings(n_images=200_000, batch_size=16, n_between_saves=8_000)
    return AttributeSettings(
        n_images=2_000_000,
        batch_size=64,
        d_channels=(64, 128, 256, 512),
        ema_half_life=20_000,
        n_between_saves=100_000,
    )
