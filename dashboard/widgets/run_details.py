"""The run that was chosen: how it stands, what it could not examine, and its results to take away."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.backend.archive import one_line
from dashboard.backend.run_results import FORMS, MAX_DOWNLOAD_FILES, download, errors
from dashboard.backend.runs import Standing, standing
from dashboard.backend.words import as_markdown
from dashboard.session import current_user, store
from dashboard.widgets.downloads import Download, downloads
from dashboard.widgets.failing import plainly
from dashboard.widgets.run_acts import run_acts
from dashboard.widgets.run_panel import FOLLOW_S
from dashboard.widgets.run_words import counts, message, sign, sources, times

LABELS = {"jsonl": "JSON Lines", "csv": "CSV", "parquet": "Parquet", "sarif": "SARIF", "html": "Summary page"}

MAX_TEXT = 200


def run_details(chosen: Standing) -> None:
    """Draw them."""
    with st.container(border=True):
        st.fragment(_followed, run_every=FOLLOW_S if chosen.run.is_running else None)(chosen.run.name)
        # Not followed: errors of many files cost more than counts.
        _errors(chosen)
        _downloads(chosen)


@plainly
def _followed(name: str) -> None:
    one = standing(store(), name, user=current_user())
    words, act = st.columns([5, 2], vertical_alignment="center")
    with words.container(gap=None):
        st.markdown(f"{sign(one)} · **{as_markdown(one.run.name)}**  \n{counts(one)}")
        st.caption("  \n".join(filter(None, (sources(one), times(one), message(one)))))
    with act.container(horizontal=True, horizontal_alignment="right", gap="small"):
        run_acts(one.run, where="chosen")


def _errors(one: Standing) -> None:
    found = errors(store(), one.run, user=current_user())
    if not found:
        return
    n_files = sum(error.n_files for error in found)
    with st.expander(f"What could not be examined, or not wholly: {n_files:,}", icon=":material/report:"):
        st.dataframe(
            {
                "Class": [one_line(error.code, MAX_TEXT) for error in found],
                "Files": [error.n_files for error in found],
                "Why": [one_line(error.message, MAX_TEXT) for error in found],
                "For example": [one_line(error.path, MAX_TEXT) for error in found],
            },
            hide_index=True,
            width="stretch",
            key=f"errors of {one.run.id}",
        )
        st.caption("`unforged errors NAME --code CLASS` lists every file of a class.")


def _downloads(one: Standing) -> None:
    if not one.n_ended:
        return
    if one.n_ended > MAX_DOWNLOAD_FILES:
        st.caption(
            f"Results of more than {MAX_DOWNLOAD_FILES:,} files are too large for a browser; on the computer of the "
            "dashboard `unforged runs show NAME --out DIR` writes them."
        )
        return
    files = [
        Download(LABELS[ending], form, partial(download, store(), one.run, form, user=current_user()))
        for form, ending in FORMS.items()
    ]
    downloads(files, key=f"run {one.run.id}")
