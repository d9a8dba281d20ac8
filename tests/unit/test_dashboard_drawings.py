"""Drawings of findings without a picture: each shows numbers of its finding, and nothing where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("streamlit")

from dashboard.backend.drawings import Bars, Beat, Chain, Curve, Drawing, Grid, Tags, drawing, of_cards, thresholds
from dashboard.backend.viewing import show
from dashboard.backend.words import clipped
from dashboard.widgets.drawings import drawn
from dashboard.widgets.markup import FOLD_AT, table, text
from detectors.shipped import shipped
from forensics.analyzers.spectrum import _rows
from forensics.finding import Claim, Finding, Trace
from forensics.pictures import Pictures
from forensics.report_page import page
from tests.make_report import HOSTILE, report


def finding(
    analyzer: str, measures: Mapping[str, float] | None = None, *details: tuple[str, str], llr: float | None = None
) -> Finding:
    return Finding(analyzer, Trace.LEARNED, "Something", llr, Claim.SYNTHETIC, measures=measures or {}, details=details)


STEPS = tuple(range(1, 65))

PROFILE = -np.linspace(0, 6, 16)

DRAWN: Mapping[str, tuple[Finding, type[Drawing]]] = {
    "signed": (finding("provenance", None, ("signed by", "A"), ("action", "created")), Chain),
    "tags": (finding("metadata", {"n_fields": 9.0}, ("EXIF: Make", "X"), ("note", "cut")), Tags),
    "contradiction": (finding("metadata", {"contradiction_gps": 1.0}), Chain),
    "table": (finding("jpeg_history", None, ("luma table", " ".join(map(str, STEPS)))), Grid),
    "spectrum": (finding("spectrum", {"peaks_2px": 0.12, "peaks_4px": 0.05}, *_rows(PROFILE)), Curve),
    "camera": (finding("noise", {"camera_pce": 12.0, "n_cameras": 2.0}), Bars),
    "beat": (finding("timeline", {"beat": 5.0, "repeated_in_beat": 1.0}), Beat),
    "steps": (finding("timeline", {"even_share": 0.98, "missing_frames": 3.0}), Bars),
    "score": (finding("learned", {"score": 0.4}, ("detector", "x")), Bars),
}
"""One of each kind, and what it is drawn as."""


@pytest.mark.parametrize("name", DRAWN)
def test_each_kind_of_finding_is_drawn_from_its_own_numbers(name: str) -> None:
    made, kind = DRAWN[name]
    assert isinstance(drawing(made), kind)
    assert drawing(replace(made, measures={}, details=())) is None, "without numbers there is nothing to draw"


def test_a_chain_says_whether_what_was_signed_still_holds() -> None:
    rows = (("signed by", "A"), *(("action", str(i)) for i in range(9)), ("trust", "on no list"))
    holds, broken = (
        drawing(finding("provenance", None, *rows, *more)) for more in ((), (("failed check", "dataHash.mismatch"),))
    )
    assert isinstance(holds, Chain) and isinstance(broken, Chain)
    assert (holds.links[-1].leans, broken.links[-1].leans) == ("against", "for")
    assert broken.links[-1].words == "failed: the content is not what was signed"
    assert sum(link.sign == "→" for link in holds.links) + holds.n_more == 9
    again = (("failed check", "assertion.dataHash.mismatch"), ("failed check", "dataHash.mismatch"))
    twice = drawing(finding("provenance", None, ("signed by", "A"), *again))
    assert isinstance(twice, Chain) and sum(link.sign == "✕" for link in twice.links) == 1


def test_a_score_has_the_thresholds_of_the_weights_that_gave_it_and_of_no_others(tmp_path: Path) -> None:
    card = shipped("synthetic").card
    assert thresholds(card.sha256, None) == (card.by_rate(), "photos")
    assert [thresholds(shipped(name).card.sha256, None)[1] for name in ("temporal", "adversarial")] == [
        "real clips",
        "other pictures",
    ]
    own, other = (
        drawing(finding("learned", {"score": 0.4, "score_max": 0.9}, ("weights, SHA-256", sha)), tmp_path)
        for sha in (card.sha256, "0" * 64)
    )
    assert isinstance(own, Bars) and isinstance(other, Bars)
    assert [bar.share for bar in own.bars] == [0.4, 0.9]
    assert own.bars[0].ticks == tuple(score for _, score in card.by_rate()) and "5 and 1 of 100 photos" in own.caption
    assert other.bars[0].ticks == () and not other.caption
    unasked = Finding(
        "learned", Trace.LEARNED, "The detector x does not judge this: too small", measures={"score": 0.0}
    )
    assert drawing(unasked) is None, "a score that nobody gave is not drawn"


def test_the_tick_of_a_camera_lies_where_a_match_begins() -> None:
    under, at = (drawing(finding("noise", {"camera_pce": pce})) for pce in (59.0, 60.0))
    assert isinstance(under, Bars) and isinstance(at, Bars)
    assert under.bars[0].share < under.bars[0].ticks[0] == at.bars[0].share


def test_a_curve_spans_its_axes_and_falls_as_its_rows_do() -> None:
    made = drawing(DRAWN["spectrum"][0])
    assert isinstance(made, Curve)
    x, y = zip(*made.points, strict=True)
    assert (x[0], x[-1], max(y), min(y)) == (0.0, 1.0, 1.0, 0.0)
    assert list(y) == sorted(y, reverse=True) and "1.2 dB" in made.caption


def test_every_card_gets_the_drawing_of_its_own_finding() -> None:
    counts = (finding("learned", {"score": 0.9}, ("detector", "x"), llr=1.2), finding("metadata", None, ("a", "b")))
    whole = report(findings=(*(made for made, _ in DRAWN.values()), *counts))
    cards = page(whole, {}).cards
    given = [*of_cards(cards, whole.findings, None)]
    assert len(given) == len(whole.findings) and all(given)
    assert cards[0].llr == 1.2 and given[0] == drawing(counts[0])
    kinds = {type(one.drawing) for one in show(whole, Pictures({})).evidence}
    assert kinds == {kind for _, kind in DRAWN.values()}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_in_drawings(hostile: str) -> None:
    rows = {
        "metadata": ((hostile or "x", hostile),),
        "provenance": (("signed by", hostile), ("action", hostile), ("failed check", hostile)),
        "jpeg_history": (("tables", hostile), ("luma table", " ".join(map(str, STEPS)))),
    }
    for analyzer, details in rows.items():
        made = drawing(finding(analyzer, None, *details))
        assert made is not None
        shown = drawn(made)
        assert "<script" not in shown and "<img" not in shown and "<link" not in shown
        assert shown.count("<bdi>") == shown.count("</bdi>") > 0 and "\u202e" not in shown


def test_text_is_cut_only_where_that_makes_it_shorter() -> None:
    action = "c2pa.edited, compositeWithTrainedAlgorithmicMedia, 2026-01-01"
    made = drawing(finding("provenance", None, ("signed by", "A"), ("action", action)))
    assert len(action) == 61 and isinstance(made, Chain) and made.links[1].words == action
    for n in (FOLD_AT, FOLD_AT + 1, FOLD_AT + 20, FOLD_AT + 200):
        shown = clipped("x" * n, FOLD_AT)
        assert shown == "x" * n if n < FOLD_AT + 200 else shown == "x" * FOLD_AT + "… (200 more characters)"
        assert len(shown) <= n and text(shown) in table([("label", "x" * n)])


def test_a_long_name_breaks_between_its_words_and_reads_the_same() -> None:
    drawn_text = text("trainedAlgorithmicMedia & <b>")
    assert drawn_text == "<bdi>trained<wbr>Algorithmic<wbr>Media &amp; &lt;b&gt;</bdi>"
