"""The page Models: cards and figures, tables by generator and wash, calibration, and the price of a threshold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.backend import models
from dashboard.backend.cards import Model, ModelCard, installed
from dashboard.backend.models import WASHES, Measured, Rate, Slice
from dashboard.backend.race import stamp
from dashboard.backend.words import as_markdown
from dashboard.session import options
from dashboard.widgets.charts import calibration_chart, price_chart, scores_chart
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.laboratory import card_panel, explain, figures_panel

OWN = "a table of your own"

APART = (
    "Counted on pictures that nothing was trained or calibrated on; they decided against an "
    "earlier reading and pointed to what to try for this one."
)

DEFAULT_THRESHOLD = 0.5

_THRESHOLD = "threshold"


def render() -> None:
    """Draw the page."""
    heading("Models", "What was trained, on what, how good it is, and what any threshold would cost.")
    folder = options().models_in_use
    found = {model.name: model for model in _installed(folder, stamp(folder))}
    if not found:
        empty_state("No model is installed.")
        return
    name = _chosen([*found, OWN], found)
    if name == OWN:
        _own()
        return
    model = found[name]
    if model.card is None:
        empty_state(f"It cannot be used here: {as_markdown(model.missing)}", icon=":material/extension_off:")
        return
    measured = _shipped(model.card) if model.kind == "detector" else None
    if measured is None:
        if "+" in model.card.version:
            st.info(
                f"Version {as_markdown(model.card.version)} was learned here: its figures are those of its race. What "
                "any threshold would cost is known of the weights that ship alone.",
                icon=":material/swords:",
            )
        _plain(model.card)
    elif measured.is_stale:
        st.warning(
            "The scores beside this card are of other weights, so they are not shown.", icon=":material/warning:"
        )
        _plain(model.card)
    else:
        _measured(measured)


@st.cache_resource(show_spinner=False, max_entries=2)
def _installed(folder: Path | None, promoted: tuple[tuple[str, int], ...]) -> tuple[Model, ...]:
    """Looked at anew when something was promoted."""
    return installed(folder)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs={ModelCard: lambda card: card.sha256})
def _shipped(card: ModelCard) -> Measured | None:
    return models.shipped(card)


def _chosen(names: list[str], found: dict[str, Model]) -> str:
    """The model of the address, so that a reload and a link lead to the same one."""

    def words(name: str) -> str:
        return f"{name} ({found[name].kind})" if name in found else f"{name} (scores.csv)"

    asked = st.query_params.get("model", names[0])
    name = st.selectbox("Model", names, index=names.index(asked) if asked in names else 0, format_func=words)
    st.query_params["model"] = name
    return name


def _plain(card: ModelCard) -> None:
    figures, about = st.tabs(["Figures", "Card"])
    with figures:
        figures_panel(card)
    with about:
        card_panel(card)


def _own() -> None:
    """Tables and thresholds of an evaluation that somebody made of their own pictures."""
    given = st.file_uploader("`scores.csv` of a folder that `unforged evaluate --out` wrote, up to 20 MB", ["csv"])
    if given is None:
        empty_state("Measure a detector on pictures of your own, then look at its thresholds here.")
        return
    key = f"measured {given.file_id}"
    try:
        if key not in st.session_state:
            st.session_state[key] = models.uploaded(given.getvalue())
    except ValueError as error:
        explain(error)
        return
    _measured(st.session_state[key])


@st.fragment
def _measured(measured: Measured) -> None:
    """Everything that rests on the scores of single pictures; a slider redraws this part alone, a tab what it shows."""
    part, condition, threshold = _chosen_point(measured)
    drawn: dict[str, Callable[[], None]] = {
        "Threshold": lambda: _explorer(measured, part, condition, threshold),
        "By generator": lambda: _by_generator(measured, condition, threshold),
        "By wash": lambda: _by_condition(measured, threshold),
        "Calibration": lambda: _calibration(measured, condition),
    }
    if (card := measured.card) is not None:
        drawn |= {"Figures": lambda: figures_panel(card), "Card": lambda: card_panel(card)}
    for tab, draw in zip(st.tabs([*drawn], on_change="rerun", key=f"{len(drawn)} tabs"), drawn.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _chosen_point(measured: Measured) -> tuple[Slice, str, float]:
    """Which pictures, after which wash, at which threshold: what every tab is about."""
    left, right = st.columns(2)
    part = left.selectbox("Pictures", measured.slices, format_func=_part_words, key="part of the set")
    washes = list(measured.conditions)
    usual = washes.index(measured.usual)
    condition = right.selectbox("Seen as", washes, index=usual, format_func=lambda name: WASHES.get(name, name))
    st.session_state.setdefault(_THRESHOLD, _first(measured))
    _jumps(measured)
    threshold = st.slider(
        "From this score on a picture counts as fake", 0.0, 1.0, step=0.001, format="%.3f", key=_THRESHOLD
    )
    return part, condition, threshold


def _explorer(measured: Measured, part: Slice, condition: str, threshold: float) -> None:
    """What the threshold costs."""
    operating = measured.operating(condition, part.group)
    (wrong,), (missed,) = operating.false_positives(threshold), operating.misses(threshold)
    left, right = st.columns(2)
    with left:
        _price(":blue[■] Photos taken for fakes", wrong)
        st.altair_chart(price_chart(operating, threshold), width="stretch", alt="Both errors at every threshold")
    with right:
        _price(":orange[▲] Fakes missed", missed)
        scores = scores_chart(operating.real.scores, operating.fake.scores, threshold)
        st.altair_chart(scores, width="stretch", alt="Scores of photos and of fakes")
    apart = "" if measured.card is None else f"{APART} "
    st.caption(
        f"{apart}Intervals are 95 %, the wider of a bootstrap that redraws whole sources and of Wilson's: that many "
        "pictures of so many sources tell no more."
    )


def _first(measured: Measured) -> float:
    return measured.thresholds[-1][1] if measured.thresholds else DEFAULT_THRESHOLD


def _jumps(measured: Measured) -> None:
    """Buttons that lead to the thresholds of the card."""
    if not measured.thresholds:
        return

    def jump(score: float) -> None:
        st.session_state[_THRESHOLD] = score

    with st.container(horizontal=True):
        for rate, score in measured.thresholds:
            words = f"As shipped for {rate * 100:g} of 100 photos: {score:.3f}"
            st.button(words, on_click=jump, args=(score,), key=f"jump to {rate}")


def _price(words: str, rate: Rate) -> None:
    low, high = rate.interval.low, rate.interval.high
    st.markdown(
        f"**{words}: {rate.value:.1%}**  \n{rate.n_found:,} of {rate.n:,}; 95 % interval {low:.1%} to {high:.1%}"
    )


def _by_generator(measured: Measured, condition: str, threshold: float) -> None:
    lines = measured.by_generator(condition, threshold)
    st.dataframe(
        {
            "generator": [line.name for line in lines],
            "family": [line.family for line in lines],
            "fakes": [line.n for line in lines],
            "AUROC": [round(line.auroc, 3) for line in lines],
            "95 %": [f"{line.low:.2f} to {line.high:.2f}" for line in lines],
            "missed": [100 * line.missed.value for line in lines],
            "missed, 95 %": [_ends(line.missed) for line in lines],
        },
        hide_index=True,
        height=460,
        column_config={
            "AUROC": st.column_config.ProgressColumn(min_value=0.5, max_value=1.0, format="%.3f"),
            "missed": st.column_config.NumberColumn(format="%.1f %%"),
        },
    )
    st.caption(
        f"Each generator's fakes against all photos, seen as {WASHES.get(condition, as_markdown(condition))}, at the "
        f"threshold {threshold:.3f}. AUROC 0.5 is a coin; a line of few fakes tells little, whatever its figure."
    )


def _by_condition(measured: Measured, threshold: float) -> None:
    lines = measured.by_condition(threshold)
    st.dataframe(
        {
            "seen as": [line.words for line in lines],
            "AUROC": [f"{line.auroc:.3f} [{line.low:.2f}, {line.high:.2f}]" for line in lines],
            "photos taken for fakes": [f"{line.wrong.value:.1%} [{_ends(line.wrong)}]" for line in lines],
            "fakes missed": [f"{line.missed.value:.1%} [{_ends(line.missed)}]" for line in lines],
            "error of the probability": ["" if line.ece is None else f"{line.ece:.3f}" for line in lines],
        },
        hide_index=True,
    )
    st.caption(
        f"All pictures, at the threshold {threshold:.3f}. Photos and fakes go through the same wash, but for the last "
        "one, which is a trap for detectors that take compression for the mark of a photo."
    )


def _calibration(measured: Measured, condition: str) -> None:
    bins = measured.calibration(condition)
    if not bins:
        empty_state("These scores are not calibrated: they state no probability that could be checked.")
        return
    st.altair_chart(calibration_chart(bins), width="stretch", alt="True share of fakes by stated probability")
    st.caption(
        f"Each mark is a tenth of the pictures, seen as {WASHES.get(condition, as_markdown(condition))}. On the dashed "
        "line a probability means what it says; above it the detector is too cautious, below it too sure. Bars are "
        f"Wilson's 95 % intervals. Probabilities are at this set's share of fakes, {measured.labels.mean():.0%}."
    )


def _ends(rate: Rate) -> str:
    return f"{rate.interval.low:.0%} to {rate.interval.high:.0%}"


def _part_words(part: Slice) -> str:
    return part.words[0].upper() + part.words[1:]
