"""Writes an evaluation: every figure as CSV, what people read as Markdown, the areas as a coloured picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from detectors.evaluation import Row
from detectors.metrics import Interval
from detectors.support import holds, per_100, sure_of, threshold_rows
from generators.labels import encode
from generators.weights import ModelCard

HEADINGS = {
    "all": "All pictures",
    "matched": "Sources that hold fakes and reals of the same kind of scene",
    "family": "Families of generators, each against all reals",
    "generator": "Generators, each against all reals",
    "source": "Sources",
    "left out": "Families that the reading never learned from, against photos of sources held out",
}

TOO_FEW = (
    "\\* Of too few reals to tell so small a share: the threshold lies over all of them. With 95 % confidence no more "
    "than {} of 100 photos like these reach it."
)

HOW_TO_READ = (
    "AUROC is the chance that a fake scores higher than a real: 0.5 is a coin, 1 is perfect. TPR is the share of fakes "
    "found where that share of the reals is taken for fakes. In brackets: 95 % bootstrap intervals, whole sources "
    "redrawn. Balanced accuracy is measured at the shipped threshold. Pictures the detector abstains from count with "
    "the score they got. Undecided are those that get no conformal label; the last two columns should reach what the "
    "card promises, 0.95 by default."
)

CELL_PX, NAME_PX, ROW_PX, MARGIN_PX, FONT_PX = 96, 380, 24, 12, 14

FEW = 5
"""Pictures of a class under which a row's area is hardly more than chance: it is drawn last, and pale."""

LISTED = ("generator", "source")
"""Kinds of rows with so many that they are drawn weakest first."""


