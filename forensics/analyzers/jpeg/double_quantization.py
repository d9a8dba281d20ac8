"""Aligned double quantization: coefficients quantized twice leave gaps and peaks; a pasted part does not have them.

Where a JPEG photo was opened, a part replaced and the whole saved again on the same grid, the untouched blocks were
quantized twice and the replaced ones once (or on another grid), which two histograms per frequency tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from forensics.analyzers.jpeg.coefficients import Coefficients

FREQUENCIES = (1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5)
"""The first fifteen AC frequencies in zigzag order: beyond these nearly all coefficients are zero."""

MAX_VALUE = 96
"""Multiples of the step that are looked at; larger ones are too rare to count."""

MAX_STEP = 60
"""Largest first step looked for: JPEG quality 40 and worse at these frequencies."""

MIN_COUNT = 200
"""Non-zero coefficients that a frequency needs before its histogram says anything."""

SHARES = np.array([0.0, 0.05, 0.2, 0.5])
"""Shares of once-quantized blocks that are tried when the first step is estimated."""

MAX_EVIDENCE = 2.5
"""Bound of one coefficient's log ratio: a histogram bin that the model calls impossible is only rare in truth."""


WINDOW_SHARES = (0.01, 0.04, 0.12)
"""Areas of parts that are looked for, of the picture."""

CLEAR_PATTERN = 0.1
"""Mean log ratio per coefficient (nats) from which a pattern of two quantizations is clear."""

REMNANT, WHOLE = 0.25, 0.45
"""Share of the expected evidence up to which a pattern is a remnant, and from which it is whole; told apart on train
photos that were brightened or sharpened between two saves (0.1 to 0.4) and on planted splices (0.4 and up)."""

HEAT_SIDE = 5
"""Blocks a side whose evidence is added up for the map: 40 pixels, a small object in a small photo."""

NATS_PER_HALF = 4.0
"""Evidence around a block that is drawn at half strength; about 50 to 1."""


@dataclass(frozen=True, eq=False)
class DoubleQuantization:
    """The earlier quantization and what every block says about it.

    Attributes:
        steps: frequency index (8 * vertical + horizontal) -> first step, for frequencies where there was one.
        gain: mean log-likelihood that two quantizations explain better than one, per non-zero coefficient (nats).
        evidence: (h, w) float32, log ratio of "quantized once" over "quantized twice", summed over the block (nats).
        expected: (h, w) float32, what the evidence would be on average if the block was quantized twice, 0 or less.
        count: (h, w) float32, number of coefficients behind it.
    """

    steps: dict[int, int]
    gain: float
    evidence: NDArray[np.float32]
    expected: NDArray[np.float32]
    count: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OnceQuantized:
    """The part of a twice-quantized picture that most clearly was quantized once.

    Attributes:
        strength: 0 and up; decimal digits of the evidence for it, less where the rest is not clearly twice quantized.
        heat: (h, w) float32 0..1, chance that the blocks around each block were quantized once.
    """

    strength: float
    heat: NDArray[np.float32]


def once_quantized(found: DoubleQuantization, usable: NDArray[np.bool_]) -> OnceQuantized:
    """Find the window that breaks the pattern of the rest.

    Args:
        found: what every block says.
        usable: (h, w) bool, False for blocks with clipped pixels: clipping breaks the pattern too.
    """
    evidence, count = found.evidence * usable, found.count * usable
    rest = float(evidence.sum() / max(float(count.sum()), 1.0))
    if rest >= 0:
        return OnceQuantized(0.0, np.zeros_like(evidence))
    # Brightening or sharpening the whole photo leaves a remnant of the pattern everywhere, and parts without any.
    remaining = rest * float(count.sum()) / min(float((found.expected * usable).sum()), -1e-6)
    whole = min(max((remaining - REMNANT) / (WHOLE - REMNANT), 0.0), 1.0)
    strength = 0.0
    for share in WINDOW_SHARES:
        side = max(3, round(float(np.sqrt(share * evidence.size))) | 1)
        total = _box(evidence, side)
        at = int(total.argmax())
        most = float(total.flat[at])
        mean = most / max(float(_box(count, side).flat[at]), 1.0)
        # Evidence for a part is believed as far as the pattern it breaks is clear, and as far as it is broken.
        clear = whole * min(1.0, -rest / CLEAR_PATTERN) * min(1.0, mean / -rest)
        strength = max(strength, float(np.log10(1 + max(most, 0.0))) * max(clear, 0.0))
    near = _box(evidence, HEAT_SIDE) / NATS_PER_HALF
    heat = np.where(_box(count, HEAT_SIDE) > 0, 1 / (1 + np.exp(-np.clip(near - 1, -30, 30))), 0)
    return OnceQuantized(strength, heat.astype(np.float32))


