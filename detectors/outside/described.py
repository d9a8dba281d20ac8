"""An outside model in words: which network, how pictures are prepared, how outputs are read, what was calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from detectors.outside.preprocessing import Preprocessing
from detectors.outside.reading import Reading
from generators.weights import ModelCard

KINDS = ("onnx", "timm", "vit", "swin", "swinv2", "discriminator")
"""Networks that can be run: a graph, an architecture that timm names, three that are put together by their sizes, and
the discriminator of a training run of this project."""


@dataclass(frozen=True)
class Calibration:
    """What the log odds of a network are worth on a user's own sources.

    Attributes:
        slope, bias: of the network's natural log odds: `slope * logit + bias` is their calibrated value.
        floor, ceiling: bounds of the log10 likelihood ratio.
    """

    slope: float
    bias: float
    floor: float
    ceiling: float

    def __post_init__(self) -> None:
        if not self.floor <= 0 <= self.ceiling:
            raise ValueError(f"a ratio is bounded below and above 0, not by {self.floor} and {self.ceiling}")


@dataclass(frozen=True)
class Described:
    """Everything but the weights; it lies in the settings of the model's card.

    Attributes:
        kind: one of KINDS.
        preprocessing: of pictures.
        reading: of outputs.
        arguments: what the network is made with; of timm the architecture and the number of classes.
        origin: where the weights come from, with hash or revision.
        calibration: None until `unforged models calibrate`.
    """

    kind: str
    preprocessing: Preprocessing
    reading: Reading
    arguments: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of network {self.kind!r}; there is {', '.join(KINDS)}")

    @property
    def file(self) -> str:
        """Name of the file of weights."""
        return "network.onnx" if self.kind == "onnx" else "network.safetensors"

    def to_settings(self) -> dict[str, Any]:
        """Plain values for a card."""
        return asdict(self)

    @classmethod
    def of(cls, card: ModelCard) -> Described:
        """Read the settings of a card.

        Raises:
            ValueError: they describe no outside model.
        """
        plain = dict(card.settings)
        try:
            plain["preprocessing"] = Preprocessing.from_plain(plain["preprocessing"])
            plain["reading"] = Reading.from_plain(plain["reading"])
            if plain.get("calibration") is not None:
                plain["calibration"] = Calibration(**plain["calibration"])
            return cls(**plain)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"the card of {card.name} describes no outside model: {error}") from error
