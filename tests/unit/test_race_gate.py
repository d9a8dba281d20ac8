"""The gate, in both directions: each rule lets a sound candidate through and stops one that breaks that rule alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from detectors.race import judge
from detectors.race.gate import Decision, GateSettings, decide
from detectors.race.judge import JudgeSet, Kind, Rows, Version

N = 120
NAMES = ("clean", "real", "past", "new", "unseen")


def planted(column: int, mean: float) -> Rows:
    """Features (N, 6): the same normal quantiles for all, and one column that says what the pictures are."""
    rng = np.random.default_rng(column)
    features = np.zeros((N, 1 + len(NAMES)), np.float32)
    features[:, 0] = rng.permutation(np.linspace(-2, 2, N)) + mean
    features[:, 1 + column] = 1.0
    return Rows(features, tuple(f"{NAMES[column]}{i // 3}" for i in range(N)))


JUDGED = JudgeSet(
    (
        Kind("gan, round 0", 0, False, planted(2, 2.0), 64),
        Kind("gan, round 1", 1, False, planted(3, 0.5), 64),
        Kind("photo-gan", 0, True, planted(4, 1.0), 64),
    ),
    {64: planted(1, 0.0)},
    planted(0, 0.0),
)


@dataclass(frozen=True)
class Shift:
    """How much a version adds to the scores of each part of the set."""

    clean: float = 0.0
    past: float = 0.0
    new: float = 0.0
    unseen: float = 0.0

    def version(self, name: str) -> Version:
        weights = np.array([1.0, self.clean, 0.0, self.past, self.new, self.unseen])
        return Version(name, lambda features: features @ weights, 1.9)


SOUND = Shift(new=1.5)


def weighed(
    candidate: Shift, *, settings: GateSettings | None = None, best: dict[str, float] | None = None
) -> Decision:
    readings = (judge.read(shift.version(name), JUDGED) for shift, name in ((Shift(), "1"), (candidate, "1+1")))
    return decide(*readings, JUDGED, 1, settings=settings, best=best)


def refused(candidate: Shift, settings: GateSettings | None = None, best: dict[str, float] | None = None) -> str:
    """The one reason for which a candidate is refused."""
    decision = weighed(candidate, settings=settings, best=best)
    assert not decision.promoted
    (reason,) = decision.reasons
    return reason


def test_a_candidate_that_learned_and_forgot_nothing_is_promoted_and_all_that_was_weighed_is_told() -> None:
    decision = weighed(SOUND)
    assert decision.promoted
    told = " ".join(decision.reasons)
    for words in (
        "rose from",
        "Fakes learned earlier: none of 1",
        "Fakes never learned: none of 1",
        "since their",
        "clean",
    ):
        assert words.lower() in told.lower()


def test_a_candidate_that_is_worse_on_a_past_round_beyond_the_interval_is_refused() -> None:
    reason = refused(Shift(new=1.5, past=-0.3), GateSettings(max_forgetting=1.0))
    assert reason.startswith("gan, round 0 (learned earlier): AUROC fell from")


def test_a_candidate_that_is_better_on_a_past_round_is_promoted() -> None:
    assert weighed(Shift(new=1.5, past=0.3)).promoted


def test_a_loss_within_the_tolerance_is_let_through() -> None:
    lost = Shift(new=1.5, past=-0.3)
    assert weighed(lost, settings=GateSettings(tolerance=0.2, max_forgetting=1.0)).promoted


def test_a_candidate_below_the_low_end_of_the_standing_interval_is_refused_even_where_pairs_cannot_tell() -> None:
    """One source in ten loses all and the others gain: the paired interval is wide, the loss large."""
    rows = JUDGED.kinds[0].fakes
    features = rows.features.copy()
    features[:, 1 + 2] = np.where(np.arange(N) // 3 % 10 == 0, -6.0, 0.0)
    kind = Kind("gan, round 0", 0, False, Rows(features, rows.sources), 64)
    judged = JudgeSet((kind, *JUDGED.kinds[1:]), JUDGED.reals, JUDGED.clean)
    standing, candidate = (
        judge.read(shift.version(name), judged) for shift, name in ((Shift(), "1"), (Shift(new=1.5, past=1.0), "1+1"))
    )
    assert judge.gain(standing, candidate, kind.name).high > -0.03
    settings = GateSettings(tolerance=0.03, max_forgetting=1.0)
    decision = decide(standing, candidate, judged, 1, settings=settings)
    was, now = judge.cell(standing, kind.name).auroc, judge.cell(candidate, kind.name).auroc
    assert now.value < was.low - 0.03
    assert not decision.promoted and "under the low end" in decision.reasons[0]


def test_a_candidate_that_is_worse_on_the_unseen_family_is_refused_and_one_that_is_better_is_not() -> None:
    assert refused(Shift(new=1.5, unseen=-0.5)).startswith("photo-gan (never learned): AUROC fell from")
    assert weighed(Shift(new=1.5, unseen=0.5)).promoted


def test_a_candidate_that_finds_the_new_fakes_no_better_is_refused() -> None:
    assert refused(Shift(new=0.0)).startswith("Nothing was learned")
    assert refused(Shift(new=-0.5)).startswith("Nothing was learned")
    assert weighed(Shift(new=0.3)).promoted


def test_false_positives_over_the_ceiling_are_refused_and_under_it_let_through() -> None:
    allowed = GateSettings(false_positive_tolerance=1.0)
    raised = Shift(new=1.5, clean=0.3)
    assert "over the ceiling of 8.0%" in refused(raised, allowed)
    assert weighed(raised, settings=GateSettings(max_false_positives=0.2, false_positive_tolerance=1.0)).promoted


def test_false_positives_that_grow_beyond_the_interval_are_refused_though_under_the_ceiling() -> None:
    raised = Shift(new=1.5, clean=0.6)
    allowed = GateSettings(max_false_positives=0.5)
    assert refused(raised, allowed).startswith("False positives on clean photos grew from")
    assert weighed(Shift(new=1.5, clean=-0.6), settings=allowed).promoted


def test_small_losses_do_not_add_up_because_forgetting_is_measured_from_the_best_version() -> None:
    standing = judge.cell(judge.read(Shift().version("1"), JUDGED), "gan, round 0").auroc.value
    assert refused(SOUND, best={"gan, round 0": standing + 0.03}).startswith("Too much was forgotten")
    assert weighed(SOUND, best={"gan, round 0": standing + 0.01}).promoted


def test_every_rule_that_is_broken_is_told() -> None:
    decision = weighed(Shift(new=-1.0, past=-1.0, unseen=-1.0, clean=2.0))
    assert not decision.promoted and len(decision.reasons) == 6


def test_a_round_without_new_fakes_cannot_be_judged() -> None:
    readings = judge.read(Shift().version("1"), JUDGED)
    with pytest.raises(ValueError, match="no fakes of its own"):
        decide(readings, readings, JUDGED, 2)


def test_shares_that_are_none_are_no_settings() -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        GateSettings(tolerance=-0.1)
