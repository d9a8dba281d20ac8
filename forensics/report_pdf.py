"""Renders a report as PDF for printing and filing: the words and pictures of the HTML page, condensed.

The fonts that every PDF reader has know Western European letters only. Other letters are written as escapes such
as \\u4e2d, so nothing is lost silently; with a TrueType font of the user's own they are set as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.analyzers.video.clock import clock
from forensics.finding import MAX_FINDING_LLR
from forensics.languages import ENGLISH, language
from forensics.overlay import preview, to_jpeg
from forensics.report import ScanReport
from forensics.report_language import spoken
from forensics.report_page import OVERLAY_SIDE_PX, Card, Page, Pixels, Previews, by_time, page
from forensics.report_sheet import INK, MARGIN_MM, SOFT, TRACK, WIDTH_MM, Sheet
from forensics.report_words import LIMITS_OF_TOOLS, time_code
from forensics.verdict import Opinion

if TYPE_CHECKING:
    from fpdf import FPDF

PAIR_MM = (WIDTH_MM - 3) / 2
"""Width of one of two pictures side by side."""

MAX_PAIR_MM = 62
"""Height of such a picture: two findings with one each fit on a page."""

MAX_ROWS = 16
"""Table rows of one finding; the HTML and JSON forms have them all."""

FOR, AGAINST = (179, 71, 0), (10, 92, 146)

_TONES = {
    Opinion.LIKELY_SYNTHETIC: (168, 80, 138),
    Opinion.LIKELY_MANIPULATED: (213, 94, 0),
    Opinion.INCONCLUSIVE: (86, 116, 140),
    Opinion.NO_TRACE_FOUND: (110, 116, 122),
}


def render_pdf(
    report: ScanReport, previews: Previews = None, font: Path | None = None, language_code: str = ENGLISH
) -> bytes:
    """One PDF document, the same bytes for the same report.

    Args:
        report: of an image or a video.
        previews: (H, W, 3) uint8 whole upright picture at any size; for videos a mapping from time in seconds to
            such pictures; None leaves the pictures out.
        font: TrueType file with the letters wanted; None takes the built-in ones and escapes all others.
        language_code: one of `languages.codes()`.

    Raises:
        LookupError: there is no such language.
    """
    tongue = language(language_code)
    frames = by_time(previews)
    english = page(report, frames, tongue.say)
    shown = spoken(english, tongue)
    sheet = Sheet(report, font, tongue)
    say = tongue.say
    _verdict(sheet, report, shown, say(f"{english.percent} probability {english.question}"))
    if frames:
        sheet.pictures([to_jpeg(preview(next(iter(frames.values())), OVERLAY_SIDE_PX))], 110, 75)
    sheet.heading(say("Evidence"), _card_mm(shown.cards[0]) if shown.cards else 10)
    for card in shown.cards:
        _card(sheet, card, frames)
    sheet.heading(say("How the verdict was reached"))
    sheet.text(shown.rule)
    sheet.rows([(title if counts else f"{title} ({say('not counted')})", text) for title, text, counts in shown.steps])
    sheet.text(shown.total, bold=True)
    sheet.heading(say("What was not tested"))
    sheet.rows(shown.untested)
    if shown.quiet:
        sheet.text(f"{say('Examined, with nothing to report:')} {', '.join(shown.quiet)}.")
    sheet.heading(say("The file and this scan"))
    sheet.rows([*shown.facts, *((f"{say('Version:')} {name}", text) for name, text in shown.versions)])
    sheet.text(f"{say('Repeat this scan')}:", bold=True)
    sheet.text(shown.command, 8, mono=True)
    return bytes(sheet.pdf.output())


def _verdict(sheet: Sheet, report: ScanReport, shown: Page, chance: str) -> None:
    tone = _TONES[report.verdict.opinion]
    sheet.text(sheet.say("Unforged: report of one file"), 9, color=SOFT, after_mm=0)
    sheet.text(shown.title, 9, mono=True, color=SOFT, after_mm=5)
    top = sheet.pdf.get_y()
    _icon(sheet.pdf, report.verdict.opinion, tone, MARGIN_MM, top)
    sheet.pdf.set_xy(MARGIN_MM + 15, top)
    sheet.pdf.set_font(sheet.family, "B", 22)
    sheet.pdf.set_text_color(*INK)
    sheet.pdf.cell(0, 11, shown.opinion[:1].upper() + shown.opinion[1:], new_x="LMARGIN", new_y="NEXT")
    sheet.pdf.ln(4)
    sheet.text(shown.note)
    sheet.text(chance, 12, bold=True)
    sheet.bar(0, shown.probability, shown.prior, tone)
    sheet.text(shown.meaning)
    sheet.text(sheet.say(LIMITS_OF_TOOLS), 9, color=SOFT, after_mm=4)


def _icon(pdf: FPDF, opinion: Opinion, tone: tuple[int, int, int], x: float, y: float) -> None:
    # Another shape for every opinion, so that print in grey tells them apart as well.
    pdf.set_fill_color(*tone)
    if opinion is Opinion.LIKELY_MANIPULATED:
        pdf.polygon([(x + 5.5, y), (x + 11, y + 10.5), (x, y + 10.5)], style="F")
        sign, drop = "!", 2.0
    elif opinion is Opinion.LIKELY_SYNTHETIC:
        pdf.polygon([(x + 5.5, y - 0.5), (x + 11.5, y + 5.5), (x + 5.5, y + 11.5), (x - 0.5, y + 5.5)], style="F")
        sign, drop = "S", 0.0
    elif opinion is Opinion.INCONCLUSIVE:
        pdf.rect(x, y, 11, 11, "F")
        sign, drop = "?", 0.0
    else:
        pdf.ellipse(x, y, 11, 11, "F")
        sign, drop = "-", 0.0
    pdf.set_font("Helvetica", "B", 18)
    pdf.set_text_color(255, 255, 255)
    pdf.set_xy(x, y + drop)
    pdf.cell(11, 11 - drop, sign, align="C")


def _place(llr: float) -> float:
    return 0.5 + llr / MAX_FINDING_LLR / 2


def _card_mm(card: Card) -> float:
    # Up to the end of its first picture.
    if not card.pictures:
        return 45
    height, width = card.pictures[0].pixels.shape[:2]
    return 55 + min(PAIR_MM * float(height / width), MAX_PAIR_MM)


def _card(sheet: Sheet, card: Card, frames: Mapping[float, Pixels]) -> None:
    sheet.room(_card_mm(card))
    sheet.pdf.set_draw_color(*TRACK)
    sheet.pdf.line(MARGIN_MM, sheet.pdf.get_y(), MARGIN_MM + WIDTH_MM, sheet.pdf.get_y())
    sheet.pdf.ln(3)
    sheet.text(card.title, 12, bold=True, after_mm=0)
    sheet.text(card.trace, 8, color=SOFT)
    sheet.text(card.summary)
    if card.llr is not None:
        sheet.bar(0.5, _place(card.counted_llr), 0.5, FOR if card.llr > 0 else AGAINST, idle=_place(card.llr))
    sheet.text(card.strength, bold=card.llr is not None)
    if card.weight:
        sheet.text(card.weight)
    if card.explanation:
        sheet.text(card.explanation, 9, color=SOFT)
    for picture in card.pictures:
        original = preview(frames[picture.source_s], OVERLAY_SIDE_PX)
        sheet.pictures([to_jpeg(original), to_jpeg(picture.pixels)], PAIR_MM, MAX_PAIR_MM)
        moment = f"{time_code(picture.time_s)}: " if picture.time_s is not None else ""
        sheet.text(moment + picture.caption, 8, color=SOFT)
    if shown := card.moments[:4]:
        sheet.pictures([to_jpeg(preview(pixels, OVERLAY_SIDE_PX)) for _, pixels in shown], (WIDTH_MM - 9) / 4)
        sheet.text(", ".join(clock(t) for t, _ in shown), 8, color=SOFT)
    elif card.times_s and not card.pictures:
        sheet.text(sheet.say("At") + " " + ", ".join(time_code(t) for t in card.times_s[:12]), 9)
    sheet.rows(card.rows[:MAX_ROWS])
    if (left := len(card.rows) - MAX_ROWS) > 0:
        rows = "more row is" if left == 1 else "more rows are"
        sheet.text(sheet.say(f"{left} {rows} in the HTML and JSON reports."), 8, color=SOFT)
