"""Time line of a video: frames repeated, missing, held or cut; rests on the even beat and the noise of a camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from forensics.analyzers.base import calibration
from forensics.analyzers.video import statements
from forensics.analyzers.video.cuts import find_cuts
from forensics.analyzers.video.earlier import find_earlier
from forensics.analyzers.video.reel import SIDE_PX, Reel, watch
from forensics.analyzers.video.repeats import Repeat, find_repeats
from forensics.analyzers.video.stills import find_beat, find_stills
from forensics.analyzers.video.structure import read_structure
from forensics.analyzers.video.timing import read_timing
from forensics.errors import MediaError
from forensics.finding import Finding, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

TIME_SHARE = 0.3
"""Share of the time a video may take for which frames are watched; comparing and other analyzers need the rest."""

LISTING_SHARE = 0.08
"""Share of that time for listing the packets, which reads through the file."""


class Timeline:
    """Reads the time stamps of a video, watches its frames in order and compares them."""

    name: ClassVar[str] = statements.NAME
    trace: ClassVar[Trace] = Trace.TIMELINE
    title: ClassVar[str] = "Time line"
    about: ClassVar[str] = (
        "Looks for frames of a video that are shown twice, missing or held, for cuts, and for an earlier compression; "
        "blind where nothing moves, and to frames that were altered one by one."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        return None if media.kind is Kind.VIDEO else "a single picture or an animation has no time line"

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield repeats, time stamps and scenes, then what else was found.

        Raises:
            MediaError: not one frame could be decoded.
        """
        limit_s = media.limits.timeout_s
        packets = media.packets(budget_s=LISTING_SHARE * limit_s)
        reel = watch(media.grey_frames(side_px=SIDE_PX), budget_s=TIME_SHARE * limit_s)
        if not len(reel):
            raise MediaError("broken", "not one frame of the video can be decoded")
        timing = read_timing(packets.times_s[~packets.is_hidden], packets.tick_s)
        yield _repeats(reel)
        cuts = find_cuts(reel)
        yield statements.stream_finding(packets, timing, read_structure(packets), reel, cuts)
        if cuts:
            yield statements.scenes_finding(reel, cuts)
        if stills := find_stills(reel):
            yield statements.stills_finding(reel, stills)
        if beat := find_beat(reel):
            yield statements.beat_finding(timing, beat)
        if earlier := find_earlier(reel):
            yield statements.earlier_finding(reel, earlier)


def _repeats(reel: Reel) -> Finding:
    found = find_repeats(reel.pictures)
    measures = _measures(reel, found)
    model = calibration(Timeline.name)
    llr = model.llr(measures) if model is not None else None
    # What is found but as usual on untouched videos (a wheel that turns) is not put forward.
    shown = [r for r in found if llr is None or llr > 0]
    return statements.repeats_finding(reel, shown, llr, measures)


def _measures(reel: Reel, found: Sequence[Repeat]) -> dict[str, float]:
    return {
        "repeat_bits": float(np.log2(1 + (found[0].evidence_bits if found else 0.0))),
        "repeated_frames": float(sum(r.n_frames for r in found)),
        "watched_frames": float(len(reel)),
    }
