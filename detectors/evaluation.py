"""Says how well a detector tells a set that it scored, group by group and wash by wash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import metrics
from detectors.conformal import Label, labels_of
from detectors.data import Example, matched_sources
from detectors.metrics import Interval
from detectors.operating import Drawn
from detectors.scoring import Condition, ScoredSet
from detectors.support import sure_of
from generators.weights import ModelCard

SHIPPED_RATES = (0.01, 0.05)
"""False-positive rates that a card names thresholds for; balanced accuracy is measured at the latter."""

N_RESAMPLES = 500


@dataclass(frozen=True)
class Group:
    """Pictures that are told from each other in one row.

    Attributes:
        kind: all, matched, family, generator or source; or left out, of `detectors.left_out`.
        name: which.
        against: what the pictures of the group are told from: own, all reals, all fakes or held-out reals.
        members: places in the set.
    """

    kind: str
    name: str
    against: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """How well a group is told under one condition.

    Attributes:
        kind, name, against: of the group.
        condition: the wash.
        n_fake, n_real: pictures.
        auroc, average_precision: over all thresholds.
        tpr_1, tpr_5: share of fakes found where 1 % and 5 % of these very reals are taken for fakes.
        balanced_accuracy: at the shipped threshold for 5 % false positives, at 0.5 if the card names none.
        false_positives_1, false_positives_5: share of these reals over the shipped thresholds; None without any.
        ece: calibration error of the probability at the row's share of fakes; None without ratios.
        cllr: cost of the ratios in bits; None without.
        abstention: share that was not judged. Their scores count like all others.
        undecided: share that gets no conformal label, be it that both remain or that it was not judged; None of a card
            without conformal bars.
        coverage_real, coverage_fake: share of a class that does not get the other one's label; None without bars.
        coverage_real_interval, coverage_fake_interval: 95 %, see `detectors.operating.Drawn.reached`.
        auroc_interval, tpr_1_interval, tpr_5_interval: 95 % bootstrap intervals, whole sources redrawn.
        sure_1, sure_5: share of all photos like these that reach the thresholds of tpr_1 and tpr_5 at most, with 95 %
            confidence: so few reals tell no less, see `detectors.support.sure_of`.
    """

    kind: str
    name: str
    against: str
    condition: str
    n_fake: int
    n_real: int
    auroc: float
    average_precision: float
    tpr_1: float
    tpr_5: float
    balanced_accuracy: float
    false_positives_1: float | None
    false_positives_5: float | None
    ece: float | None
    cllr: float | None
    abstention: float
    auroc_interval: Interval
    tpr_1_interval: Interval
    tpr_5_interval: Interval
    undecided: float | None = None
    coverage_real: float | None = None
    coverage_fake: float | None = None
    coverage_real_interval: Interval | None = None
    coverage_fake_interval: Interval | None = None
    sure_1: float | None = None
    sure_5: float | None = None


def groups(examples: Sequence[Example]) -> Iterator[Group]:
    """All, the sources that hold both classes, each family, each generator, each source.

    Fakes of a family or generator are told from all reals. A source that holds enough of both classes is told by
    itself; one of fakes alone from all reals, one of reals alone from all fakes.
    """
    real = [i for i, e in enumerate(examples) if not e.label]
    fake = [i for i, e in enumerate(examples) if e.label]
    if not real or not fake:
        raise ValueError(f"a set needs both classes, this one holds {len(fake)} fakes and {len(real)} reals")
    yield Group("all", "all", "own", tuple(range(len(examples))))
    matched = set(matched_sources(examples))
    if matched:
        members = tuple(i for i, e in enumerate(examples) if e.source in matched)
        yield Group("matched", "all matched sources", "own", members)
    families = sorted({examples[i].family for i in fake})
    generators = sorted({examples[i].generator for i in fake})
    for name in families if len(families) > 1 else ():
        yield Group("family", name, "all reals", (*(i for i in fake if examples[i].family == name), *real))
    for name in generators:
        yield Group("generator", name, "all reals", (*(i for i in fake if examples[i].generator == name), *real))
    for name in sorted({e.source for e in examples}):
        own_fake = [i for i in fake if examples[i].source == name]
        own_real = [i for i in real if examples[i].source == name]
        if name in matched:
            yield Group("source", name, "own", (*own_fake, *own_real))
        elif len(own_fake) >= len(own_real):
            yield Group("source", name, "all reals", (*own_fake, *real))
        else:
            yield Group("source", name, "all fakes", (*fake, *own_real))


def rows(scored: ScoredSet, card: ModelCard, *, seed: int = 0, n_resamples: int = N_RESAMPLES) -> Iterable[Row]:
    """Measure every group under every condition.

    Args:
        scored: from `score_set`.
        card: of the detector, for its thresholds.
        seed: of the bootstrap.
        n_resamples: of the bootstrap.
    """
    thresholds = dict(card.by_rate())
    for group in groups(scored.examples):
        for condition in scored.conditions:
            row = told(group, condition, scored.examples, thresholds, seed=seed, n_resamples=n_resamples)
            yield replace(row, **covered(group, condition, scored.examples, card)) if card.sets else row


def covered(group: Group, condition: Condition, examples: Sequence[Example], card: ModelCard) -> dict[str, Any]:
    """Members of a row about conformal labels: how many get none, and how many of either class not the wrong one."""
    members = np.array(group.members)
    labels = np.array([examples[i].label for i in members])
    sources = np.array([examples[i].source for i in members])
    said = labels_of(card, condition.fake[members]) or ()
    given = [Label.UNDECIDED if condition.abstained[i] else one for i, one in zip(members, said, strict=True)]
    found: dict[str, Any] = {"undecided": float(np.mean([one is Label.UNDECIDED for one in given]))}
    for name, own, wrong in (("real", 0, Label.FAKE), ("fake", 1, Label.PHOTO)):
        right = np.array([one is not wrong for one in given], np.float64)[labels == own]
        (rate,) = Drawn(right, sources[labels == own].tolist()).reached(0.5)
        found |= {f"coverage_{name}": rate.value, f"coverage_{name}_interval": rate.interval}
    return found


def told(
    group: Group,
    condition: Condition,
    examples: Sequence[Example],
    thresholds: Mapping[float, float],
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Row:
    """How well one group is told under one condition.

    Args:
        group: of the examples.
        condition: what is said of them.
        examples: N.
        thresholds: shipped ones, false-positive rate -> score; those of SHIPPED_RATES are measured.
        seed: of the bootstrap.
        n_resamples: of the bootstrap.
    """
    members = np.array(group.members)
    labels = np.array([examples[i].label for i in members])
    scores = condition.fake[members]
    sources = [examples[i].source for i in members]
    llr = condition.llr[members] if condition.llr is not None else None
    tpr_1, tpr_5 = (partial(metrics.tpr_at_fpr, fpr=rate) for rate in SHIPPED_RATES)
    intervals = metrics.bootstrap_all(
        (metrics.auroc, tpr_1, tpr_5), labels, scores, seed=seed, sources=sources, n_resamples=n_resamples
    )
    real = scores[labels == 0]
    over = [float((real >= thresholds[r]).mean()) if r in thresholds else None for r in SHIPPED_RATES]
    return Row(
        kind=group.kind,
        name=group.name,
        against=group.against,
        condition=condition.name,
        n_fake=int(labels.sum()),
        n_real=len(real),
        auroc=metrics.auroc(labels, scores),
        average_precision=metrics.average_precision(labels, scores),
        tpr_1=tpr_1(labels, scores),
        tpr_5=tpr_5(labels, scores),
        balanced_accuracy=metrics.balanced_accuracy(labels, scores, thresholds.get(SHIPPED_RATES[1], 0.5)),
        false_positives_1=over[0],
        false_positives_5=over[1],
        ece=metrics.ece(labels, _posterior(llr, labels.mean())) if llr is not None else None,
        cllr=metrics.cllr(labels, llr) if llr is not None else None,
        abstention=metrics.abstention_rate([condition.abstained[i] for i in members]),
        auroc_interval=intervals[0],
        tpr_1_interval=intervals[1],
        tpr_5_interval=intervals[2],
        sure_1=sure_of(SHIPPED_RATES[0], len(real)),
        sure_5=sure_of(SHIPPED_RATES[1], len(real)),
    )


def _posterior(llr: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Probability of being fake at a prior, (N,) 0..1."""
    odds = prior / (1.0 - prior) * np.power(10.0, llr)
    return np.asarray(odds / (1.0 + odds))
