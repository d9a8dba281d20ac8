"""Generators whose weights the user brings: which one it is follows from the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generators.base import Generator

NAME = "outside"
"""Written in place of a generator's name."""


def outside_generator(weights: Sequence[Path]) -> Generator:
    """A generator of somebody else's weights.

    Args:
        weights: an encoder and a decoder; one safetensors file that holds both; or the `model.json` of an up-sampler.

    Raises:
        ImportError: the extra `learned` is not installed.
        OSError, ValueError: a file is missing, or is no such network's.
    """
    if len(weights) == 1 and weights[0].suffix == ".json":
        from generators.outside_upsampler import OutsideUpsampler

        return OutsideUpsampler(weights[0])
    if len(weights) == 2 or [path.suffix for path in weights] == [".safetensors"]:
        from generators.outside_decoder import OutsideAutoencoder

        return OutsideAutoencoder(weights[0], weights[-1])
    raise ValueError(
        "weights are an encoder and a decoder, one .safetensors file that holds both, or the model.json of an "
        f"up-sampler; got {', '.join(path.name for path in weights) or 'none'}"
    )