def to_csv(rows: Iterable[Row]) -> str:
    """One line for each group and condition, with every figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    split = [n for name in names for n in ((f"{name}_low", f"{name}_high") if name.endswith("_interval") else (name,))]
    writer.writerow(split)
    for row in rows:
        writer.writerow([cell for name in names for cell in _cells(name, getattr(row, name))])
    return out.getvalue()


def to_markdown(rows: Sequence[Row], card: ModelCard, n_unread: int = 0) -> str:
    """A page for people.

    Args:
        rows: of one detector.
        card: its card.
        n_unread: pictures that could not be read and are not in the figures.
    """
    lines = [f"# {card.stem}", "", f"Weights SHA-256 `{card.sha256 or 'none'}`. {HOW_TO_READ}", ""]
    shipped = [f"{label} {text}" for label, text in threshold_rows(card)]
    if shipped:
        lines += [f"The shipped thresholds: {'. '.join(shipped)}.", ""]
    if n_unread:
        lines += [f"{n_unread} files could not be read and are left out.", ""]
    for kind, heading in HEADINGS.items():
        own = [row for row in rows if row.kind == kind]
        if own:
            lines += [f"## {heading}", "", *(_full(own) if kind in ("all", "matched") else _areas(own)), ""]
            if kind in ("all", "matched") and any(_star(row, 0.01) for row in own):
                lines += [TOO_FEW.format(per_100(sure_of(0.0, min(row.n_real for row in own)))), ""]
    return "\n".join(lines)


def to_png(rows: Sequence[Row], card: ModelCard) -> bytes:
    """The areas of every group and condition, coloured from red (a coin or worse) to green (perfect).

    Args:
        rows: of one detector; they are drawn as `drawn` orders them.
        card: its card.
    """
    conditions = list(dict.fromkeys(row.condition for row in rows))
    by_place = {(row.kind, row.name, row.condition): row for row in rows}
    first = drawn(rows)
    width = 2 * MARGIN_PX + NAME_PX + CELL_PX * len(conditions)
    picture = Image.new("RGB", (width, 2 * MARGIN_PX + ROW_PX * (len(first) + 2)), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT_PX)
    pen.text((MARGIN_PX, MARGIN_PX), f"{card.stem}: AUROC (fakes/reals)", "black", font)
    pen.text((MARGIN_PX, MARGIN_PX + ROW_PX), _legend(first), "dimgray", font)
    for j, condition in enumerate(conditions):
        pen.text((MARGIN_PX + NAME_PX + CELL_PX * j + 8, MARGIN_PX + ROW_PX), condition, "black", font)
    for i, row in enumerate(first):
        top, ink = MARGIN_PX + ROW_PX * (i + 2), "dimgray" if _few(row) else "black"
        label = f"{row.kind}: {row.name}" if row.kind != row.name else row.name
        label = label if len(label) <= 40 else label[:37] + "..."
        pen.text((MARGIN_PX, top + 3), f"{label} ({row.n_fake}/{row.n_real})", ink, font)
        for j, condition in enumerate(conditions):
            area = by_place[row.kind, row.name, condition].auroc
            left = MARGIN_PX + NAME_PX + CELL_PX * j
            pen.rectangle((left, top, left + CELL_PX - 2, top + ROW_PX - 2), _colour(area, pale=_few(row)))
            pen.text((left + 8, top + 3), f"{area:.3f}", ink, font)
    return encode(np.asarray(picture), "png", "Drawing of an evaluation")


def drawn(rows: Sequence[Row]) -> list[Row]:
    """The row of each group in the condition that is the same for all, in the order of the picture.

    Generators and sources come weakest first, those of few pictures after all others of their kind.
    """
    named = _named(list(dict.fromkeys(row.condition for row in rows)))
    own = [row for row in rows if row.condition == named]
    kinds = list(dict.fromkeys(row.kind for row in own))
    return sorted(own, key=lambda row: (kinds.index(row.kind), *((_few(row), row.auroc) if row.kind in LISTED else ())))


def _legend(first: Sequence[Row]) -> str:
    """What the order and the pale rows mean, where there are any."""
    ordered = any(a.kind == b.kind and a.kind in LISTED for a, b in pairwise(first))
    words = ("weakest first", ordered), (f"pale: under {FEW} of a class", any(map(_few, first)))
    return "; ".join(word for word, applies in words if applies)


def _few(row: Row) -> bool:
    return min(row.n_fake, row.n_real) < FEW


def _named(conditions: Sequence[str]) -> str:
    """The second one, after the files as they lie there: the same format for all."""
    return conditions[min(1, len(conditions) - 1)]


def _full(rows: Sequence[Row]) -> list[str]:
    headings = (
        "picture", "fakes", "reals", "AUROC", "AP", "TPR at 1 %", "TPR at 5 %", "balanced accuracy",
        "false positives at the 1 % threshold", "at the 5 % threshold", "ECE", "Cllr", "not judged",
        "undecided", "photos not called fake", "fakes not called photo",
    )  # fmt: skip
    body = [
        (
            row.condition,
            row.n_fake,
            row.n_real,
            _with(row.auroc, row.auroc_interval),
            _text(row.average_precision),
            _with(row.tpr_1, row.tpr_1_interval) + _star(row, 0.01),
            _with(row.tpr_5, row.tpr_5_interval) + _star(row, 0.05),
            _text(row.balanced_accuracy),
            _text(row.false_positives_1),
            _text(row.false_positives_5),
            _text(row.ece),
            _text(row.cllr),
            _text(row.abstention),
            _text(row.undecided),
            _covered(row.coverage_real, row.coverage_real_interval),
            _covered(row.coverage_fake, row.coverage_fake_interval),
        )
        for row in rows
    ]
    return _table(headings, body)


def _areas(rows: Sequence[Row]) -> list[str]:
    """AUROC by condition, the interval with the one that is the same format for all."""
    conditions = list(dict.fromkeys(row.condition for row in rows))
    named = _named(conditions)
    body = []
    for name in dict.fromkeys(row.name for row in rows):
        own = {row.condition: row for row in rows if row.name == name}
        first = own[conditions[0]]
        cells = [_with(r.auroc, r.auroc_interval) if c == named else _text(r.auroc) for c, r in own.items()]
        body.append((name, first.against, first.n_fake, first.n_real, *cells, _text(own[named].tpr_5)))
    return _table(("name", "against", "fakes", "reals", *conditions, f"TPR at 5 %, {named}"), body)


def _table(headings: Sequence[str], body: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |" for cells in body]


def _cells(name: str, value: object) -> tuple[object, ...]:
    if value is None:
        return ("", "") if name.endswith("_interval") else ("",)
    if isinstance(value, Interval):
        return f"{value.low:.4f}", f"{value.high:.4f}"
    if isinstance(value, float):
        return (f"{value:.4f}",)
    return (value,)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _with(value: float, interval: Interval) -> str:
    return f"{value:.3f} ({interval.low:.3f}-{interval.high:.3f})"


def _star(row: Row, rate: float) -> str:
    return "" if holds(rate, row.n_real) else "\\*"


def _covered(value: float | None, interval: Interval | None) -> str:
    return "" if value is None or interval is None else _with(value, interval)


def _colour(area: float, *, pale: bool) -> tuple[int, int, int]:
    """0.5 and less red, 0.75 yellow, 1 green, pale enough for black text; paler yet where little is known."""
    share = min(max((area - 0.5) * 2, 0.0), 1.0)
    full = 255 - 120 * max(share - 0.5, 0) * 2, 140 + 90 * min(share * 2, 1), 130.0
    red, green, blue = (round(value + (255 - value) * (0.7 if pale else 0.0)) for value in full)
    return red, green, blue
