"""Aligned fakes by somebody else's autoencoder: TAEF2 and its relatives, whose weights the user brings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import FakeBatch, Family, check_sources, everywhere
from generators.extras import needs
from generators.images import Images
from generators.weights import ModelCard

if TYPE_CHECKING:
    from generators.restoration.tiny_decoder import TinyDecoder, TinyEncoder

TILE_PX, HALO_PX = 512, 64
"""Such a network keeps 64 channels at full size. Its normalisation looks at all of a tile, so that tiles of a photo
larger than this differ a little from the photo in one piece."""


class OutsideAutoencoder:
    """Rebuilds whole photos from the latents of a tiny autoencoder of latent diffusion.

    Not in the catalogue, since it needs weights that do not ship. It keeps the rules of a generator all the same.

    Args:
        encoder, decoder: weight files, as `generators.restoration.tiny_decoder.read_numbers` takes them; the same one
            where it holds both.

    Attributes:
        card: says that the weights are not ours, with the hash of both files.

    Raises:
        ImportError: the extra `learned` is not installed.
        FileNotFoundError, ValueError: a file is missing, or is no such network's.
    """

    name: ClassVar[str] = "reconstruct-outside"
    about: ClassVar[str] = "A photo rebuilt by an autoencoder of latent diffusion whose weights the user brings."
    family: ClassVar[Family] = Family.AUTOENCODER
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = 32

    def __init__(self, encoder: Path, decoder: Path) -> None:
        with needs("learned"):
            from generators.restoration.tiny_decoder import TinyDecoder, TinyEncoder, tiny
        self._encoder: TinyEncoder | TinyDecoder = tiny(TinyEncoder, encoder)
        self._decoder: TinyEncoder | TinyDecoder = tiny(TinyDecoder, decoder)
        self.card = ModelCard(
            name=self.name,
            version=decoder.stem,
            task="A photo in; the photo rebuilt from latents 8 times smaller a side out.",
            data={"unknown": 0},
            limits="Whatever its makers say; in tiles where a photo is larger than half a thousand pixels.",
            licence="That of the weights, which the user brings.",
            sha256=hashlib.sha256(encoder.read_bytes() + decoder.read_bytes()).hexdigest(),
        )
        self._recipe = f"rebuilt by {decoder.stem} from the latents of {encoder.stem}"

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The seed changes nothing: one photo has one fake."""
        check_sources(sources, self.min_side_px)
        images = np.empty_like(sources)
        for image, source in zip(images, sources, strict=True):
            image[:] = self._rebuilt(source)
        return FakeBatch(images, everywhere(images), (self._recipe,) * len(sources), self.name, seed)

    def _rebuilt(self, photo: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        from generators.restoration.rebuilding import cropped, padded, times
        from generators.restoration.tiles import in_tiles
        from generators.restoration.tiny_decoder import FACTOR

        images = padded(photo, FACTOR)

        def make(rows: slice, columns: slice) -> torch.Tensor:
            with torch.inference_mode():
                made = self._decoder(self._encoder(images[:, :, times(rows, FACTOR), times(columns, FACTOR)]))
            return torch.Tensor(made)

        n_rows, n_columns = images.shape[2] // FACTOR, images.shape[3] // FACTOR
        return cropped(in_tiles(make, n_rows, n_columns, step_px=FACTOR, halo_px=HALO_PX, tile_px=TILE_PX), photo)
