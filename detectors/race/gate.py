"""Decides whether a candidate may take the place of the version that stands: nothing forgotten, no new false alarms.

Five questions, each answered in a sentence with its figures. One no is enough to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.operating import ENDS
from detectors.race import judge
from detectors.race.judge import JudgeSet, Readings
from detectors.race.records import Cell, Figure


@dataclass(frozen=True)
class GateSettings:
    """What is allowed.

    Attributes:
        tolerance: AUROC that a kind of fakes may lose; an interval has no width where all is told apart.
        max_forgetting: AUROC that earlier kinds may have lost on average since their best version, so that rounds that
            each lose less than the tolerance cannot add up.
        max_false_positives: share of clean real photos over the 5 % threshold.
        false_positive_tolerance: by which that share may grow beyond its interval: thresholds are calibrated on other
            photos, and wander a little.
    """

    tolerance: float = 0.02
    max_forgetting: float = 0.02
    max_false_positives: float = 0.08
    false_positive_tolerance: float = 0.01

    def __post_init__(self) -> None:
        given = (self.tolerance, self.max_forgetting, self.max_false_positives, self.false_positive_tolerance)
        if not all(0.0 <= value <= 1.0 for value in given):
            raise ValueError(f"what a gate allows lies within 0 and 1, not {self}")


@dataclass(frozen=True)
class Decision:
    """What the gate says.

    Attributes:
        promoted: whether the candidate may stand.
        reasons: why not, or what was weighed; plain sentences.
    """

    promoted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    passes: bool
    sentence: str


def decide(
    standing: Readings,
    candidate: Readings,
    judged: JudgeSet,
    number: int,
    *,
    settings: GateSettings | None = None,
    best: Mapping[str, float] | None = None,
) -> Decision:
    """Weigh a candidate against the version that stands.

    Args:
        standing, candidate: readings of both on the same set, made with the same seed.
        judged: the set; its kinds of round `number` are the new ones, those of lower rounds are the past.
        number: of this round.
        settings: what is allowed; None means the defaults.
        best: kind -> best AUROC of any version that stood; the standing version's own where a kind is not named.

    Raises:
        ValueError: the set holds no new kind.
    """
    allowed = settings or GateSettings()
    new = [kind.name for kind in judged.kinds if kind.round == number and not kind.unseen]
    past = [kind.name for kind in judged.kinds if kind.round < number and not kind.unseen]
    if not new:
        raise ValueError(f"round {number} has no fakes of its own to judge by")
    old_cells, new_cells = judge.row(standing), judge.row(candidate)
    pair = standing, candidate
    answers = [_learned(*pair, new)]
    for kinds, words in ((past, "learned earlier"), (judged.unseen, "never learned")):
        answers += _kept(*pair, (old_cells, new_cells), kinds, words, allowed.tolerance)
    known = {kind: old_cells[kind].auroc.value for kind in past} | dict(best or {})
    answers += _forgotten(new_cells, past, known, allowed.max_forgetting)
    answers += _clean(*pair, allowed)
    refusals = tuple(answer.sentence for answer in answers if not answer.passes)
    return Decision(not refusals, refusals or tuple(answer.sentence for answer in answers))


def _learned(standing: Readings, candidate: Readings, new: Sequence[str]) -> _Answer:
    """Whether the new fakes are found better than before, beyond the interval."""
    pairs = [(standing.kinds[kind], candidate.kinds[kind]) for kind in new]
    was, now = (float(np.mean([pair[i].auroc[0] for pair in pairs])) for i in (0, 1))
    low, high = np.quantile(np.mean([after.areas - before.areas for before, after in pairs], axis=0), ENDS)
    change = f"from {was:.3f} to {now:.3f}, by {now - was:+.3f} ({low:+.3f} to {high:+.3f})"
    if low > 0.0:
        return _Answer(True, f"On this round's fakes mean AUROC rose {change}.")
    return _Answer(False, f"Nothing was learned: on this round's fakes mean AUROC went {change}.")


def _kept(
    standing: Readings,
    candidate: Readings,
    cells: tuple[Mapping[str, Cell], Mapping[str, Cell]],
    kinds: Sequence[str],
    words: str,
    tolerance: float,
) -> Iterator[_Answer]:
    """Whether each kind is told apart as well as before, within its interval."""
    gains = {kind: judge.gain(standing, candidate, kind) for kind in kinds}
    worse = False
    for kind, gain in gains.items():
        was, now = (row[kind].auroc for row in cells)
        beyond = gain.high < -tolerance
        if beyond or now.value < was.low - tolerance:
            worse = True
            yield _Answer(False, f"{kind} ({words}): {_loss(was, now, gain, beyond, tolerance)}")
    if gains and not worse:
        kind, gain = min(gains.items(), key=lambda item: item[1].value)
        yield _Answer(
            True,
            f"Fakes {words}: none of {len(gains)} kinds is worse beyond its interval; the least gain is "
            f"{gain.value:+.3f} AUROC ({gain.low:+.3f} to {gain.high:+.3f}), on {kind}.",
        )


def _loss(was: Figure, now: Figure, gain: Figure, beyond: bool, tolerance: float) -> str:
    fell = f"AUROC fell from {was.value:.3f} to {now.value:.3f}"
    if beyond:
        return f"{fell}, by {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}); {-tolerance:+.3f} is allowed."
    return f"{fell}, under the low end of what the standing version reaches, {was.low:.3f}."


def _forgotten(
    cells: Mapping[str, Cell], past: Sequence[str], best: Mapping[str, float], ceiling: float
) -> Iterator[_Answer]:
    """Whether earlier kinds are on average nearly as good as they ever were."""
    if not past:
        return
    lost = judge.forgetting(best, cells, past)
    worst = max(past, key=lambda kind: best[kind] - cells[kind].auroc.value)
    most = f"the most on {worst}, {best[worst] - cells[worst].auroc.value:.3f}"
    told = f"since their best version earlier fakes lost {lost:.3f} AUROC on average, {most}; "
    if lost > ceiling:
        yield _Answer(False, f"Too much was forgotten: {told}{ceiling:.3f} is allowed.")
    else:
        yield _Answer(True, f"{told[0].upper()}{told[1:]}up to {ceiling:.3f} is allowed.")


def _clean(standing: Readings, candidate: Readings, allowed: GateSettings) -> Iterator[_Answer]:
    """Whether clean photos are taken for fakes no more often than is allowed, nor than before."""
    was, now = judge.false_positives(standing), judge.false_positives(candidate)
    growth = judge.false_positive_growth(standing, candidate)
    told = f"{now.value:.1%} of {now.n:,} clean photos are taken for fakes ({now.low:.1%} to {now.high:.1%})"
    ceiling = allowed.max_false_positives
    holds = now.value <= ceiling
    grew = growth.low > allowed.false_positive_tolerance
    if not holds:
        yield _Answer(False, f"{told}, over the ceiling of {ceiling:.1%}.")
    if grew:
        yield _Answer(
            False,
            f"False positives on clean photos grew from {was.value:.1%} to {now.value:.1%}, by {growth.value:.1%} "
            f"({growth.low:.1%} to {growth.high:.1%}), beyond the {allowed.false_positive_tolerance:.1%} allowed.",
        )
    if holds and not grew:
        yield _Answer(True, f"{told}, before {was.value:.1%} were; up to {ceiling:.1%} is allowed.")
