"""What each side of the game wants: relativistic pairs, and gradients held down on reals and on fakes.

The pair of losses and both penalties are those of R3GAN (Huang et al. 2024), which shows that they converge without
tricks; penalties are applied lazily, as in StyleGAN 2 (Karras et al. 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Each real should look more real than the fake beside it; (N,) logits each -> ()."""
    return F.softplus(fake - real).mean()


def generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Each fake should look more real than the real beside it; (N,) logits each -> ()."""
    return F.softplus(real - fake).mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Mean squared length of the gradient of the logits by the pictures.

    R1 on reals (Mescheder et al. 2018), R2 on fakes.

    Args:
        logits: (N,) of the images.
        images: (N, 3, H, W) that require gradients.

    Returns:
        () with a graph of its own, to be minimised.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


class Judge(nn.Module):
    """A discriminator and its penalties in one forward pass.

    Gradients taken inside of `forward` are the only ones that every precision and every way of spreading a network over
    several devices understands.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *batches: Tensor, penalised: bool = False) -> tuple[tuple[Tensor, Tensor], ...]:
        """Each batch of (N, 3, H, W) -> its logits (N,) and its penalty (), 0 where it is not asked for."""
        return tuple(self._judged(images, penalised) for images in batches)

    def _judged(self, images: Tensor, penalised: bool) -> tuple[Tensor, Tensor]:
        if not penalised:
            return self.network(images), images.new_zeros(())
        with torch.enable_grad():
            images = images.detach().requires_grad_()
            logits = self.network(images)
            return logits, gradient_penalty(logits, images)
