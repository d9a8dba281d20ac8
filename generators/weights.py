"""Weights as safetensors with a card beside them. Pickle is never opened: it runs code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.whole_files import write_whole

ZOO = Path(__file__).parent / "zoo"
"""What ships with the generators."""

CLAIMS = ("", "synthetic", "manipulated")
"""What a detector may speak for; the words of a finding's claim."""


@dataclass(frozen=True)
class ModelCard:
    """What travels with a weight file.

    Attributes:
        name, version: `<name>-<version>.safetensors` is the file.
        task: what goes in and what comes out, in a sentence.
        data: source -> number of examples.
        settings: what reproduces the training.
        measures: figures with their data in the key, such as {"auroc eval q90": 0.97}.
        limits: what it cannot do.
        licence: licence note of the weights.
        sha256: hash of the weight file, lower-case hex; filled in by `save`.
        claim: what a high score of a detector speaks for: synthetic or manipulated; "" for everything else.
        thresholds: of a detector: share of real photos that score as high or higher ("0.01", "0.05") -> that score.
        sheet: of a generator: the picture of its samples, by its path in the project; "" without one.
        sets: of a detector: share of errors ("0.05") -> two scores: at or under the first a picture is called a photo,
            at or over the second a fake, and at most that share of either class is called the other.
        says: of a detector: what a high score speaks for in plain words, where the claim says too little, such as
            "perturbed to fool a detector"; "" where the claim says it.
        clips: whether a detector's likelihood ratio was fitted on frames of clips too, not on still pictures alone.
        n_reals: of a detector: real pictures or clips that its thresholds rest on, each counted once however many views
            of it were read; 0 where it does not say, see `detectors.support`.
    """

    name: str
    version: str
    task: str
    data: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    limits: str = ""
    licence: str = ""
    sha256: str = ""
    claim: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    clips: bool = False
    sheet: str = ""
    sets: Mapping[str, Sequence[float]] = field(default_factory=dict)
    says: str = ""
    n_reals: int = 0

    def __post_init__(self) -> None:
        if self.claim not in CLAIMS:
            raise ValueError(f"a card claims {', '.join(map(repr, CLAIMS))}, not {self.claim!r}")
        scores = [score for _, score in self.by_rate()]
        if any(not 0.0 <= score <= 1.0 for score in scores) or scores != sorted(scores, reverse=True):
            raise ValueError(f"thresholds must lie within 0 and 1 and fall as the rate rises, not {self.thresholds}")
        if self.n_reals < 0:
            raise ValueError(f"thresholds rest on a number of reals, not on {self.n_reals}")
        for error, bars in self.sets.items():
            if not 0.0 < float(error) < 1.0 or len(bars) != 2 or not 0.0 <= bars[0] <= bars[1] <= 1.0:
                raise ValueError(f"sets hold two scores, lower one first, for each share of errors, not {self.sets}")

    def by_rate(self) -> tuple[tuple[float, float], ...]:
        """Thresholds as (false-positive rate, score), the rarest first.

        Raises:
            ValueError: a rate is no number between 0 and 1.
        """
        pairs = sorted((float(rate), float(score)) for rate, score in self.thresholds.items())
        if any(not 0.0 < rate < 1.0 for rate, _ in pairs):
            raise ValueError(f"false-positive rates must lie between 0 and 1, not {', '.join(self.thresholds)}")
        return tuple(pairs)

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return f"{self.name}-{self.version}"


def save(tensors: Mapping[str, NDArray[Any]], card: ModelCard, folder: Path) -> ModelCard:
    """Write `<stem>.safetensors` and `<stem>.card.json`; both appear whole or not at all.

    Args:
        tensors: name -> array.
        card: its sha256 is ignored and computed.
        folder: made if missing.

    Returns:
        The card with the hash of what was written.
    """
    from safetensors.numpy import save as to_bytes

    folder.mkdir(parents=True, exist_ok=True)
    data = to_bytes({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    written = ModelCard(**{**asdict(card), "sha256": hashlib.sha256(data).hexdigest()})
    write_whole(folder / f"{card.stem}.safetensors", data)
    write_whole(folder / f"{card.stem}.card.json", (json.dumps(asdict(written), indent=2) + "\n").encode())
    return written


def load(stem: str, folder: Path) -> tuple[dict[str, NDArray[Any]], ModelCard]:
    """Read weights and card.

    Raises:
        FileNotFoundError: no such weights.
        ValueError: the file is not the one its card describes.
    """
    from safetensors.numpy import load as from_bytes

    card = read_card(folder / f"{stem}.card.json")
    data = (folder / f"{stem}.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ValueError(f"{stem}.safetensors has SHA-256 {found}, its card says {card.sha256}")
    return from_bytes(data), card


def read_card(path: Path) -> ModelCard:
    """Read a card alone.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is none.
    """
    try:
        return ModelCard(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no model card: {error}") from error
