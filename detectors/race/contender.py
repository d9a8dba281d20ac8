"""What a race needs of a detector: features of pictures, a reading of them to fit anew, and a network to attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example
from detectors.lessons import TrainingSettings, usable
from detectors.neighbours import Origins
from detectors.race.defence import Linear
from detectors.token_features import BLOCKS, Tower, features_of, tokens_of
from detectors.washed_views import Views, cut
from generators.images import Pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

Tensors = Mapping[str, NDArray[Any]]
Features = NDArray[np.float32]

RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic.json"


@dataclass(frozen=True, eq=False)
class Remembered:
    """Pictures that a shipped reading learned from, as far as its file still knows them.

    Attributes:
        features: (N, D) float32, two views of a picture one after the other.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
    """

    features: Features
    labels: NDArray[np.int64]
    sources: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Newcomers:
    """Pictures that a version has learned from besides those of its parent.

    Attributes:
        features: (N, V, D) views of each.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        generators: N names, "-" for real ones.
    """

    features: NDArray[np.floating]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    generators: tuple[str, ...]


class Contender(Protocol):
    """A detector that can be attacked and retrained.

    Attributes:
        name: of the detector.
    """

    name: str

    def features(self, pixels: Pixels) -> Features:
        """(D,) of one picture (H, W, 3)."""
        ...

    def usable(self, examples: Sequence[Example]) -> tuple[Example, ...]:
        """Those that it learns from.

        Raises:
            ValueError: a class is missing.
        """
        ...

    def known(
        self, examples: Sequence[Example], *, n_views: int, cache: Path | None, progress: Callable[[int], None] | None
    ) -> Views:
        """Features of washed views of known pictures."""
        ...

    def reading(self, tensors: Tensors) -> Linear:
        """The reading of stored weights."""
        ...

    def remembered(self, tensors: Tensors) -> Remembered | None:
        """What stored weights still know of the pictures they were fitted on."""
        ...

    def critic(self, reading: Linear) -> Callable[[Tensor], Tensor]:
        """(N, 3, H, W) float 0..1 -> (N,) log odds of fake, differentiable."""
        ...

    def renewed(
        self, tensors: Tensors, reading: Linear, llr_range: tuple[float, float], newcomers: Newcomers
    ) -> dict[str, NDArray[Any]]:
        """Weights to store for a calibrated reading that grew from these tensors."""
        ...


class SyntheticContender:
    """The detector `synthetic`: the tower stays frozen, its reading learns.

    Args:
        tower: gives tokens; the shipped one if None.
        network: the same in torch, (N, 3, H, W) -> tokens of each block; the shipped one if None.
    """

    name = "synthetic"

    def __init__(self, tower: Tower | None = None, network: nn.Module | None = None) -> None:
        self._given, self._network = tower, network

    def __reduce__(self) -> tuple[type[SyntheticContender], tuple[()]]:
        """Another process reads the shipped tower itself."""
        if self._given is not None:
            raise TypeError("a contender with a tower of its own cannot be sent to another process")
        return SyntheticContender, ()

    def features(self, pixels: Pixels) -> Features:
        """See `Contender.features`."""
        return features_of(tokens_of(self._tower, pixels))

    def usable(self, examples: Sequence[Example]) -> tuple[Example, ...]:
        """See `Contender.usable`."""
        return usable(examples, self._recipe)

    def known(
        self, examples: Sequence[Example], *, n_views: int, cache: Path | None, progress: Callable[[int], None] | None
    ) -> Views:
        """See `Contender.known`; the washes are those of the recipe, so that a cache of `unforged train` serves."""
        seed = self._recipe.seed
        return cut(self._tower, examples, n_views=n_views, seed=seed, cache=cache, progress=progress)

    def reading(self, tensors: Tensors) -> Linear:
        """See `Contender.reading`."""
        return Linear(np.asarray(tensors["weights"], np.float32), float(tensors["bias"].item()))

    def remembered(self, tensors: Tensors) -> Remembered | None:
        """The pictures next to which others are looked for: 64 dimensions of each, blown up to features again.

        Readings of these have a correlation of 0.91 with readings of the features themselves.
        """
        origins = Origins.read(dict(tensors))
        if not origins.kinds:
            return None
        bank = tensors["bank"].astype(np.float32)
        features = tensors["center"] + bank @ np.linalg.pinv(tensors["axes"].astype(np.float64)).astype(np.float32)
        kinds = [origins.kinds[int(place)] for place in np.repeat(origins.of, len(bank) // len(origins.of))]
        labels = np.array([label for label, *_ in kinds], np.int64)
        return Remembered(features.astype(np.float32), labels, tuple(source for _, source, _ in kinds))

    def critic(self, reading: Linear) -> Callable[[Tensor], Tensor]:
        """See `Contender.critic`."""
        from detectors.torch_tower import TorchReading

        return TorchReading(self._torch_tower(), reading.weights, reading.bias).eval().requires_grad_(False)

    def renewed(
        self, tensors: Tensors, reading: Linear, llr_range: tuple[float, float], newcomers: Newcomers
    ) -> dict[str, NDArray[Any]]:
        """See `Contender.renewed`: the pictures it learned from join those next to which others are looked for."""
        origins, bank = Origins.read(dict(tensors)), tensors["bank"]
        n_rows = len(bank) // max(len(origins.of), 1)
        own = [
            Example(Path("-"), int(label), source, generator)
            for label, source, generator in zip(newcomers.labels, newcomers.sources, newcomers.generators, strict=True)
        ]
        before = [Example(Path("-"), *origins.kinds[int(place)]) for place in origins.of]
        views = [view % newcomers.features.shape[1] for view in range(n_rows)]
        rows = newcomers.features[:, views].reshape(-1, newcomers.features.shape[2]).astype(np.float32)
        added = ((rows - tensors["center"]) @ tensors["axes"].astype(np.float32)).astype(np.float16)
        return {
            **tensors,
            "weights": reading.weights,
            "bias": np.array([reading.bias], np.float64),
            "llr_range": np.array(llr_range, np.float64),
            "bank": np.concatenate([bank, added]),
            **Origins.known([*before, *own]).tensors(),
        }

    @property
    def _recipe(self) -> TrainingSettings:
        return TrainingSettings.load(RECIPE)

    @property
    def _tower(self) -> Tower:
        if self._given is None:
            from detectors.shared_tower import shared_tower

            return shared_tower()
        return self._given

    def _torch_tower(self) -> nn.Module:
        if self._network is None:
            from detectors.synthetic import TOWER, ZOO
            from detectors.torch_tower import TorchTower
            from generators.weights import load

            self._network = TorchTower(load(TOWER, ZOO)[0], BLOCKS).eval().requires_grad_(False)
        return self._network


def contender(name: str) -> Contender:
    """The contender of that name.

    Raises:
        LookupError: that detector cannot race.
    """
    if name != SyntheticContender.name:
        raise LookupError(f"the detector {name!r} cannot race yet; {SyntheticContender.name} can")
    return SyntheticContender()
