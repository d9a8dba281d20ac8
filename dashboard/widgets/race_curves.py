"""What is learned and forgotten over the rounds of a race, and how many photos are accused."""

from __future__ import annotations

import math
from collections.abc import Iterator

import streamlit as st

from dashboard.backend.race import Course, RoundRecord
from dashboard.widgets.charts import Row, rounds_chart

ALL, UNSEEN, BEFORE = "learned", "unseen", "before"

FORGOTTEN, ACCUSED = "forgetting", "false positives"


def race_curves(course: Course) -> None:
    """Draw three charts, side by side where there is room."""
    left, middle, right = st.columns(3)
    areas = rounds_chart(list(_areas(course)), (UNSEEN, ALL, BEFORE), "mean AUROC")
    left.altair_chart(areas, width="stretch", alt="Mean AUROC by round")
    forgotten = [_row(record, FORGOTTEN, course.forgetting(record)) for record in course.records]
    forgetting = rounds_chart(_known(forgotten), (FORGOTTEN,), "forgotten, AUROC", zero=True)
    middle.altair_chart(forgetting, width="stretch", alt="AUROC forgotten by round")
    accused = rounds_chart(list(_accused(course)), (ACCUSED,), "clean photos taken for fakes", percent=True, zero=True)
    right.altair_chart(accused, width="stretch", alt="Clean photos taken for fakes by round")
    st.caption("A cross: the gate refused that version.")


def _areas(course: Course) -> Iterator[Row]:
    for record in course.records:
        found = {
            UNSEEN: course.unseen_average(record),
            ALL: record.average,
            BEFORE: course.forward_transfer(record) + 0.5,
        }
        yield from _known([_row(record, word, value) for word, value in found.items()])


def _accused(course: Course) -> Iterator[Row]:
    for record in course.records:
        share = record.false_positives[record.candidate]
        yield {**_row(record, ACCUSED, share.value), "low": share.low, "high": share.high}


def _known(rows: list[Row]) -> list[Row]:
    return [row for row in rows if math.isfinite(float(row["value"]))]


def _row(record: RoundRecord, curve: str, value: float) -> Row:
    gate = "promoted" if record.promoted else "refused"
    return {"round": record.number, "curve": curve, "value": value, "low": value, "high": value, "gate": gate}
