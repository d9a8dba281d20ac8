"""Trains the detector `adversarial`: pictures beside themselves perturbed, sources and kinds of attack held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.adversarial import READING, TowerRead, distance
from detectors.adversarial_features import GROUPS, Read
from detectors.adversarial_views import CLEAN, PairMaker, PairRows, cut_pairs
from detectors.data import EDIT, Example, Reader, first_by_hash, read_picture
from detectors.glance import READING as OF_GLANCE
from detectors.held_out import figures
from detectors.linear_reading import Fitted, fit_reading
from detectors.probe import fold_of
from detectors.recipe import Recipe
from detectors.synthetic import READING as OF_SYNTHETIC
from detectors.synthetic import TOWER
from detectors.training import LICENCE
from detectors.washed_views import number_of
from generators.weights import ModelCard, save

if TYPE_CHECKING:
    from detectors.adversarial_pairs import CriticMaker

TASK = "A picture in, the probability that it was perturbed to fool a detector (at equal odds beforehand)."

SAYS = "perturbed to fool a detector"

READINGS = (OF_SYNTHETIC, OF_GLANCE)
"""Whose gaps between both sizes are looked at."""

LIMITS = (
    "Learned from photos and fakes whose pixels were all changed by 1 to 8 steps along the gradient of one of two "
    "networks. Changes by one step, small patches, and whatever was compressed hard or shrunk afterwards may pass; an "
    "attacker who knows this detector can fool it as well. Strong sharpening, denoising or noise may look like a "
    "perturbation. Whether a picture is real or fake it does not say."
)

FARTHEST = 0.995
"""Share of the training rows that lie within the limit beyond which nothing is judged."""


@dataclass(frozen=True)
class AdversarialSettings(Recipe):
    """What a run depends on besides the pictures.

    Attributes:
        n_views: washed views of each pair, 2 at least: light and stronger washes take turns.
        seed: of attacks and washes.
        left_out: families that are not used.
        most: pictures of one source and label; so many of the first by the hash of their names.
        in_all: pictures of all of these, likewise: each costs seconds of a processor.
        alone: pictures of one source and label, likewise; those of them that are not perturbed are read as they come,
            at their own size, and bounds and thresholds rest on them as well. Nothing is fitted to them: all that was
            perturbed had been shrunk, and it would be learned that what was not is clean.
        unlearned: kinds of attack that are judged, but neither learned from nor calibrated on.
        others: kinds of attack for which the card also says how they are told by a reading that never saw them.
        regularization: inverse strengths, of grain and of gaps.
        most_llr: upper bound of the log10 ratio, whatever was measured: sharpening or noise that was not learned from
            may look like a perturbation, so this detector may cast doubt on a file, but not call it manipulated. At
            0.9 it and a trace that was next to nothing did that to one of 20 clean train photos.
    """

    n_views: int = 2
    seed: int = 1
    left_out: tuple[str, ...] = (EDIT,)
    most: int = 4
    in_all: int = 1000
    alone: int = 0
    unlearned: tuple[str, ...] = ("patch",)
    others: tuple[str, ...] = ("network",)
    regularization: tuple[float, ...] = (0.1, 0.1)
    most_llr: float = 0.5

    def __post_init__(self) -> None:
        if self.n_views < 2 or min(self.most, self.in_all) < 1:
            raise ValueError(f"at least 2 views and one picture are needed, not {self}")


def usable_pictures(examples: Sequence[Example], settings: AdversarialSettings) -> tuple[Example, ...]:
    """Pictures, real or fake, that a run perturbs, and after them those that stay alone.

    Raises:
        ValueError: there is none.
    """
    chosen = [e for e in examples if not e.is_video and e.family not in settings.left_out]
    if not chosen:
        raise ValueError("no picture that could be perturbed is there")
    return tuple(dict.fromkeys((*_perturbed(chosen, settings), *first_by_hash(chosen, settings.alone))))


def _perturbed(examples: Sequence[Example], settings: AdversarialSettings) -> tuple[Example, ...]:
    few = first_by_hash(examples, settings.most)
    return tuple(sorted(few, key=lambda e: number_of(e.path.name))[: settings.in_all])


def train_adversarial(
    examples: Sequence[Example],
    out: Path,
    settings: AdversarialSettings | None = None,
    *,
    cache: Path | None = None,
    read: Read | None = None,
    makers: Callable[[], Mapping[str, CriticMaker]] | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Perturb, train, calibrate and write a reading.

    Args:
        examples: pictures of many sources; clips are ignored.
        out: folder for weights and card.
        settings: defaults if None.
        cache: folder that keeps pairs and features; a stopped run goes on from there.
        read: the readings whose gaps are looked at; those of READINGS if None.
        makers: gives the critics of each kind of attack; those of `adversarial_pairs.shipped_makers` if None.
        reader: of examples.
        progress: called with the number of views done since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ImportError: torch, which perturbs, is not installed.
        ValueError: too few pictures or sources.
    """
    settings = settings or AdversarialSettings()
    maker = PairMaker(makers or _shipped_makers, settings.seed, cache, reader)
    chosen = usable_pictures(examples, settings)
    perturbed = _perturbed(chosen, settings)
    read = read or TowerRead.shipped(READINGS)
    rows = cut_pairs(
        read,
        maker,
        perturbed,
        n_views=settings.n_views,
        seed=settings.seed,
        alone=chosen[len(perturbed) :],
        cache=cache,
        progress=progress,
    )
    return _fitted(rows, out, settings, read.tensors if isinstance(read, TowerRead) else {})


