"""The tiny autoencoder of latent diffusion (TAESD and its successors such as TAEF2), and its weight files.

Written anew from the published description of the network (madebyollin, Tiny AutoEncoder for Stable Diffusion): 64
channels throughout, blocks of three convolutions with an identity beside them, and in the newest ones a wide 1x1 bypass
at the smallest size.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
N_GROUPS, BYPASS = 4, 4
"""Groups of the bypass's normalisation, and its width over the network's."""

FACTOR = 8
LIMIT = 3.0
"""The decoder takes latents softly within -3 and 3."""

MAX_BYTES = 200_000_000
"""These networks have a few megabytes; a header that claims more is not followed."""


class Block(nn.Module):
    """Three convolutions beside an identity, at the smallest size with a normalised 1x1 bypass before them."""

    def __init__(self, *, bypass: bool) -> None:
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3))
        self.pool: nn.Module | None = None
        if bypass:
            wide = WIDTH * BYPASS
            self.pool = nn.Sequential(
                nn.Conv2d(WIDTH, wide, 1, bias=False),
                nn.GroupNorm(N_GROUPS, wide),
                nn.ReLU(),
                nn.Conv2d(wide, WIDTH, 1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.pool is not None:
            x = x + self.pool(x)
        y = x
        for i, conv in enumerate(self.conv):
            y = conv(functional.relu(y) if i else y)
        return functional.relu(x + y)


class TinyEncoder(nn.Module):
    """(N, 3, H, W) 0..1 -> latents (N, n_latent, H / 8, W / 8)."""

    def __init__(self, n_latent: int, *, bypass: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), Block(bypass=False)]
        for level in range(3):
            layers.append(nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1, bias=False))
            layers += [Block(bypass=bypass and level == 2) for _ in range(3)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(WIDTH, n_latent, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        return cast("Tensor", self.layers(images))


class TinyDecoder(nn.Module):
    """Latents (N, n_latent, h, w) -> (N, 3, h * 8, w * 8), about 0..1."""

    def __init__(self, n_latent: int, *, bypass: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(n_latent, WIDTH, 3, padding=1), nn.ReLU()]
        for level in range(3):
            layers += [Block(bypass=bypass and level == 0) for _ in range(3)]
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)]
        self.layers = nn.Sequential(*layers, Block(bypass=False), nn.Conv2d(WIDTH, 3, 3, padding=1))

    def forward(self, latents: Tensor) -> Tensor:
        return cast("Tensor", self.layers(torch.tanh(latents / LIMIT) * LIMIT))


def read_numbers(path: Path, part: str = "") -> list[Tensor]:
    """The tensors of a weight file in the order of the network's layers, flat, as float32.

    A `.safetensors` file is read by its names; where one holds encoder and decoder, only `part` is. Of a `.pth` archive
    of PyTorch 1.6 and later only the raw numbers are read, which lie in numbered members; the pickle beside them, which
    would run code, is not opened. What the numbers belong to follows from their order, and `fill` checks every length.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither, or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(2, "there are no weights", str(path))
    if path.suffix == ".safetensors":
        return _of_safetensors(path, part)
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} is neither safetensors nor an archive; older PyTorch files are one pickle")
    return _of_archive(path)


def fill(network: nn.Module, numbers: list[Tensor]) -> None:
    """Give a network its weights, one after another.

    Raises:
        ValueError: their count or lengths are not the network's, or they are no weights.
    """
    weights = list(network.parameters())
    found, wanted = [tensor.numel() for tensor in numbers], [weight.numel() for weight in weights]
    if found != wanted:
        raise ValueError(f"{len(found)} tensors of {sum(found):,} numbers are not this network's {len(wanted)}")
    if not all(tensor.isfinite().all() and tensor.abs().max() < 1e3 for tensor in numbers):
        raise ValueError("these numbers are no weights: too large, or not finite")
    with torch.no_grad():
        for weight, tensor in zip(weights, numbers, strict=True):
            weight.copy_(tensor.view_as(weight))


def tiny(kind: type[TinyEncoder] | type[TinyDecoder], path: Path) -> TinyEncoder | TinyDecoder:
    """An encoder or decoder with the weights of a file; width of the latents and bypass follow from the file.

    Raises:
        FileNotFoundError, ValueError: the file is missing, or is no such network's.
    """
    numbers = read_numbers(path, "encoder" if kind is TinyEncoder else "decoder")
    if not numbers:
        raise ValueError(f"{path.name} holds no tensors")
    ends = numbers[-1] if kind is TinyEncoder else numbers[0][: numbers[0].numel() // (9 * WIDTH)]
    bypass = any(tensor.numel() == WIDTH * BYPASS for tensor in numbers)
    with torch.random.fork_rng(devices=[]):
        network = kind(ends.numel(), bypass=bypass)
    try:
        fill(network, numbers)
    except ValueError as error:
        raise ValueError(f"{path.name} does not fit {kind.__name__}: {error}") from None
    return network.eval().requires_grad_(False)


def _of_safetensors(path: Path, part: str) -> list[Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is no safetensors file: {error}") from None
    own = [name for name in tensors if part and name.startswith(f"{part}.")] or list(tensors)
    return [tensors[name].float().flatten() for name in sorted(own, key=_layer_order)]


def _layer_order(name: str) -> tuple[tuple[int, int | str], ...]:
    """By number where names hold one; `conv` before `pool` as the networks have them, a weight before its bias."""
    parts = re.split(r"[._]", name.replace("weight", "0").replace("bias", "1"))
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts)


def _of_archive(path: Path) -> list[Tensor]:
    numbers = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = {re.sub(r"^[^/]*/", "", member.filename): member for member in archive.infolist()}
            if sum(member.file_size for member in members.values()) > MAX_BYTES:
                raise ValueError(f"{path.name} claims more than {MAX_BYTES:,} bytes")
            if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
                raise ValueError(f"{path.name} was written on a machine of the other byte order")
            raw = [archive.read(members[f"data/{i}"]) for i in range(sum(n.startswith("data/") for n in members))]
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None
    # The last tensor is the bias of the output: 3 colours, or one value a channel of the latents, of 2 or 4 bytes each.
    kind = np.float16 if raw and _n_bytes(raw) == 2 else np.float32
    for data in raw:
        numbers.append(torch.from_numpy(np.frombuffer(data, kind).astype(np.float32)))
    return numbers


def _n_bytes(raw: list[bytes]) -> int:
    """Bytes a number, from the 3x3 convolutions from 64 to 64 channels that all these networks are made of."""
    square = WIDTH * WIDTH * 9
    return 2 if any(len(data) == square * 2 for data in raw) else 4
