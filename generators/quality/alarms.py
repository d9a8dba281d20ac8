"""When a run goes wrong: collapse, divergence, what is no number, copies, and a game that one side has won.

Pure functions of the log; whoever trains decides with them and goes back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from generators.quality.estimates import Figure
from generators.quality.log import LogLine
from generators.quality.monitor import Quality


class Trouble(StrEnum):
    """What can go wrong."""

    NOT_A_NUMBER = "not_a_number"
    DIVERGED = "diverged"
    COLLAPSED = "collapsed"
    ONE_SIDE_WON = "one_side_won"
    COPIES = "copies"


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong.

    Attributes:
        trouble: what.
        sentence: the same for people, with figures.
        roll_back: whether the run should go back to its last good save.
    """

    trouble: Trouble
    sentence: str
    roll_back: bool


@dataclass(frozen=True)
class Limits:
    """Where trouble begins.

    Attributes:
        fd_rise: FD-lite0 over the best so far; the intervals must be apart as well.
        loss_rise: a loss over one more than its median so far.
        n_losses: losses that such a median needs.
        coverage_fall: coverage, or recall, under this share of the best so far.
        least_best: a best coverage or recall below it says nothing.
        spread: distance between fakes over that between reals.
        won, lost: mean sign of D(real) - D(fake).
        n_for_good: pictures that it must stay there.
        copied: share of fakes nearer to training pictures than 99 % of new reals are.
    """

    fd_rise: float = 2.0
    loss_rise: float = 10.0
    n_losses: int = 5
    coverage_fall: float = 0.3
    least_best: float = 0.1
    spread: float = 0.4
    won: float = 0.98
    lost: float = 0.02
    n_for_good: int = 50_000
    copied: float = 0.05


@dataclass(frozen=True)
class Decision:
    """What a training loop does next.

    Attributes:
        alarms: all that is wrong now.
        roll_back: whether to go back.
        good_n_seen: pictures at the last line that was measured and had nothing wrong; saves up to it are good. None
            without one.
    """

    alarms: tuple[Alarm, ...]
    roll_back: bool
    good_n_seen: int | None

    @property
    def note(self) -> str:
        """All alarms as text, "" without one."""
        return "; ".join(alarm.sentence for alarm in self.alarms)


DEFAULT = Limits()


def watch(history: Sequence[LogLine], limits: Limits = DEFAULT) -> tuple[Alarm, ...]:
    """What is wrong at the last line of a log.

    Args:
        history: the lines that stand (`log.standing`), the last one now.
        limits: where trouble begins.
    """
    if not history:
        return ()
    found = (_not_a_number(history[-1]), _loss(history, limits), *_figures(history, limits), _won(history, limits))
    return tuple(alarm for alarm in found if alarm is not None)


def decide(history: Sequence[LogLine], limits: Limits = DEFAULT) -> Decision:
    """Go on or back; see `watch`."""
    alarms = watch(history, limits)
    good = None
    for end in range(len(history), 0, -1):
        if history[end - 1].quality is not None and not any(a.roll_back for a in watch(history[:end], limits)):
            good = history[end - 1].n_seen
            break
    return Decision(alarms, any(alarm.roll_back for alarm in alarms), good)


def _not_a_number(now: LogLine) -> Alarm | None:
    losses = {"the loss of the discriminator": now.loss_d, "the loss of the generator": now.loss_g}
    broken = [name for name, loss in losses.items() if loss is not None and not math.isfinite(loss)]
    broken += [] if now.finite else ["a weight"]
    if not broken:
        return None
    sentence = f"{' and '.join(broken)} is no number after {now.n_seen:,} pictures"
    return Alarm(Trouble.NOT_A_NUMBER, sentence, roll_back=True)


