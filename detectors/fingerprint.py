"""Sensor fingerprint (PRNU): each pixel of a sensor answers a little more or less to light, alike in every photo.

Sources: Lukas, Fridrich, Goljan, IEEE TIFS 2006 (the trace); Chen, Fridrich, Goljan, Lukas, IEEE TIFS 2008 (maximum
likelihood estimate, clean-up); Goljan, Fridrich, Filler, SPIE 2009 (peak-to-correlation energy and its threshold).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Plane = NDArray[np.float32]

MATCH_PCE = 60.0
"""Goljan et al. 2009: false alarms near 2 in 100,000 on a million photos of 6,896 cameras."""

DENOISER_SIGMA = 3.0
"""Noise that the denoiser takes for granted, in 8-bit steps: our choice, not tuned."""

WINDOWS_PX = (3, 5, 9)
"""Windows of the local variance; the least of them keeps edges out of the residual (Mihcak et al. 1999)."""

PEAK_SIDE = 11
"""Goljan et al. 2009: neighbourhood of the peak that is left out of the energy."""

SATURATED = 250.0
"""A clipped pixel shows no gain."""

MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""

MAX_GAIN = 0.1
"""Relative gain above which a pixel is a defect or a mark; PRNU is near 0.01."""


def noise_residual(plane: Plane, sigma: float = DENOISER_SIGMA) -> Plane:
    """The picture minus what a locally adaptive Wiener filter keeps of it.

    Args:
        plane: (H, W) float32 0..255.
        sigma: standard deviation of the noise to take out, in the same units.
    """
    variance: Plane | None = None
    detail = plane - cv2.boxFilter(plane, -1, (3, 3), borderType=cv2.BORDER_REFLECT)
    energy = cv2.multiply(detail, detail)
    for side in WINDOWS_PX:
        local = np.asarray(cv2.boxFilter(energy, -1, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
        variance = local if variance is None else np.minimum(variance, local, out=variance)
    assert variance is not None
    noise = np.float32(sigma * sigma)
    # detail * noise / (signal + noise), where signal = max(variance - noise, 0)
    np.maximum(variance, noise, out=variance)
    np.divide(noise, variance, out=variance)
    return np.asarray(np.multiply(detail, variance, out=variance), np.float32)


class FingerprintSum:
    """Adds photos up to a maximum likelihood fingerprint, K = sum(W I) / sum(I^2), one at a time.

    Args:
        shape: height and width of every photo.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.n_photos = 0
        self._signal = np.zeros(shape, np.float32)
        self._weight = np.zeros(shape, np.float32)

    def add(self, plane: Plane) -> None:
        """Add a photo, (H, W) float32 0..255.

        Raises:
            ValueError: another size.
        """
        if plane.shape != self.shape:
            raise ValueError(
                f"photos must be {self.shape[1]} x {self.shape[0]}, not {plane.shape[1]} x {plane.shape[0]}"
            )
        light = np.where(plane < SATURATED, plane, np.float32(0))
        self._signal += noise_residual(plane) * light
        self._weight += light * light
        self.n_photos += 1

    def __add__(self, other: FingerprintSum) -> FingerprintSum:
        total = FingerprintSum(self.shape)
        total.n_photos = self.n_photos + other.n_photos
        total._signal, total._weight = self._signal + other._signal, self._weight + other._weight
        return total

    def pattern(self) -> Plane:
        """The cleaned relative gain (H, W) float32, zero mean."""
        raw = self._signal / (self._weight + np.float32(1))
        np.clip(raw, -MAX_GAIN, MAX_GAIN, out=raw)
        return without_peaks(without_lines(raw))


def without_lines(pattern: Plane) -> Plane:
    """Take the mean out of rows and columns of each of the four Bayer lattices: what all cameras of a model share."""
    clean = pattern.copy()
    for y in (0, 1):
        for x in (0, 1):
            part = clean[y::2, x::2]
            part -= part.mean(axis=0, keepdims=True)
            part -= part.mean(axis=1, keepdims=True)
    return clean


