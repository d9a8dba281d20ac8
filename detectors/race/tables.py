"""Writes a race as CSV: figures to reckon with, intervals in columns of their own, nothing where there is no figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence

from detectors.race.course import Course
from detectors.race.records import Figure, RoundRecord
from detectors.race.seeds import Pooled


def tables(course: Course) -> Mapping[str, str]:
    """File name -> CSV."""
    return {
        "rounds.csv": rounds_csv(course),
        "matrix.csv": matrix_csv(course),
        "attacks.csv": attacks_csv(course),
        "defences.csv": defences_csv(course),
    }


def rounds_csv(course: Course) -> str:
    """One line a round."""
    return _csv(
        (
            "round", "ended_at", "took_s", "standing", "candidate", "promoted", "average_auroc", "forgetting",
            "forward_transfer", "unseen_auroc", "false_positives_standing", "false_positives", "false_positives_low",
            "false_positives_high", "n_clean",
        ),
        (_round_cells(course, record) for record in course.records),
    )  # fmt: skip


def matrix_csv(course: Course) -> str:
    """One line for each version and kind."""
    return _csv(
        (
            "version", "round", "promoted", "kind", "made_in_round", "learned", "unseen", "auroc", "auroc_low",
            "auroc_high", "tpr_5", "tpr_5_low", "tpr_5_high", "n_fakes",
        ),
        (
            (
                row.version, "" if row.round is None else row.round, row.promoted, kind, course.made_in[kind],
                kind not in row.not_learned, kind in course.unseen, *_ends(cell.auroc), *_ends(cell.tpr), cell.auroc.n,
            )
            for row in course.rows
            for kind, cell in row.cells.items()
        ),
    )  # fmt: skip


def attacks_csv(course: Course) -> str:
    """One line for each attack and round."""
    shares = ("plain", "before", "after")
    return _csv(
        (
            "round", "attack", "white_box", "fakes",
            *(f"evasion_{name}{end}" for name in shares for end in ("", "_low", "_high")),
            "n_fakes", "fd_lite0", "fd_lite0_plain", "took_s", "tuned",
        ),
        (
            (
                record.number, attack.name, attack.white_box, attack.fakes,
                *(value for name in shares for value in _ends(getattr(attack, name))),
                attack.before.n, attack.fd, attack.fd_plain, attack.took_s, attack.tuned,
            )
            for record in course.records
            for attack in record.attacks
        ),
    )  # fmt: skip


def defences_csv(course: Course) -> str:
    """One line for each way of learning and round."""
    names = ("name", "new", "old", "forgetting", "unseen", "false_positives")
    return _csv(
        ("round", *names),
        ((r.number, *(getattr(d, name) for name in names)) for r in course.records for d in course.defences(r)),
    )


def pooled_csv(found: Sequence[Pooled]) -> str:
    """One line for each figure over seeds."""
    return _csv(
        ("part", "round", "of", "figure", "mean", "low", "high", "races"),
        ((p.part, p.round, p.about, p.name, p.mean, p.low, p.high, p.n) for p in found),
    )


def _round_cells(course: Course, record: RoundRecord) -> tuple[object, ...]:
    wrong = record.false_positives[record.candidate]
    return (
        record.number, record.at, record.took_s, record.standing, record.candidate, record.promoted, record.average,
        course.forgetting(record), course.forward_transfer(record), course.unseen_average(record),
        record.false_positives[record.standing].value, *_ends(wrong), wrong.n,
    )  # fmt: skip


def _ends(figure: Figure) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def _csv(headings: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headings)
    for cells in body:
        writer.writerow([_cell(value) for value in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else ""
    return "" if value is None else value
