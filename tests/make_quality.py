"""Figures of fakes without any network, and logs of runs that go well or wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.quality.estimates import Figure
from generators.quality.log import LogLine
from generators.quality.monitor import Quality, Reference, Seen, measure


def cloud(seed: int, n: int, *, shift: float = 0.0, spread: float = 1.0) -> NDArray[np.float64]:
    """(n, 16) normal features."""
    return np.random.default_rng(seed).normal(shift, spread, (n, 16))


def seen(features: NDArray[np.float64]) -> Seen:
    """As a network with five classes would see them."""
    odds = np.exp(features[:, :5])
    return Seen(features, odds / odds.sum(axis=1, keepdims=True))


def reference(n_fakes: int = 200) -> Reference:
    """Reals of one normal cloud."""
    return Reference.of(seen(cloud(1, 200)), cloud(2, 400), n_fakes=n_fakes, seed=1)


def measured(features: NDArray[np.float64], against: Reference | None = None) -> Quality:
    """Figures of fakes with these features."""
    return measure(seen(features), against or reference(), seed=1)[0]


def quality(
    *, fd: float = 10.0, coverage: float = 0.8, recall: float = 0.5, spread: float = 1.0, copied: float = 0.01
) -> Quality:
    """Made figures; intervals reach a tenth to both sides."""

    def figure(value: float) -> Figure:
        return Figure(value, 0.9 * value, 1.1 * value, 1000)

    return Quality(
        fd_lite0=figure(fd), fd_floor=figure(5.0), kd_lite0=figure(fd / 1000), kd_floor=figure(1e-4),
        inception_score=figure(3.0), precision=figure(0.7), recall=figure(recall), density=figure(0.8),
        coverage=figure(coverage), spread=figure(spread), copied=figure(copied), nearest=figure(1.0),
    )  # fmt: skip


def healthy_run(n_lines: int = 12) -> list[LogLine]:
    """A run that gets better, measured at every second line."""
    rng = np.random.default_rng(3)
    return [
        LogLine(
            n_seen=20_000 * (i + 1),
            loss_d=0.6 + 0.05 * rng.normal(),
            loss_g=1.2 + 0.1 * rng.normal(),
            sign_real=0.6 + 0.05 * rng.normal(),
            sign_held_out=0.55 + 0.05 * rng.normal(),
            r1=0.1,
            r2=0.1,
            augment=0.1,
            d_per_g=1.0,
            per_second=150.0,
            quality=quality(fd=60 / (i + 1), coverage=0.05 + 0.06 * i, recall=0.6 - 0.03 * i) if i % 2 else None,
        )
        for i in range(n_lines)
    ]
