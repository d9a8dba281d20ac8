"""The report of a race: every figure of the records comes out, where it belongs, in text, tables and pictures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.race import report, seeds, tables
from detectors.race.course import Course
from detectors.race.records import Cell, read_log
from tests.make_race import COST, FRESH, KNOWN, LEARNED, UNSEEN, N, rounds, write_race


@pytest.fixture(scope="module")
def course() -> Course:
    return Course(rounds(4))


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_race_that_was_written_is_read_back_whole(tmp_path: Path) -> None:
    assert read_log(write_race(tmp_path)) == rounds(4)


def test_the_matrix_has_a_row_for_each_version_and_the_unseen_kind_comes_last(course: Course) -> None:
    assert [row.version for row in course.rows] == ["1", "1+1", "1+2", "1+3", "1+4"]
    assert [row.promoted for row in course.rows] == [True, True, True, False, True]
    assert course.kinds[:2] == (KNOWN, "gan-face, untuned") and course.kinds[-1] == UNSEEN
    assert "refused" in course.rows[3].title and "before the race" in course.rows[0].title


def test_a_row_also_holds_what_came_after_the_version_and_marks_it_as_not_learned(course: Course) -> None:
    second = course.rows[2]
    assert KNOWN not in course.rows[0].not_learned
    assert {"pgd, round 1", "pgd, round 2", "pgd, round 3"} <= set(second.cells)
    assert second.not_learned == {k for k in second.cells if k.endswith(("round 2", "round 3"))} | {UNSEEN}
    assert second.cells["pgd, round 3"].auroc.value == FRESH


def test_forward_transfer_is_how_far_over_chance_the_next_fakes_are(course: Course) -> None:
    for record in course.records:
        assert course.forward_transfer(record) == pytest.approx(FRESH - 0.5)
        assert course.unseen_average(record) == pytest.approx(FRESH)


def test_where_nothing_was_known_before_nothing_can_be_forgotten() -> None:
    first = rounds(1)[0]
    alone = Course(
        (replace(first, matrix={v: without(row, KNOWN) for v, row in first.matrix.items()}, forgetting=0.0),)
    )
    assert math.isnan(alone.forgetting(alone.records[0]))
    assert all(math.isnan(way.old) and math.isnan(way.forgetting) for way in alone.defences(alone.records[0]))
    assert "| replay | 0.940 | - | - |" in report.to_markdown(alone) and "None has been made yet" in report.to_markdown(
        alone
    )
    known = Course((first,))
    assert known.forgetting(first) == first.forgetting and known.defences(first) == first.defences


def without(row: Mapping[str, Cell], kind: str) -> dict[str, Cell]:
    return {name: cell for name, cell in row.items() if name != kind}


def test_a_race_without_a_round_cannot_be_told() -> None:
    with pytest.raises(ValueError, match="no round"):
        Course(())


def test_tables_hold_every_round_cell_attack_and_way_of_learning(course: Course) -> None:
    found = {name: lines(text) for name, text in tables.tables(course).items()}
    assert [line["candidate"] for line in found["rounds.csv"]] == ["1+1", "1+2", "1+3", "1+4"]
    assert len(found["matrix.csv"]) == sum(len(row.cells) for row in course.rows)
    cell = next(x for x in found["matrix.csv"] if x["version"] == "1+4" and x["kind"] == "gan-face, round 1")
    assert float(cell["auroc"]) == pytest.approx(LEARNED - 2 * COST) and cell["learned"] == "True"
    assert len(found["attacks.csv"]) == sum(len(record.attacks) for record in course.records)
    assert {line["fd_lite0"] for line in found["attacks.csv"] if line["attack"] == "pgd"} == {""}
    assert len(found["defences.csv"]) == sum(len(record.defences) for record in course.records)


def test_a_figure_that_is_none_is_an_empty_cell_and_a_dash(course: Course) -> None:
    first = replace(course.records[0], forgetting=math.nan)
    alone = Course((first,))
    assert lines(tables.rounds_csv(alone))[0]["forgetting"] == ""
    assert f"| 0 | 1 | 1+1 | promoted | {first.average:.3f} | - |" in report.to_markdown(alone)


def test_the_page_says_why_a_version_stands_or_not_and_what_attacks_cost(course: Course) -> None:
    page = report.to_markdown(course)
    assert "Round 2, 1+3 refused:" in page and "over the ceiling of 8.0%" in page
    assert (
        f"| 1 | gan-face | white | {N} | 10% (5% to 15%) | 60% (52% to 68%) | 12% (7% to 17%) | 56% | 0.020 |" in page
    )
    assert f"0.600 (0.580 to 0.620) {report.DAGGER}" in page
    for words in report.DEFENCES.values():
        assert words in page


def test_what_an_attack_takes_away_is_a_share_of_what_was_found_without_it(course: Course) -> None:
    attack = course.records[1].attacks[0]  # 10 % get past without, 60 % with, 12 % once learned
    assert report.lost(attack) == pytest.approx(1 - 0.4 / 0.9)
    assert report.still_lost(attack) == pytest.approx(0.02)
    undetected = replace(attack, plain=replace(attack.plain, value=1.0))
    assert math.isnan(report.lost(undetected)), "nothing was found that could be lost"


def test_several_seeds_give_a_mean_and_the_interval_of_student() -> None:
    nudges = (0.0, 0.01, -0.02)
    found = seeds.pooled([Course(rounds(2, nudge=nudge)) for nudge in nudges])
    average = next(p for p in found if p.name == "mean AUROC of what is learned" and p.round == 0)
    values = rounds(1)[0].average + np.array(nudges)
    assert average.mean == pytest.approx(values.mean()) and average.n == 3
    half = 4.302653 * values.std(ddof=1) / math.sqrt(3)  # t of 2 degrees of freedom, 97.5 %
    assert (average.low, average.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_one_seed_has_no_interval_and_a_round_that_one_race_did_not_reach_counts_for_the_others() -> None:
    found = seeds.pooled([Course(rounds(1)), Course(rounds(2)), Course(rounds(2))])
    by_round = {p.round: p for p in found if p.name == "forgetting" and p.part is seeds.Part.ROUNDS}
    assert by_round[0].n == 3 and by_round[1].n == 2
    alone = seeds.pooled([Course(rounds(1))])
    assert all(math.isnan(p.low) for p in alone)
    assert "(0." not in seeds.to_markdown(alone, [Course(rounds(1))])
    with pytest.raises(ValueError, match="no race"):
        seeds.pooled([])


def test_the_page_of_several_seeds_has_a_line_for_each_round_attack_and_way() -> None:
    courses = [Course(rounds(3)), Course(rounds(3, nudge=0.01))]
    page = seeds.to_markdown(seeds.pooled(courses), courses)
    assert "| 2 | 2 |" in page and "| 1 | pgd | 2 |" in page and "| replay with distillation | 2 |" in page


def test_the_matrix_of_several_seeds_holds_the_mean_of_each_cell_whatever_versions_are_called() -> None:
    courses = [Course(rounds(3, nudge=nudge)) for nudge in (0.0, 0.01, 0.02)]
    found = seeds.rows(seeds.pooled(courses), courses)
    assert [row.title for row in found] == [
        "before the race: 3 races",
        "after round 0: 3 of 3 promoted",
        "after round 1: 3 of 3 promoted",
        "after round 2: 0 of 3 promoted",
    ]
    assert seeds.kinds(courses) == courses[0].kinds
    for row, own in zip(found, courses[1].rows, strict=True):
        assert row.not_learned == own.not_learned and set(row.cells) == set(own.cells)
        for kind, cell in row.cells.items():
            assert cell.auroc.value == pytest.approx(own.cells[kind].auroc.value)
            assert cell.auroc.low < cell.auroc.value < cell.auroc.high and cell.auroc.n == 3


def test_pictures_are_drawn_of_all_that_is_told_and_of_nothing_else(course: Course) -> None:
    pytest.importorskip("matplotlib")
    from detectors.race import plots

    found = plots.pictures(Course(course.records[:2]))
    assert set(found) == {"matrix.png", "course.png", "attacks.png", "defences.png"}
    for png in found.values():
        assert Image.open(io.BytesIO(png)).width > 600
    bare = replace(course.records[0], attacks=(), defences=(), forgetting=math.nan)
    assert set(plots.pictures(Course((bare,)))) == {"matrix.png", "course.png"}


def test_cells_darken_with_their_area(course: Course) -> None:
    pytest.importorskip("matplotlib")
    from detectors.race.plots import shade

    light = [sum(shade(area)) for area in (0.3, 0.5, 0.6, 0.8, 1.0)]
    assert light[0] == light[1] and light[1:] == sorted(light[1:], reverse=True)
