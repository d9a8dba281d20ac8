"""Rate limits: each key has a bucket of requests and one of bytes, which fill up evenly (token bucket).

A bucket holds a minute's worth. A request that is larger than the whole bucket of bytes passes when it is full, and
leaves a debt behind: the rate holds in the long run, and no file is too large for ever.

Source: Turner, "New directions in communications (or which way to the information age?)" (1986), the leaky bucket as
a meter.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

MAX_BUCKETS = 10_000
"""Beyond, those that are full again are forgotten: addresses are many."""


@dataclass
class _Bucket:
    level: float
    at_s: float


class Rates:
    """Buckets by name. Safe to use from several threads.

    Args:
        clock: seconds since any moment, ever rising.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, who: str, what: str, amount: float, per_min: float) -> int:
        """Take something out of a bucket, or nothing if there is not enough in it.

        Args:
            who, what: name the bucket.
            amount: wanted; more than `per_min` is allowed when the bucket is full.
            per_min: what flows in each minute, and what it holds.

        Returns:
            0 when it was taken; otherwise seconds until it may be.
        """
        with self._lock:
            bucket = self._filled(who, what, per_min)
            lacking = min(amount, per_min) - bucket.level
            # What rounding leaves is not worth a second.
            if lacking <= 1e-6:
                bucket.level -= amount
                return 0
            return max(1, math.ceil(lacking * 60.0 / per_min))

    def charge(self, who: str, what: str, amount: float, per_min: float) -> None:
        """Take it in any case: what nobody announced leaves a debt."""
        with self._lock:
            self._filled(who, what, per_min).level -= amount

    def _filled(self, who: str, what: str, per_min: float) -> _Bucket:
        now_s = self._clock()
        if len(self._buckets) >= MAX_BUCKETS:
            # A bucket that was left alone for a minute is full, unless it had a debt.
            self._buckets = {n: b for n, b in self._buckets.items() if now_s - b.at_s < 60.0 or b.level < 0}
        bucket = self._buckets.setdefault((who, what), _Bucket(per_min, now_s))
        bucket.level = min(per_min, bucket.level + (now_s - bucket.at_s) * per_min / 60.0)
        bucket.at_s = now_s
        return bucket
