"""Retrain and calibrate: a reading by each way of learning, and thresholds and slope for it on pictures kept aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import fit_llr
from detectors.held_out import llr_range, sets, thresholds
from detectors.probe import root_weights
from detectors.race.context import Round
from detectors.race.defence import Linear, Standard, learn, softened
from detectors.race.folder import read_arrays, write_arrays, write_json
from detectors.race.gathering import LEFT, NEW, OLD, PHOTOS, Block, Part, calibrating, learnable, left_by, remembered
from detectors.race.kinds import kinds_until
from detectors.race.laundering import WHOLE, has_faces, photos_beside
from detectors.race.selecting import Held, select
from detectors.race.settings import DEFENCES, SELECTIVE, RaceSettings
from detectors.reading import probability
from detectors.support import n_reals

Floats = NDArray[np.float64]

READINGS, STANDARD, CALIBRATED = "readings.npz", "standard.npz", "calibrated.npz"

FROM_NOTHING = 0.1
"""Strength that holds a reading learned from the start, per unit of the mean loss: about that of `detectors.probe`."""


def retrain(round_: Round) -> None:
    """Fit a reading by every way of learning.

    Raises:
        ValueError: there is nothing to learn from.
    """
    everything = list(learnable(round_))
    standard = standard_of(round_, everything)
    kept: dict[str, NDArray[Any]] = {}
    for name in DEFENCES:
        if name == SELECTIVE:
            reading = _selective(round_, everything, standard)
        else:
            reading = by(name, round_.settings, round_.reading, everything, standard)
        kept |= {f"{name}.weights": reading.weights, f"{name}.bias": np.array(reading.bias)}
        round_.say(f"learned: {name}")
    write_arrays(round_.path / READINGS, kept)


def by(name: str, settings: RaceSettings, start: Linear, everything: Sequence[Block], standard: Standard) -> Linear:
    """A reading by one way of learning.

    Args:
        name: one of `settings.DEFENCES`; where nothing is left out, selective is replay with distillation.
        settings: of the race.
        start: the standing reading.
        everything: that may be learned from.
        standard: of the features.
    """
    if name == "none":
        return start
    if name == "joint":
        return fit(None, everything, standard, Mix(FROM_NOTHING))
    if name == "naive":
        return fit(start, [b for b in everything if b.role in (NEW, PHOTOS)], standard, Mix(settings.tether))
    blocks = remembered(everything, settings.memory, settings.seed)
    opinion = 0.0 if name == "replay" else settings.distillation
    return fit(start, blocks, standard, Mix(settings.tether, settings.new_share, opinion))


def _selective(round_: Round, everything: Sequence[Block], standard: Standard) -> Linear:
    """Replay with distillation of what is worth learning; what is not is noted."""
    settings = round_.settings

    def fitted(blocks: Sequence[Block]) -> Linear:
        return by(SELECTIVE, settings, round_.reading, blocks, standard)

    earlier, newer = _held(round_)
    found = select(everything, fitted, round_.reading, earlier, newer, allowed=settings.selective_cost)
    write_json(round_.path / LEFT, {"left": found.left, "cost": found.cost})
    if found.left:
        round_.say(f"left for later, or earlier fakes would be forgotten: {', '.join(found.left)}")
    return found.reading


def _held(round_: Round) -> tuple[dict[str, Held], dict[str, Held]]:
    """Kinds of this race that the standing version has learned, and those that it has not."""
    parts = {name: features for name, _, features, _ in calibrating(round_)}
    earlier: dict[str, Held] = {}
    newer: dict[str, Held] = {}
    for kind in kinds_until(round_.number, round_.settings):
        if not kind.unseen:
            beside = photos_beside(kind.side_px, kind.needs_faces, has_faces(round_))
            is_old = kind.round <= round_.learned_until and kind.title not in left_by(round_)
            (earlier if is_old else newer)[kind.title] = Held(parts[kind.title], parts[beside])
    return earlier, newer


def standard_of(round_: Round, everything: Sequence[Block]) -> Standard:
    """What features are standardised with: found in the first round, and the same ever after."""
    path = round_.folder.root / STANDARD
    if not path.is_file():
        found = Standard.of(np.concatenate([rows_of(block) for block in everything]))
        write_arrays(path, {"center": found.center, "scale": found.scale})
    kept = read_arrays(path)
    return Standard(kept["center"], kept["scale"])


def reading_by(round_: Round, name: str) -> Linear:
    """What `retrain` kept."""
    kept = read_arrays(round_.path / READINGS)
    return Linear(kept[f"{name}.weights"], float(kept[f"{name}.bias"]))


@dataclass(frozen=True)
class Mix:
    """How old and new come together in a fit.

    Attributes:
        strength: that holds the reading.
        new_share: of the weight that new fakes and the race's photos have, 0..1; 0 lets every source count alike.
        opinion: share of the standing version's opinion in the targets of what is old.
    """

    strength: float
    new_share: float = 0.0
    opinion: float = 0.0


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A reading on the scale of natural log odds at equal odds beforehand, with what goes on its card.

    Attributes:
        reading: calibrated.
        llr_range: bounds of its log10 likelihood ratio.
        thresholds: false-positive rate -> score.
        sets: conformal bars.
        n_reals: clean photos that the thresholds rest on; 0 where nobody noted it.
    """

    reading: Linear
    llr_range: tuple[float, float]
    thresholds: dict[str, float]
    sets: dict[str, tuple[float, float]]
    n_reals: int = 0


