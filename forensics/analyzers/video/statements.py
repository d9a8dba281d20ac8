"""What was measured along the time line, as findings in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forensics.analyzers.video.clock import clock, count
from forensics.analyzers.video.cuts import Cut
from forensics.analyzers.video.earlier import Earlier
from forensics.analyzers.video.reel import Reel
from forensics.analyzers.video.repeats import Repeat
from forensics.analyzers.video.stills import Beat, Still
from forensics.analyzers.video.structure import Structure
from forensics.analyzers.video.timing import Rate, Timing
from forensics.finding import Claim, Finding, Trace
from forensics.media.tracks import Packets

NAME = "timeline"

MAX_ROWS = 200
"""Rows of a table: a film has thousands of cuts."""

REPEATED = (
    "A frame that was copied is closer to its original than to the frames around it, although the scene moves. "
    "Copies hide what really happened in that time. Harmless causes: an animation or advertisement that loops, a "
    "replayed scene, a machine that turns or swings quite evenly in front of a fixed camera."
)
STILLNESS = "A copy can be told only while something moves; what stands still looks the same at any time."
MISSING = (
    "Cameras and encoders of constant rate give every frame an even time stamp; a frame that was taken out leaves a "
    "gap. Busy phones, screen recorders and live streams lose frames as well, and an editor that saves the whole video "
    "anew leaves no gap."
)
SCENES = (
    "Cuts to another scene are in every edited video. A jump within a scene, where the background stays and people "
    "change their pose from one frame to the next, shows that a piece was taken out; interviews are shortened so. Soft "
    "transitions are not found."
)
HELD = (
    "Even a still scene flickers a little, as sensors are noisy; a held frame does not. Editors hold a frame to hide "
    "or to stretch something. Calls and live streams freeze in the same way when the connection is bad."
)
BEAT = (
    "Frames are repeated in a regular beat when a video is brought to another frame rate. This is common in editing "
    "and on web sites and shows only that the file is not the camera's own."
)
EARLIER = (
    "The faint pulse of an earlier encoder's key frames is left in the picture, so the file is not the camera's own. "
    "Sharing sites and editors do this to every video. Where the pulse is out of step, frames were taken out or put in "
    "after the first and before the last encoding."
)


def repeats_finding(reel: Reel, repeats: Sequence[Repeat], llr: float | None, measures: dict[str, float]) -> Finding:
    """Runs that are shown twice, or that there are none."""
    rows = tuple((f"Repeat {i}", _repeat_row(reel, r)) for i, r in enumerate(repeats[:MAX_ROWS], 1))
    times = tuple(float(reel.times_s[i]) for r in repeats for i in (r.first, r.later[0]))
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=_repeats_summary(reel, repeats) + _watched(reel),
        llr=llr,
        claim=Claim.MANIPULATED,
        explanation=REPEATED if repeats else STILLNESS,
        measures=measures,
        details=rows,
        times_s=times,
    )


def _repeats_summary(reel: Reel, repeats: Sequence[Repeat]) -> str:
    if not repeats:
        return "No run of moving frames is shown twice"
    r = repeats[0]
    start, end = clock(reel.times_s[r.first]), clock(reel.times_s[r.first + r.n_frames - 1])
    again = clock(reel.times_s[r.later[0]])
    if not r.backwards and r.n_frames > r.second - r.first:
        period_s = float(reel.times_s[r.second] - reel.times_s[r.first])
        words = f"The video repeats itself every {period_s:.3f} s from {start} on"
    else:
        how = "again backwards" if r.backwards else "a second time"
        words = f"The frames from {start} to {end} are shown {how} from {again} on"
    more = len(repeats) - 1
    return words + (f", and {count(more, 'other run')} as well" if more else "")


def _repeat_row(reel: Reel, r: Repeat) -> str:
    first = f"{clock(reel.times_s[r.first])} to {clock(reel.times_s[r.first + r.n_frames - 1])}"
    later = f"{clock(reel.times_s[r.later[0]])} to {clock(reel.times_s[r.later[1]])}"
    how = " backwards" if r.backwards else ""
    differ = f"a frame and its copy differ by {r.closeness:.0%} of what neighbours differ"
    return f"{first}, again{how} {later}: {count(r.n_frames, 'frame')}; {differ}"


def stream_finding(packets: Packets, timing: Timing, structure: Structure, reel: Reel, cuts: Sequence[Cut]) -> Finding:
    """Time stamps, gaps and the build of the stream; also that there are no cuts, which needs no finding of its own."""
    shown = packets.times_s[~packets.is_hidden]
    rows = [(f"Gap {i}", _gap_row(g.start_s, g.end_s, g.n_missing)) for i, g in enumerate(timing.gaps[:MAX_ROWS], 1)]
    rows.append(("Frames", _rate_row(len(shown), timing, packets)))
    if not packets.complete and packets.n_promised > len(packets.times_s):
        rows.append(("Cut off", f"{packets.n_promised:,} frames are listed, {len(packets.times_s):,} could be read"))
    if structure.group:
        rows.append(("Key frames", f"every {count(structure.group, 'frame')}"))
    if structure.odd_keys:
        odd = ", ".join(clock(shown[i]) for i in structure.odd_keys[:12])
        rows.append(("Key frames out of turn", f"{odd}; encoders also set them at cuts"))
    for n, where in ((structure.n_hidden_start, "before the start"), (structure.n_hidden_end, "after the end")):
        if n:
            rows.append(("Hidden by the edit list", f"{count(n, 'frame')} {where}, still in the file"))
    if timing.n_repeated_stamps:
        rows.append(("Same time stamp twice", count(timing.n_repeated_stamps, "frame")))
    if len(reel.sizes_px) > 1:
        rows.append(("Picture size changes", ", ".join(f"{w} × {h}" for w, h in reel.sizes_px[:12])))
    if not cuts:
        rows.append(("Scenes", "one, without a cut or a jump" + _watched(reel)))
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=_stream_summary(timing, packets),
        explanation=MISSING if timing.gaps else "",
        measures={
            "missing_frames": float(sum(g.n_missing for g in timing.gaps)),
            "gaps": float(len(timing.gaps)),
            "even_share": timing.even_share,
            "step_s": timing.step_s,
        }
        | ({} if cuts else _cut_measures(reel, cuts)),
        details=tuple(rows),
        times_s=tuple(g.start_s for g in timing.gaps),
    )


def _stream_summary(timing: Timing, packets: Packets) -> str:
    part = "" if packets.complete else ", as far as the container could be read"
    if timing.rate is Rate.UNKNOWN:
        return f"There are too few frames to judge their time stamps{part}"
    if timing.rate is Rate.VARIABLE:
        return f"The frame rate is variable, so missing frames cannot be told from the time stamps{part}"
    if not timing.gaps:
        return f"The time stamps are even, no frame is missing between them{part}"
    n, places = sum(g.n_missing for g in timing.gaps), len(timing.gaps)
    if places == 1:
        gap = timing.gaps[0]
        are = "is" if n == 1 else "are"
        return f"{count(n, 'frame')} {are} missing between {clock(gap.start_s)} and {clock(gap.end_s)}{part}"
    if places > 3 and n == places:
        return f"Single frames are missing in {places} places of an otherwise even stream{part}"
    return f"{count(n, 'frame')} are missing in {places} places of an otherwise even stream{part}"


def _gap_row(start_s: float, end_s: float, n: int) -> str:
    return f"{clock(start_s)} to {clock(end_s)}: room for {count(n, 'frame')}"


def _rate_row(n: int, timing: Timing, packets: Packets) -> str:
    rate = f", {1 / timing.step_s:.4g} a second, {timing.rate} rate" if timing.step_s > 0 else ""
    untimed = f"; {packets.n_untimed:,} without a time stamp" if packets.n_untimed else ""
    return f"{n:,}{rate}{untimed}"


def scenes_finding(reel: Reel, cuts: Sequence[Cut]) -> Finding:
    """Cuts to another scene and jumps within one."""
    others = [c for c in cuts if not c.within_scene]
    jumps = [c for c in cuts if c.within_scene]
    found = [count(len(others), "cut to another scene", "cuts to other scenes")] if others else []
    if jumps:
        words = count(len(jumps), "jump within a scene", "jumps within a scene")
        found.append(words + (f" at {clock(reel.times_s[jumps[0].frame])}" if len(jumps) == 1 else ""))
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=" and ".join(found) + _watched(reel),
        explanation=SCENES,
        measures=_cut_measures(reel, cuts),
        details=_scene_rows(reel, cuts),
        # Both sides of a jump: what is missing shows only beside what was before.
        times_s=tuple(float(reel.times_s[i]) for c in cuts for i in range(c.frame - c.within_scene, c.frame + 1)),
    )


def _scene_rows(reel: Reel, cuts: Sequence[Cut]) -> tuple[tuple[str, str], ...]:
    rows, scene = [], 0
    starts, ends = [0, *(c.frame for c in cuts)], [*(c.frame - 1 for c in cuts), len(reel) - 1]
    for start, end, cut in zip(starts, ends, [None, *cuts], strict=True):
        inside = cut is not None and cut.within_scene
        scene += not inside
        span = f"{clock(reel.times_s[start])} to {clock(reel.times_s[end])}, {count(end - start + 1, 'frame')}"
        rows.append((f"Scene {scene}, after a jump" if inside else f"Scene {scene}", span))
    return tuple(rows[:MAX_ROWS])


def _cut_measures(reel: Reel, cuts: Sequence[Cut]) -> dict[str, float]:
    n_jumps = sum(c.within_scene for c in cuts)
    return {"cuts": float(len(cuts) - n_jumps), "jumps": float(n_jumps), "change": float(np.median(reel.change))}


def stills_finding(reel: Reel, stills: Sequence[Still]) -> Finding:
    """Frames that are held."""
    spans = [(float(reel.times_s[s.first - 1]), float(reel.times_s[s.last])) for s in stills]
    start, end = spans[0]
    words = f"The picture stands still from {clock(start)} to {clock(end)} while the scene around it moves"
    more = f", and {count(len(stills) - 1, 'more time')}" if len(stills) > 1 else ""
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=words + more + _watched(reel),
        explanation=HELD,
        measures={"held_frames": float(sum(s.n_frames for s in stills)), "stills": float(len(stills))},
        details=tuple(
            (f"Still {i}", f"{clock(a)} to {clock(b)}, {count(s.n_frames, 'frame')}")
            for i, ((a, b), s) in enumerate(zip(spans[:MAX_ROWS], stills, strict=False), 1)
        ),
        times_s=tuple(t for span in spans for t in span),
    )


def beat_finding(timing: Timing, beat: Beat) -> Finding:
    """Frames that are repeated in a beat."""
    which = f"One of every {beat.length} frames repeats"
    if beat.n_repeated > 1:
        which = f"{beat.n_repeated} of every {beat.length} frames repeat"
    rate = ""
    if timing.step_s > 0:
        own = (beat.length - beat.n_repeated) / beat.length / timing.step_s
        rate = f": about {own:.3g} frames a second were brought to {1 / timing.step_s:.3g}"
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=f"{which} the one before{rate}",
        explanation=BEAT,
        measures={"beat": float(beat.length), "repeated_in_beat": float(beat.n_repeated)},
    )


def earlier_finding(reel: Reel, earlier: Earlier) -> Finding:
    """An earlier compression and where its pulse is out of step."""
    summary = f"The video was compressed before, with key frames {earlier.period} frames apart"
    if earlier.breaks:
        b = earlier.breaks[0]
        where = f"{clock(reel.times_s[b.after])} and {clock(reel.times_s[b.before])}"
        summary = f"The pulse of an earlier compression is out of step by {count(b.n_off, 'frame')} between {where}"
    return Finding(
        analyzer=NAME,
        trace=Trace.TIMELINE,
        summary=summary,
        explanation=EARLIER,
        measures={
            "period": float(earlier.period),
            "pulse": earlier.height,
            "clear_share": earlier.clear_share,
            "breaks": float(len(earlier.breaks)),
        },
        details=tuple(
            (
                f"Out of step {i}",
                f"by {b.n_off} of {earlier.period} frames, {clock(reel.times_s[b.after])} to "
                f"{clock(reel.times_s[b.before])}",
            )
            for i, b in enumerate(earlier.breaks[:MAX_ROWS], 1)
        ),
        times_s=tuple(float(reel.times_s[b.before]) for b in earlier.breaks),
    )


def _watched(reel: Reel) -> str:
    return "" if reel.complete else f", in the part that was watched, up to {clock(reel.end_s)}"
