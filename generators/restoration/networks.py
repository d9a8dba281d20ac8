"""Small fully convolutional networks that rebuild a photo: an autoencoder, an up-sampler and an inpainter.

None has a normalisation or attention layer, so that a pixel depends on its neighbourhood alone: pictures of any size go
through in tiles and come out as if they had gone through whole. `halo_px` says how wide that neighbourhood is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

LATENT_NOISE = 0.04
"""Largest strength of the noise on latents, which lie between -1 and 1: the draw of a variational decoder."""

N_LATENT = {4: 8, 8: 16}
AUTOENCODER_WIDTHS = {4: (16, 48), 8: (16, 32, 56)}
"""By how many times smaller the latents are. Most weights sit at the smallest size, where they cost the least time."""


class Residual(nn.Module):
    """Two 3x3 convolutions beside an identity.

    Source: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016; without normalisation as in Lim et al.,
    Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPRW 2017.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.second(functional.leaky_relu(self.first(x), 0.2)))


class Dilated(nn.Module):
    """One 3x3 convolution with holes beside an identity: sees far at little cost.

    Source: Yu and Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, ICLR 2016.
    """

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        nn.init.normal_(self.conv.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.leaky_relu(cast("Tensor", self.conv(x)), 0.2)


class Encoder(nn.Module):
    """(N, 3, H, W) 0..1 -> latents (N, n_latent, H / f, W / f) within -1 and 1; H and W are multiples of f.

    Args:
        widths: channels at 1/2, 1/4 ... of the size; f is 2 to their number.
        n_latent: channels of the bottleneck.
        n_blocks: residual blocks at the smallest size.
    """

    def __init__(self, widths: Sequence[int], n_latent: int, n_blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1), Residual(widths[0])]
        for narrow, wide in pairwise(widths):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(narrow, wide, 4, stride=2, padding=1)]
        layers += [Residual(widths[-1]) for _ in range(n_blocks)]
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Conv2d(widths[-1], n_latent, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(self.layers(images * 2 - 1))


class Decoder(nn.Module):
    """Latents (N, n_latent, h, w) -> (N, 3, h * f, w * f), about 0..1."""

    def __init__(self, widths: Sequence[int], n_latent: int, n_blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(n_latent, widths[-1], 3, padding=1)]
        layers += [Residual(widths[-1]) for _ in range(n_blocks)]
        for wide, narrow in pairwise(widths[::-1]):
            layers += [nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2, mode="nearest")]
            layers += [nn.Conv2d(wide, narrow, 3, padding=1), Residual(narrow)]
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Conv2d(widths[0], 12, 3, padding=1))

    def forward(self, latents: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.layers(latents), 2) * 0.5 + 0.5


