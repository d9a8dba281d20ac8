"""The page Arms race: rounds of attack and defence, who is told apart by which version, and which version stands."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.backend import race
from dashboard.backend.race import DAGGER, Course, Race, RoundRecord, number
from dashboard.backend.words import as_markdown
from dashboard.session import options
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.laboratory import explain
from dashboard.widgets.markup import bullets, text
from dashboard.widgets.race_curves import race_curves
from dashboard.widgets.race_tables import attacks_html, matrix_html
from dashboard.widgets.rows import Column, Look, Row, rows
from dashboard.widgets.versions import versions_panel

STANDINGS = (
    Column("Detector", Look.TITLE, 14),
    Column("What it does", Look.LINE),
    Column("Version", Look.NOTE, 10),
    Column("Weights, SHA-256", Look.WIDE, 18),
)

PROMOTED, REFUSED = "● promoted", "✕ refused"


def render() -> None:
    """Draw the page."""
    heading("Arms race", "Generators attack a detector, it learns from the attack, and no round may be forgotten.")
    models = options().models
    found = race.races(models)
    if not found:
        _nothing(models)
        return
    chosen = _chosen(found)
    try:
        course = race.course(chosen)
    except ValueError as error:
        explain(error)
        course = None
    else:
        if course is None:
            empty_state("No round of this race has ended yet.", icon=":material/hourglass_empty:")
    if chosen.under_way:
        st.caption(as_markdown(chosen.under_way))
    if course is None:
        _versions(models, chosen.detector)
    else:
        _told(models, chosen, course)


def _nothing(models: Path | None) -> None:
    """No race; what stands is told, and versions that came from elsewhere."""
    empty_state(
        "No race has been run here: `unforged race run --photos DIR` begins one, and its rounds are shown here as they "
        "end. Races are looked for below the folder of models that the dashboard was started with.",
        icon=":material/swords:",
    )
    learned = race.detectors(models)
    if learned:
        _versions(models, learned[0])
        return
    st.subheader("Where a race would start", anchor=False)
    lines = [Row(one.name, one.name, (one.name, one.task, one.version, one.sha256[:16])) for one in _standings()]
    rows(STANDINGS, lines, key="standings", opens=False)
    st.caption("These versions came with the program, and scans use them.")


@st.cache_resource(show_spinner=False)
def _standings() -> tuple[race.Standing, ...]:
    return race.standings()


def _chosen(found: tuple[Race, ...]) -> Race:
    """The race of the address, so that a reload and a link lead to the same one; the newest without one."""
    names = [one.name for one in found]
    asked = st.query_params.get("race", names[0])
    name = st.selectbox("Race", names, index=names.index(asked) if asked in names else 0, format_func=as_plain)
    st.query_params["race"] = name
    return found[names.index(name)]


def as_plain(name: str) -> str:
    """A name of a folder on one line."""
    return race.one_line(name, 120)


def _told(models: Path | None, chosen: Race, course: Course) -> None:
    names = ["Rounds", "Matrix", "Attacks", "Ways of learning", "Versions"]
    rounds, matrix, attacks, learning, versions = st.tabs(names)
    with rounds:
        _rounds(course)
    with matrix:
        _matrix(course)
    with attacks:
        _attacks(course)
    with learning:
        _learning(course)
    with versions:
        _versions(models, chosen.detector)


def _rounds(course: Course) -> None:
    records = course.records
    st.dataframe(
        {
            "round": [record.number for record in records],
            "attacked": [record.standing for record in records],
            "made": [record.candidate for record in records],
            "gate": [_gate(record) for record in records],
            "learned": [number(record.average) for record in records],
            "forgotten": [number(course.forgetting(record)) for record in records],
            "before": [number(course.forward_transfer(record) + 0.5) for record in records],
            "unseen": [number(course.unseen_average(record)) for record in records],
            "photos accused": [_percent(record) for record in records],
            "minutes": [round(record.took_s / 60, 1) for record in records],
        },
        hide_index=True,
    )
    st.caption(
        "Learned: mean AUROC on all that is learned. Forgotten: AUROC lost on earlier fakes since their best version. "
        "Before: AUROC of the attacked version on this round's fakes. Unseen: AUROC on what is never learned. Photos "
        "accused: clean real photos over the threshold for 5 %."
    )
    race_curves(course)
    st.subheader("What the gate said", anchor=False)
    st.html("".join(_said(record) for record in reversed(records)))


def _said(record: RoundRecord) -> str:
    title = f"<p><b>Round {record.number}, version {text(record.candidate)}: {_gate(record)}</b></p>"
    return title + bullets(record.reasons)


def _gate(record: RoundRecord) -> str:
    return PROMOTED if record.promoted else REFUSED


def _percent(record: RoundRecord) -> str:
    share = record.false_positives[record.candidate]
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _matrix(course: Course) -> None:
    st.html(matrix_html(course))
    st.caption(
        "AUROC, and below it the share of fakes found where 5 % of real photos are taken for fakes. The stronger the "
        f"blue the better; 0.5 is a coin. {DAGGER} and a dashed frame: that version had not learned these fakes. "
        "Unseen kinds are never learned from. Intervals show when the pointer rests on a cell."
    )


def _attacks(course: Course) -> None:
    attacked = [record for record in course.records if record.attacks]
    if not attacked:
        empty_state("No attack has been made yet: the first round learns the untuned generators.")
        return
    numbers = [record.number for record in attacked][::-1]
    asked = st.segmented_control("Round", numbers, default=numbers[0], required=True, key="round of attacks")
    record = next(record for record in attacked if record.number == asked)
    st.caption(
        f"Shares of fakes that get past version {as_markdown(record.standing)} without and with the attack, and past "
        f"version {as_markdown(record.candidate)}, which learned from others like them. FD-lite0 is the distance to "
        "real photos: an attack that gets past by spoiling the picture shows there."
    )
    st.html(attacks_html(record))


def _learning(course: Course) -> None:
    compared = [record for record in course.records if record.defences]
    if not compared:
        empty_state("No round of this race compared ways of learning.")
        return
    record = compared[-1]
    ways = course.defences(record)
    st.dataframe(
        {
            f"round {record.number}": [race.DEFENCES.get(way.name, way.name) for way in ways],
            "AUROC, its fakes": [number(way.new) for way in ways],
            "AUROC, earlier fakes": [number(way.old) for way in ways],
            "forgotten": [number(way.forgetting) for way in ways],
            "AUROC, unseen": [number(way.unseen) for way in ways],
            "photos taken for fakes": [number(way.false_positives, ".1%") for way in ways],
        },
        hide_index=True,
    )
    st.caption(
        "Every way learned from the same pictures and was calibrated and judged alike; the race keeps one of them."
    )


def _versions(models: Path | None, detector: str) -> None:
    known = race.detectors(models)
    if models is None or not known:
        st.caption("No version of a detector was kept here.")
        return
    names = list(known)
    index = names.index(detector) if detector in names else 0
    name = st.selectbox("Detector", names, index=index) if len(names) > 1 else names[0]
    versions_panel(models, name, race.refusals(models))
