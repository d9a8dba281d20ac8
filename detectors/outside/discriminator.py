"""The discriminator of a GAN's training run as a detector: it has learned to tell its own generator from photos.

What it knows is one generator at one moment, so that it is a seed of an arms race rather than a judge of strangers
(`docs/detectors.md` has figures). It wants small squares, as in training, and says how sure it is of a photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.outside.adding import Candidate, Given, tried
from detectors.outside.described import Described
from detectors.outside.preprocessing import Preprocessing
from detectors.outside.reading import Reading
from generators.extras import needs

if TYPE_CHECKING:
    from torch import Tensor

MIDDLE = (0.5, 0.5, 0.5)
"""GANs see pixels in -1..1."""

LIMITS = (
    "Learned to tell one generator, as it was when training stopped, from the photos of that run, in squares of {} "
    "pixels that lay as its training pictures did. Expect nothing of other generators, other scenes or washed pictures."
)


def of_run(folder: Path, given: Given) -> Candidate:
    """Read the discriminator out of a training run's folder.

    Args:
        folder: of a run of `unforged generate train`, finished or not.
        given: name, claim and licence; all else is in the run, which has no hash that it could be told by.

    Raises:
        FileNotFoundError: there is no checkpoint.
        ImportError: torch is not installed.
        ValueError: the run has no discriminator of whole pictures, or a hash is wanted of it.
    """
    if given.sha256:
        raise ValueError("a SHA-256 can be asked of a file of weights; a training run is none")
    with needs("learned"):
        from detectors.outside.weight_files import to_bytes
        from generators.checkpoints import load_state
        from generators.runs import CHECKPOINT
    state = load_state(folder / CHECKPOINT)
    try:
        settings: Mapping[str, Any] = state["settings"]
        tensors: dict[str, Tensor] = state["game"]["discriminator"]
        side_px = int(settings["side_px"])
        sizes: dict[str, Any] = {
            "side_px": side_px,
            "channels": [int(n) for n in settings["d_channels"]],
            "n_deep": int(settings["d_deep"]),
        }
        pictures = f"training run {folder.resolve().name} after {int(state['game']['n_seen']):,} pictures"
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder} holds no training run of a GAN of whole pictures: {error}") from error
    described = Described(
        "discriminator",
        Preprocessing(side_px, "shorter", interpolation="bilinear", mean=MIDDLE, std=MIDDLE),
        Reading(("photo",), ()),
        sizes,
        given.origin or pictures,
    )
    found = tried(described, to_bytes(tensors), f"{folder.resolve().name}-discriminator", given)
    task = "A picture in, the log odds out that the generator of one training run made it."
    return replace(found, card=replace(found.card, task=task, limits=LIMITS.format(side_px)))
