"""What attacks are tried on in tests: a detector that dislikes one colour, and generators of a few hundred weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.attacks.base import Target
from generators.gan.networks import Synthesis
from generators.images import Pixels, to_float
from generators.runs import first_weights
from generators.weights import ModelCard, save

GAN = {"side_px": 16, "g_channels": [8, 8], "latent": 8, "g_tail": 4}


def redness(images: Tensor) -> Tensor:
    """Log odds of fake: the more red a picture has over its blue, the surer."""
    means = images.mean(dim=(2, 3))
    return 30 * (means[:, 0] - means[:, 2]) + 3


def red_score(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """The same as a scan would say it."""
    logits = [float(redness(torch.from_numpy(to_float(pixels)))) for pixels in pictures]
    return np.asarray(1 / (1 + np.exp(-np.asarray(logits, np.float64))))


def red_target(*, threshold: float = 0.5) -> Target:
    """A detector that takes red for fake."""
    return Target(score=red_score, threshold=threshold, critic=redness)


def write_gan(stem: str, folder: Path, *, seed: int = 1) -> None:
    """An untrained GAN of 16 pixels under the name of a shipped one."""
    with first_weights(seed):
        network = Synthesis(16, (8, 8), 8, 4)
    tensors = {name: tensor.numpy().astype(np.float16) for name, tensor in network.state_dict().items()}
    name, _, version = stem.rpartition("-")
    save(tensors, ModelCard(name, version, "nothing", settings=GAN), folder)
