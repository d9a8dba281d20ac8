"""The summary of a run as one HTML page in the look of a report: no request, no script, charts as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from detectors.perceptual_hash import MAX_DISTANCE_BITS
from forensics.hostile_text import one_line
from forensics.report_html import KINDS, environment, markup, report_css, style_hash
from forensics.report_words import LIMITS_OF_TOOLS
from forensics.runs.summary import Bars, Summary
from forensics.store.run_words import FileState

MAX_LABEL = 300

WIDTH = 1000


@dataclass(frozen=True)
class Part:
    """One opinion in a bar.

    Attributes:
        kind: class of the style sheet.
        x, width: thousandths of the longest bar.
    """

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """One group of a chart.

    Attributes:
        label: visible text.
        words: the same for who cannot see it.
        parts: from left to right.
        total: files.
    """

    label: str
    words: str
    parts: tuple[Part, ...]
    total: int


def render_run(summary: Summary) -> str:
    """One self-contained HTML page; encode it as UTF-8."""
    css = report_css() + (files("forensics") / "templates" / "run.css").read_text(encoding="utf-8")
    kinds = {str(opinion): kind for opinion, kind in KINDS.items()}
    n_likely = sum(number for opinion, number in summary.opinions.items() if opinion.startswith("likely"))
    return environment().get_template("run.html").render(
        run=summary,
        css=markup(css),
        css_hash=style_hash(css),
        kinds=kinds,
        n_likely=n_likely,
        tiles=_tiles(summary),
        limits=LIMITS_OF_TOOLS,
        drawn=drawn,
        shown=lambda text: one_line(text, MAX_LABEL),
        max_bits=MAX_DISTANCE_BITS,
    )  # fmt: skip


def drawn(groups: Bars) -> list[Bar]:
    """The bars of a chart, the longest as wide as the page."""
    longest = max((sum(counts.values()) for counts in groups.values()), default=0)
    return [_bar(group, counts, longest) for group, counts in groups.items()]


def _bar(group: str, counts: Mapping[str, int], longest: int) -> Bar:
    parts, x, told = [], 0.0, []
    for opinion, kind in KINDS.items():
        number = counts.get(str(opinion), 0)
        if number:
            width = number / max(longest, 1) * WIDTH
            parts.append(Part(kind, round(x, 2), round(width, 2)))
            told.append(f"{number} {opinion}")
            x += width
    label = one_line(group, MAX_LABEL)
    return Bar(label, f"{label}: {', '.join(told) or 'no file'}", tuple(parts), sum(counts.values()))


def _tiles(summary: Summary) -> list[tuple[str, str]]:
    shown = [(opinion, f"{number:,}") for opinion, number in summary.opinions.items()]
    names = {
        FileState.FAILED: "not examined",
        FileState.DUPLICATE: "exact copies",
        FileState.UNCHANGED: "unchanged",
        FileState.WAITING: "still waiting",
        FileState.GONE: "gone since",
    }
    return shown + [(words, f"{n:,}") for state, words in names.items() if (n := summary.states.get(str(state), 0))]
