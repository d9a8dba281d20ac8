"""All figures of a set of fakes at once, beside those that reals would get."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from generators.quality.distances import frechet_figure, inception_score_figure, kernel_figure
from generators.quality.estimates import Figure, Floats
from generators.quality.neighbours import COPY_QUANTILE, Memory, memory, shape
from generators.whole_files import write_whole

if TYPE_CHECKING:
    from generators.quality.lite0 import Lite0


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network saw in a set of pictures.

    Attributes:
        features: (N, D) float32.
        probabilities: (N, C) float32 of its classes.
    """

    features: Floats
    probabilities: Floats

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Quality:
    """Figures of a set of fakes; each has its interval and its number of pictures.

    Attributes:
        fd_lite0: Frechet distance to held-out reals; falls with the number of pictures, so compare at one n.
        fd_floor: the same between training pictures and those held-out reals, as many: what perfect fakes would get.
        kd_lite0, kd_floor: kernel distance likewise, whatever the number of pictures.
        inception_score: on this network, not on Inception's.
        precision, recall, density, coverage, spread: see `neighbours.Shape`.
        copied, nearest: see `neighbours.Memory`; `nearest` is its mean ratio.
    """

    fd_lite0: Figure
    fd_floor: Figure
    kd_lite0: Figure
    kd_floor: Figure
    inception_score: Figure
    precision: Figure
    recall: Figure
    density: Figure
    coverage: Figure
    spread: Figure
    copied: Figure
    nearest: Figure

    @property
    def over_floor(self) -> float:
        """FD-lite0 in floors; 1 is as good as reals."""
        return self.fd_lite0.value / self.fd_floor.value if self.fd_floor.value > 0 else float("inf")

    def figures(self) -> dict[str, Figure]:
        """Name -> figure, in the order in which they are told."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_plain(self) -> dict[str, dict[str, float]]:
        """For JSON."""
        return {name: asdict(figure) for name, figure in self.figures().items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Mapping[str, Any]]) -> Quality:
        """From what `to_plain` gave.

        Raises:
            TypeError: a figure is missing, or there is one too many.
        """
        return cls(**{name: Figure(**figure) for name, figure in plain.items()})


@dataclass(frozen=True, eq=False)
class Reference:
    """Reals to measure fakes against; made once, used at every evaluation.

    Attributes:
        n: pictures of each set that distances rest on.
        held_out: reals that were never trained on.
        train: (T, D) features of training pictures.
        rows: n of the held-out reals, drawn once.
        fd_floor, kd_floor: between n training pictures and n held-out ones.
    """

    n: int
    held_out: Seen
    train: Floats
    rows: NDArray[np.int64]
    fd_floor: Figure
    kd_floor: Figure

    @classmethod
    def of(cls, held_out: Seen, train: Floats, *, n_fakes: int, seed: int) -> Reference:
        """Measure the floors.

        Args:
            held_out: reals that were never trained on.
            train: (T, D) features of what was.
            n_fakes: that will be measured; n is the least of the three numbers.
            seed: decides the draw and the intervals.

        Raises:
            ValueError: there are fewer than 20 pictures of a set.
        """
        rng = np.random.default_rng(seed)
        n = min(n_fakes, len(held_out), len(train))
        rows = rng.permutation(len(held_out))[:n]
        reals, others = held_out.features[rows], train[rng.permutation(len(train))[:n]]
        floors = (figure(others, reals, np.random.default_rng(seed)) for figure in (frechet_figure, kernel_figure))
        return cls(n, held_out, train, rows, *floors)


def see(pixels: NDArray[np.uint8], *, cache: Path | None = None, network: Lite0 | None = None) -> Seen:
    """Look at pictures with EfficientNet-Lite0.

    Args:
        pixels: (N, H, W, 3) uint8 RGB.
        cache: folder that keeps what was seen, by the pictures' hash; for reals, which come again. Made if missing.
        network: None for the shipped one on the CPU.

    Raises:
        ImportError: the extra "learned" is not installed.
    """
    from generators.extras import needs

    with needs("learned"):
        from generators.quality.lite0 import N_FEATURES, STEM, embed
    if cache is None:
        return Seen(*embed(pixels, network=network))
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    digest.update(f"{pixels.shape} {STEM}".encode())
    path = cache / f"seen-{digest.hexdigest()[:16]}.npy"
    if not path.is_file():
        kept = np.concatenate(embed(pixels, network=network), axis=1)
        cache.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        np.save(data, kept, allow_pickle=False)
        write_whole(path, data.getvalue())
    both = np.load(path, allow_pickle=False)
    return Seen(both[:, :N_FEATURES], both[:, N_FEATURES:])


def measure(fakes: Seen, reference: Reference, *, seed: int) -> tuple[Quality, Memory]:
    """All figures of some fakes.

    Args:
        fakes: at least `reference.n`; distances rest on the first n, the score and the copies on all.
        reference: what they are measured against.
        seed: decides the intervals and nothing else.

    Returns:
        The figures, and for each fake its nearest training picture.

    Raises:
        ValueError: there are fewer fakes than the reference was made for.
    """
    if len(fakes) < reference.n:
        raise ValueError(f"the reference was made for {reference.n} fakes or more, not {len(fakes)}")
    rng = np.random.default_rng(seed)
    some, reals = fakes.features[: reference.n], reference.held_out.features[reference.rows]
    overlap = shape(some, reals, rng)
    copies = memory(fakes.features, reference.held_out.features, reference.train, rng)
    quality = Quality(
        fd_lite0=frechet_figure(some, reals, rng),
        fd_floor=reference.fd_floor,
        kd_lite0=kernel_figure(some, reals, rng),
        kd_floor=reference.kd_floor,
        inception_score=inception_score_figure(fakes.probabilities, rng),
        precision=overlap.precision,
        recall=overlap.recall,
        density=overlap.density,
        coverage=overlap.coverage,
        spread=overlap.spread,
        copied=copies.copied,
        nearest=copies.mean_ratio,
    )
    return quality, copies


def measure_pictures(
    fakes: NDArray[np.uint8], held_out: NDArray[np.uint8], train: NDArray[np.uint8], *, seed: int
) -> tuple[Quality, Memory]:
    """`measure` from pictures: each set (N, H, W, 3) uint8, of any size of its own.

    Raises:
        ValueError: as for `measure`, or so many held-out reals were trained on that no copy could be told.
    """
    learnt = {_digest(pixels) for pixels in train}
    n_learnt = sum(_digest(pixels) in learnt for pixels in held_out)
    if n_learnt > COPY_QUANTILE * len(held_out):
        raise ValueError(f"{n_learnt} of {len(held_out)} held-out reals lie in the training set; figures want new ones")
    reference = Reference.of(see(held_out), see(train).features, n_fakes=len(fakes), seed=seed)
    return measure(see(fakes), reference, seed=seed)


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
