"""What the page Archive shows, and in which order: fields whose values stand in the address of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.backend.archive import OPINIONS, ScanFilter, SortBy, name_part, one_line, places
from dashboard.backend.runs import Standing, names, standing
from dashboard.session import current_user, store
from dashboard.widgets.archive_table import turn_to
from dashboard.widgets.run_panel import RUN

MAX_TEXT = 200

ANY = "any"

ORDERS = {
    "Newest first": (SortBy.TIME, True),
    "Oldest first": (SortBy.TIME, False),
    "Heaviest evidence first": (SortBy.WEIGHT, True),
    "Lightest evidence first": (SortBy.WEIGHT, False),
    "Name": (SortBy.NAME, False),
    "Folder": (SortBy.FOLDER, False),
    "Largest first": (SortBy.SIZE, True),
}

FIELD_PX = 170
"""Two fields stand beside each other on a phone."""

_BOUND: dict[str, Any] = {"bind": "query-params", "on_change": turn_to, "args": (0,)}
"""A reload and a link show the same; whatever is asked for, its first page comes first."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see.

    Attributes:
        wanted: scans that fit.
        sort, descending: the order.
        run: the one that was chosen; None shows all scans.
    """

    wanted: ScanFilter
    sort: SortBy
    descending: bool
    run: Standing | None


def archive_filter() -> Asked:
    """Draw the fields."""
    with st.container(horizontal=True, gap="small"):
        name = st.text_input("File name has", key="name", help="Also that of a ZIP, mail or PDF it lies in.", **_BOUND)
        run = _run()
        opinion = _choice("Verdict", [ANY, "likely", *OPINIONS], "verdict", {"likely": "likely fake of any kind"})
        order = _choice("Order", list(ORDERS), "order")
    with st.expander("More filters"), st.container(horizontal=True, gap="small"):
        folder = st.text_input("In the folder", key="folder", **_BOUND)
        kind = _choice("Kind", [ANY, "image", "video"], "kind")
        since, until = (
            st.date_input(label, None, key=key, width=FIELD_PX, **_BOUND)
            for label, key in (("From day (UTC)", "since"), ("Before day (UTC)", "until"))
        )
    wanted = ScanFilter(
        name=name_part(name[:MAX_TEXT]),
        opinion=None if opinion == ANY else opinion,
        kind=None if kind == ANY else kind,
        folder=places(store()).whole(folder[:MAX_TEXT].strip()) or None,
        since=str(since) if since else None,
        until=str(until) if until else None,
        run=None if run is None else run.run.scans,
    )
    sort, descending = ORDERS[order]
    return Asked(wanted, sort, descending, run)


def _run() -> Standing | None:
    asked = str(st.session_state.get(RUN) or st.query_params.get(RUN, ""))
    known = names(store(), asked)
    name = _choice("Run", ["", *known], RUN, {"": ANY} | {one: one_line(one, 100) for one in known})
    return standing(store(), name, user=current_user()) if name else None


def _choice(label: str, values: Sequence[str], key: str, words: dict[str, str] | None = None) -> str:
    """A field to choose from; `words` says of some values how they are shown."""
    shown = words or {}
    chosen: str = st.selectbox(
        label, values, format_func=lambda one: shown.get(one, one), key=key, width=FIELD_PX, **_BOUND
    )
    return chosen
