"""What a finding without a picture can show of its numbers: only what it holds, drawn by `widgets.drawings`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from dashboard.backend.origin import failure
from dashboard.backend.words import one_line
from forensics.finding import Finding
from forensics.report_page import Card
from generators.weights import read_card

MAX_LINKS = 6

MAX_TAGS = 5

MAX_BEAT = 30
"""Frames of a beat that fit side by side."""

TOP_PCE = 10_000.0
"""End of the scale, which is logarithmic: photos of an enrolled camera reach hundreds to thousands."""

N_STEPS = 64

_POWER = re.compile(r"power at (\d+\.\d+) cycles a pixel")

_CONTRADICTIONS = {
    "thumbnail": "the thumbnail shows another picture",
    "future": "a date lies in the future",
    "ancient": "a date before digital cameras",
    "order": "modified before it was taken",
    "gps": "GPS date and date taken lie apart",
    "size": "another size in pixels",
}


@dataclass(frozen=True)
class Bar:
    """A figure on a scale.

    Attributes:
        label, said: what it is, and the figure in words.
        share: where it lies on the scale, 0..1.
        ticks: places on the scale that have a meaning, 0..1.
    """

    label: str
    said: str
    share: float
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Bars:
    """Figures on scales, and what the ticks mean."""

    bars: tuple[Bar, ...]
    caption: str


@dataclass(frozen=True)
class Link:
    """A step of a chain: a sign that does without colour, words, and "for", "against" or "" for neither."""

    sign: str
    words: str
    leans: str = ""


@dataclass(frozen=True)
class Chain:
    """Steps in their order; hostile text made visible."""

    links: tuple[Link, ...]
    n_more: int = 0


@dataclass(frozen=True)
class Tags:
    """Entries of a file, label and text, made visible; `n_more` do not fit."""

    rows: tuple[tuple[str, str], ...]
    n_more: int


@dataclass(frozen=True)
class Grid:
    """Steps of an 8 x 8 quantization table, row by row, the lowest frequency first."""

    steps: tuple[int, ...]
    caption: str


@dataclass(frozen=True)
class Curve:
    """Points (x, y), both 0..1 from the left and from below, and what stands at the ends of the axes."""

    points: tuple[tuple[float, float], ...]
    x_ends: tuple[str, str]
    y_ends: tuple[str, str]
    caption: str


@dataclass(frozen=True)
class Beat:
    """Frames of one beat; True repeats the one before."""

    repeats: tuple[bool, ...]


Drawing: TypeAlias = Bars | Chain | Tags | Grid | Curve | Beat


def drawing(finding: Finding, models: Path | None = None) -> Drawing | None:
    """What can be drawn of a finding; None where it holds no numbers that a drawing would tell.

    Args:
        finding: any.
        models: folder of models that the scan asked, for the thresholds of a detector's card.
    """
    if finding.analyzer == "learned":
        return _score(finding, models)
    draw = _DRAWN.get(finding.analyzer)
    return None if draw is None else draw(finding)


def _score(finding: Finding, models: Path | None) -> Bars | None:
    """A detector's score with the thresholds of its card, if those weights are here."""
    told = dict(finding.details)
    if "score" not in finding.measures or "does not judge this" in finding.summary:
        return None
    bars, whose = thresholds(told.get("weights, SHA-256", ""), models)
    ticks = tuple(score for _, score in bars)
    named = {"score": "score", "score_max": "highest frame"}
    rates = " and ".join(f"{100 * rate:g}" for rate, _ in reversed(bars))
    return Bars(
        tuple(
            Bar(words, f"{finding.measures[name]:.2f} of 1", _within(finding.measures[name]), ticks)
            for name, words in named.items()
            if name in finding.measures
        ),
        f"Lines: the scores that {rates} of 100 {whose} reach." if bars else "",
    )


@lru_cache(maxsize=64)
def thresholds(sha256: str, models: Path | None) -> tuple[tuple[tuple[float, float], ...], str]:
    """False-positive rate and score of the card with those weights, the rarest first, and what they were counted on.

    There are none if the card is not here.
    """
    folders = [Path(str(files("detectors") / "zoo")), *([models] if models is not None else [])]
    for path in (path for folder in folders for path in sorted(folder.rglob("*card.json"))):
        try:
            card = read_card(path)
            if sha256 and card.sha256 == sha256:
                return card.by_rate(), "other pictures" if card.says else "real clips" if card.clips else "photos"
        except (OSError, ValueError):
            continue
    return (), ""


