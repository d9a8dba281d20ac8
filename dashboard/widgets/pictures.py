"""Thumbnails for tables, and the pictures of a file before its result is drawn; the same process for all users."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from dashboard.backend.archive import ScanRow
from dashboard.backend.options import Options
from dashboard.backend.queue import provide_pictures
from dashboard.backend.thumbnails import Redrawer, Thumbnails
from dashboard.session import options, scanning

BUDGET_S = 0.15
"""A page change may take half a second in all; what is missing then comes a moment later."""


def thumbnails(rows: Sequence[ScanRow], *, budget_s: float = BUDGET_S) -> dict[str, str]:
    """Address of the thumbnail by hash: data that stands in the page itself; "" where there is none."""
    found = _thumbnails(options()).make(rows, budget_s=budget_s)
    return {sha256: _uri(jpeg) for sha256, jpeg in found.items()}


def provide(row: ScanRow) -> None:
    """See to it that the pictures of a file are there when its result is drawn."""
    provide_pictures(row, scanning().kept, _redrawer())


@st.cache_resource(show_spinner=False)
def _redrawer() -> Redrawer:
    return Redrawer()


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Options: repr})
def _thumbnails(started: Options) -> Thumbnails:
    return Thumbnails(started.folder / "thumbnails", scanning().kept, _redrawer())


def _uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") if jpeg else ""
