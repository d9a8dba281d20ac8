"""The pages of a PDF report being written: text runs down, pictures and rows are kept whole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from forensics.hostile_text import clipped
from forensics.languages import Language
from forensics.report import ScanReport

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN_MM = 18
WIDTH_MM = 210 - 2 * MARGIN_MM
"""A4, ISO 216."""

LABEL_MM = 46
"""The first of two columns."""

MAX_CELL = 400
"""Characters of one table cell."""

INK, SOFT, TRACK = (31, 36, 40), (89, 98, 106), (222, 218, 208)

_PLAIN = {
    "“": '"',
    "„": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "–": "-",
    "—": "-",
    "…": "...",
    "\u200c": "",
    "\u200d": "",
    "\t": "    ",
}


class Sheet:
    """The page being written: text runs down, pictures are kept whole."""

    def __init__(self, report: ScanReport, font: Path | None, language: Language) -> None:
        self.pdf: FPDF = _document(report, language)
        self.say = language.say
        self.glyphs: frozenset[int] = frozenset()
        self.family = "Helvetica"
        if font is not None:
            self.family = "report"
            for style in ("", "B"):
                self.pdf.add_font(self.family, style, str(font))
            self.glyphs = frozenset(self.pdf.fonts[self.family].cmap)  # type: ignore[union-attr]
        self.pdf.add_page()

    def readable(self, text: str) -> str:
        """The text as the font can show it."""
        if self.glyphs:
            return "".join(c if ord(c) in self.glyphs or c == "\n" else _escape(c) for c in text)
        swapped = "".join(_PLAIN.get(c, c) for c in text)
        return "".join(c if ord(c) < 0x100 else _escape(c) for c in swapped)

    def text(
        self,
        text: str,
        size_pt: float = 10,
        *,
        bold: bool = False,
        mono: bool = False,
        color: tuple[int, int, int] = INK,
        after_mm: float = 2,
    ) -> None:
        """A paragraph over the whole width."""
        family = "Courier" if mono and not self.glyphs else self.family
        self.pdf.set_font(family, "B" if bold else "", size_pt)
        self.pdf.set_text_color(*color)
        self.pdf.multi_cell(WIDTH_MM, size_pt * 0.5, self.readable(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self.pdf.ln(after_mm)

    def heading(self, text: str, next_mm: float = 20) -> None:
        """A heading that stays with what comes next."""
        self.room(14 + next_mm)
        self.pdf.ln(4)
        self.text(text, 14, bold=True)

    def rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Label and text, line by line, each row on one page."""
        for label, text in rows:
            cell = " ".join(clipped(text, MAX_CELL, self.say).split())
            cells = (self.readable(label[:80]), self.readable(cell))
            widths = (LABEL_MM, WIDTH_MM - LABEL_MM)
            self.pdf.set_font(self.family, "", 9)
            heights = [
                cast("float", self.pdf.multi_cell(width, 4.5, cell, align="L", dry_run=True, output="HEIGHT"))
                for width, cell in zip(widths, cells, strict=True)
            ]
            self.room(max(heights) + 1)
            top, left = self.pdf.get_y(), float(MARGIN_MM)
            for width, cell, color in zip(widths, cells, (SOFT, INK), strict=True):
                self.pdf.set_xy(left, top)
                self.pdf.set_text_color(*color)
                self.pdf.multi_cell(width, 4.5, cell, align="L")
                left += width
            self.pdf.set_xy(MARGIN_MM, top + max(heights) + 1)
        self.pdf.ln(1)

    def pictures(self, jpegs: list[bytes], width_mm: float, max_height_mm: float = 110) -> None:
        """Pictures of one shape side by side, smaller where they would be too high."""
        from PIL import Image

        with Image.open(io.BytesIO(jpegs[0])) as image:
            shape = image.height / image.width
        width_mm = min(width_mm, max_height_mm / shape)
        self.room(width_mm * shape + 4)
        top = self.pdf.get_y()
        left = MARGIN_MM if len(jpegs) > 1 else MARGIN_MM + (WIDTH_MM - width_mm) / 2
        for i, jpeg in enumerate(jpegs):
            self.pdf.image(io.BytesIO(jpeg), left + i * (width_mm + 3), top, width_mm)
        self.pdf.set_y(top + width_mm * shape + 2)

    def bar(
        self, start: float, end: float, tick: float, color: tuple[int, int, int], *, idle: float | None = None
    ) -> None:
        """A bar over the whole width, filled from a share of it to another, pale up to a third, with a tick."""
        top = self.pdf.get_y()
        self.pdf.set_fill_color(*TRACK)
        self.pdf.rect(MARGIN_MM, top, WIDTH_MM, 2.5, "F")
        pale = tuple((2 * track + c) // 3 for track, c in zip(TRACK, color, strict=True))
        for to, fill in ((end if idle is None else idle, pale), (end, color)):
            self.pdf.set_fill_color(*fill)
            left, right = sorted((start, to))
            self.pdf.rect(MARGIN_MM + left * WIDTH_MM, top, max((right - left) * WIDTH_MM, 0.01), 2.5, "F")
        self.pdf.set_fill_color(*INK)
        self.pdf.rect(MARGIN_MM + tick * WIDTH_MM - 0.3, top - 0.8, 0.6, 4.1, "F")
        self.pdf.set_y(top + 4.5)

    def room(self, height_mm: float) -> None:
        """Start a new page unless there is room for this much."""
        if self.pdf.will_page_break(height_mm):
            self.pdf.add_page()


def _escape(c: str) -> str:
    return c.encode("ascii", "backslashreplace").decode("ascii")


def _document(report: ScanReport, language: Language) -> FPDF:
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_margin(MARGIN_MM)
    pdf.c_margin = 0
    pdf.set_auto_page_break(True, MARGIN_MM)
    pdf.set_title(f"{report.sha256[:16]}: {language.say(report.verdict.opinion)}")
    pdf.set_lang(language.code)
    pdf.set_producer("unforged")
    try:
        moment = datetime.fromisoformat(report.scanned_at)
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    pdf.set_creation_date(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return pdf