def _provenance(finding: Finding) -> Chain | None:
    signers = [text for label, text in finding.details if label == "signed by"]
    if not signers:
        return None
    actions = [Link("→", one_line(text, 60)) for label, text in finding.details if label == "action"]
    # Several codes say the same.
    failures = dict.fromkeys(failure(text) for label, text in finding.details if label == "failed check")
    broken = [Link("✕", f"failed: {one_line(words, 60)}", "for") for words in failures]
    doubts = [Link("?", one_line(text, 60)) for label, text in finding.details if label == "trust"]
    holds = broken[:2] or [Link("✓", "unchanged since it was signed", "against")]
    most = MAX_LINKS - 1 - len(holds) - len(doubts)
    shown = actions[: max(most, 0)]
    links = (Link("✎", f"signed by {one_line(signers[0], 60)}"), *doubts, *shown, *holds)
    return Chain(links, len(actions) - len(shown))


def _metadata(finding: Finding) -> Drawing | None:
    rows = [(label, text) for label, text in finding.details if label != "note"]
    if rows:
        shown = tuple((one_line(label, 60), one_line(text, 80)) for label, text in rows[:MAX_TAGS])
        return Tags(shown, max(len(rows), int(finding.measures.get("n_fields", 0))) - len(shown))
    found = [name.removeprefix("contradiction_") for name in finding.measures if name.startswith("contradiction_")]
    return Chain(tuple(Link("✕", _CONTRADICTIONS.get(one, one_line(one, 60))) for one in found)) if found else None


def _table(finding: Finding) -> Grid | None:
    told = dict(finding.details)
    steps = tuple(int(word) for word in told.get("luma table", "").split() if word.isdecimal())
    if len(steps) != N_STEPS:
        return None
    tables = one_line(told.get("tables", ""), 80) or "its tables have no name"
    return Grid(steps, f"Quantization of luma: {tables}. The fuller, the coarser.")


def _spectrum(finding: Finding) -> Curve | None:
    """The fall of power towards fine detail; its first ring is the zero of the decibels."""
    read = [(_POWER.fullmatch(label), text.removesuffix(" dB")) for label, text in finding.details]
    points = [(float(found[1]), float(text)) for found, text in read if found is not None]
    if len(points) < 3:
        return None
    low, high = min(y for _, y in points), max(y for _, y in points)
    left, right = points[0][0], points[-1][0]
    scaled = tuple(((x - left) / (right - left), (y - low) / max(high - low, 1e-9)) for x, y in points)
    peaks = max(finding.measures.get("peaks_2px", 0.0), finding.measures.get("peaks_4px", 0.0))
    return Curve(
        scaled,
        (f"{left:.2f}", f"{right:.2f} cycles a pixel"),
        (f"{low:.0f} dB", f"{high:.0f} dB"),
        f"Power of each frequency. The highest peak every 2 or 4 pixels is {10 * max(peaks, 0.0):.1f} dB high.",
    )


def _noise(finding: Finding) -> Bars | None:
    """How far the best of the enrolled cameras is from a match."""
    from detectors.fingerprint import MATCH_PCE

    pce = finding.measures.get("camera_pce")
    if pce is None:
        return None
    place = (_within(math.log10(max(value, 1.0)) / math.log10(TOP_PCE)) for value in (pce, MATCH_PCE))
    share, tick = place
    return Bars(
        (Bar("best match", f"PCE {pce:,.0f}", share, (tick,)),),
        f"Peak to correlation energy, 1 to {TOP_PCE:,.0f}. A camera matches from the line at {MATCH_PCE:.0f} on.",
    )


def _timeline(finding: Finding) -> Drawing | None:
    told = finding.measures
    length, n_repeated = int(told.get("beat", 0)), int(told.get("repeated_in_beat", 0))
    if 0 < n_repeated < length <= MAX_BEAT:
        return Beat((False,) * (length - n_repeated) + (True,) * n_repeated)
    if "even_share" in told:
        n_missing = int(told.get("missing_frames", 0))
        said = "No frame is missing." if not n_missing else f"Frames missing: {n_missing:,}."
        return Bars((Bar("even time steps", f"{told['even_share']:.0%}", _within(told["even_share"])),), said)
    return None


_DRAWN: Mapping[str, Callable[[Finding], Drawing | None]] = {
    "provenance": _provenance,
    "metadata": _metadata,
    "jpeg_history": _table,
    "spectrum": _spectrum,
    "noise": _noise,
    "timeline": _timeline,
}


def _within(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def of_cards(cards: Iterable[Card], findings: Iterable[Finding], models: Path | None) -> Iterator[Drawing | None]:
    """The drawing of each card, in the order of the cards.

    Args:
        cards: of a report, which do not say which finding they were made of: they are told apart by what both hold.
        findings: of the same report; cards that are alike come in this order.
        models: folder of models that the scan asked.
    """
    left = list(findings)
    for card in cards:
        alike = (i for i, f in enumerate(left) if _key(f.llr, f.details, f.measures) == _card_key(card))
        place = next(alike, None)
        yield None if place is None else drawing(left.pop(place), models)


def _card_key(card: Card) -> tuple[object, ...]:
    return _key(card.llr, card.rows, card.numbers)


def _key(llr: float | None, rows: Sized, numbers: Sized) -> tuple[object, ...]:
    return llr, len(rows), len(numbers)
