"""JPEG and resizing that gradients can pass, so that a generator learns against what survives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from generators.launder import Jpeg

BLOCK = 8

TO_YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
"""Full-range luma and chroma of JFIF 1.02; chroma is centred on 128."""

TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


@dataclass(frozen=True)
class DifferentiableJpeg:
    """Save as JPEG and read again, in tensors: the pixels of libjpeg up to a few steps of 8 bits.

    Each rounding is exact forwards and counts as the identity backwards (straight through, Bengio et al. 2013), where
    Shin and Song ("JPEG-resistant adversarial images", 2017) bend the rounding itself.

    Attributes:
        qualities: of each picture in turn, or one for all: 1..100 on the scale of libjpeg.
        subsampling: 0 is 4:4:4, 2 is 4:2:0.
    """

    qualities: tuple[int, ...]
    subsampling: Literal[0, 2] = 2

    def __post_init__(self) -> None:
        if not self.qualities or not all(1 <= quality <= 100 for quality in self.qualities):
            raise ValueError(f"JPEG qualities lie between 1 and 100, not {self.qualities}")
        if self.subsampling not in (0, 2):
            raise ValueError(f"subsampling is 0 (4:4:4) or 2 (4:2:0), not {self.subsampling}")

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float 0..1 -> the same of float32, in steps of 1/255."""
        n, _, height, width = images.shape
        if len(self.qualities) not in (1, n):
            raise ValueError(f"{len(self.qualities)} qualities for {n} pictures")
        # Coefficients in half precision would be off by more than a step of the finer tables.
        with torch.autocast(images.device.type, enabled=False):
            bytes_ = _rounded(images.float().clamp(0, 1) * 255)
            unit = BLOCK * (2 if self.subsampling else 1)
            padded = F.pad(bytes_, (0, -width % unit, 0, -height % unit), mode="replicate")
            planes = _rounded(_mixed(padded, TO_YCBCR) + _middle(images))
            luma, chroma = planes[:, :1], planes[:, 1:]
            if self.subsampling:
                chroma = _rounded(F.avg_pool2d(chroma, 2))
            luma, chroma = self._coded(luma, 0), self._coded(chroma, 1)
            if self.subsampling:
                # The triangle filter of libjpeg's "fancy upsampling" is this very interpolation.
                chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
            planes = torch.cat((luma, chroma), dim=1)[:, :, :height, :width] - _middle(images)
            decoded: Tensor = _rounded(_mixed(planes, TO_RGB).clamp(0, 255)) / 255
        return decoded

    def _coded(self, planes: Tensor, table: int) -> Tensor:
        """Planes (N, C, h, w) through transform and quantization and back, 0..255."""
        steps = torch.tensor([Jpeg(quality).tables[table] for quality in self.qualities], dtype=torch.float32)
        steps = steps.to(planes.device).view(-1, 1, 1, 1, BLOCK, BLOCK)
        transform = _cosines().to(planes.device)
        n, channels, height, width = planes.shape
        blocks = (planes - 128).view(n, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(3, 4)
        coefficients = transform @ blocks @ transform.T  # (N, C, h / 8, w / 8, 8, 8)
        coefficients = _rounded(coefficients / steps) * steps
        blocks = transform.T @ coefficients @ transform
        coded = blocks.transpose(3, 4).reshape(n, channels, height, width)
        return _rounded((coded + 128).clamp(0, 255))


@dataclass(frozen=True)
class DifferentiableResize:
    """Shrink and blow up to the old size again, without aliasing.

    Attributes:
        scale: of the sides in between; above 1 the picture is first blown up.
        interpolation: of both steps.
    """

    scale: float
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"scale must be above 0, not {self.scale}")

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float 0..1 -> the same of float32: the filters know no half precision."""
        images = images.float()
        size = (int(images.shape[2]), int(images.shape[3]))
        between = (max(1, round(size[0] * self.scale)), max(1, round(size[1] * self.scale)))
        if between == size:
            return images
        return self._to(self._to(images, between), size).clamp(0, 1)

    def _to(self, images: Tensor, size: Sequence[int]) -> Tensor:
        return F.interpolate(images, size=size, mode=self.interpolation, align_corners=False, antialias=True)


def _rounded(values: Tensor) -> Tensor:
    return values + (values.round() - values).detach()


def _mixed(planes: Tensor, matrix: Sequence[Sequence[float]]) -> Tensor:
    return torch.einsum("oc,nchw->nohw", torch.tensor(matrix, device=planes.device), planes)


def _middle(images: Tensor) -> Tensor:
    return torch.tensor((0.0, 128.0, 128.0), device=images.device).view(1, 3, 1, 1)


def _cosines() -> Tensor:
    """(8, 8) orthonormal DCT-II: a row is a frequency."""
    place, frequency = torch.arange(BLOCK), torch.arange(BLOCK)[:, None]
    waves: Tensor = torch.cos((2 * place + 1) * frequency * torch.pi / (2 * BLOCK)) * (2 / BLOCK) ** 0.5
    waves[0] /= 2**0.5
    return waves