def double_quantization(
    coefficients: Coefficients, smooth: NDArray[np.float32], *, min_gain: float = 0.02
) -> DoubleQuantization:
    """Estimate the first steps and map where they do not hold.

    Args:
        coefficients: as stored, on the grid of the last save.
        smooth: (n, 64) float32 coefficients of the same picture on a shifted grid, where quantization left no gaps.
        min_gain: log-likelihood per coefficient from which a first step is believed.

    Source:
        Bianchi and Piva, Image Forgery Localization via Block-Grained Analysis of JPEG Artifacts, IEEE TIFS 2012;
        Lin et al., Fast, automatic and fine-grained tampered JPEG image detection, Pattern Recognition 2009.
    """
    height, width, _ = coefficients.values.shape
    evidence = np.zeros((height, width), np.float32)
    expected, count = np.zeros_like(evidence), np.zeros_like(evidence)
    steps: dict[int, int] = {}
    gain, n_seen = 0.0, 0
    for frequency in FREQUENCIES:
        value = np.minimum(np.abs(coefficients.values[..., frequency]), MAX_VALUE + 1)
        histogram = np.bincount(value.ravel(), minlength=MAX_VALUE + 2)[: MAX_VALUE + 1]
        n = int(histogram[1:].sum())
        if n < MIN_COUNT:
            continue
        step = float(coefficients.steps[frequency])
        first, better, table, mean = _fit(histogram, np.sort(np.abs(smooth[:, frequency])), step, coefficients.noise)
        gain, n_seen = gain + better * n, n_seen + n
        if first and better >= min_gain:
            steps[frequency] = first
            evidence += table[value]
            seen = (value > 0) & (value <= MAX_VALUE)
            expected += np.float32(mean) * seen
            count += seen
    return DoubleQuantization(steps, gain / max(n_seen, 1), evidence, expected, count)


def _fit(
    histogram: NDArray[np.int64], magnitude: NDArray[np.float32], step: float, noise: float
) -> tuple[int, float, NDArray[np.float32], float]:
    """Best first step, its gain, the log ratio once/twice for each magnitude 0..MAX_VALUE + 1, its mean for twice."""
    once = _normal(_quantized(magnitude, 1.0, step, noise))
    observed = histogram[1:] / histogram[1:].sum()
    base = float(observed @ np.log(once))
    best = (0, 0.0, once)
    for first in range(2, MAX_STEP + 1):
        # A first step that is a whole fraction of the second leaves no gap to see.
        if step % first == 0:
            continue
        twice = _normal(_quantized(magnitude, float(first), step, noise))
        mixed = (1 - SHARES[:, None]) * twice + SHARES[:, None] * once
        better = float((np.log(mixed) @ observed).max()) - base
        if better > best[1]:
            best = (first, better, twice)
    ratio = np.clip(np.log(once / best[2]), -MAX_EVIDENCE, MAX_EVIDENCE)
    table = np.zeros(MAX_VALUE + 2, np.float32)
    table[1:-1] = ratio
    return best[0], best[1], table, float(ratio @ best[2])


def _quantized(magnitude: NDArray[np.float32], first: float, step: float, noise: float) -> NDArray[np.float64]:
    """Expected share of each magnitude 0..MAX_VALUE after both quantizations, from sorted smooth magnitudes."""
    top = int((MAX_VALUE + 1) * step / first) + 2
    edges = np.searchsorted(magnitude, (np.arange(top + 1) + 0.5) * first)
    mass = np.diff(edges, prepend=0).astype(np.float64)
    at = np.arange(top + 1) * first / step
    low = np.floor(at - 0.5)
    shares = np.zeros(MAX_VALUE + 4)
    for ahead in range(-1, 3):
        k = low + ahead
        part = ndtr((k + 0.5 - at) * step / noise) - ndtr((k - 0.5 - at) * step / noise)
        shares += np.bincount(np.clip(np.abs(k), 0, MAX_VALUE + 3).astype(int), mass * part, MAX_VALUE + 4)
    return shares[: MAX_VALUE + 1]


def _normal(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution over the magnitudes 1..MAX_VALUE, never quite zero."""
    kept = shares[1:] + 1e-3 * shares[1:].sum() / MAX_VALUE + 0.1
    normal: NDArray[np.float64] = kept / kept.sum()
    return normal


def _box(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(
        cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT), np.float32
    )
