"""Counted shares have the intervals of an independent implementation."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from generators.shares import share


@pytest.mark.parametrize(("n_found", "n"), [(9, 10), (0, 5), (300, 300), (271, 300)])
def test_the_interval_is_that_of_scipy(n_found: int, n: int) -> None:
    wanted = binomtest(n_found, n).proportion_ci(method="wilson")
    found = share(n_found, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    assert found.value == n_found / n


def test_an_impossible_share_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        share(3, 2)
    with pytest.raises(ValueError, match="0 of 0"):
        share(0, 0)
