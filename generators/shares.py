"""Shares that were counted, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959964
"""Of a normal variable 95 % lie within so many standard deviations."""


@dataclass(frozen=True)
class Share:
    """A share that was counted.

    Attributes:
        n_found, n: so many out of so many.
        low, high: Wilson's 95 % interval of the share.
    """

    n_found: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0..1."""
        return self.n_found / self.n

    def __str__(self) -> str:
        return f"{self.n_found} of {self.n} ({self.value:.1%}, 95 % interval {self.low:.1%} to {self.high:.1%})"


def share(n_found: int, n: int) -> Share:
    """A share with its interval, which stays within 0 and 1 and has a width at both ends.

    Raises:
        ValueError: nothing was counted.

    Source:
        Wilson, Journal of the American Statistical Association 1927.
    """
    if not 0 <= n_found <= n or n == 0:
        raise ValueError(f"a share needs 0 <= found <= counted and something counted, not {n_found} of {n}")
    p, z = n_found / n, Z_95
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Share(n_found, n, max(0.0, middle - half), min(1.0, middle + half))


def at_most(n_found: int, n: int, confidence: float = 0.95) -> float:
    """The share that is not exceeded: the exact upper bound of a share that was counted, on one side, 0..1.

    Args:
        n_found, n: so many out of so many that have nothing to do with each other.
        confidence: how often such a bound is right, 0..1.

    Raises:
        ValueError: nothing was counted.

    Source:
        Clopper, Pearson, Biometrika 1934.
    """
    from scipy.special import betaincinv

    if not 0 <= n_found <= n or n == 0:
        raise ValueError(f"a share needs 0 <= found <= counted and something counted, not {n_found} of {n}")
    return 1.0 if n_found == n else float(betaincinv(n_found + 1, n - n_found, confidence))
