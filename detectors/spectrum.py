"""Power spectrum of the residual: cameras roll off with their optics, decoders of generators leave peaks and bumps.

Sources: Durall, Keuper, Keuper, CVPR 2020 (azimuthal average); Zhang, Karaman, Chang, WIFS 2019 and Odena et al.,
Distill 2016 (peaks of transposed and nearest-neighbour up-sampling); Corvi et al., CVPRW 2023 (residual spectra).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Plane = NDArray[np.float32]

MAX_TILES = 32
"""Two million pixels at 256 px a tile: more do not change an average of this kind."""

N_RINGS = 16
"""Rings of the radial profile from 0 to half a cycle a pixel."""

NEIGHBOURHOOD = 9
"""Side, in lines of the spectrum, of the surroundings that a peak is compared with."""


def sample_tiles(plane: Plane, tile_px: int, max_tiles: int = MAX_TILES) -> Plane:
    """Tiles spread evenly over the picture, at native resolution and on its 8 x 8 grid.

    Args:
        plane: (H, W) float32, at least tile_px a side.
        tile_px: side of a tile.
        max_tiles: at most so many.

    Returns:
        (n, tile_px, tile_px) float32, copies.

    Raises:
        ValueError: the picture is smaller than a tile.
    """
    height, width = plane.shape
    if min(height, width) < tile_px:
        raise ValueError(f"needs at least {tile_px} pixels a side, got {plane.shape}")
    rows, columns = max(1, height // tile_px), max(1, width // tile_px)
    while rows * columns > max_tiles:
        rows, columns = (rows - 1, columns) if rows >= columns else (rows, columns - 1)
    tops = np.linspace(0, height - tile_px, rows).astype(int) // 8 * 8
    lefts = np.linspace(0, width - tile_px, columns).astype(int) // 8 * 8
    return np.stack([plane[y : y + tile_px, x : x + tile_px] for y in tops for x in lefts])


def denoising_residual(tiles: Plane) -> Plane:
    """Tiles minus their 3 x 3 median, (n, s, s) float32: edges stay out, noise and the marks of decoders stay in."""
    return np.stack([tile - cv2.medianBlur(tile, 3) for tile in tiles]).astype(np.float32)


def mean_power(tiles: Plane) -> Plane:
    """Average power spectrum of tiles.

    Args:
        tiles: (n, s, s) float32.

    Returns:
        (s, s // 2 + 1) float32: non-negative frequencies along x, all along y, in units of variance a bin: the sum
        over the full plane is the mean square of the tiles under a unit-power taper (Parseval).
    """
    side = tiles.shape[-1]
    line = np.hanning(side + 1)[:side]
    taper = np.outer(line, line)
    taper /= np.sqrt((taper**2).mean())
    spectrum = fft.rfft2(tiles * taper.astype(np.float32))
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0) / float(side) ** 4
    return np.asarray(power, np.float32)


def radial_profile(power: Plane, n_rings: int = N_RINGS) -> NDArray[np.float64]:
    """Azimuthal average of a power spectrum.

    Args:
        power: (s, s // 2 + 1) from `mean_power`.
        n_rings: rings of equal width from 0 to half a cycle a pixel; the corners beyond are left out.

    Returns:
        (n_rings,) mean power of each ring.
    """
    side = power.shape[0]
    radius = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None])
    ring = np.minimum((radius * 2 * n_rings).astype(int), n_rings)
    weight = _half_plane_weight(power.shape)
    total = np.bincount(ring.ravel(), (power * weight).ravel(), minlength=n_rings + 1)
    count = np.bincount(ring.ravel(), weight.ravel(), minlength=n_rings + 1)
    return np.asarray(total[:n_rings] / np.maximum(count[:n_rings], 1))


def grid_peaks(power: Plane, period_px: int) -> float:
    """How far the frequencies of a grid stand out, in log10 of power over the surroundings.

    Args:
        power: (s, s // 2 + 1) from `mean_power`, s a multiple of period_px.
        period_px: 2, 4 or 8: the step of the up-sampling. Frequencies of a smaller period are left out.

    Returns:
        Mean over the frequencies that are multiples of 1 / period_px along both axes.
    """
    side = power.shape[0]
    logs = np.log10(power + 1e-12)
    reach = NEIGHBOURHOOD // 2
    wide = np.pad(logs, ((reach, reach), (0, 0)), mode="wrap")
    wide = np.pad(wide, ((0, 0), (reach, reach)), mode="reflect")
    step = side // period_px
    values = []
    for i in range(period_px):
        for j in range(period_px // 2 + 1):
            if (i, j) == (0, 0) or (period_px > 2 and i % 2 == 0 and j % 2 == 0):
                continue
            y, x = i * step, j * step
            around = wide[y : y + NEIGHBOURHOOD, x : x + NEIGHBOURHOOD]
            values.append(float(logs[y, x] - np.median(around)))
    return float(np.mean(values))


def phase_imbalance(tiles: Plane) -> float:
    """How unlike the steps from even to odd pixels are to those from odd to even, which repeating pixels makes them.

    Repeated pixels leave a null, not a peak, at the very frequency of the grid, so the spectrum alone misses them.

    Args:
        tiles: (n, s, s) float32 of the picture itself.

    Returns:
        Magnitude of log10 of the ratio of mean steps, the lesser of both axes; 0 for no difference.
    """
    ratios = []
    for axis in (1, 2):
        step = np.abs(np.diff(tiles, axis=axis)).mean(axis=(0, 3 - axis), dtype=np.float64)
        ratios.append(abs(float(np.log10((step[0::2].mean() + 1e-3) / (step[1::2].mean() + 1e-3)))))
    return min(ratios)


def _half_plane_weight(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How often each bin of a real transform stands for itself in the full plane: once on the edges, else twice."""
    weight = np.full(shape, 2.0)
    weight[:, 0] = 1.0
    if shape[0] % 2 == 0:
        weight[:, -1] = 1.0
    return weight