def calibrate(round_: Round) -> None:
    """Calibrate every reading; see `calibrated`."""
    kept: dict[str, NDArray[Any]] = {}
    for name in DEFENCES:
        found = calibrated(round_, reading_by(round_, name)) if name != "none" else as_it_stands(round_)
        kept |= {
            f"{name}.weights": found.reading.weights,
            f"{name}.bias": np.array(found.reading.bias),
            f"{name}.llr_range": np.array(found.llr_range),
            f"{name}.rates": np.array([float(rate) for rate in found.thresholds]),
            f"{name}.scores": np.array(list(found.thresholds.values())),
            f"{name}.errors": np.array([float(error) for error in found.sets]),
            f"{name}.bars": np.array(list(found.sets.values())),
            f"{name}.n_reals": np.array(found.n_reals),
        }
    write_arrays(round_.path / CALIBRATED, kept)


def calibrated_by(round_: Round, name: str) -> Calibrated:
    """What `calibrate` kept."""
    kept = {key.partition(".")[2]: a for key, a in read_arrays(round_.path / CALIBRATED).items() if _is(key, name)}
    low, high = kept["llr_range"].tolist()
    return Calibrated(
        Linear(kept["weights"], float(kept["bias"])),
        (low, high),
        {f"{rate:g}": float(score) for rate, score in zip(kept["rates"], kept["scores"], strict=True)},
        {f"{error:g}": (float(a), float(b)) for error, (a, b) in zip(kept["errors"], kept["bars"], strict=True)},
        int(kept.get("n_reals", 0)),  # races of before do not say
    )


def calibrated(round_: Round, reading: Linear) -> Calibrated:
    """Slope, bounds, thresholds and bars from pictures that nothing was learned from.

    The fakes of a race are few kinds, and well known ones: calibration may take confidence away but add none, and the
    bounds of the ratio stay within those of the standing version.
    """
    low, high = round_.standing.tensors["llr_range"].tolist()
    return calibrated_on(list(calibrating(round_)), reading, (low, high))


def calibrated_on(parts: Sequence[Part], reading: Linear, bounds: tuple[float, float]) -> Calibrated:
    """The same from named parts.

    Args:
        parts: see `gathering.calibrating`.
        reading: not calibrated yet.
        bounds: of the ratio of the standing version.
    """
    labels = np.concatenate([np.full(len(features), label, np.int64) for _, label, features, _ in parts])
    logits = np.concatenate([reading.logits(features) for _, _, features, _ in parts])
    names = [name for name, _, features, _ in parts for _ in range(len(features))]
    slope, shift = fit_llr(["logit"], logits[:, None], labels, names, fitted_on="").line
    slope, shift = (1.0, 0.0) if slope >= 1.0 or slope <= 0.0 else (slope, shift)
    scaled = replace(reading, weights=reading.weights * np.float32(slope), bias=reading.bias * slope + shift)
    on_scale, weight = logits * slope + shift, root_weights(labels, names)
    low, high = llr_range(on_scale, labels, weight)
    lowest, highest = bounds
    scores = probability(on_scale)
    whole = np.array([name.endswith(WHOLE) or name == "known photos" for name in names])
    return Calibrated(
        scaled,
        (max(low, lowest), min(high, highest)),
        thresholds(scores[whole], labels[whole], np.ones(int(whole.sum()))),
        sets(scores, labels, weight),
        int((labels[whole] == 0).sum()),
    )


def as_it_stands(round_: Round) -> Calibrated:
    """The standing version by its own card."""
    card, (low, high) = round_.standing.card, round_.standing.tensors["llr_range"].tolist()
    bars = {error: (float(a), float(b)) for error, (a, b) in card.sets.items()}
    return Calibrated(round_.reading, (low, high), dict(card.thresholds), bars, n_reals(card))


def fit(start: Linear | None, blocks: Sequence[Block], standard: Standard, mix: Mix) -> Linear:
    """Fit a reading to blocks.

    Args:
        start: what it is held to; None begins with nothing.
        blocks: to learn from.
        standard: of the features.
        mix: of old and new.

    Raises:
        ValueError: there is nothing to learn from, or a feature is no number.
    """
    rows = np.concatenate([rows_of(block) for block in blocks])
    labels = np.concatenate([np.repeat(block.labels, block.n_views) for block in blocks])
    sources = np.concatenate([np.repeat(block.sources, block.n_views) for block in blocks])
    old = np.concatenate([np.full(len(block) * block.n_views, block.role == OLD) for block in blocks])
    targets = labels.astype(np.float64)
    if mix.opinion and start is not None and old.any():
        targets[old] = softened(labels[old], start.logits(rows[old]), mix.opinion)
    return learn(start, rows, targets, _weights(labels, sources, old, mix.new_share), standard, strength=mix.strength)


def _weights(labels: NDArray[np.int64], sources: NDArray[np.str_], old: NDArray[np.bool_], new_share: float) -> Floats:
    """(N,): sources weigh by the root of their size; old ones all together one share, new ones the other."""
    if not new_share or not old.any():
        return root_weights(labels, sources.tolist())
    weight = np.zeros(len(labels))
    for own, share in ((~old, new_share), (old, 1 - new_share)):
        weight[own] = root_weights(labels[own], sources[own].tolist()) / own.sum() * share
    return weight


def rows_of(block: Block) -> NDArray[np.float32]:
    """(N * V, D), the views of a picture one after the other."""
    return block.features.reshape(-1, block.features.shape[2]).astype(np.float32)


def _is(key: str, name: str) -> bool:
    return key.partition(".")[0] == name