def _shipped_makers() -> Mapping[str, CriticMaker]:
    from detectors.adversarial_pairs import shipped_makers  # needs torch, which reading a cache does not

    return shipped_makers()


def _fitted(
    rows: PairRows, out: Path, settings: AdversarialSettings, looked_at: Mapping[str, NDArray[Any]]
) -> ModelCard:
    fitted = _fit(rows, settings, settings.unlearned)
    measures = _figures(rows, fitted.held_out, settings.unlearned)
    for kind in settings.others:
        other = _fit(rows, settings, (*settings.unlearned, kind))
        measures |= _of(f"{kind}, never learned from, held-out sources", rows, other.held_out, rows.kinds == kind)
    reading = replace(fitted.reading, high=min(fitted.reading.high, settings.most_llr))
    tensors: dict[str, NDArray[Any]] = {**reading.tensors, **_near(rows.features[~rows.alone]), **looked_at}
    name, _, version = READING.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(source for source, one in _pictures(rows)).items())),
        settings=asdict(settings) | {"tower": TOWER, "readings": list(READINGS)},
        measures=measures,
        limits=LIMITS,
        licence=LICENCE,
        claim="manipulated",
        thresholds=fitted.thresholds,
        n_reals=len({e.path for e, label in zip(rows.examples, rows.labels, strict=True) if not label}),
        sets=fitted.sets,
        says=SAYS,
    )
    return save(tensors, card, out)


def _fit(rows: PairRows, settings: AdversarialSettings, unlearned: Sequence[str]) -> Fitted:
    """A reading that never saw some kinds of attack, nor the sources that it is judged on."""
    names = sorted(set(rows.sources))  # every source holds both classes: they are dealt out in turn
    folds = np.array([fold_of(source, names) for source in rows.sources], np.int64)
    learned = ~np.isin(rows.kinds, unlearned)
    return fit_reading(
        rows.features,
        rows.labels,
        rows.sources,
        folds,
        regularization=settings.regularization,
        groups=GROUPS,
        calibrated_on=learned,
        learned_from=learned & ~rows.alone,
    )


def _near(features: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Center and scale of the grain, and the distance that hardly any training row exceeds."""
    grain = features[:, GROUPS[0]]
    near: dict[str, NDArray[Any]] = {"center": grain.mean(axis=0), "scale": grain.std(axis=0) + np.float32(1e-3)}
    return near | {"limit": np.array(np.quantile(distance(features, near), FARTHEST), np.float64)}


def _figures(rows: PairRows, logits: NDArray[np.float64], unlearned: Sequence[str]) -> dict[str, float]:
    """Figures on sources that were not fitted on: of all learned attacks, by wash, by size, and of unlearned ones."""
    learned = ~np.isin(rows.kinds, unlearned)
    found = _of("held-out sources, learned attacks", rows, logits, learned)
    for wash in sorted(set(rows.washes)):
        found |= _of(f"held-out sources, {wash}", rows, logits, learned & (rows.washes == wash))
    for epsilon in sorted(set(rows.epsilons[learned & (rows.labels == 1)].tolist())):
        found |= _of(f"held-out sources, change by {epsilon}/255", rows, logits, learned & (rows.epsilons == epsilon))
    for kind in sorted(set(rows.kinds) - {CLEAN}):
        words = f"{kind}, never learned from" if kind in unlearned else kind
        found |= _of(f"{words}, held-out sources", rows, logits, rows.kinds == kind)
    return found


def _of(what: str, rows: PairRows, logits: NDArray[np.float64], chosen: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of some perturbed rows beside the clean ones after the same washes."""
    clean = (rows.labels == 0) & np.isin(rows.washes, rows.washes[chosen])
    own = clean | (chosen & (rows.labels == 1))
    labels = rows.labels[own]
    if len(set(labels.tolist())) < 2:
        return {}
    sources = [source for source, used in zip(rows.sources, own, strict=True) if used]
    return {f"{what}, n": int(labels.sum()), **figures(what, logits[own], labels, sources)}


def _pictures(rows: PairRows) -> set[tuple[str, str]]:
    return {(f"{'fake' if e.label else 'real'}: {e.source}", str(e.path)) for e in rows.examples}
