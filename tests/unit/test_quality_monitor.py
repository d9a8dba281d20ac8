"""All figures at once, and the log that keeps them."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from generators.quality.log import LogLine, append, read
from generators.quality.monitor import Quality, Reference, measure
from tests.make_quality import cloud, healthy_run, measured, quality, reference, seen


def test_fakes_from_the_source_of_the_reals_reach_the_floor() -> None:
    found = measured(cloud(5, 200))
    assert found.over_floor == pytest.approx(1, abs=0.4)
    assert abs(found.kd_lite0.value) < 0.3
    assert found.copied.value < 0.05
    assert found.coverage.value > 0.9


def test_worse_fakes_get_worse_figures() -> None:
    good, bad = measured(cloud(5, 200)), measured(cloud(5, 200, shift=0.7))
    assert bad.fd_lite0.low > good.fd_lite0.high and bad.kd_lite0.low > good.kd_lite0.high
    assert bad.fd_floor == good.fd_floor, "the floor is the reals' own"
    assert bad.precision.value < good.precision.value


def test_every_figure_has_an_interval_and_a_number_of_pictures() -> None:
    for name, figure in measured(cloud(5, 200)).figures().items():
        assert figure.low <= figure.value <= figure.high, name
        assert figure.n == 200, name


def test_same_seed_same_figures() -> None:
    fakes, against = cloud(5, 200), reference()
    assert measured(fakes, against) == measured(fakes, against)
    assert measure(seen(fakes), against, seed=2)[0].fd_lite0.value == measured(fakes, against).fd_lite0.value


def test_fewer_fakes_than_the_reference_was_made_for_are_refused() -> None:
    with pytest.raises(ValueError, match="200 fakes or more, not 100"):
        measure(seen(cloud(5, 100)), reference(), seed=1)
    assert Reference.of(seen(cloud(1, 90)), cloud(2, 400), n_fakes=100, seed=1).n == 90


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    lines = healthy_run()
    lines[3] = dataclasses.replace(lines[3], loss_g=math.inf, note="it broke", finite=False)
    for line in lines:
        append(tmp_path / "log.jsonl", line)
    assert read(tmp_path / "log.jsonl") == tuple(lines)


def test_a_loss_that_is_no_number_stays_one(tmp_path: Path) -> None:
    append(tmp_path / "log.jsonl", LogLine(10, loss_d=math.nan))
    (line,) = read(tmp_path / "log.jsonl")
    assert line.loss_d is not None and math.isnan(line.loss_d) and line.loss_g is None


def test_a_line_cut_short_costs_itself_alone(tmp_path: Path) -> None:
    path, lines = tmp_path / "log.jsonl", healthy_run(4)
    for line in lines[:2]:
        append(path, line)
    path.write_bytes(path.read_bytes()[:-20])
    for line in lines[2:]:
        append(path, line)
    assert read(path) == (lines[0], *lines[2:])


def test_what_a_resumed_run_goes_over_again_counts_once(tmp_path: Path) -> None:
    path, lines = tmp_path / "log.jsonl", healthy_run(6)
    again = dataclasses.replace(lines[2], note="resumed")
    for line in (*lines, again):
        append(path, line)
    assert read(path) == (*lines[:2], again)


def test_figures_come_back_from_plain_values() -> None:
    assert Quality.from_plain(quality().to_plain()) == quality()
    with pytest.raises(TypeError):
        Quality.from_plain({})


def test_real_pictures_are_looked_at_once(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from generators.quality.monitor import see

    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    first = see(pixels, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    stamp = kept.stat().st_mtime_ns
    again = see(pixels, cache=tmp_path)
    assert np.array_equal(first.features, again.features)
    assert np.array_equal(first.probabilities, again.probabilities)
    assert kept.stat().st_mtime_ns == stamp
    see(255 - pixels, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