def _loss(history: Sequence[LogLine], limits: Limits) -> Alarm | None:
    for name, own in (("discriminator", "loss_d"), ("generator", "loss_g")):
        *before, now = [getattr(line, own) for line in history]
        sizes = [abs(loss) for loss in before if loss is not None and math.isfinite(loss)]
        if now is None or not math.isfinite(now) or len(sizes) < limits.n_losses:
            continue
        usual = float(np.median(sizes))
        # One more than the median: a loss near 0 may well be ten times another.
        if abs(now) > limits.loss_rise * (usual + 1):
            sentence = f"the loss of the {name} is {now:.3g}, where {usual:.3g} was usual"
            return Alarm(Trouble.DIVERGED, sentence, roll_back=True)
    return None


def _figures(history: Sequence[LogLine], limits: Limits) -> tuple[Alarm | None, ...]:
    now = history[-1].quality
    if now is None:
        return ()
    before = [line.quality for line in history[:-1] if line.quality is not None]
    return (_distance(now, before, limits), _collapse(now, before, limits), _copies(now, limits))


def _distance(now: Quality, before: Sequence[Quality], limits: Limits) -> Alarm | None:
    if not before:
        return None
    best = min((quality.fd_lite0 for quality in before), key=lambda figure: figure.value)
    fd = now.fd_lite0
    if math.isfinite(fd.value) and not (fd.value > limits.fd_rise * best.value and fd.low > best.high):
        return None
    sentence = f"FD-lite0 is {fd.value:.4g} [{fd.low:.4g}, {fd.high:.4g}], the best so far was {best.value:.4g}"
    return Alarm(Trouble.DIVERGED, sentence, roll_back=True)


def _collapse(now: Quality, before: Sequence[Quality], limits: Limits) -> Alarm | None:
    coverage = _fallen([q.coverage for q in before], now.coverage, limits)
    # Fakes of a young generator lie far apart and reach every real: recall alone may fall while all gets better.
    recall = _fallen([q.recall for q in before], now.recall, limits)
    if coverage is not None or (recall is not None and now.coverage.value < max(q.coverage.value for q in before)):
        name, best, figure = ("coverage", coverage, now.coverage) if coverage else ("recall", recall, now.recall)
        sentence = f"the fakes lose variety: {name} is {figure.value:.2f}, the best so far was {best:.2f}"
        return Alarm(Trouble.COLLAPSED, sentence, roll_back=True)
    if now.spread.high < limits.spread:
        was_better = any(quality.spread.low > limits.spread for quality in before)
        sentence = f"the fakes are {now.spread.value:.2f} times as far from each other as reals are"
        # A generator that has never done better has nothing to go back to.
        return Alarm(Trouble.COLLAPSED, sentence, roll_back=was_better) if was_better or len(before) > 1 else None
    return None


def _fallen(before: Sequence[Figure], now: Figure, limits: Limits) -> float | None:
    """The best so far if the figure now is surely far under it."""
    best = max((figure.value for figure in before), default=0.0)
    return best if best >= limits.least_best and now.high < limits.coverage_fall * best else None


def _copies(now: Quality, limits: Limits) -> Alarm | None:
    if now.copied.low <= limits.copied:
        return None
    sentence = f"{now.copied.value:.0%} of the fakes are nearer to a training picture than 99 % of new reals are"
    return Alarm(Trouble.COPIES, sentence, roll_back=False)


def _won(history: Sequence[LogLine], limits: Limits) -> Alarm | None:
    signs = [(line.n_seen, line.sign_real) for line in history if line.sign_real is not None]
    for who, beyond in (
        ("discriminator tells every real from every fake", [sign > limits.won for _, sign in signs]),
        ("discriminator tells no real from a fake", [sign < limits.lost for _, sign in signs]),
    ):
        within = [n_seen for (n_seen, _), won in zip(signs, beyond, strict=True) if not won]
        there = [n_seen for n_seen, _ in signs if not within or n_seen > within[-1]]
        if there and there[-1] - there[0] >= limits.n_for_good:
            sentence = f"the {who}, for {there[-1] - there[0]:,} pictures: one side has won"
            return Alarm(Trouble.ONE_SIDE_WON, sentence, roll_back=False)
    return None
