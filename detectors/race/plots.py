"""Draws a race: who is told apart by which version, what attacks get past, what is forgotten, and ways of learning.

Blue for what holds and orange for what attacks, apart for every kind of colour vision; every figure is written out too.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from detectors.race.course import Course, Row
from detectors.race.records import AttackRecord, DefenceRecord, Figure, RoundRecord
from detectors.race.report import DAGGER, DEFENCES, box, distances, number
from generators.extras import needs
from generators.labels import drawn_texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

BLUE, ORANGE, GREY = "#3d8fd1", "#e08a1e", "#8a8f98"
"""As in the dashboard (after Okabe and Ito)."""

DPI = 120

CELL_INCHES, ROW_INCHES, NAMES_INCHES = 1.35, 0.5, 2.9

WORST = 0.5
"""AUROC that is drawn palest."""

DARK = 0.8
"""AUROC from which on text in a cell is white."""

BARS = (("plain", "without the attack", GREY), ("before", "attacking", ORANGE), ("after", "after learning", BLUE))

MEASURES = (
    ("new", "AUROC, this round's fakes\nbars from 0.5", ".3f"),
    ("old", "AUROC, earlier fakes\nbars from 0.5", ".3f"),
    ("forgetting", "forgetting, AUROC\nless is better", ".3f"),
    ("unseen", "AUROC, never learned\nbars from 0.5", ".3f"),
    ("false_positives", "clean photos taken for fakes\nless is better", ".1%"),
)


def pictures(course: Course) -> Mapping[str, bytes]:
    """File name -> PNG; what no record speaks of is not drawn.

    Raises:
        ImportError: matplotlib is missing.
    """
    found = {"matrix.png": matrix(course.rows, course.kinds), "course.png": curves(course)}
    if any(record.attacks for record in course.records):
        found["attacks.png"] = attacks(course.records)
    compared = [record for record in course.records if record.defences]
    if compared:
        found["defences.png"] = defences(compared[-1].number, course.defences(compared[-1]))
    return found


def matrix(rows: Sequence[Row], kinds: Sequence[str]) -> bytes:
    """Kinds of fakes down, versions across; AUROC in large figures, TPR at 5 % FPR in small ones."""
    with needs("learned"):
        from matplotlib.patches import Rectangle

    drawing = _drawing(NAMES_INCHES + CELL_INCHES * len(rows), 1.6 + ROW_INCHES * len(kinds))
    axes = drawing.subplots()
    axes.set(xlim=(0, len(rows)), ylim=(len(kinds), 0))
    for j, row in enumerate(rows):
        for i, kind in enumerate(kinds):
            if kind not in row.cells:
                axes.text(j + 0.5, i + 0.5, "-", ha="center", va="center", color=GREY)
                continue
            area = row.cells[kind].auroc.value
            axes.add_patch(Rectangle((j + 0.03, i + 0.06), 0.94, 0.88, facecolor=shade(area), linewidth=0))
            _write_cell(axes, row, kind, j, i)
    axes.set_xticks([j + 0.5 for j in range(len(rows))], [_title(row) for row in rows], fontsize=8)
    axes.set_yticks([i + 0.5 for i in range(len(kinds))], kinds, fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("AUROC, and below it TPR at 5 % false positives", fontsize=11, loc="left", pad=10)
    drawing.supxlabel(f"{DAGGER} not learned by that version.   - not measured.", fontsize=8.5, x=0.01, ha="left")
    return _png(drawing)


def attacks(records: Sequence[RoundRecord]) -> bytes:
    """Share that gets past without an attack, with it and after it was learned; FD-lite0 beside."""
    told = [(record.number, attack) for record in records for attack in record.attacks]
    drawing = _drawing(9.5, 1.4 + 0.66 * len(told))
    axes = drawing.subplots()
    for i, (_, attack) in enumerate(told):
        for k, (name, words, colour) in enumerate(BARS):
            share: Figure = getattr(attack, name)
            at = i + (k - 1) * 0.26
            axes.barh(at, share.value, 0.24, color=colour, label=words if i == 0 else None)
            ends = [[max(0.0, share.value - share.low)], [max(0.0, share.high - share.value)]]
            axes.errorbar(share.value, at, xerr=ends, color="#333333", linewidth=0.9, capsize=2)
            axes.text(min(share.high, 1.0) + 0.012, at, f"{share.value:.0%}", va="center", fontsize=7.5)
        axes.text(1.16, i, _quality(attack), va="center", fontsize=8.5)
    axes.set_yticks(range(len(told)), [f"round {n}: {a.name}\n{box(a)} box, {a.before.n} fakes" for n, a in told])
    axes.tick_params(axis="y", labelsize=8.5, length=0)
    axes.set(xlim=(0, 1.1), ylim=(len(told) - 0.45, -0.55))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}" if x <= 1.001 else "")
    for i in range(1, len(told)):
        if told[i][0] != told[i - 1][0]:
            axes.axhline(i - 0.5, color="#bbbbbb", linewidth=0.8)
    axes.set_xlabel("fakes that get past, at the threshold for 5 % false positives", fontsize=9)
    axes.text(1.16, -0.62, "FD-lite0,\nwithout -> attacking", fontsize=8.5, va="bottom")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, fontsize=8.5, frameon=False)
    return _png(drawing)


def curves(course: Course) -> bytes:
    """What is learned and forgotten, round by round."""
    drawing = _drawing(11.0, 3.4)
    left, middle, right = drawing.subplots(1, 3)
    records = course.records
    transfer = [course.forward_transfer(r) + 0.5 for r in records]
    _curve(left, records, [r.average for r in records], "all that is learned", BLUE, "o", "-")
    _curve(left, records, [course.unseen_average(r) for r in records], "never learned", ORANGE, "s", "--")
    _curve(left, records, transfer, "next fakes, before learning", GREY, "D", ":")
    _finish(left, records, "mean AUROC")
    _curve(middle, records, [course.forgetting(r) for r in records], "candidate", BLUE, "o", "-")
    middle.axhline(0.0, color=GREY, linewidth=0.8)
    _finish(middle, records, "forgetting, AUROC")
    wrong = [r.false_positives[r.candidate] for r in records]
    _curve(right, records, [f.value for f in wrong], "candidate", BLUE, "o", "-")
    ends = [[f.value - f.low for f in wrong], [f.high - f.value for f in wrong]]
    right.errorbar([r.number for r in records], [f.value for f in wrong], yerr=ends, fmt="none", color=BLUE, capsize=3)
    right.axhline(0.05, color=GREY, linewidth=0.8, linestyle="--")
    right.yaxis.set_major_formatter(lambda y, _: f"{y:.1%}")
    _finish(right, records, "clean photos taken for fakes")
    right.set_ylim(bottom=0.0)
    return _png(drawing)


def defences(round_number: int, ways: Sequence[DefenceRecord]) -> bytes:
    """Ways of learning from one round side by side."""
    drawing = _drawing(12.0, 1.25 + 0.42 * len(ways))
    panels = drawing.subplots(1, len(MEASURES), sharey=True)
    for axes, (name, words, form) in zip(panels, MEASURES, strict=True):
        _measure(axes, ways, name, form)
        axes.set_title(words, fontsize=8.5)
    names = [DEFENCES.get(defence.name, defence.name) for defence in ways]
    panels[0].set_yticks(range(len(names)), names, fontsize=9)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    drawing.suptitle(f"Ways of learning from round {round_number}", fontsize=11, x=0.01, ha="left")
    return _png(drawing)


def _drawing(width: float, height: float) -> Drawing:
    with needs("learned"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing


def _png(drawing: Drawing) -> bytes:
    out = io.BytesIO()
    drawing.savefig(out, format="png", metadata=drawn_texts("Drawing of a race"))
    return out.getvalue()


def shade(area: float) -> tuple[float, float, float]:
    """From near white at chance to deep blue at 1: one hue, so that darkness alone tells."""
    share = min(max((area - WORST) / (1 - WORST), 0.0), 1.0)
    pale, deep = (0.95, 0.96, 0.98), (0.05, 0.29, 0.55)
    red, green, blue = (a + (b - a) * share for a, b in zip(pale, deep, strict=True))
    return red, green, blue


def _write_cell(axes: Axes, row: Row, kind: str, j: int, i: int) -> None:
    cell = row.cells[kind]
    ink = "white" if cell.auroc.value >= DARK else "#1a1a1a"
    mark = f" {DAGGER}" if kind in row.not_learned else ""
    axes.text(j + 0.5, i + 0.36, f"{cell.auroc.value:.3f}{mark}", ha="center", va="center", color=ink, fontsize=9.5)
    axes.text(j + 0.5, i + 0.74, f"TPR {cell.tpr.value:.2f}", ha="center", va="center", color=ink, fontsize=7)


def _title(row: Row) -> str:
    made = "before the race" if row.round is None else f"after round {row.round}"
    return f"{made}\n{row.version}" + ("" if row.promoted else "\nrefused")


def _quality(attack: AttackRecord) -> str:
    return distances(attack) if attack.fd is not None else "not measured"


def _curve(
    axes: Axes,
    records: Sequence[RoundRecord],
    values: Sequence[float],
    words: str,
    colour: str,
    marker: str,
    style: str,
) -> None:
    """A line of rounds; what the gate refused is hollow."""
    known = [(record, value) for record, value in zip(records, values, strict=True) if math.isfinite(value)]
    axes.plot([r.number for r, _ in known], [v for _, v in known], style, color=colour, label=words, linewidth=1.6)
    for record, value in known:
        face = colour if record.promoted else "white"
        axes.plot(record.number, value, marker, color=colour, markerfacecolor=face, markersize=6)


def _finish(axes: Axes, records: Sequence[RoundRecord], title: str) -> None:
    refused = any(not record.promoted for record in records)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xticks([record.number for record in records])
    axes.set_xlabel("round" + (" (hollow: refused)" if refused else ""), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.15)
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(fontsize=8, framealpha=0.7)


def _measure(axes: Axes, ways: Sequence[DefenceRecord], name: str, form: str) -> None:
    values = [getattr(way, name) for way in ways]
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(0.0, *known) if name in ("forgetting", "false_positives") else min(WORST, *known), max(known)
    reach = (high - low) or 1.0
    for i, value in enumerate(values):
        if math.isfinite(value):
            axes.barh(i, value - low, 0.62, left=low, color=BLUE if i else GREY)
        axes.text(
            (value if math.isfinite(value) else low) + 0.03 * reach, i, number(value, form), va="center", fontsize=9
        )
    axes.set_xlim(low, high + 0.45 * reach)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
