"""The judge: planted strengths come out, pairs cancel what both share, and figures agree with their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors import metrics
from detectors.race import judge
from detectors.race.judge import JudgeSet, Kind, Readings, Rows, Version
from detectors.race.records import Cell, Figure


def rows(mean: float, n: int, seed: int, prefix: str = "s") -> Rows:
    """Features (n, 2): the first tells fakes from reals by its mean, the second is noise."""
    rng = np.random.default_rng(seed)
    features = np.stack([rng.normal(mean, 1, n), rng.normal(0, 1, n)], axis=1).astype(np.float32)
    return Rows(features, tuple(f"{prefix}{i // 4}" for i in range(n)))


JUDGED = JudgeSet(
    (
        Kind("gan, round 0", 0, False, rows(2.0, 80, 1), 64),
        Kind("gan, round 1", 1, False, rows(1.0, 80, 2), 64),
        Kind("photo-gan, unseen", 0, True, rows(1.5, 60, 3), 128),
    ),
    {64: rows(0.0, 100, 4), 128: rows(0.0, 90, 5)},
    rows(0.0, 200, 6),
)


def version(slope: float = 1.0, noise: float = 0.0, threshold: float = 1.645, name: str = "1") -> Version:
    return Version(name, lambda x: slope * x[:, 0].astype(np.float64) + noise * x[:, 1], threshold)


def read(**kwargs: Any) -> Readings:
    return judge.read(version(**kwargs), JUDGED)


def test_a_cell_holds_the_figures_of_the_metrics_against_the_reals_of_its_own_side() -> None:
    found = judge.cell(read(), "photo-gan, unseen")
    fake, real = JUDGED.kinds[2].fakes.features[:, 0], JUDGED.reals[128].features[:, 0]
    labels, scores = np.repeat([0, 1], [len(real), len(fake)]), np.r_[real, fake]
    assert found.auroc.value == pytest.approx(metrics.auroc(labels, scores))
    assert found.tpr.value == pytest.approx(metrics.tpr_at_fpr(labels, scores, 0.05))
    wanted = metrics.bootstrap(
        metrics.auroc, labels, scores, seed=0, sources=[*JUDGED.reals[128].sources, *JUDGED.kinds[2].fakes.sources]
    )
    assert (found.auroc.low, found.auroc.high) == pytest.approx((wanted.low, wanted.high), abs=0.02)
    assert found.auroc.n == found.tpr.n == 60


def test_a_row_has_a_cell_for_each_kind_and_easier_kinds_are_found_better() -> None:
    row = judge.row(read())
    assert list(row) == [kind.name for kind in JUDGED.kinds]
    assert row["gan, round 0"].auroc.value > row["gan, round 1"].auroc.value
    assert row["gan, round 0"].tpr.value > row["gan, round 1"].tpr.value


def test_false_positives_are_counted_on_clean_photos_at_the_own_threshold() -> None:
    found = judge.false_positives(read())
    assert found.value == (JUDGED.clean.features[:, 0] >= 1.645).mean() and found.n == 200
    assert found.low < found.value < found.high
    assert judge.false_positives(read(threshold=99.0)).high > 0.0, "none among 200 is no proof"


def test_what_gets_past_is_what_lies_under_the_threshold() -> None:
    fakes = JUDGED.kinds[0].fakes
    found = judge.evasion(version(), fakes)
    assert found.value == pytest.approx((fakes.features[:, 0] < 1.645).mean())
    assert found.low < found.value < found.high
    assert judge.evasion(version(threshold=-99.0), fakes).value == 0.0


def test_a_version_gains_nothing_over_itself_in_any_resample() -> None:
    for kind in JUDGED.kinds:
        found = judge.gain(read(), read(slope=3.0), kind.name)
        assert found.value == found.low == found.high == 0.0, "a steeper slope orders pictures alike"


def test_noise_costs_area_and_the_paired_interval_is_narrower_than_that_of_either() -> None:
    standing, worse = read(), read(noise=0.5)
    found = judge.gain(standing, worse, "gan, round 1")
    own = judge.cell(standing, "gan, round 1").auroc
    assert found.value < 0 and found.low <= found.value <= found.high
    assert found.high - found.low < 0.7 * (own.high - own.low)
    back = judge.gain(worse, standing, "gan, round 1")
    assert (back.value, back.low, back.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_growth_of_false_positives_is_the_difference_of_both_shares() -> None:
    low, high = read(threshold=1.0), read(threshold=2.0)
    found = judge.false_positive_growth(high, low)
    assert found.value == pytest.approx(judge.false_positives(low).value - judge.false_positives(high).value)
    assert 0 < found.low <= found.value <= found.high


def cells(**areas: float) -> dict[str, Cell]:
    return {kind: Cell(Figure(area, area, area, 1), Figure(0, 0, 0, 1)) for kind, area in areas.items()}


def test_forgetting_is_measured_from_the_best_version_that_ever_stood() -> None:
    history = [cells(a=0.9), cells(a=0.95, b=0.8), cells(a=0.85, b=0.9)]
    best = judge.best_so_far(history)
    assert best == {"a": 0.95, "b": 0.9}
    now = cells(a=0.85, b=0.95, c=0.7)
    assert judge.forgetting(best, now, ["a"]) == pytest.approx(0.1)
    assert judge.forgetting(best, now, ["a", "b"]) == pytest.approx((0.1 - 0.05) / 2)
    assert np.isnan(judge.forgetting(best, now, []))


def test_average_and_forward_transfer_are_means_and_chance_transfers_nothing() -> None:
    now = cells(a=0.8, b=0.6, c=0.5)
    assert judge.average(now, "ab") == pytest.approx(0.7)
    assert judge.forward_transfer(now, "a") == pytest.approx(0.3)
    assert judge.forward_transfer(now, "c") == 0.0


def test_a_score_that_is_no_number_is_refused_and_the_version_is_named() -> None:
    with pytest.raises(ValueError, match=r"1\+3 gives no number"):
        judge.read(Version("1+3", lambda x: np.full(len(x), np.nan), 0.0), JUDGED)


def test_sets_that_cannot_be_judged_are_refused() -> None:
    kind = JUDGED.kinds[0]
    with pytest.raises(ValueError, match="names of their own"):
        JudgeSet((kind, kind), JUDGED.reals, JUDGED.clean)
    with pytest.raises(ValueError, match="same side"):
        JudgeSet((kind,), {128: JUDGED.reals[128]}, JUDGED.clean)
    with pytest.raises(ValueError, match="at least one picture"):
        Rows(np.zeros((0, 2), np.float32), ())
