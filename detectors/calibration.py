"""Measure -> log10 likelihood ratio: a bounded logistic model, fitted on sources it is not judged on.

The ratio says how much more often such a measure is seen on fakes than on untouched pictures. Its bounds
come from the number of examples: n pictures cannot support a ratio much beyond n (Vergeer et al. 2016, ELUB).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LOG10_E = 1.0 / math.log(10.0)
MAX_LLR = 2.0
"""No fitted measure speaks louder than 100 to 1, however many examples it saw: the next archive differs from ours."""


@dataclass(frozen=True)
class LlrModel:
    """A fitted logistic reading of a few measures.

    Attributes:
        features: names of the measures, in order.
        center, scale: what each measure is standardised with.
        weights, bias: logistic coefficients on the standardised measures, natural log odds at equal priors.
        floor, ceiling: bounds of the log10 likelihood ratio.
        fitted_on: data in words: sources and counts on both sides.
        n_fake, n_real: number of examples on each side.
        held_out: rates measured on sources that were not fitted on, such as {"false_positive_rate": 0.03}.
    """

    features: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    floor: float
    ceiling: float
    fitted_on: str
    n_fake: int
    n_real: int
    held_out: Mapping[str, float]

    def llr(self, measures: Mapping[str, float]) -> float:
        """Log10 likelihood ratio, fake over untouched.

        Args:
            measures: at least the model's features, finite.

        Returns:
            A value within [floor, ceiling]; above 0 supports manipulation.

        Raises:
            ValueError: a feature is missing or not finite.
        """
        logit = self.bias
        for name, center, scale, weight in zip(self.features, self.center, self.scale, self.weights, strict=True):
            value = float(measures.get(name, math.nan))
            if not math.isfinite(value):
                raise ValueError(f"measure {name!r} must be a finite number, not {measures.get(name)!r}")
            logit += weight * (value - center) / scale
        return float(min(max(logit * LOG10_E, self.floor), self.ceiling))

    @property
    def line(self) -> tuple[float, float]:
        """Slope and bias that turn its one measure into natural log odds at equal priors."""
        (weight,), (center,), (scale,) = self.weights, self.center, self.scale
        slope = weight / scale
        return slope, self.bias - slope * center

    @classmethod
    def load(cls, path: Path) -> LlrModel:
        """Read a model from its JSON file.

        Raises:
            FileNotFoundError: nothing was fitted for this measure.
        """
        raw = json.loads(path.read_text(encoding="utf-8"))
        for name in ("features", "center", "scale", "weights"):
            raw[name] = tuple(raw[name])
        return cls(**raw)

    def save(self, path: Path) -> None:
        """Write the model as JSON, one readable file a measure."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def fit_llr(
    features: Sequence[str],
    measures: NDArray[np.float64],
    labels: NDArray[np.int64],
    sources: Sequence[str],
    *,
    fitted_on: str,
    signs: Sequence[int] | None = None,
    held_out: Mapping[str, float] | None = None,
) -> LlrModel:
    """Fit a logistic likelihood ratio at equal priors, every source counting alike within its class.

    Args:
        features: d names.
        measures: (n, d) float.
        labels: (n,) 1 fake, 0 untouched.
        sources: n names of where each example is from (repository, camera, person).
        fitted_on: the data in words, kept in the file.
        signs: for each feature +1, -1 or 0: a feature whose weight came out with the wrong sign is dropped.
        held_out: rates measured elsewhere, kept in the file.

    Returns:
        The model; its bounds are log10(n_real + 1) and -log10(n_fake + 1), at most MAX_LLR.

    Raises:
        ValueError: one class is empty or a measure is not finite.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = np.asarray(measures, np.float64), np.asarray(labels)
    if x.ndim != 2 or x.shape != (len(y), len(features)):
        raise ValueError(f"measures must be ({len(y)}, {len(features)}), not {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("measures must be finite")
    n_fake, n_real = int((y == 1).sum()), int((y == 0).sum())
    if not n_fake or not n_real:
        raise ValueError(f"both classes are needed, got {n_fake} fakes and {n_real} untouched")
    center, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    weight = source_weights(y, sources)
    used = np.ones(len(features), bool)
    wanted = np.asarray(signs if signs is not None else np.zeros(len(features)))
    while True:
        fit = LogisticRegression(C=1.0, max_iter=2000).fit(((x - center) / scale)[:, used], y, sample_weight=weight)
        coefficients = np.zeros(len(features))
        coefficients[used] = fit.coef_[0]
        wrong = wanted * coefficients < 0
        if not wrong.any() or wrong[used].all():
            break
        used &= ~wrong
    return LlrModel(
        features=tuple(features),
        center=tuple(map(float, center)),
        scale=tuple(map(float, scale)),
        weights=tuple(map(float, np.where(wrong, 0.0, coefficients))),
        bias=float(fit.intercept_[0]),
        floor=-min(MAX_LLR, math.log10(n_fake + 1)),
        ceiling=min(MAX_LLR, math.log10(n_real + 1)),
        fitted_on=fitted_on,
        n_fake=n_fake,
        n_real=n_real,
        held_out=dict(held_out or {}),
    )


def source_weights(labels: NDArray[np.int64], sources: Sequence[str]) -> NDArray[np.float64]:
    """Weights (n,) that give both classes one half and every source of a class an equal share; they sum to n."""
    y = np.asarray(labels)
    weight = np.zeros(len(y))
    names = np.asarray(sources)
    for label in (0, 1):
        own = sorted(set(names[y == label]))
        for name in own:
            chosen = (y == label) & (names == name)
            weight[chosen] = 0.5 / len(own) / chosen.sum()
    return weight * len(y)
