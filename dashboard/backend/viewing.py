"""A report as the dashboard shows it: in the words of the HTML and PDF reports, pictures as JPEG, all text visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dashboard.backend.drawings import Drawing, of_cards
from dashboard.backend.layers import QUALITY
from dashboard.backend.moments import Course, Stretch, courses, stretches
from dashboard.backend.origin import Origin, origin
from dashboard.backend.scanning import Job
from forensics.containers.member import INTO
from forensics.languages import ENGLISH
from forensics.overlay import to_jpeg
from forensics.pictures import Pictures, decoded
from forensics.report import ScanReport
from forensics.report_files import render
from forensics.report_page import Card, Page, page
from forensics.report_words import name_of, percent, title
from forensics.seen_before import NAME as SEEN_BEFORE
from forensics.seen_before import closest
from forensics.store import ScanRow, Store, StoreError
from forensics.verdict import Opinion

__all__ = [
    "KINDS",
    "Brief",
    "Card",
    "Evidence",
    "ScanReport",
    "Shown",
    "Similar",
    "brief",
    "download",
    "provisional",
    "show",
]
__all__ += ["false_alarms", "similar", "stored", "why_no_pictures"]

HARDLY_LLR = 0.3
"""Findings together less than twice as usual on one side: as in the words of the reports."""

KINDS: Mapping[Opinion, str] = {
    Opinion.LIKELY_SYNTHETIC: "synthetic",
    Opinion.LIKELY_MANIPULATED: "manipulated",
    Opinion.INCONCLUSIVE: "inconclusive",
    Opinion.NO_TRACE_FOUND: "quiet",
}
"""Opinion -> the word that styles and symbols go by."""


@dataclass(frozen=True)
class Evidence:
    """One finding as it is drawn.

    Attributes:
        card: its words, without pixels.
        picture: evidence drawn on the picture, JPEG; b"" for none.
        caption: of the picture.
        is_heat: whether the colour scale belongs below it.
        frames: moments with a picture: time in seconds, JPEG.
        drawing: of its numbers, for where there is no picture; None where they tell nothing to the eye.
    """

    card: Card
    picture: bytes
    caption: str
    is_heat: bool
    frames: tuple[tuple[float, bytes], ...]
    drawing: Drawing | None


@dataclass(frozen=True)
class Shown:
    """A whole report, ready to be drawn.

    Attributes:
        words: what the other reports say as well, without the cards.
        kind: "synthetic", "manipulated", "inconclusive" or "quiet".
        false_alarms: what the probability means for who acts on it, in a sentence.
        moments: times of the kept frames, in seconds; none where the time of the pictures is over.
        courses, stretches: of a video.
    """

    sha256: str
    words: Page
    kind: str
    false_alarms: str
    evidence: tuple[Evidence, ...]
    origin: Origin
    moments: tuple[float, ...]
    courses: tuple[Course, ...]
    stretches: tuple[Stretch, ...]

    @property
    def has_pictures(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.moments)


@dataclass(frozen=True)
class Similar:
    """A file that looks like this one and was examined earlier; the name is hostile text on one line."""

    scan_id: int
    sha256: str
    name: str
    opinion: str
    kind: str
    distance_bits: int
    scanned_on: str


@dataclass(frozen=True)
class Brief:
    """A result in one line; the name is hostile text on one line."""

    name: str
    opinion: str
    kind: str
    probability: float


def show(report: ScanReport, pictures: Pictures) -> Shown:
    """Put a report into what is drawn."""
    frames = {time_s: decoded(jpeg) for time_s, jpeg in pictures.frames.items()}
    whole = page(report, frames)
    seen = title(SEEN_BEFORE)
    drawn = of_cards(whole.cards, report.findings, report.settings.models)
    return Shown(
        sha256=report.sha256,
        words=replace(whole, cards=()),
        kind=KINDS[report.verdict.opinion],
        false_alarms=false_alarms(report),
        evidence=tuple(
            _evidence(card, pictures, drawing)
            for card, drawing in zip(whole.cards, drawn, strict=True)
            if card.title != seen
        ),
        origin=origin(report),
        moments=tuple(frames),
        courses=courses(report),
        stretches=stretches(report),
    )


def false_alarms(report: ScanReport) -> str:
    """What the probability means for who acts on it: how many untouched files are hit, or how many others pass."""
    verdict = report.verdict
    if not any(reason.counted for reason in verdict.reasons):
        return "There is no false-alarm rate to give: nothing calibrated could look at this file."
    # Nobody rejects a file in which nothing was found.
    passes = verdict.opinion is Opinion.NO_TRACE_FOUND
    wrong = round(100 * (verdict.probability if passes else 1 - verdict.probability))
    many = "fewer than 1" if wrong < 1 else "more than 99" if wrong > 99 else f"about {wrong}"
    kind, prior = verdict.claim or "altered", percent(report.settings.prior)
    start = "" if abs(verdict.llr) >= HARDLY_LLR else "The findings hardly change what was assumed beforehand. "
    if passes:
        return (
            f"{start}Whoever approves 100 files with a result like this one approves {many} that are {kind}, "
            f"counted where {prior} of all files are {kind}."
        )
    return (
        f"{start}Whoever rejects 100 files with a result like this one rejects {many} that are not {kind}: false "
        f"alarms, counted where {prior} of all files are {kind}."
    )


def provisional(job: Job) -> Shown:
    """What is known so far of a file that is being examined.

    Raises:
        ValueError: nothing is known yet.
    """
    if job.report is None:
        raise ValueError("no step of this examination is over")
    return show(job.report, Pictures({0.0: job.preview} if job.preview else {}))


def brief(store: Store, scan_id: int) -> Brief | None:
    """One line about an earlier scan; None where there is none (any more).

    Raises:
        StoreError: the database cannot be read.
    """
    try:
        row = store.row(scan_id)
    except LookupError:
        return None
    return Brief(name_of(row, 200), row.opinion, KINDS[Opinion(row.opinion)], row.probability)


def similar(report: ScanReport, store: Store) -> tuple[Similar, ...]:
    """Files in the store that look like this one, closest first.

    Raises:
        StoreError: the database cannot be read.
    """
    return tuple(
        Similar(
            match.scan.id,
            match.scan.sha256,
            name_of(match.scan, 120),
            match.scan.opinion,
            KINDS.get(Opinion(match.scan.opinion), "inconclusive"),
            match.distance_bits,
            match.scan.scanned_at[:10],
        )
        for match in closest(report, store)[:8]
    )


def download(report: ScanReport, pictures: Pictures, form: str, language_code: str = ENGLISH) -> bytes:
    """The report as a file: "html", "pdf" or "json", the last one always in English."""
    return render(report, {time_s: decoded(jpeg) for time_s, jpeg in pictures.frames.items()}, form, language_code)


def stored(store: Store, scan_id: int) -> ScanReport | None:
    """An earlier report; None where there is none (any more) or it is damaged.

    Raises:
        StoreError: the database cannot be read.
    """
    try:
        return store.report(scan_id)
    except StoreError:
        raise
    except (LookupError, ValueError):
        return None


def why_no_pictures(row: ScanRow | None) -> str:
    """Why there is nothing to look at, in a sentence.

    Args:
        row: of the scan; None for one that is not stored.
    """
    if row is not None and row.folder:
        return "The file is no longer where it was examined, or cannot be drawn; what was found is kept."
    if row is not None and INTO in row.path:
        return "Of files inside a container no pictures are kept; what was found is."
    return "The pictures of this file are not kept any more; what was found is."


def _evidence(card: Card, pictures: Pictures, drawing: Drawing | None) -> Evidence:
    drawn = card.pictures[0] if card.pictures else None
    picture, caption = (to_jpeg(drawn.pixels, QUALITY), drawn.caption) if drawn is not None else (b"", "")
    if drawn is None and card.title == title("spectrum"):
        picture, caption = pictures.layers.get("spectrum", b""), "power of every frequency, the lowest in the middle"
    return Evidence(
        card=replace(card, pictures=(), moments=()),
        picture=picture,
        caption=caption,
        is_heat=drawn is not None and drawn.is_heat,
        frames=tuple((time_s, to_jpeg(pixels, QUALITY)) for time_s, pixels in card.moments),
        drawing=drawing,
    )
