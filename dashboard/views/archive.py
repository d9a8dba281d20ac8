"""The page Archive: everything that was examined, to search, sort, count and export."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.backend.archive import (
    OPINIONS,
    Charts,
    Listing,
    ScanFilter,
    SortBy,
    charts,
    export,
    listing,
    one_line,
    places,
)
from dashboard.backend.runs import Standing, names, standing
from dashboard.session import current_user, options, store
from dashboard.widgets.archive_charts import archive_charts
from dashboard.widgets.archive_table import PAGE, archive_table, turn_to
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.failing import plainly
from dashboard.widgets.run_details import run_details
from dashboard.widgets.run_panel import RUN, run_panel

CHARTS_S = 30
"""Counts of everything may be this old; the table is always new."""

MAX_FILTER = 200

ORDERS = {
    "Newest first": (SortBy.TIME, True),
    "Oldest first": (SortBy.TIME, False),
    "Heaviest evidence first": (SortBy.WEIGHT, True),
    "Lightest evidence first": (SortBy.WEIGHT, False),
    "Name": (SortBy.NAME, False),
    "Folder": (SortBy.FOLDER, False),
    "Largest first": (SortBy.SIZE, True),
}

KINDS = ("any", "image", "video")

FIELD_PX = 170
"""Two fields stand beside each other on a phone."""

EXPORTS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


def render() -> None:
    """Draw the page."""
    heading("Archive", "Everything that was examined, to search, sort, count and export.")
    _draw()


@plainly
def _draw() -> None:
    run_panel()
    wanted, order, chosen = _filter()
    if chosen is not None:
        run_details(chosen)
    sort, descending = ORDERS[order]
    found = listing(store(), wanted, sort=sort, descending=descending, number=_page())
    _count(found)
    if not found.rows:
        empty_state(_nothing(wanted), icon=":material/search_off:")
        return
    table, plots = st.tabs(["Scans", "Distributions"], on_change="rerun", key="shown")
    if table.open:
        with table:
            archive_table(found)
            _exports(wanted, sort, descending)
    if plots.open:
        with plots:
            archive_charts(_charts(options().database, wanted))


def _nothing(wanted: ScanFilter) -> str:
    if wanted == ScanFilter():
        return "No scan is stored yet. Scan a file or a folder."
    is_run_alone = wanted == ScanFilter(run=wanted.run)
    return "No file of this run has been examined yet." if is_run_alone else "No scan fits this filter."


def _filter() -> tuple[ScanFilter, str, Standing | None]:
    """The fields, and the run that was chosen; all stand in the address, so that a reload and a link show the same."""
    with st.container(horizontal=True, gap="small"):
        name = st.text_input("File name has", key="name", bind="query-params", on_change=turn_to, args=(0,))
        chosen = _run()
        opinion = st.selectbox(
            "Verdict",
            ["any", "likely", *OPINIONS],
            format_func=lambda one: "likely fake of any kind" if one == "likely" else one,
            key="verdict",
            bind="query-params",
            on_change=turn_to,
            args=(0,),
            width=FIELD_PX,
        )
        order = st.selectbox(
            "Order", list(ORDERS), key="order", bind="query-params", on_change=turn_to, args=(0,), width=FIELD_PX
        )
    with st.expander("More filters"), st.container(horizontal=True, gap="small"):
        folder = st.text_input("In the folder", key="folder", bind="query-params", on_change=turn_to, args=(0,))
        kind = st.selectbox(
            "Kind", KINDS, key="kind", bind="query-params", on_change=turn_to, args=(0,), width=FIELD_PX
        )
        since, until = (
            st.date_input(label, None, key=key, bind="query-params", on_change=turn_to, args=(0,), width=FIELD_PX)
            for label, key in (("From day (UTC)", "since"), ("Before day (UTC)", "until"))
        )
    return (
        ScanFilter(
            name=name[:MAX_FILTER].strip() or None,
            opinion=None if opinion == "any" else opinion,
            kind=None if kind == "any" else kind,
            folder=places(store()).whole(folder[:MAX_FILTER].strip()) or None,
            since=str(since) if since else None,
            until=str(until) if until else None,
            run=None if chosen is None else chosen.run.scans,
        ),
        order,
        chosen,
    )


def _run() -> Standing | None:
    known = names(store(), str(st.session_state.get(RUN) or st.query_params.get(RUN, "")))
    name = st.selectbox(
        "Run",
        ["", *known],
        format_func=lambda one: one_line(one, 100) or "any",
        key=RUN,
        bind="query-params",
        on_change=turn_to,
        args=(0,),
        width=FIELD_PX,
    )
    return standing(store(), name, user=current_user()) if name else None


def _page() -> int:
    given = str(st.query_params.get(PAGE, "1"))
    return int(given) - 1 if given.isascii() and given.isdecimal() and len(given) < 9 else 0


def _count(found: Listing) -> None:
    parts = [f"{found.opinions[opinion]:,} {opinion}" for opinion in OPINIONS if found.opinions.get(opinion)]
    st.markdown(f"**{found.n_rows:,}** scans{': ' if parts else ''}{', '.join(parts)}")


def _exports(wanted: ScanFilter, sort: SortBy, descending: bool) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for form, mime in EXPORTS.items():
            st.download_button(
                f"Export as {form.upper()}",
                partial(export, store(), wanted, sort=sort, descending=descending, form=form, user=current_user()),
                file_name=f"scans.{form}",
                mime=mime,
                on_click="ignore",
                icon=":material/download:",
                key=f"export {form}",
            )


@st.cache_resource(show_spinner=False, max_entries=50, ttl=CHARTS_S)
def _charts(database: str, wanted: ScanFilter) -> Charts:
    return charts(store(), wanted)
