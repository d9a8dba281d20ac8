"""Charts of the laboratory pages: blue for photos and what is true, orange for fakes, and never colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import altair as alt
import numpy as np
from numpy.typing import NDArray

from dashboard.backend.courses import Point
from dashboard.backend.models import Bin, Operating, Rate

BLUE, ORANGE, GREY = "#3d8fd1", "#e08a1e", "#8a8f98"
"""Readable on white and on near-black, and apart for every kind of colour vision (after Okabe and Ito)."""

PALETTE = (ORANGE, BLUE, GREY)

DASHES = ((1, 0), (6, 3), (2, 3))

HEIGHT_PX = 280

N_BINS = 25

N_THRESHOLDS = 101

Row: TypeAlias = Mapping[str, float | str]


def scores_chart(real: NDArray[np.float64], fake: NDArray[np.float64], threshold: float) -> alt.LayerChart:
    """How many photos and fakes got which score, as shares of their class, and where the threshold lies."""
    edges = np.linspace(0, 1, N_BINS + 1)
    rows: list[Row] = [
        {"score": float(edge), "share": float(n / len(values)), "pictures": word}
        for word, values in (("photos", real), ("fakes", fake))
        for edge, n in zip(edges, [*np.histogram(values, edges)[0], 0], strict=True)
    ]
    lines = _lines(rows, "pictures", ("fakes", "photos"), "score", "share").mark_line(
        interpolate="step-after", strokeWidth=2
    )
    x = alt.X("score:Q", title="score", scale=alt.Scale(domain=[0, 1]))
    return _sized(lines.encode(x=x, y=_percent("share", "share of its class")), _rule(threshold))


def price_chart(operating: Operating, threshold: float) -> alt.LayerChart:
    """Photos taken for fakes and fakes missed at every threshold, with their intervals."""
    grid = np.linspace(0, 1, N_THRESHOLDS)
    order = ("fakes missed", "photos taken for fakes")
    rates = (operating.misses(grid), operating.false_positives(grid))
    rows = [row for word, own in zip(order, rates, strict=True) for row in _priced(word, grid, own)]
    x = alt.X("threshold:Q", title="threshold", scale=alt.Scale(domain=[0, 1]))
    lines = _lines(rows, "curve", order, "threshold", "share").mark_line(strokeWidth=2)
    whole = _percent("share", "share", alt.Scale(domain=[0, 1]))
    return _sized(*_bands(rows, x, "curve", order), lines.encode(x=x, y=whole), _rule(threshold))


def calibration_chart(bins: Sequence[Bin]) -> alt.LayerChart:
    """What was said against what was true; on the grey line both agree."""
    rows = [
        {"said": b.stated, "fakes": b.fakes.value, "low": b.fakes.low, "high": b.fakes.high, "pictures": b.fakes.n}
        for b in bins
    ]
    whole = alt.Scale(domain=[0, 1])
    x = alt.X("said:Q", title="said: probability of a fake", axis=alt.Axis(format="%"), scale=whole)
    ideal = _chart([{"said": 0, "fakes": 0}, {"said": 1, "fakes": 1}]).mark_line(color=GREY, strokeDash=[5, 4])
    bars = _chart(rows).mark_rule(color=BLUE, strokeWidth=2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    points = _chart(rows).mark_point(color=BLUE, filled=True, size=70, shape="diamond", opacity=1)
    tips = [alt.Tooltip("said:Q", format=".1%"), alt.Tooltip("fakes:Q", format=".1%"), alt.Tooltip("pictures:Q")]
    y = _percent("fakes", "true: share of fakes", whole)
    return _sized(ideal.encode(x=x, y=y), bars, points.encode(x=x, y=y, tooltip=tips))


def course_chart(points: Sequence[Point]) -> alt.LayerChart:
    """Figures of a training run over the pictures it had seen, with their intervals."""
    rows = [vars(point) for point in points]
    order = tuple(dict.fromkeys(point.curve for point in points))
    x = alt.X(
        "n_seen:Q", title="real pictures shown", axis=alt.Axis(format="~s", tickCount=5), scale=alt.Scale(zero=False)
    )
    lines = _lines(rows, "curve", order, "n_seen", "value").mark_line(strokeWidth=2, point=True)
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    return _sized(*_bands(rows, x, "curve", order), lines.encode(x=x, y=y))


def rounds_chart(
    rows: Sequence[Row], order: Sequence[str], title: str, *, percent: bool = False, zero: bool = False
) -> alt.LayerChart:
    """Curves over the rounds of a race; what the gate refused is a cross.

    Args:
        rows: round, curve, value, low, high and gate, which is "promoted" or "refused".
        order: of the curves; a single one is blue and needs no legend.
        title: of the values.
        percent: whether they are shares.
        zero: whether the axis begins there.
    """
    x = alt.X(
        "round:Q", title="round", axis=alt.Axis(format="d", tickMinStep=1), scale=alt.Scale(zero=False, nice=False)
    )
    kind = alt.Axis(format=".1%" if percent else "~g")
    y = alt.Y("value:Q", title=title, axis=kind, scale=alt.Scale(zero=zero))
    shape = alt.Scale(domain=["promoted", "refused"], range=["circle", "cross"])
    marks = (
        _chart(rows)
        .mark_point(filled=True, size=80, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color("curve:N", scale=_colours(order), legend=None),
            shape=alt.Shape("gate:N", scale=shape, legend=None),
            tooltip=["curve:N", "round:Q", alt.Tooltip("value:Q", format=".2%" if percent else ".3f"), "gate:N"],
        )
    )
    lines = _lines(rows, "curve", order, "round", "value").mark_line(strokeWidth=2).encode(x=x, y=y)
    if len(order) == 1:
        lines = lines.encode(color=alt.value(BLUE), strokeDash=alt.value([1, 0]))
        marks = marks.encode(color=alt.value(BLUE))
        band = _chart(rows).mark_area(color=BLUE, opacity=0.18).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
        return _sized(band, lines, marks)
    return _sized(*_bands(rows, x, "curve", order), lines, marks)


def _priced(word: str, grid: NDArray[np.float64], rates: Iterable[Rate]) -> Iterator[Row]:
    for at, rate in zip(grid.tolist(), rates, strict=True):
        ends = {"low": rate.interval.low, "high": rate.interval.high}
        yield {"curve": word, "threshold": at, "share": rate.value, **ends}


def _chart(rows: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def _lines(rows: Sequence[Row], by: str, order: Sequence[str], x: str, y: str) -> alt.Chart:
    """Curves that are told apart by colour and by their dashes."""
    legend = alt.Legend(title=None, orient="top", labelLimit=300, symbolStrokeWidth=2)
    dashes = alt.Scale(domain=list(order), range=[DASHES[i % 3] for i in range(len(order))])
    lines: alt.Chart = _chart(rows).encode(
        color=alt.Color(f"{by}:N", scale=_colours(order), legend=legend),
        strokeDash=alt.StrokeDash(f"{by}:N", scale=dashes, legend=legend),
        tooltip=[f"{by}:N", alt.Tooltip(f"{x}:Q", format=",.4~r"), alt.Tooltip(f"{y}:Q", format=",.3~r")],
    )
    return lines


def _bands(rows: Sequence[Row], x: alt.X, by: str, order: Sequence[str]) -> list[alt.Chart]:
    """An area for each curve, without a scale of colours: its legend would take the place of that of the lines."""
    areas = []
    for i, word in enumerate(order):
        area = _chart([row for row in rows if row[by] == word]).mark_area(color=PALETTE[i % 3], opacity=0.18)
        areas.append(area.encode(x=x, y=alt.Y("low:Q"), y2="high:Q"))
    return areas


def _colours(order: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(order), range=[PALETTE[i % 3] for i in range(len(order))])


def _percent(name: str, title: str, scale: alt.Scale | None = None) -> alt.Y:
    return alt.Y(f"{name}:Q", title=title, axis=alt.Axis(format="%"), scale=scale or alt.Scale())


def _rule(threshold: float) -> alt.Chart:
    line = _chart([{"at": threshold, "said": f"threshold {threshold:.3f}"}]).mark_rule(color=GREY, strokeWidth=2)
    rule: alt.Chart = line.encode(x=alt.X("at:Q"), tooltip=alt.Tooltip("said:N"))
    return rule


def _sized(*layers: alt.Chart) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers), height=HEIGHT_PX)