def without_peaks(pattern: Plane) -> Plane:
    """Flatten peaks of the spectrum (JPEG blocks, read-out patterns) with a Wiener filter; white noise passes."""
    spectrum = fft.rfft2(pattern)
    power = np.asarray(np.abs(spectrum) ** 2, np.float32)
    noise = np.float32(power.mean())
    variance: Plane | None = None
    for side in (3, 5, 7, 9):
        local = np.asarray(cv2.boxFilter(power, -1, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
        variance = local if variance is None else np.minimum(variance, local, out=variance)
    assert variance is not None
    np.maximum(variance, noise, out=variance)
    spectrum *= noise / variance
    return np.asarray(fft.irfft2(spectrum, s=pattern.shape), np.float32)


@dataclass(frozen=True)
class Peak:
    """Where two patterns agree best.

    Attributes:
        pce: peak-to-correlation energy, negative for an inverted match.
        y_px, x_px: place of the probe's top left corner on the pattern.
    """

    pce: float
    y_px: int
    x_px: int


def best_peak(pattern: Plane, residual: Plane, light: Plane) -> Peak:
    """Look for a photo's residual in a fingerprint at every shift.

    Args:
        pattern: (H, W) float32 relative gain.
        residual: (h, w) float32 noise residual of the probe, h <= H and w <= W.
        light: (h, w) float32 0..255, the probe's own brightness: a gain shows in proportion to it.

    Raises:
        ValueError: the probe is larger than the pattern.
    """
    height, width = residual.shape
    if height > pattern.shape[0] or width > pattern.shape[1]:
        raise ValueError(f"a probe of {residual.shape} does not fit a pattern of {pattern.shape}")
    probe = residual * np.where(light < SATURATED, light, np.float32(0))
    probe = without_lines(np.asarray(probe, np.float32))
    shape = (fft.next_fast_len(pattern.shape[0], real=True), fft.next_fast_len(pattern.shape[1], real=True))
    spectrum = fft.rfft2(pattern, s=shape) * np.conj(fft.rfft2(probe, s=shape))
    correlation = fft.irfft2(spectrum, s=shape)
    del spectrum
    # Shifts at which the probe lies on the pattern as a whole; others wrap around.
    inside = correlation[: pattern.shape[0] - height + 1, : pattern.shape[1] - width + 1]
    y, x = (int(i) for i in np.unravel_index(int(inside.argmax()), inside.shape))
    return Peak(_pce(correlation, y, x), y, x)


def _pce(correlation: Plane, y: int, x: int) -> float:
    """Squared peak over the mean square of everything outside its neighbourhood, which may wrap around."""
    height, width = correlation.shape
    rows = (y + np.arange(PEAK_SIDE) - PEAK_SIDE // 2) % height
    columns = (x + np.arange(PEAK_SIDE) - PEAK_SIDE // 2) % width
    near = correlation[np.ix_(rows, columns)].astype(np.float64)
    flat = correlation.ravel()
    rest = float(np.dot(flat, flat)) - float((near**2).sum())
    energy = rest / max(correlation.size - near.size, 1)
    peak = float(correlation[y, x])
    return float(np.sign(peak) * peak**2 / max(energy, 1e-30))


def missing_fingerprint(pattern: Plane, residual: Plane, light: Plane, *, block_px: int, window: int) -> Plane:
    """How far the fingerprint's share of each part falls short of what its light and texture let expect.

    Args:
        pattern: (H, W) float32 relative gain, in register with the photo.
        residual: (H, W) float32 noise residual of the photo.
        light: (H, W) float32 0..255, the photo's brightness.
        block_px: side of a block; incomplete ones are left out.
        window: blocks a side over which the correlation is taken, odd.

    Returns:
        (h, w) float32 in standard deviations of a correlation over one window, by chance or over this photo,
        whichever is larger; above 0 where the fingerprint is missing, 0 where it could not be seen anyway (dark,
        clipped or busy parts).

    Source: after Chen et al. 2008, section V, with a predictor of one factor fitted on the photo itself.
    """
    expected = pattern * np.where(light < SATURATED, light, np.float32(0))
    shared = _window_sums(expected * residual, block_px, window)
    energy = _window_sums(expected * expected, block_px, window)
    noise = _window_sums(residual * residual, block_px, window)
    found = shared / np.sqrt(np.maximum(energy * noise, 1e-12))
    possible = np.sqrt(energy / np.maximum(noise, 1e-6))
    factor = float(np.median(found / np.maximum(possible, 1e-6)))
    shortfall = (factor * possible - found) * (block_px * window)
    # Less than three deviations expected: its absence would prove nothing.
    visible = factor * possible * (block_px * window) >= 3.0
    if not visible.any():
        return np.zeros(found.shape, np.float32)
    # The predictor knows nothing of texture and compression, so its errors may be larger than chance alone makes them.
    seen = shortfall[visible]
    spread = max(1.0, MAD_TO_DEVIATION * float(np.median(np.abs(seen - np.median(seen)))))
    return np.where(visible, shortfall / spread, 0).astype(np.float32)


def _window_sums(plane: Plane, block_px: int, window: int) -> Plane:
    """Sums over windows of blocks, (h, w), mirrored at the edges of the picture."""
    height, width = plane.shape[0] // block_px, plane.shape[1] // block_px
    whole = np.asarray(plane[: height * block_px, : width * block_px], np.float32)
    means = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    sums = cv2.boxFilter(means, -1, (window, window), normalize=False, borderType=cv2.BORDER_REFLECT)
    return np.asarray(sums * np.float32(block_px * block_px), np.float32)
