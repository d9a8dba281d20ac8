"""Time line of a video: gaps between time stamps and cuts between scenes; rests on the even beat of a camera."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from forensics.analyzers.video.cuts import find_cuts
from forensics.analyzers.video.reel import SIDE_PX, Reel, read_reel
from forensics.analyzers.video.timing import Rate, Timing, read_timing
from forensics.finding import Finding, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

TIME_SHARE = 0.35
"""Share of the time a video may take that this analyzer decodes for; the others need the rest."""


class Timeline:
    """Reads the time stamps of a video and watches its frames in order."""

    name: ClassVar[str] = "timeline"
    trace: ClassVar[Trace] = Trace.TIMELINE
    title: ClassVar[str] = "Time line"
    about: ClassVar[str] = "Looks for missing frames and cuts in a video."

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        return None if media.kind is Kind.VIDEO else "a single picture has no time line"

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield what the time stamps say, then the cuts."""
        budget_s = TIME_SHARE * media.limits.timeout_s
        packets = media.packets(budget_s=budget_s / 4)
        yield _timing(read_timing(packets.times_s[~packets.is_hidden], packets.tick_s))
        yield _cuts(read_reel(media.grey_frames(side_px=SIDE_PX), budget_s=budget_s))


def clock(time_s: float) -> str:
    """HH:MM:SS.mmm."""
    ms = round(max(time_s, 0.0) * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _timing(timing: Timing) -> Finding:
    if timing.gaps:
        n = sum(gap.n_missing for gap in timing.gaps)
        summary = f"About {n} frames are missing in {len(timing.gaps)} places of an otherwise even stream"
    elif timing.rate is Rate.UNKNOWN:
        summary = "Too few frames to judge their time stamps"
    else:
        summary = f"The frames follow at a {timing.rate} rate without a gap"
    return Finding(
        analyzer=Timeline.name,
        trace=Timeline.trace,
        summary=summary,
        measures={"even_share": timing.even_share, "gaps": float(len(timing.gaps))},
        details=tuple(
            (f"Gap {i}", f"{clock(gap.start_s)} to {clock(gap.end_s)}") for i, gap in enumerate(timing.gaps, 1)
        ),
        times_s=tuple(gap.start_s for gap in timing.gaps),
    )


def _cuts(reel: Reel) -> Finding:
    cuts = find_cuts(reel.pictures, reel.change)
    summary = f"{len(cuts)} scene cuts" if cuts else "No scene cut"
    if not reel.complete:
        summary += f" in the part that was watched, up to {clock(reel.times_s[-1] if len(reel) else 0.0)}"
    return Finding(
        analyzer=Timeline.name,
        trace=Timeline.trace,
        summary=summary,
        measures={"cuts": float(len(cuts)), "change": float(np.median(reel.change)) if len(reel) else 0.0},
        details=tuple((f"Cut {i}", clock(reel.times_s[cut])) for i, cut in enumerate(cuts, 1)),
        times_s=tuple(float(reel.times_s[cut]) for cut in cuts),
    )
