"""How scores, opinions, folders and days are spread over what fits the filter."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import streamlit as st

from dashboard.backend.archive import BINS, OPINIONS, Charts, Count, one_line
from dashboard.widgets.markup import text
from dashboard.widgets.opinions import shaped

COLORS = ("#c4560a", "#eda75f", "#8a9aa8", "#2f7fbf")
"""Synthetic, manipulated, inconclusive, no trace: from orange to blue in steps of lightness, for any colour vision."""

HEIGHT_PX = 260


def archive_charts(charts: Charts) -> None:
    """Draw them."""
    st.html(_legend())
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Probability**")
        st.altair_chart(_bars(charts.scores, "probability from", BINS), width="stretch", alt="Scans by probability")
    with right:
        st.markdown("**Day of the scan (UTC)**")
        st.altair_chart(_bars(charts.days, "day"), width="stretch", alt="Scans by day")
    st.markdown("**Folders that hold the most**")
    st.altair_chart(_folders(charts.folders), width="stretch", alt="Scans by folder")
    with st.expander("The same as numbers"):
        for title, counts in (("probability from", charts.scores), ("day", charts.days), ("folder", charts.folders)):
            st.dataframe(
                {
                    title: [one_line(count.group, 160) or "(unknown)" for count in counts],
                    "opinion": [count.opinion for count in counts],
                    "scans": [count.number for count in counts],
                },
                hide_index=True,
                key=f"numbers {title}",
            )


def _legend() -> str:
    """Once for all charts; the order is that of the parts of each bar."""
    swatch = "display:inline-block;width:0.8rem;height:0.8rem;border-radius:2px;margin-right:0.35rem"
    parts = (
        f'<span style="white-space:nowrap;margin-right:1rem"><span style="{swatch};background:{color}"></span>'
        f"{text(shaped(opinion))}</span>"
        for opinion, color in zip(OPINIONS, COLORS, strict=True)
    )
    return f"<p>{''.join(parts)}</p>"


def _bars(counts: Sequence[Count], title: str, groups: Sequence[str] = ()) -> alt.Chart:
    """Bars side by side.

    Args:
        groups: all there may be, so that empty ones keep their place; () for those that are counted.
    """
    scale = alt.Scale(domain=list(groups)) if groups else alt.Undefined
    x = alt.X("group:O", title=title, scale=scale, axis=alt.Axis(labelOverlap=True, labelAngle=-45))
    return _stacked(counts).encode(x=x, y=alt.Y("scans:Q", title="scans", axis=_whole())).properties(height=HEIGHT_PX)


def _folders(counts: Sequence[Count]) -> alt.Chart:
    order = list(dict.fromkeys(_name(count) for count in counts))
    y = alt.Y("group:N", title=None, sort=order, axis=alt.Axis(labelLimit=220))
    drawn: alt.Chart = _stacked(counts).encode(y=y, x=alt.X("scans:Q", title="scans", axis=_whole()))
    return drawn.properties(height=80 + 26 * len(order))


def _whole() -> alt.Axis:
    """There is no half a scan."""
    return alt.Axis(format="~s", tickMinStep=1, tickCount=6)


def _stacked(counts: Sequence[Count]) -> alt.Chart:
    rows = [
        {"group": _name(c), "opinion": c.opinion, "scans": c.number, "rank": OPINIONS.index(c.opinion)}
        for c in counts
        if c.opinion in OPINIONS
    ]
    color = alt.Color("opinion:N", scale=alt.Scale(domain=list(OPINIONS), range=list(COLORS)), legend=None)
    chart: alt.Chart = alt.Chart(alt.InlineData(values=rows)).mark_bar(stroke="#8884", strokeWidth=0.5)
    tips = [alt.Tooltip("group:N"), alt.Tooltip("opinion:N"), alt.Tooltip("scans:Q")]
    return chart.encode(color=color, order=alt.Order("rank:Q"), tooltip=tips)


def _name(count: Count) -> str:
    """A folder by its end, which tells more than its beginning."""
    group = one_line(count.group, 400) or "(unknown)"
    return group if len(group) <= 40 else f"…{group[-39:]}"
