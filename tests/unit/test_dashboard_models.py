"""Measured detectors in the dashboard: figures of cards, and what any threshold costs on pictures of known origin."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.backend.cards import figures, installed
from dashboard.backend.models import Measured, shipped, uploaded
from dashboard.backend.race import standings
from detectors.catalog import DETECTORS
from detectors.score_files import COLUMNS
from generators.weights import ModelCard

HEAD = ",".join(COLUMNS) + "\n"


@pytest.fixture(scope="module")
def measured() -> Measured:
    card = next(model.card for model in installed() if model.name == "synthetic")
    assert card is not None
    found = shipped(card)
    assert found is not None
    return found


def table(llr: bool = True) -> bytes:
    """40 photos of 8 sources and 20 fakes of 2 generators, one of which shares its source with photos."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        fake = i >= 40
        score = float(np.clip(rng.normal(0.7 if fake else 0.3, 0.15), 0.01, 0.99))
        source = "shared" if i < 6 or i >= 50 else f"s{i // 5}"
        ratio = f"{np.log10(score / (1 - score)):.4f}" if llr else ""
        made = ("paint-2" if i >= 50 else "paint-1", "gan") if fake else ("-", "-")
        rows.append(f"{i}.png,{int(fake)},{source},{made[0]},{made[1]},original,{score:.6f},{ratio},\n")
    return (HEAD + "".join(rows)).encode()


def test_an_interval_joins_its_figure_however_the_card_names_its_ends() -> None:
    card = ModelCard("a", "1", "", measures={
        "FD, n 2,000": 2.0, "FD, 95 % low": 1.0, "FD, 95 % high": 3.0,
        "SSIM, n = 7": 0.5, "SSIM, n = 7, low": 0.4, "SSIM, n = 7, high": 0.6, "AUROC": 0.9,
    })  # fmt: skip
    assert [(f.name, f.low, f.value, f.high) for f in figures(card)] == [
        ("FD, n 2,000", 1.0, 2.0, 3.0), ("SSIM, n = 7", 0.4, 0.5, 0.6), ("AUROC", None, 0.9, None),
    ]  # fmt: skip


def test_every_end_of_an_interval_on_a_shipped_card_finds_its_figure() -> None:
    for model in installed():
        assert model.card is not None
        n_ends = sum((f.low is not None) + (f.high is not None) for f in figures(model.card))
        assert len(figures(model.card)) + n_ends == len(model.card.measures)
        assert all(f.low <= f.value <= f.high for f in figures(model.card) if f.low is not None and f.high is not None)


def test_the_shipped_scores_are_of_the_shipped_weights(measured: Measured) -> None:
    assert not measured.is_stale and measured.usual == "q90" and len(measured.conditions) == 7


def test_the_explorer_counts_what_the_shipped_thresholds_promise(measured: Measured) -> None:
    everything = measured.slices[0].group
    for rate, threshold in measured.thresholds:
        (wrong,) = measured.operating("q90", everything).false_positives(threshold)
        assert wrong.value <= rate < 3 * max(wrong.interval.high, 0.01)


def test_tables_hold_each_generator_and_each_wash_once(measured: Measured) -> None:
    by_generator = measured.by_generator("q90", 0.8)
    assert len({line.name for line in by_generator}) == len(by_generator)
    assert sum(line.n for line in by_generator) == measured.labels.sum()
    assert [line.n for line in by_generator] == sorted((line.n for line in by_generator), reverse=True)
    total = sum(line.missed.n_found for line in by_generator)
    washes = measured.by_condition(0.8)
    assert len(washes) == 7 and {line.missed.n_found for line in washes if line.words == "JPEG of quality 90"} == {
        total
    }
    assert all(line.low <= line.auroc <= line.high for line in washes)


def test_bins_of_the_calibration_hold_every_picture_and_rise(measured: Measured) -> None:
    bins = measured.calibration("q90")
    assert sum(b.fakes.n for b in bins) == len(measured.labels)
    assert sum(b.fakes.n_found for b in bins) == measured.labels.sum()
    assert [b.stated for b in bins] == sorted(b.stated for b in bins)


def test_scores_of_other_weights_are_said_to_be_so(measured: Measured) -> None:
    assert measured.card is not None
    other = ModelCard(**{**vars(measured.card), "sha256": "00" * 32})
    assert Measured(measured.file, other).is_stale


def test_a_table_of_ones_own_is_measured_without_a_card() -> None:
    found = uploaded(table())
    assert found.thresholds == () and found.usual == "original" and not found.is_stale
    kinds = [part.group.kind for part in found.slices]
    assert kinds[:2] == ["all", "matched"] and kinds.count("generator") == 2
    assert [line.name for line in found.by_generator("original", 0.5)] == ["paint-1", "paint-2"]


def test_without_ratios_there_is_no_probability_to_check() -> None:
    found = uploaded(table(llr=False))
    assert found.calibration("original") == () and found.by_condition(0.5)[0].ece is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        HEAD.encode(),
        (HEAD + "a,1,s,g,f,original,0.5,,\n").encode(),
        table().replace(b"0.", b"x."),
    ],
    ids=["empty", "a picture", "no line", "one class", "no numbers"],
)
def test_what_is_no_table_of_scores_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        uploaded(data)


def test_a_race_would_start_from_the_detectors_that_ship() -> None:
    assert [standing.name for standing in standings()] == list(DETECTORS.names())
    assert all(len(standing.sha256) == 64 for standing in standings())
