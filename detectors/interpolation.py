"""Periodicity of interpolation: resized pixels are weighted sums of neighbours, and the weights repeat along each line.

The magnitude of a derivative, averaged across lines, then swings with a period given by the resize factor. Sources:
Gallagher, CRV 2005 (second derivative of lines); Mahdian, Saic, IEEE TIFS 2008 (any derivative, local windows).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Plane = NDArray[np.float32]

WINDOW_PX = 128
STEP_PX = 32
"""Windows of 64 hold too few periods, of 160 no longer fit small objects; of 64, 96, 128 and 160 this told best."""

DERIVATIVE = np.array([[-1, 3, -3, 1]], np.float32)
"""Third derivative along a line: blinder to content than the second."""

MAX_MAGNITUDE = 16.0
"""Stronger derivatives are edges; they would drown the texture that carries the period."""

JPEG_PX = 8
MIN_FREQUENCY = 0.07
"""Cycles a pixel; below are the shapes of the picture, and resize factors under 1.08."""

NEIGHBOURS = 13
"""Frequencies over which the level around a peak is taken."""

MAX_PEAK = 30.0
"""Power over its surroundings above which a peak is as sure as it gets; keeps one line pattern from outshouting all."""

N_GRID = 1025
"""Frequencies 0 to 0.5 on which the spectra of lines and columns, of different lengths, are compared."""

BLOCK_MARGIN = 0.008
"""Cycles a pixel around those of JPEG blocks that are left out in the whole picture's spectrum."""

EULER_GAMMA = 0.5772
"""The mean of the logarithm of a unit exponential is minus this: noise has an exponential power spectrum."""


@dataclass(frozen=True, eq=False)
class LinePeaks:
    """Peaks that lines and columns share, window by window.

    Attributes:
        strength: (h, w, f) float32, geometric mean of the power over its surroundings along x and y; about 0.9 for
            noise, 0 at frequencies that JPEG blocks and colour filter arrays own.
        frequencies: (f,) float64, cycles a pixel, 0 to 0.5.
    """

    strength: Plane
    frequencies: NDArray[np.float64]


def line_peaks(luma: Plane) -> LinePeaks:
    """Measure the periodicity of interpolation in overlapping windows.

    Args:
        luma: (H, W) float32 0..255, at least WINDOW_PX a side.

    Returns:
        Windows of WINDOW_PX every STEP_PX pixels from the top left corner.

    Raises:
        ValueError: the picture is smaller than a window.
    """
    if min(luma.shape) < WINDOW_PX:
        raise ValueError(f"needs at least {WINDOW_PX} pixels a side, got {luma.shape}")
    along_x = _relative_power(_windows(_line_means(luma, 1)))
    along_y = _relative_power(_windows(_line_means(luma, 0))).transpose(1, 0, 2)
    frequencies = np.arange(WINDOW_PX // 2 + 1) / WINDOW_PX
    strength = np.sqrt(along_x * along_y) * usable(frequencies, 1.0 / WINDOW_PX)
    return LinePeaks(np.asarray(strength, np.float32), frequencies)


def usable(frequencies: NDArray[np.float64], margin: float) -> NDArray[np.bool_]:
    """Which frequencies can speak of a resize: not those of 8 x 8 blocks, colour filter arrays, or shapes."""
    block = np.abs(frequencies - np.rint(frequencies * JPEG_PX) / JPEG_PX)
    return (block > margin + 1e-9) & (frequencies > MIN_FREQUENCY)


def whole_picture_peak(luma: Plane) -> tuple[float, float]:
    """The strongest period of the whole picture, from all lines together.

    Args:
        luma: (H, W) float32 0..255, at least WINDOW_PX a side.

    Returns:
        Frequency in cycles a pixel, 0 to 0.5, and the power there over its surroundings, the lesser of x and y.
    """
    # Whole JPEG blocks, or their lines of the spectrum would leak into the neighbours.
    whole = luma[: luma.shape[0] // JPEG_PX * JPEG_PX, : luma.shape[1] // JPEG_PX * JPEG_PX]
    grid = np.linspace(0, 0.5, N_GRID)
    both = [_on_grid(_relative_power(_line_means(whole, axis).mean(axis=0)[None], limit=1e6)[0]) for axis in (1, 0)]
    shared = np.minimum(both[0], both[1]) * usable(grid, BLOCK_MARGIN)
    best = int(shared.argmax())
    return float(grid[best]), float(shared[best])


def _on_grid(power: Plane) -> Plane:
    """A spectrum of any length on N_GRID frequencies: the greatest value near each, so that no narrow peak is lost."""
    step = (power.size - 1) / (N_GRID - 1)
    reach = 2 * int(np.ceil(max(step, 1 / step) / 2)) + 1
    place = np.rint(np.arange(N_GRID) * step).astype(np.intp)
    widened = cv2.dilate(power[None], np.ones((1, reach if step > 1 else 3), np.uint8))[0]
    return np.asarray(widened[place], np.float32)


def enlargement(frequency: float) -> float:
    """The enlargement between one and two times that leaves this frequency; larger ones fold to the same values.

    Args:
        frequency: cycles a pixel, above 0 and at most 0.5.

    Source: Gallagher 2005: a period of `factor` pixels has 1 / factor cycles, which folds at one half.
    """
    if not 0 < frequency <= 0.5:
        raise ValueError(f"frequency must lie above 0 and at most at 0.5, not {frequency}")
    return 1.0 / (1.0 - frequency)


def _line_means(luma: Plane, axis: int) -> Plane:
    """Magnitude of the derivative along an axis, averaged over STEP_PX lines: (lines / STEP_PX, length)."""
    kernel = DERIVATIVE if axis == 1 else DERIVATIVE.T
    change = cv2.filter2D(luma, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    change = np.abs(change, out=np.asarray(change, np.float32))
    np.minimum(change, MAX_MAGNITUDE, out=change)
    height, width = luma.shape
    if axis == 1:
        n = height // STEP_PX
        return np.asarray(cv2.resize(change[: n * STEP_PX], (width, n), interpolation=cv2.INTER_AREA), np.float32)
    n = width // STEP_PX
    means = cv2.resize(change[:, : n * STEP_PX], (n, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.asarray(means, np.float32).T)


def _windows(lines: Plane) -> Plane:
    """(n, length) -> (h, w, WINDOW_PX), each the mean over the lines of one window."""
    n_together = WINDOW_PX // STEP_PX
    total = np.cumsum(np.pad(lines, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    means = ((total[n_together:] - total[:-n_together]) / n_together).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(means, WINDOW_PX, axis=1)
    return np.asarray(views[:, ::STEP_PX], np.float32)


def _relative_power(lines: Plane, limit: float = MAX_PEAK) -> Plane:
    """Power spectrum over the last axis, relative to its neighbourhood: 1 on average for noise."""
    length = lines.shape[-1]
    taper = np.hanning(length).astype(np.float32)
    spectrum = fft.rfft((lines - lines.mean(axis=-1, keepdims=True)) * taper)
    power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32) + np.float32(1e-9)
    flat = np.log(power).reshape(-1, power.shape[-1])
    level = cv2.blur(flat, (NEIGHBOURS, 1), borderType=cv2.BORDER_REFLECT).reshape(power.shape)
    return np.asarray(np.minimum(power / np.exp(level + EULER_GAMMA), np.float32(limit)), np.float32)
