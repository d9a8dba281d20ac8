"""Pictures beside themselves perturbed, for the detector `adversarial` to learn from.

What comes before the perturbation (shrinking, noise, earlier codings) and after it (the wash) is the same for both, so
that nothing but the perturbation tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.attacks.gradient import Critic, perturb
from detectors.synthetic import READING, TOWER, ZOO
from detectors.token_features import BLOCKS
from detectors.washed_views import number_of
from generators.extras import needs
from generators.images import Pixels, to_float
from generators.launder import INTERPOLATIONS, Chain, Fit, Jpeg, Noise, Step, Tone, Webp
from generators.quality.lite0 import N_CLASSES, Lite0
from generators.quality.lite0 import load as load_lite0
from generators.weights import load

with needs("learned"):
    import torch
    from torch import Tensor

    from detectors.torch_tower import TorchReading, TorchTower

SHARES = {"reading": 0.25, "lasting": 0.15, "blocks": 0.2, "network": 0.25, "patch": 0.15}
"""Kind of attack -> how often it is drawn. `reading` is PGD on the shipped reading of the tower, `lasting` the same
through JPEG and resizing, `blocks` on two blocks of five as if it were another reading of the tower, `network` on
another network altogether, `patch` on the shipped reading but without bounds in one small square."""

EPSILONS = (1, 2, 4, 8)
"""Of a perturbation, in steps of 8 bits."""

N_STEPS = (4, 9)
"""Of descent; the upper end is left out."""

SIDES_PX = {"network": (224, 1000)}
"""Longer sides of what is perturbed, drawn evenly in proportion; the tower's gradients cost too much above 640."""
USUAL_SIDES_PX = (224, 640)

PATCH_SIDES = (0.15, 0.3)
"""Of a patch, as a share of the shorter side."""

LITE0_PX = (128, 160, 224)

CriticMaker: TypeAlias = Callable[[np.random.Generator, Pixels], Critic]
"""Draws a critic for a picture."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture beside itself perturbed.

    Attributes:
        clean, perturbed: (H, W, 3) uint8 of one size.
        kind: of the attack, a key of SHARES.
        epsilon: largest change of a pixel in steps of 8 bits; 255 in a patch.
    """

    clean: Pixels
    perturbed: Pixels
    kind: str
    epsilon: int


def make_pair(makers: Mapping[str, CriticMaker], pixels: Pixels, name: str, *, is_fake: bool, seed: int) -> Pair:
    """Prepare a picture as pictures come, and perturb it so that a detector errs about it.

    Args:
        makers: kind of attack -> what gives its critic.
        pixels: (H, W, 3) uint8.
        name: of its file; with the seed it decides what is drawn.
        is_fake: which way the detector shall err.
        seed: of all draws.
    """
    draws = np.random.default_rng((seed, number_of(name)))
    kind = str(draws.choice(list(SHARES), p=list(SHARES.values())))
    clean = _prepared(pixels, draws, SIDES_PX.get(kind, USUAL_SIDES_PX))
    epsilon, n_steps = int(draws.choice(EPSILONS)), int(draws.integers(*N_STEPS))
    critic = makers[kind](draws, clean)
    search = partial(
        perturb, n_steps=n_steps, seed=int(draws.integers(1 << 30)), towards_fake=not is_fake, lasting=kind == "lasting"
    )
    if kind == "patch":
        return Pair(clean, _patched(search, critic, clean, draws), kind, 255)
    momentum = float(draws.choice((0.0, 1.0)))
    return Pair(clean, search(critic, [clean], epsilon / 255, momentum=momentum)[0], kind, epsilon)


def shipped_critic() -> TorchReading:
    """The shipped `synthetic` as a network that gradients go through."""
    tensors, _ = load(READING, ZOO)
    tower = TorchTower(load(TOWER, ZOO)[0], BLOCKS).eval().requires_grad_(False)
    return TorchReading(tower, tensors["weights"], tensors["bias"].item())