class Autoencoder(nn.Module):
    """A photo through a bottleneck and back.

    Source: Esser et al., Taming Transformers for High-Resolution Image Synthesis, CVPR 2021 (an autoencoder trained
    against a patch discriminator), here without a codebook and far smaller.

    Attributes:
        factor: how many times smaller than the photo the latents are, 4 or 8.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        widths = AUTOENCODER_WIDTHS[factor]
        self.factor = factor
        self.encoder = Encoder(widths, N_LATENT[factor], n_blocks=1)
        self.decoder = Decoder(widths, N_LATENT[factor], n_blocks=2)

    @property
    def halo_px(self) -> int:
        """No pixel depends on one farther away."""
        return 14 * self.factor

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """Rebuild.

        Args:
            images: (N, 3, H, W) 0..1, sides multiples of `factor`.
            noise: added to the latents, of their shape (N, N_LATENT[factor], H / factor, W / factor).
        """
        return cast("Tensor", self.decoder(self.encoder(images) + noise))


class Upsampler(nn.Module):
    """(N, 3, h, w) -> (N, 3, h * factor, w * factor): almost all is computed at the small size.

    Source: Ledig et al., Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, CVPR
    2017; the pixel shuffle straight to colours is that of Shi et al., CVPR 2016.
    """

    halo_px = 16
    """In pixels of the small picture."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        width = {2: 32, 4: 36}[factor]
        self.factor = factor
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(Residual(width) for _ in range(4)), nn.Conv2d(width, width, 3, padding=1))
        self.last = nn.Conv2d(width, 3 * factor**2, 3, padding=1)
        nn.init.normal_(self.last.weight, std=0.01)

    def forward(self, images: Tensor) -> Tensor:
        features = self.first(images * 2 - 1)
        detail = self.last(functional.leaky_relu(features + self.body(features), 0.2))
        smooth = functional.interpolate(images, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return smooth + functional.pixel_shuffle(detail, self.factor) * 0.5


class Inpainter(nn.Module):
    """Adds structure to a smoothly filled hole: a U-Net whose middle looks far through convolutions with holes.

    Source: Iizuka et al., Globally and Locally Consistent Image Completion, SIGGRAPH 2017; Ronneberger et al., U-Net,
    MICCAI 2015.
    """

    factor = 8
    halo_px = 160

    def __init__(self, widths: Sequence[int] = (24, 48, 56)) -> None:
        super().__init__()
        a, b, c = widths
        self.at_2 = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(16, a, 3, padding=1), nn.LeakyReLU(0.2))
        self.at_4 = nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2), *_dilated(b, 1, 2))
        self.at_8 = nn.Sequential(nn.Conv2d(b, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.middle = nn.Sequential(*_dilated(c, 1, 2, 4, 4, 2, 1))
        self.to_4, self.merge_4 = nn.Conv2d(c, b, 1), nn.Sequential(*_dilated(b, 1, 2))
        self.to_2, self.merge_2 = nn.Conv2d(b, a, 1), nn.Conv2d(a, a, 3, padding=1)
        self.last = nn.Conv2d(a, 12, 3, padding=1)
        nn.init.normal_(self.last.weight, std=0.01)

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Rebuild what is masked; the rest comes back as it is.

        Args:
            images: (N, 3, H, W) 0..1, sides multiples of 8, their holes filled by `smoothly_filled`.
            masks: (N, 1, H, W), 1 where to fill.
        """
        at_2 = self.at_2(torch.cat([images * 2 - 1, masks], dim=1))
        at_4 = self.at_4(at_2)
        x = self.middle(self.at_8(at_4))
        x = self.merge_4(functional.interpolate(self.to_4(x), scale_factor=2, mode="nearest") + at_4)
        x = functional.interpolate(self.to_2(x), scale_factor=2, mode="nearest") + at_2
        x = functional.leaky_relu(self.merge_2(x), 0.2)
        return images + masks * functional.pixel_shuffle(self.last(x), 2) * 0.5


def smoothly_filled(images: Tensor, masks: Tensor) -> Tensor:
    """Holes filled from their edges by averages over ever larger squares, as smooth as a hole is wide.

    Source: Gortler et al., The Lumigraph, SIGGRAPH 1996 (push and pull).

    Args:
        images: (N, 3, H, W) 0..1; what is masked is not looked at.
        masks: (N, 1, H, W), 1 where to fill.
    """
    known = 1 - masks
    levels = [(images * known, known)]
    while max(levels[-1][1].shape[-2:]) > 1 and bool((levels[-1][1] == 0).any()):
        colours, known = (functional.avg_pool2d(part, 2, ceil_mode=True) for part in levels[-1])
        levels.append((colours / known.clamp(min=1e-6), (known > 0).float()))
    result = torch.where(levels[-1][1] > 0, levels[-1][0], 0.5)
    for colours, known in levels[-2::-1]:
        coarse = functional.interpolate(result, scale_factor=2, mode="bilinear", align_corners=False)
        result = torch.where(known > 0, colours, coarse[:, :, : colours.shape[2], : colours.shape[3]])
    return result


def _dilated(width: int, *dilations: int) -> list[nn.Module]:
    return [Dilated(width, dilation) for dilation in dilations]


def n_weights(network: nn.Module) -> int:
    """Numbers in a network's weights and buffers."""
    return sum(tensor.numel() for tensor in network.state_dict().values())
