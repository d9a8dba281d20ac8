"""Starts scans of folders and follows them; they run on when every browser is closed."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.archive import Bar, FolderScan, Places, Progress, folder_scans, start, stop
from dashboard.backend.words import as_markdown, sentence
from dashboard.roles import Role
from dashboard.session import configuration, current_user, options, store
from dashboard.widgets.failing import plainly

FOLLOW_S = 2.0

BARS = {
    Bar.LIKELY: "what is likely fake",
    Bar.INCONCLUSIVE: "what is likely fake or inconclusive",
    Bar.ALL: "everything",
    Bar.NEVER: "nothing",
}

SIGNS = {
    Progress.STARTING: "… starting",
    Progress.RUNNING: "▶ running",
    Progress.DONE: "✓ done",
    Progress.STOPPED: "■ stopped",
    Progress.FAILED: "✗ failed",
    Progress.LOST: "✗ its process is gone",
}


def folder_panel() -> None:
    """Draw it."""
    scans = folder_scans(store())
    running = any(not scan.state.is_over for scan in scans)
    with st.expander("Folder scans", expanded=running, icon=":material/drive_folder_upload:"):
        if current_user().role >= Role.ADMIN:
            _form()
        else:
            st.caption("Starting one needs the role admin: whoever names folders looks into them.")
        st.fragment(_follow, run_every=FOLLOW_S if running else None)(running)


def _form() -> None:
    with st.form("scan a folder", border=False):
        left, middle, right = st.columns([4, 2, 1], vertical_alignment="bottom")
        folder = left.text_input("Folder on the computer that runs the dashboard", placeholder="/home/me/pictures")
        bar = middle.selectbox("Queue for a decision", list(BARS), format_func=lambda one: BARS[one])
        if not right.form_submit_button("Start", icon=":material/play_arrow:", type="primary", width="stretch"):
            return
    try:
        start(options(), configuration(), store(), folder, bar, user=current_user())
    except (PermissionError, ValueError, OSError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.rerun()


@plainly
def _follow(was_running: bool) -> None:
    scans = folder_scans(store())
    for scan in scans:
        _line(scan)
    if not scans:
        st.caption(
            "No folder has been scanned yet. A scan runs on when you close the browser; this page finds it again."
        )
    if was_running and all(scan.state.is_over for scan in scans):
        # The page below shows what came of it.
        st.rerun()


def _line(scan: FolderScan) -> None:
    words, action = st.columns([6, 1], vertical_alignment="center")
    with words:
        n_files = "counting files" if scan.n_files is None else f"{scan.n_done:,} of {scan.n_files:,} files"
        is_admin = current_user().role >= Role.ADMIN
        folder = scan.folder if is_admin else Places((scan.folder,)).short(scan.folder)
        told = [f"**{SIGNS[scan.state]}**", f"`{as_code(folder)}`", n_files, f"{scan.n_likely:,} likely fake"]
        if scan.n_failed:
            told.append(f"{scan.n_failed:,} not readable")
        st.markdown(" · ".join(told))
        if not scan.state.is_over:
            st.progress(0.0 if not scan.n_files else min(scan.n_done / scan.n_files, 1.0))
        if scan.message:
            st.caption(as_markdown(scan.message))
    if not scan.state.is_over and current_user().role >= Role.ADMIN:
        label = "Stopping" if scan.is_stop_wanted else "Stop"
        if action.button(label, key=f"stop {scan.id}", disabled=scan.is_stop_wanted, icon=":material/stop:"):
            stop(store(), scan.id, user=current_user())
            st.rerun(scope="fragment")


def as_code(text: str) -> str:
    """Text between backticks of Markdown, which end at the next one."""
    return " ".join(text.replace("`", "'").split())[:200]
