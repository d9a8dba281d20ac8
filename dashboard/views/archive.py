"""The page Archive: everything that was examined, to search, sort, count and export."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.backend.archive import OPINIONS, Charts, Listing, ScanFilter, charts, export, listing
from dashboard.session import current_user, options, store
from dashboard.widgets.archive_charts import archive_charts
from dashboard.widgets.archive_filter import Asked, archive_filter
from dashboard.widgets.archive_table import PAGE, archive_table
from dashboard.widgets.downloads import Download, downloads
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.failing import plainly
from dashboard.widgets.run_details import run_details
from dashboard.widgets.run_panel import run_panel

CHARTS_S = 30
"""Counts of everything may be this old; the table is always new."""

EXPORTS = ("csv", "jsonl")


def render() -> None:
    """Draw the page."""
    heading("Archive", "Everything that was examined, to search, sort, count and export.")
    _draw()


@plainly
def _draw() -> None:
    run_panel()
    asked = archive_filter()
    if asked.run is not None:
        run_details(asked.run)
    found = listing(store(), asked.wanted, sort=asked.sort, descending=asked.descending, number=_page())
    _count(found)
    if not found.rows:
        empty_state(_nothing(asked.wanted), icon=":material/search_off:")
        return
    table, plots = st.tabs(["Scans", "Distributions"], on_change="rerun", key="shown")
    if table.open:
        with table:
            archive_table(found)
            _exports(asked)
    if plots.open:
        with plots:
            archive_charts(_charts(options().database, asked.wanted))


def _nothing(wanted: ScanFilter) -> str:
    if wanted == ScanFilter():
        return "No scan is stored yet. Scan a file or a folder."
    is_run_alone = wanted == ScanFilter(run=wanted.run)
    return "No file of this run has been examined yet." if is_run_alone else "No scan fits this filter."


def _page() -> int:
    given = str(st.query_params.get(PAGE, "1"))
    return int(given) - 1 if given.isascii() and given.isdecimal() and len(given) < 9 else 0


def _count(found: Listing) -> None:
    parts = [f"{found.opinions[opinion]:,} {opinion}" for opinion in OPINIONS if found.opinions.get(opinion)]
    st.markdown(f"**{found.n_rows:,}** scan{'' if found.n_rows == 1 else 's'}{': ' if parts else ''}{', '.join(parts)}")


def _exports(asked: Asked) -> None:
    rows = partial(export, store(), asked.wanted, sort=asked.sort, descending=asked.descending, user=current_user())
    files = [Download(f"Export as {form.upper()}", f"scans.{form}", partial(rows, form=form)) for form in EXPORTS]
    downloads(files, key="archive")


@st.cache_resource(show_spinner=False, max_entries=50, ttl=CHARTS_S)
def _charts(database: str, wanted: ScanFilter) -> Charts:
    return charts(store(), wanted)
