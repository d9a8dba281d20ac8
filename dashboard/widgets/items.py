"""The files that the address of the page names: how far each is, and the whole result of the chosen one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from dashboard.backend.scanning import Job, State, step_titles
from dashboard.backend.viewing import KINDS, Brief, Shown, brief, provisional
from dashboard.backend.words import as_markdown, percent
from dashboard.overlay import LETTERS
from dashboard.session import options, scanning, store
from dashboard.widgets.evidence import cards
from dashboard.widgets.pictures import provide
from dashboard.widgets.progress import progress
from dashboard.widgets.result import result
from dashboard.widgets.rows import Column, Look, Row, rows
from dashboard.widgets.verdict import banner
from dashboard.widgets.viewer import whole

IDS = "id"
"""In the query of the address: numbers of stored scans, and keys of those under way."""

MAX_ITEMS = 50

MAX_NUMBER = 1 << 31
"""Numbers of scans are integers of 32 bits in PostgreSQL."""

POLL_S = 0.4

FEW = 8
"""More files than that scroll in a window of their own, so that the result stays in sight."""

LIST_PX = 320

COLUMNS = (Column("File", Look.TITLE), Column("Verdict", Look.LINE, 35), Column("Probability", Look.FIGURE, 12))

FAILED = "failed"

_SIGNS = {**LETTERS, FAILED: "✕"}
"""Kind of an opinion, or none there will be -> what stands before its words."""

_CHOSEN = "chosen file"


@dataclass(frozen=True)
class Item:
    """One line.

    Attributes:
        id: as in the address.
        name: hostile text on one line.
        words: opinion, or how far it is.
        probability: of the verdict; None before there is one.
        kind: of the opinion, or FAILED; "" before there is one.
        job: while it is under way, or failed.
        scan_id: number in the store.
    """

    id: str
    name: str
    words: str
    probability: float | None = None
    kind: str = ""
    job: Job | None = None
    scan_id: int | None = None


def ids() -> list[str]:
    """What the address names, each once."""
    return list(dict.fromkeys(st.query_params.get_all(IDS)))[:MAX_ITEMS]


def items() -> None:
    """Draw the list, if there is more than one, and the chosen item."""
    _follow_finished()
    listed = [_item(name) for name in ids()]
    chosen = _choose(listed) if len(listed) > 1 else listed[0]
    if chosen.job is not None and not chosen.job.is_over:
        _watch(chosen.id)
    elif chosen.job is not None and chosen.job.state is State.FAILED:
        st.error(f"{as_markdown(chosen.name, 120)}: {as_markdown(chosen.job.message)}", icon=":material/broken_image:")
        if chosen.job.report is not None:
            if chosen.job.how.profile != "deep":
                st.caption("What was found until then stands below. Brought again as *deep*, it gets more time.")
            _draw_known(chosen.job, "until it was stopped")
    elif chosen.scan_id is None and chosen.job is None:
        st.warning(f"{chosen.words}", icon=":material/search_off:")
    else:
        if chosen.scan_id is not None:
            _provide(chosen.scan_id)
        result(chosen.scan_id, None if chosen.job is None else chosen.job.report)


def _provide(scan_id: int) -> None:
    """Of a run only the findings are kept: its files are drawn again from where they lie."""
    with suppress(LookupError), st.spinner("Fetching the picture …"):
        provide(store().row(scan_id))


def _follow_finished() -> None:
    """Let the address name the stored scan, which outlives the service, in place of the job."""
    known = ids()
    now = []
    for name in known:
        job = None if _is_number(name) else scanning().job(name)
        now.append(str(job.scan_id) if job is not None and job.scan_id is not None else name)
    if now != known:
        if st.session_state.get(_CHOSEN) in known:
            st.session_state[_CHOSEN] = now[known.index(st.session_state[_CHOSEN])]
        st.query_params[IDS] = list(dict.fromkeys(now))


def _is_number(name: str) -> bool:
    return name.isdecimal() and name.isascii() and int(name[:12]) < MAX_NUMBER and len(name) < 12


def _item(name: str) -> Item:
    if _is_number(name):
        return _stored(name, int(name))
    job = scanning().job(name)
    if job is None:
        return Item(name, "", "This scan is not known any more; please bring the file again.")
    if job.scan_id is not None:
        return _stored(name, job.scan_id)
    words = {State.WAITING: "waiting", State.RUNNING: f"step {len(job.steps)} of {job.n_steps}"}.get(job.state, "")
    if job.state is State.FAILED:
        said = "could not be examined" if job.report is None else "was stopped"
        return Item(name, job.name, f"{said}: {job.message}", kind=FAILED, job=job)
    if job.report is not None:
        verdict = job.report.verdict
        said = f"{verdict.opinion}{'' if job.is_over else f', so far ({words})'}"
        return Item(name, job.name, said, verdict.probability, KINDS[verdict.opinion], job)
    return Item(name, job.name, words, job=job)


def _stored(name: str, scan_id: int) -> Item:
    found = _brief(options().database, scan_id)
    if found is None:
        return Item(name, "", "This scan is not in the store (any more).")
    return Item(name, found.name, found.opinion, found.probability, found.kind, scan_id=scan_id)


@st.cache_resource(show_spinner=False, max_entries=1000, ttl=600)
def _brief(database: str, scan_id: int) -> Brief | None:
    return brief(store(), scan_id)


def _choose(listed: list[Item]) -> Item:
    under_way = any(item.job is not None and not item.job.is_over for item in listed)
    _list(under_way)
    chosen = st.session_state.get(_CHOSEN)
    return next((item for item in listed if item.id == chosen), listed[0])


def _list(under_way: bool) -> None:
    st.fragment(_draw_list, run_every=POLL_S if under_way else None)()


def _draw_list() -> None:
    listed = [_item(name) for name in ids()]
    st.caption(f"{_count(listed)}. Click a name to see why.")
    chosen = st.session_state.get(_CHOSEN)
    current = chosen if chosen in ids() else listed[0].id
    with st.container(height=LIST_PX if len(listed) > FEW else "content", border=False):
        opened = rows(COLUMNS, [_row(item) for item in listed], key="files", current=current).opened
    if opened and opened != current:
        st.session_state[_CHOSEN] = opened
        st.rerun()


def _count(listed: list[Item]) -> str:
    """How many have their verdict, and how many will have none."""
    n_failed = sum(item.kind == FAILED for item in listed)
    n_examined = sum(bool(item.kind) and (item.job is None or item.job.is_over) for item in listed) - n_failed
    failed = f", {n_failed} could not be" if n_failed else ""
    return f"{n_examined} of {len(listed)} files examined{failed}"


def _row(item: Item) -> Row:
    share = "" if item.probability is None else percent(item.probability)
    return Row(item.id, item.name, (item.name or "no name", f"{_SIGNS.get(item.kind, '…')} {item.words}", share))


def _watch(key: str) -> None:
    st.fragment(_draw_progress, run_every=POLL_S)(key)


def _draw_progress(key: str) -> None:
    job = scanning().job(key)
    if job is None or job.is_over:
        st.rerun()
    progress(step_titles(job.steps), job.titles, waiting=scanning().n_waiting)
    if job.report is None:
        now = "It begins as soon as there is room." if job.state is State.WAITING else "The file is being opened."
        st.html(f'<div class="u-wait">{now}</div>')
        return
    _draw_known(job, "so far")


def _draw_known(job: Job, how_far: str) -> None:
    shown = _so_far(job)
    banner(shown, provisional=how_far)
    if job.preview:
        whole(job.preview, "The picture that is examined")
    cards(shown.evidence)


def _so_far(job: Job) -> Shown:
    """Drawn once a step, not once a look."""
    kept = st.session_state.get("so far")
    if kept is None or kept[0] != (job.key, len(job.steps)):
        kept = (job.key, len(job.steps)), provisional(job)
        st.session_state["so far"] = kept
    shown: Shown = kept[1]
    return shown
