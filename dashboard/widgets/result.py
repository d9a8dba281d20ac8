"""The whole result of one file: verdict, views, evidence, origin, what was not tested, downloads."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.backend.layers import Layer, layers
from dashboard.backend.places import for_eyes_of
from dashboard.backend.viewing import ScanReport, Shown, Similar, download, show, similar, stored, why_no_pictures
from dashboard.session import configuration, current_user, options, scanning, store
from dashboard.widgets.downloads import Download, downloads
from dashboard.widgets.evidence import cards
from dashboard.widgets.markup import bullets, table, text
from dashboard.widgets.origin import panel
from dashboard.widgets.sending import may_send, send
from dashboard.widgets.timeline import timeline
from dashboard.widgets.verdict import banner
from dashboard.widgets.viewer import viewer

CACHED = 12
"""Results whose drawings are kept, about a megabyte each."""

CACHED_S = 600

FORMS = ("html", "pdf", "json")


def result(scan_id: int | None, report: ScanReport | None = None, *, in_queue: bool = False) -> None:
    """Draw it.

    Args:
        scan_id: number in the store; None for a report that could not be stored.
        report: that one.
        in_queue: whether somebody looks at it there, so that it need not be sent.
    """
    report = report if scan_id is None else stored(store(), scan_id)
    if report is None:
        st.warning("This scan is not in the store (any more).", icon=":material/search_off:")
        return
    user = current_user()
    report = for_eyes_of(user, report)
    key = f"{scan_id or report.sha256} {user.role.word}"
    shown: Shown = _shown(options().database, key, report)
    banner(shown)
    _actions(report, key, None if in_queue else scan_id)
    if shown.has_pictures:
        _look(shown, report, key)
    else:
        row = None if scan_id is None else store().row(scan_id)
        st.info(why_no_pictures(row), icon=":material/hide_image:")
    _sections(shown, report)


@st.cache_resource(show_spinner=False, max_entries=CACHED, ttl=CACHED_S)
def _shown(database: str, key: str, _report: ScanReport) -> Shown:
    return show(_report, scanning().kept.load(_report.sha256))


@st.cache_resource(show_spinner=False, max_entries=2 * CACHED, ttl=CACHED_S)
def _layers(database: str, key: str, time_s: float | None, _report: ScanReport) -> tuple[Layer, ...]:
    return layers(_report, scanning().kept.load(_report.sha256), time_s)


def _look(shown: Shown, report: ScanReport, key: str) -> None:
    left, right = st.columns([2, 1], gap="medium")
    with left:
        time_s = None
        if shown.words.duration_s is not None:
            time_s = timeline(shown, shown.moments, key=key)
        viewer(_layers(options().database, key, time_s, report), key=key)
    with right:
        st.subheader("What the file says about itself", anchor=False)
        panel(shown.origin)


def _sections(shown: Shown, report: ScanReport) -> None:
    if not shown.has_pictures:
        st.subheader("What the file says about itself", anchor=False)
        panel(shown.origin)
    st.subheader("Evidence, what counts most first", anchor=False)
    cards(shown.evidence)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Seen before", anchor=False)
        _similar(similar(report, store()))
    with right:
        st.subheader("What was not tested, and why", anchor=False)
        st.html(table(shown.words.untested) if shown.words.untested else "<p>Every analyzer examined this file.</p>")
        if shown.words.quiet:
            st.html(f'<p class="u-soft">Nothing to report: {text(", ".join(shown.words.quiet))}.</p>')
    with st.expander("How the verdict was reached"):
        st.html(f"<p>{text(shown.words.meaning)}</p><p>{text(shown.words.rule)}</p>")
        st.html(bullets(f"{'✓ counts' if c else '– does not count'}: {s}" for _, s, c in shown.words.steps))
        st.html(f"<p><strong>{text(shown.words.total)}</strong></p>")
    with st.expander("The file and this scan"):
        st.html(table((*shown.words.facts, *shown.words.versions, ("Repeat it", shown.words.command))))


def _actions(report: ScanReport, key: str, sendable: int | None) -> None:
    row = st.container(horizontal=True)
    with row:
        name = report.sha256[:16]
        files = [Download(form.upper(), f"{name}.{form}", partial(_download, report, form)) for form in FORMS]
        downloads(files, key=key)
    if sendable is None or not may_send():
        return
    if row.button("Send to the queue", icon=":material/inbox:", key=f"send {key}"):
        send([store().row(sendable)])


def _download(report: ScanReport, form: str) -> bytes:
    try:
        language_code = configuration().language_code
    except ValueError:  # damaged settings, of which the page Settings tells: a report can be read all the same
        language_code = "en"
    return download(report, scanning().kept.load(report.sha256), form, language_code)


def _similar(found: tuple[Similar, ...]) -> None:
    if not found:
        st.html("<p>No other file that was examined looks like this one.</p>")
        return
    for other in found:
        picture, words, way = st.columns([1, 3, 1], vertical_alignment="center")
        kept = scanning().kept.load(other.sha256).frames
        if kept:
            picture.image(next(iter(kept.values())), width="stretch", alt=f"Picture of {other.name}")
        with words:
            st.html(
                f"<p>{text(other.name)}<br><span class='u-soft'>{text(other.opinion)}, {other.distance_bits} of 256 "
                f"bits away, {text(other.scanned_on)}</span></p>"
            )
        if way.button("Open", key=f"similar {other.scan_id}", width="stretch"):
            st.query_params["id"] = str(other.scan_id)
            st.rerun()