def shipped_makers() -> dict[str, CriticMaker]:
    """Critics of what ships: the tower with the reading of `synthetic`, and EfficientNet-Lite0."""
    whole = shipped_critic()
    weights = whole.weights.numpy()

    def blocks(draws: np.random.Generator, pixels: Pixels) -> Critic:
        return TorchReading(whole.tower, _of_two_blocks(weights, draws), 0.0)

    def reading(draws: np.random.Generator, pixels: Pixels) -> Critic:
        return whole

    eye = load_lite0()
    return {
        "reading": reading,
        "lasting": reading,
        "patch": reading,
        "blocks": blocks,
        "network": lambda draws, pixels: _of_lite0(eye, draws, pixels),
    }


def _prepared(pixels: Pixels, draws: np.random.Generator, sides_px: tuple[int, int]) -> Pixels:
    """What a picture was through before: shrunk unless it is small, and every other time noisy, coded or toned."""
    longer = max(pixels.shape[:2])
    side_px = int(np.exp(draws.uniform(*np.log(sides_px))))
    filter_ = str(draws.choice(list(INTERPOLATIONS)))
    steps: list[Step] = [Fit(min(side_px, int(0.9 * longer)), filter_)] if longer > sides_px[0] else []
    earlier: tuple[Step | None, ...] = (
        Noise(float(draws.uniform(1, 5)), int(draws.integers(1 << 31))),
        Jpeg(int(draws.integers(60, 96))),
        Webp(int(draws.integers(60, 96))),
        Tone(float(draws.uniform(0.8, 1.2)), 1.0),
        None,
    )
    chosen = earlier[int(draws.choice(5, p=(0.15, 0.2, 0.08, 0.07, 0.5)))]
    return Chain("", (*steps, chosen) if chosen is not None else tuple(steps))(pixels)


def _patched(
    search: Callable[..., tuple[Pixels, ...]], critic: Critic, clean: Pixels, draws: np.random.Generator
) -> Pixels:
    """The picture with one square of it changed without bounds.

    Source: Karmon et al., "LaVAN: Localized and visible adversarial noise", ICML 2018.
    """
    height, width = clean.shape[:2]
    side = round(float(draws.uniform(*PATCH_SIDES)) * min(height, width))
    top, left = int(draws.integers(height - side + 1)), int(draws.integers(width - side + 1))
    place = np.s_[top : top + side, left : left + side]
    whole = torch.from_numpy(to_float(clean))

    def through(part: Tensor) -> Tensor:
        image = whole.clone()
        image[..., place[0], place[1]] = part
        return critic(image)

    patched = clean.copy()
    patched[place] = search(through, [np.ascontiguousarray(clean[place])], 1.0)[0]
    return patched


def _of_two_blocks(weights: NDArray[np.float32], draws: np.random.Generator) -> NDArray[np.float32]:
    kept = np.zeros((len(BLOCKS), 1), np.float32)
    kept[draws.choice(len(BLOCKS), 2, replace=False)] = 1
    return np.asarray((weights.reshape(len(BLOCKS), -1) * kept).ravel(), np.float32)


def _of_lite0(eye: Lite0, draws: np.random.Generator, pixels: Pixels) -> Critic:
    """A drawn reading of its features, the class that it sees, or a drawn class."""
    side_px, way = int(draws.choice(LITE0_PX)), int(draws.integers(3))
    if way == 0:
        line = torch.from_numpy(draws.standard_normal(eye.classifier.in_features).astype(np.float32))
        return lambda images: eye.features(images, side_px) @ line
    with torch.inference_mode():
        seen = int(eye.logits(torch.from_numpy(to_float(pixels)), side_px).argmax())
    wanted = seen if way == 1 else int(draws.integers(N_CLASSES))
    return lambda images: eye.logits(images, side_px).log_softmax(1)[:, wanted]
