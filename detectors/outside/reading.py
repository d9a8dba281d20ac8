"""What the outputs of somebody else's network mean: which of them speaks for a fake, and whether they are logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAKE_WORDS = frozenset(
    (
        *("fake", "fakes", "deepfake", "deepfakes", "ai", "artificial", "generated", "aigenerated"),
        *("synthetic", "machine", "gan", "diffusion", "manipulated"),
    )
)
REAL_WORDS = frozenset(
    (
        *("real", "realism", "realistic", "human", "hum", "authentic", "photo", "photograph"),
        *("natural", "genuine", "original"),
    )
)
"""Words that open detectors use in the names of their outputs."""

MAX_LOGIT = 30.0
"""A probability of 1 within float32 is no infinite certainty."""


@dataclass(frozen=True)
class Reading:
    """How outputs become one log odds.

    Attributes:
        labels: a name for each output, in order. A network with one output says how sure it is of that name.
        fake: those names that speak for a fake.
        are_probabilities: the network has already applied a sigmoid or softmax.
    """

    labels: tuple[str, ...]
    fake: tuple[str, ...]
    are_probabilities: bool = False

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"each output wants a name of its own, not {', '.join(self.labels) or 'none'}")
        if unknown := sorted(set(self.fake) - set(self.labels)):
            raise ValueError(f"there is no output {unknown[0]!r}; there is {', '.join(self.labels)}")
        if len(self.labels) > 1 and not 0 < len(set(self.fake)) < len(self.labels):
            raise ValueError(f"some of the outputs {', '.join(self.labels)} must mean fake, and some not")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Reading:
        """Read what `dataclasses.asdict` and JSON made of one.

        Raises:
            ValueError: a member is unknown, missing or makes no sense.
        """
        try:
            values: dict[str, Any] = {k: bool(v) if k == "are_probabilities" else tuple(v) for k, v in plain.items()}
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"not a reading of outputs: {error}") from error

    def logit(self, outputs: NDArray[np.floating[Any]]) -> float:
        """Natural log odds of a fake, as the network sees it.

        Args:
            outputs: (n_labels,) of one picture.

        Raises:
            ValueError: there are more or fewer outputs than names, or they are no numbers.
        """
        values = np.asarray(outputs, np.float64).reshape(-1)
        if len(values) != len(self.labels):
            raise ValueError(f"the network gives {len(values)} outputs, its card names {', '.join(self.labels)}")
        if not np.isfinite(values).all():
            raise ValueError("the network gives outputs that are no numbers")
        if self.are_probabilities:
            if values.min() < 0 or values.max() > 1 + 1e-4:
                raise ValueError(
                    f"its card says probabilities, but the network gives {values.min():g} to {values.max():g}"
                )
            values = _log_odds(values) if len(values) == 1 else np.log(np.maximum(values, 1e-30))
        if len(values) == 1:
            logit = values[0] if self.fake else -values[0]
        else:
            speaks = np.array([label in self.fake for label in self.labels])
            logit = np.logaddexp.reduce(values[speaks]) - np.logaddexp.reduce(values[~speaks])
        return float(np.clip(logit, -MAX_LOGIT, MAX_LOGIT))

    def direction(self, outputs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Gradient of the log odds by the outputs, (n_labels,); of a single one, which way it points."""
        values = np.asarray(outputs, np.float64).reshape(-1)
        if len(values) == 1:
            return np.array([1.0 if self.fake else -1.0])
        speaks = np.array([label in self.fake for label in self.labels])
        odds = values if self.are_probabilities else np.exp(values - values.max())
        slope = np.where(speaks, 1 / odds[speaks].sum(), -1 / odds[~speaks].sum())
        return np.asarray(slope if self.are_probabilities else slope * odds, np.float64)


def guessed(labels: Sequence[str], *, are_probabilities: bool = False) -> Reading:
    """A reading by the names of the outputs alone.

    Raises:
        ValueError: the names do not say which of them mean fake.
    """
    kinds = [_kind(label) for label in labels]
    if None in kinds or (len(labels) > 1 and len(set(kinds)) < 2):
        raise ValueError(f"which of the outputs {', '.join(labels)} mean fake? Say so with --fake")
    fake = tuple(label for label, kind in zip(labels, kinds, strict=True) if kind)
    return Reading(tuple(labels), fake, are_probabilities)


def _kind(label: str) -> bool | None:
    """Whether a name means fake; None if it does not say, or says both."""
    words = set("".join(c if c.isalpha() else " " for c in label.lower()).split())
    fake = bool(words & FAKE_WORDS)
    return None if fake == bool(words & REAL_WORDS) else fake


def _log_odds(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(p, 1e-30)) - np.log(np.maximum(1 - p, 1e-30))
