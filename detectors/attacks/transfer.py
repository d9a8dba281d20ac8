"""Adversarial examples that were found on another detector and are carried over: the target is never asked.

Networks that learned the same task err alike, so that what fools one often fools the other.

Source:
    Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018.
    Xie et al., "Improving transferability of adversarial examples with input diversity", CVPR 2019: the drawn resizing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from detectors.attacks.base import Effort, Target
from detectors.attacks.gradient import Perturbed, perturb
from generators.images import Pixels

MOMENTUM = 1.0
"""As Dong et al. have it."""


class Transfer(Perturbed):
    """Black box: gradients of another detector alone."""

    name = "transfer"
    about = "Fakes with a change of every pixel too small to be seen, found on another detector and carried over."
    white_box: ClassVar[bool] = False

    def perturbed(self, target: Target, plain: Sequence[Pixels], effort: Effort, seed: int) -> tuple[Pixels, ...]:
        """See `Perturbed.perturbed`.

        Raises:
            ValueError: there is no other detector.
        """
        if target.transfer is None:
            raise ValueError("the attack transfer needs another detector to learn on, and the target names none")
        reach, n = effort.epsilon, effort.n_iterations
        return perturb(target.transfer, plain, reach, n, seed, momentum=MOMENTUM, lasting=True)
