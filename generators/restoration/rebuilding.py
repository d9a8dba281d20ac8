"""Whole photos through the networks: padded to what a network can take, in tiles, cropped to the size they had."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from generators.restoration.layer_graph import LayerGraph
from generators.restoration.networks import N_LATENT, Autoencoder, Inpainter, Upsampler, smoothly_filled
from generators.restoration.tasks import shrink
from generators.restoration.tiles import TILE_PX, in_tiles, padding

Photo = NDArray[np.float32]
"""(3, H, W) float32 RGB 0..1."""

MAX_DEPTH_PX, RING_PX = 25.0, 12.0
"""In the patches that were learned from, holes are at most some 25 pixels deep; deeper ones are filled in rings."""

SQUARE_PX = 64
"""Side of the largest squares that a hole of usual size is smoothly filled from; a multiple of the network's factor."""


def through_bottleneck(
    network: Autoencoder, photo: Photo, strength: float, rng: np.random.Generator, tile_px: int = TILE_PX
) -> Photo:
    """A photo through an autoencoder, with noise of standard deviation `strength` on its latents."""
    factor = network.factor
    images = padded(photo, factor)
    n_rows, n_columns = images.shape[2] // factor, images.shape[3] // factor
    drawn = rng.standard_normal((1, N_LATENT[factor], n_rows, n_columns), np.float32) * np.float32(strength)
    noise = torch.from_numpy(drawn)

    def make(rows: slice, columns: slice) -> torch.Tensor:
        part = images[:, :, times(rows, factor), times(columns, factor)]
        return cast("torch.Tensor", network(part, noise[:, :, rows, columns]))

    halo_px = network.halo_px
    return cropped(in_tiles(make, n_rows, n_columns, step_px=factor, halo_px=halo_px, tile_px=tile_px), photo)


def through_small_size(network: Upsampler | LayerGraph, photo: Photo, kernel: str, tile_px: int = TILE_PX) -> Photo:
    """A photo shrunk and grown again."""
    factor = network.factor
    small = shrink(padded(photo, factor), factor, kernel)

    def make(rows: slice, columns: slice) -> torch.Tensor:
        return cast("torch.Tensor", network(small[:, :, rows, columns]))

    grown = in_tiles(
        make, small.shape[2], small.shape[3], step_px=factor, halo_px=network.halo_px * factor, tile_px=tile_px
    )
    return cropped(grown, photo)


def filled(network: Inpainter, photo: Photo, mask: NDArray[np.bool_], tile_px: int = TILE_PX) -> Photo:
    """A photo whose masked part is made up from its surroundings; only what the part depends on is computed.

    Holes wider than those that the network learned on are filled ring by ring from their edges.

    Args:
        network: the inpainter.
        photo: (3, H, W) float32 0..1.
        mask: (H, W), True where to fill.
        tile_px: side of a tile without its halo.
    """
    result, left = photo.copy(), mask.copy()
    while left.any():
        ring = _outermost(left)
        np.copyto(result, _filled_at_once(network, result, left, tile_px), where=ring)
        left &= ~ring
    return result


def _outermost(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is filled next: all of a small hole, the ring along the edge of a large one."""
    depth_px = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if depth_px.max() <= MAX_DEPTH_PX or mask.all():
        return mask.copy()
    return np.asarray(mask & (depth_px <= RING_PX))


def _filled_at_once(network: Inpainter, photo: Photo, mask: NDArray[np.bool_], tile_px: int) -> Photo:
    rows, columns = (_around(np.asarray(mask.any(axis=axis)), network.halo_px, SQUARE_PX) for axis in (1, 0))
    images, holes = padded(photo[:, rows, columns], network.factor), padded(mask[None, rows, columns], network.factor)
    images = smoothly_filled(images, holes)

    def make(rows: slice, columns: slice) -> torch.Tensor:
        at = (times(rows, network.factor), times(columns, network.factor))
        return cast("torch.Tensor", network(images[:, :, at[0], at[1]], holes[:, :, at[0], at[1]]))

    n_rows, n_columns = images.shape[2] // network.factor, images.shape[3] // network.factor
    made = in_tiles(make, n_rows, n_columns, step_px=network.factor, halo_px=network.halo_px, tile_px=tile_px)
    result = photo.copy()
    part = result[:, rows, columns]
    part[:] = cropped(made, part)
    return result


def _around(touched: NDArray[np.bool_], halo_px: int, multiple: int) -> slice:
    """Lines that hold the touched ones and a halo, from a line of the grid on, so that a crop changes nothing."""
    at = np.flatnonzero(touched)
    return slice(max(0, at[0] - halo_px) // multiple * multiple, min(len(touched), at[-1] + 1 + halo_px))


def padded(planes: NDArray[np.float32] | NDArray[np.bool_], multiple: int) -> torch.Tensor:
    """(1, C, H, W), grown by its own mirror image below and to the right to multiples."""
    below, right = padding(planes.shape[1], planes.shape[2], multiple)
    plain = planes.astype(np.float32, copy=False)
    if below or right:  # what fits is not copied: a large photo has some 150 MB
        plain = np.pad(plain, ((0, 0), (0, below), (0, right)), mode="reflect")
    return torch.from_numpy(np.ascontiguousarray(plain))[None]


def cropped(picture: torch.Tensor, photo: Photo) -> Photo:
    inside = picture[:, : photo.shape[1], : photo.shape[2]].clamp_(0, 1)
    return cast("Photo", np.ascontiguousarray(inside.numpy()))


def times(span: slice, factor: int) -> slice:
    return slice(span.start * factor, span.stop * factor)
