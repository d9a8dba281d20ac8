"""Planted troubles raise their alarm, and a run that goes well none."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from generators.quality.alarms import Trouble, decide, watch
from generators.quality.log import LogLine
from tests.make_quality import cloud, healthy_run, measured, quality, reference


def followed_by(**changes: Any) -> list[LogLine]:
    """A run that went well until its last line."""
    lines = healthy_run()
    return [*lines, dataclasses.replace(lines[-1], n_seen=lines[-1].n_seen + 20_000, **changes)]


def test_a_healthy_run_raises_no_alarm_at_any_line() -> None:
    lines = healthy_run()
    assert [watch(lines[:end]) for end in range(len(lines) + 1)] == [()] * (len(lines) + 1)
    assert decide(lines).good_n_seen == lines[-1].n_seen and not decide(lines).roll_back


@pytest.mark.parametrize(
    ("changes", "trouble", "goes_back"),
    [
        ({"loss_g": math.nan}, Trouble.NOT_A_NUMBER, True),
        ({"loss_d": math.inf}, Trouble.NOT_A_NUMBER, True),
        ({"finite": False}, Trouble.NOT_A_NUMBER, True),
        ({"loss_g": 80.0}, Trouble.DIVERGED, True),
        ({"loss_d": -80.0}, Trouble.DIVERGED, True),
        ({"quality": quality(fd=50.0)}, Trouble.DIVERGED, True),
        ({"quality": quality(fd=5.0, coverage=0.1)}, Trouble.COLLAPSED, True),
        ({"quality": quality(fd=5.0, coverage=0.5, recall=0.01)}, Trouble.COLLAPSED, True),
        ({"quality": quality(fd=5.0, spread=0.1)}, Trouble.COLLAPSED, True),
        ({"quality": quality(fd=5.0, copied=0.4)}, Trouble.COPIES, False),
    ],
)
def test_a_planted_trouble_raises_its_alarm(changes: dict[str, Any], trouble: Trouble, goes_back: bool) -> None:
    lines = followed_by(**changes)
    decision = decide(lines)
    assert [alarm.trouble for alarm in decision.alarms] == [trouble]
    assert decision.roll_back is goes_back
    assert decision.note == decision.alarms[0].sentence
    assert decision.good_n_seen == (lines[-2] if goes_back else lines[-1]).n_seen


def test_recall_may_fall_while_coverage_is_better_than_ever() -> None:
    assert watch(followed_by(quality=quality(fd=4.0, coverage=0.9, recall=0.01))) == ()


def test_a_distance_that_rises_a_little_is_no_alarm() -> None:
    assert watch(followed_by(quality=quality(fd=7.0))) == ()


@pytest.mark.parametrize(("sign", "won"), [(0.99, True), (0.0, True), (0.97, False), (0.05, False)])
def test_a_side_wins_for_good_only_beyond_its_limit(sign: float, won: bool) -> None:
    lines = [dataclasses.replace(line, sign_real=sign) for line in healthy_run()]
    assert [alarm.trouble for alarm in watch(lines)] == ([Trouble.ONE_SIDE_WON] if won else [])
    assert not decide(lines).roll_back


def test_a_side_that_is_ahead_for_a_moment_has_not_won() -> None:
    lines = healthy_run()
    lines[-2:] = [dataclasses.replace(line, sign_real=1.0) for line in lines[-2:]]
    assert watch(lines) == ()


def test_fakes_that_become_one_picture_raise_the_alarm_of_a_collapse() -> None:
    against = reference()
    varied = measured(cloud(5, 200), against)
    same = measured(np.tile(cloud(6, 1), (200, 1)) + cloud(7, 200, spread=0.01), against)
    lines = [LogLine(20_000, quality=varied), LogLine(40_000, quality=same)]
    assert watch(lines[:1]) == ()
    decision = decide(lines)
    assert Trouble.COLLAPSED in {alarm.trouble for alarm in decision.alarms}
    assert decision.roll_back and decision.good_n_seen == 20_000


def test_a_generator_that_never_had_variety_is_not_sent_back_to_it() -> None:
    lines = [LogLine(20_000 * i, quality=quality(spread=0.1, coverage=0.01, recall=0.0)) for i in (1, 2, 3)]
    assert watch(lines[:1]) == ()
    assert [alarm.trouble for alarm in watch(lines)] == [Trouble.COLLAPSED]
    assert not decide(lines).roll_back


def test_without_a_good_line_there_is_none_to_go_back_to() -> None:
    assert decide([LogLine(100, loss_d=math.nan)]).good_n_seen is None
    assert decide([]).alarms == ()
