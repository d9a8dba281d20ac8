"""Renders a report as one HTML file that needs nothing else: no request, no script, pictures inside.

Text from the suspect file is escaped by Jinja and made visible before; a content security policy allows only
this file's own style sheet (by its hash) and pictures that are written inside it.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from forensics.analyzers.video.clock import clock
from forensics.finding import MAX_FINDING_LLR
from forensics.languages import ENGLISH, Language, language
from forensics.overlay import color_map, preview, to_jpeg
from forensics.report import ScanReport
from forensics.report_language import spoken
from forensics.report_page import Page, Picture, Pixels, Previews, by_time, page
from forensics.report_words import LIMITS_OF_TOOLS, percent, time_code
from forensics.verdict import Opinion

if TYPE_CHECKING:
    from jinja2 import Environment

FOLD_AT = 240
"""Characters of a table cell before the rest is folded away."""

MAX_ROWS = 10
"""Rows of a finding's table before the rest is folded away."""

THUMB_SIDE_PX = 240
"""Long side of a frame in the strip of a video."""

MOMENT_SIDE_PX = 360
"""Long side of a frame beside a finding."""

MAX_STRIP = 24
"""Frames in the strip: three rows on a desk."""

MAX_CODES = 12
"""Time codes written out in one line."""

KINDS = {
    Opinion.LIKELY_SYNTHETIC: "synthetic",
    Opinion.LIKELY_MANIPULATED: "manipulated",
    Opinion.INCONCLUSIVE: "inconclusive",
    Opinion.NO_TRACE_FOUND: "quiet",
}


def render_html(report: ScanReport, previews: Previews = None, language_code: str = ENGLISH) -> str:
    """One self-contained HTML page.

    Args:
        report: of an image or a video.
        previews: (H, W, 3) uint8 whole upright picture at any size; for videos a mapping from time in seconds to
            such pictures; None leaves the pictures out.
        language_code: one of `languages.codes()`.

    Returns:
        The page; encode it as UTF-8.

    Raises:
        LookupError: there is no such language.
    """
    tongue = language(language_code)
    frames = by_time(previews)
    english = page(report, frames, tongue.say)
    shown = spoken(english, tongue)
    is_video = report.duration_s is not None
    used = dict.fromkeys(p.source_s for card in shown.cards for p in card.pictures)
    order = list(used) if is_video else list(frames)[:1]
    css = report_css()
    return str(
        environment()
        .get_template("report.html")
        .render(
            t=tongue.say,
            lang=tongue.code,
            english=english,
            page=shown,
            kind=KINDS[report.verdict.opinion],
            css=markup(css),
            css_hash=style_hash(css),
            limits=LIMITS_OF_TOOLS,
            prior=percent(shown.prior),
            size=f"{report.width:,} × {report.height:,} pixels",
            sources=[_image(frames[time_s], None if not is_video else 720) for time_s in order],
            drawn=[[_drawn(p, order, is_video) for p in card.pictures] for card in shown.cards],
            strip=_strip(frames, shown) if is_video else [],
            moments=[[_moment(*m) for m in card.moments] for card in shown.cards],
            lanes=_lanes(shown, tongue),
            ramp=[f"#{r:02x}{g:02x}{b:02x}" for r, g, b in color_map()[::8].tolist()],
            bar=_bar,
            codes=partial(_codes, tongue=tongue),
            fold_at=FOLD_AT,
            max_rows=MAX_ROWS,
        )
    )


@cache
def environment() -> Environment:
    """Of the templates that ship: everything is escaped, a name that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(loader=PackageLoader("forensics"), autoescape=True, undefined=StrictUndefined)


@cache
def report_css() -> str:
    """The style sheet of all pages."""
    return (files("forensics") / "templates" / "report.css").read_text(encoding="utf-8")


def style_hash(css: str) -> str:
    """What a content security policy calls a style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")


def markup(css: str) -> Any:
    """A style sheet of our own, which is not escaped."""
    from markupsafe import Markup

    return Markup(css)  # our own file, no part of a suspect one


def _image(pixels: Pixels, side_px: int | None = None) -> dict[str, Any]:
    small = preview(pixels, side_px) if side_px else preview(pixels)
    uri = "data:image/jpeg;base64," + base64.b64encode(to_jpeg(small)).decode("ascii")
    return {"uri": uri, "width": small.shape[1], "height": small.shape[0]}


def _drawn(picture: Picture, order: list[float], is_video: bool) -> dict[str, Any]:
    return {
        **_image(picture.pixels),
        "caption": picture.caption,
        "is_heat": picture.is_heat,
        "time": time_code(picture.time_s or 0.0) if is_video else "",
        "source": order.index(picture.source_s),
    }


def _strip(frames: Mapping[float, Pixels], shown: Page) -> list[dict[str, Any]]:
    named = {t for card in shown.cards for t, _ in card.moments}
    # Frames beside findings are fetched for them; the strip is of evenly spread ones.
    times = sorted(set(frames) - named) or sorted(frames)
    step = max(1, -(-len(times) // MAX_STRIP))
    return [{**_image(frames[t], THUMB_SIDE_PX), "time": time_code(t)} for t in times[::step]]


def _moment(time_s: float, pixels: Pixels) -> dict[str, Any]:
    return {**_image(pixels, MOMENT_SIDE_PX), "time": clock(time_s)}


def _lanes(shown: Page, tongue: Language) -> list[dict[str, Any]]:
    if not shown.duration_s:
        return []
    duration = shown.duration_s
    many = Counter(card.title for card in shown.cards if card.times_s)
    return [
        {
            "title": card.title,
            "what": card.summary if many[card.title] > 1 else "",
            "codes": _codes(card.times_s, tongue),
            "marks": [round(min(max(t / duration, 0.0), 1.0) * 995, 1) for t in card.times_s],
        }
        for card in shown.cards
        if card.times_s
    ]


def _codes(times_s: Iterable[float], tongue: Language) -> str:
    written = list(dict.fromkeys(time_code(t) for t in times_s))
    more = tongue.say(f"and {len(written) - MAX_CODES} more") if len(written) > MAX_CODES else ""
    return f"{', '.join(written[:MAX_CODES])} {more}".strip()


def _bar(llr: float) -> dict[str, float]:
    width = abs(llr) / MAX_FINDING_LLR * 500
    return {"x": round(500 if llr > 0 else 500 - width, 1), "width": round(width, 1)}
