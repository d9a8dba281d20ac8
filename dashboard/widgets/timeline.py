"""A video along its time line: scores, flagged stretches, and the frame at the moment that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import streamlit as st

from dashboard.backend.moments import Course, Stretch
from dashboard.backend.viewing import Shown
from dashboard.widgets.charts import BLUE, GREY, ORANGE, PALETTE
from dashboard.widgets.markup import table

SCORES_PX, LANE_PX = 170, 26

AROUND_PX = 120
"""Axis and legend, which Streamlit counts as part of a chart's height."""

LABELS_PX = 96
"""Left of each chart, so that moments stand above each other."""

PICKED = "moment"

Drawing = alt.LayerChart | alt.FacetChart


def timeline(shown: Shown, moments: Sequence[float], *, key: str) -> float:
    """Draw the chart and the slider below it.

    Args:
        shown: report of a video.
        moments: times of the frames that can be shown; at least one.
        key: apart from those of other videos on the page.

    Returns:
        The chosen moment in seconds, one of `moments`.
    """
    duration_s = shown.words.duration_s or moments[-1]
    x = alt.X("time:Q", title="seconds", scale=alt.Scale(domain=[0, duration_s], nice=False))
    pick = alt.selection_point(PICKED, fields=["time"], nearest=True, on="click", empty=False)
    chart = _scores(shown.courses, x, pick) if shown.courses else _frames(moments, x, pick)
    event = st.altair_chart(
        chart,
        width="stretch",
        on_select="rerun",
        selection_mode=PICKED,
        key=f"chart {key}",
        alt="Scores over time; the slider below chooses the moment as well",
    )
    if shown.stretches:
        # A chart of its own: Streamlit takes no clicks on charts of several parts.
        lanes = alt.X("time:Q", title=None, scale=alt.Scale(domain=[0, duration_s], nice=False))
        st.altair_chart(
            _lanes(shown.stretches, lanes), width="stretch", key=f"lanes {key}", alt="Flagged stretches over time"
        )
    slider = f"slider {key}"
    clicked = _clicked(event)
    if clicked is not None and st.session_state.get(f"clicked {key}") != clicked:
        st.session_state[f"clicked {key}"] = clicked
        st.session_state[slider] = min(moments, key=lambda t: abs(t - clicked))
    if len(moments) == 1:
        return moments[0]
    chosen = st.select_slider("Moment", moments, key=slider, format_func=lambda t: f"{t:.2f} s")
    if shown.stretches:
        with st.expander(f"Flagged stretches ({len(shown.stretches)})"):
            st.html(table((f"{part.words} · {part.title}", part.summary) for part in shown.stretches))
    return float(chosen)


def _clicked(event: Any) -> float | None:
    picked = event.selection.get(PICKED) if event is not None and hasattr(event, "selection") else None
    for entry in picked or ():
        if "time" in entry:
            return float(entry["time"])
    return None


def _scores(courses: Sequence[Course], x: alt.X, pick: alt.Parameter) -> Drawing:
    rows = [{"detector": c.detector, "time": t, "score": score} for c in courses for t, score in c.points]
    order = [c.detector for c in courses]
    legend = alt.Legend(title=None, orient="top", labelLimit=260)
    base = alt.Chart({"values": rows}).encode(
        x=x,
        y=alt.Y("score:Q", title=None, axis=_side(), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color(
            "detector:N",
            scale=alt.Scale(domain=order, range=[PALETTE[i % 3] for i in range(len(order))]),
            legend=legend if len(order) > 1 else None,
        ),
        tooltip=["detector:N", alt.Tooltip("time:Q", format=".2f"), alt.Tooltip("score:Q", format=".2f")],
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        shape=alt.Shape("detector:N", legend=legend if len(order) > 1 else None),
        size=alt.condition(pick, alt.value(220), alt.value(60)),
    )
    title = alt.Title("Score of every frame, 1 for surely fake", anchor="start", fontSize=13, fontWeight="normal")
    chart: Drawing = alt.layer(base.mark_line(strokeWidth=2), points.add_params(pick)).properties(
        height=SCORES_PX + AROUND_PX, title=title
    )
    return chart


def _frames(moments: Sequence[float], x: alt.X, pick: alt.Parameter) -> Drawing:
    rows = [{"time": time_s} for time_s in moments]
    marks = alt.Chart({"values": rows}).mark_tick(color=BLUE, thickness=4, size=24).encode(x=x)
    chart: Drawing = alt.layer(marks.add_params(pick)).properties(height=LANE_PX + 14)
    return chart


def _side() -> alt.Axis:
    return alt.Axis(minExtent=LABELS_PX, maxExtent=LABELS_PX, labelLimit=LABELS_PX - 6)


def _lanes(stretches: Sequence[Stretch], x: alt.X) -> alt.Chart:
    rows = [
        {
            "time": part.start_s,
            "end": part.end_s,
            "finding": part.title,
            "role": "speaks for it" if part.counts_for else "to look at",
        }
        for part in stretches
    ]
    bars = alt.Chart({"values": rows}).mark_bar(height=LANE_PX // 2, cornerRadius=2)
    chart: alt.Chart = bars.encode(
        x=x,
        x2="end:Q",
        y=alt.Y("finding:N", title=None, axis=_side()),
        color=alt.Color(
            "role:N",
            scale=alt.Scale(domain=["speaks for it", "to look at"], range=[ORANGE, GREY]),
            legend=alt.Legend(title=None, orient="bottom"),
        ),
        tooltip=["finding:N", alt.Tooltip("time:Q", format=".2f"), alt.Tooltip("end:Q", format=".2f"), "role:N"],
    ).properties(height=LANE_PX * len({part.title for part in stretches}) + AROUND_PX)
    return chart
