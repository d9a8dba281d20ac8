"""Trained detectors: what networks learned from known fakes and real photos, each one with its own model card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.base import Detector, Scores, SeesClips, Spot
from detectors.clips import middle
from detectors.loading import available, lineage_of, load, usually_asked
from forensics.analyzers.learned_places import top_patches
from forensics.analyzers.learned_words import (
    CLIP_EXPLANATION,
    FRAMES_EXPLANATION,
    PICTURE_EXPLANATION,
    card_rows,
    label_rows,
    lineage_rows,
    neighbour_rows,
    rarity,
    sought,
    taken_for,
)
from forensics.errors import in_one_line
from forensics.finding import MAX_FINDING_LLR, Claim, Finding, Heat, Region, Trace
from forensics.media import Frame, Kind, Media
from forensics.settings import ScanSettings
from generators.weights import ModelCard

EVEN = 0.5
"""Score of what a detector takes for a fake as soon as for a photo."""

WORDS = {Claim.SYNTHETIC: "made by a machine", Claim.MANIPULATED: "manipulated"}


class Learned:
    """Asks the installed detectors and reports what each says in a finding of its own.

    Raises:
        LookupError: the settings name a detector that there is not.
    """

    name: ClassVar[str] = "learned"
    trace: ClassVar[Trace] = Trace.LEARNED
    title: ClassVar[str] = "Trained detectors"
    about: ClassVar[str] = (
        "Asks every installed trained detector; each is only as good as the fakes and photos it has seen, which its "
        "model card names."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._models = settings.models
        self._wanted = settings.detectors
        if self._wanted is not None:
            check_detectors(self._wanted, self._models)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return usually_asked(self._models) if self._wanted is None else self._wanted

    def skip_reason(self, media: Media) -> str | None:
        """Why no detector can be asked."""
        return None if self._names else "no trained detector is installed"

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield one finding a detector, also for one that could not be asked, with the reason."""
        frames = media.frames
        is_clip = media.kind is Kind.VIDEO or len(frames) > 1
        shown = media.video if media.kind is Kind.VIDEO else media.image
        for name in self._names:
            try:
                detector = load(name, self._models)
                learned = tuple(lineage_rows(lineage_of(detector.card, self._models)))
                finding = _asked(detector, frames, (shown.width, shown.height), is_clip)
                finding = replace(finding, details=finding.details + learned)
            except (ImportError, OSError, ValueError) as error:
                finding = _not_asked(name, str(error))
            except Exception as error:  # noqa: BLE001 - one detector's fault must not cost what the others say
                finding = _not_asked(name, in_one_line(error))
            yield finding


def check_detectors(wanted: Iterable[str], models: Path | None) -> None:
    """See that there is each of these detectors, whether it can be used or not.

    Raises:
        LookupError: one of them is neither installed nor among the outside models.
        ValueError: as for `available`.
    """
    known = available(models)
    for name in wanted:
        if name not in known:
            raise LookupError(f"there is no detector {name!r}; there is {', '.join(known) or 'none'}")


def _not_asked(name: str, why: str) -> Finding:
    return Finding(
        analyzer=Learned.name,
        trace=Learned.trace,
        summary=f"Not tested by the detector {name}: {why}",
        details=(("detector", name), ("not tested because", why)),
    )


def _asked(detector: Detector, frames: Sequence[Frame], size: tuple[int, int], is_clip: bool) -> Finding:
    pixels = [frame.pixels for frame in frames]
    if is_clip and isinstance(detector, SeesClips):
        return _of_clip(detector, detector.score_clip(pixels), len(frames))
    return _finding(detector, detector.score(pixels), frames, size, is_clip)


def _of_clip(detector: Detector, whole: Scores, n_frames: int) -> Finding:
    """What a detector says that sees all frames together; no frame has a score of its own."""
    card = detector.card
    claim = Claim(card.claim or Claim.SYNTHETIC)
    return Finding(
        analyzer=Learned.name,
        trace=Learned.trace,
        summary=_summary(detector.name, card, claim, whole, f" over {n_frames} frames", is_clip=True, whole_clip=True),
        llr=_llr(card, whole, is_clip=True),
        claim=claim,
        explanation=CLIP_EXPLANATION,
        measures={"score": float(whole.fake[0]), "n_frames": float(n_frames)},
        details=(
            ("detector", detector.name),
            *(label_rows(card, float(whole.fake[0]), whole_clip=True) if whole.reasons[0] is None else ()),
            *card_rows(card, whole_clip=True),
        ),
    )


def _finding(
    detector: Detector, scores: Scores, frames: Sequence[Frame], size: tuple[int, int], is_clip: bool
) -> Finding:
    card = detector.card
    claim = Claim(card.claim or Claim.SYNTHETIC)
    whole = middle(scores)
    judged = np.array([reason is None for reason in scores.reasons])
    measures = {"score": float(whole.fake[0])}
    if is_clip:
        measures |= {
            "score_max": float(scores.fake[judged].max(initial=0.0)),
            "n_frames": float(len(frames)),
            "n_abstained": float((~judged).sum()),
        }
    among = f" in the middle of {int(judged.sum())} frames" if is_clip else ""
    return Finding(
        analyzer=Learned.name,
        trace=Learned.trace,
        summary=_summary(detector.name, card, claim, whole, among, is_clip),
        llr=_llr(card, whole, is_clip),
        claim=claim,
        explanation=FRAMES_EXPLANATION if is_clip else PICTURE_EXPLANATION,
        measures=measures,
        details=(
            ("detector", detector.name),
            *(label_rows(card, measures["score"]) if judged.any() and (card.clips or not is_clip) else ()),
            *(neighbour_rows(scores.neighbours[_top(scores, judged)]) if scores.neighbours is not None else ()),
            *card_rows(card),
            *(_frame_rows(scores, frames) if is_clip else ()),
        ),
        regions=_regions(scores, frames, size, judged, is_clip)
        or _patches(scores, frames, claim, size, judged, is_clip),
        heat=_heat(scores, frames, claim, judged, is_clip),
        times_s=_suspect_times(card, scores, frames, judged) if is_clip else (),
    )


def _llr(card: ModelCard, whole: Scores, is_clip: bool) -> float | None:
    if whole.llr is None or whole.reasons[0] is not None or (is_clip and not card.clips):
        return None
    return float(np.clip(whole.llr[0], -MAX_FINDING_LLR, MAX_FINDING_LLR))


def _summary(
    name: str, card: ModelCard, claim: Claim, whole: Scores, among: str, is_clip: bool, whole_clip: bool = False
) -> str:
    """The score in a sentence, with what it is worth.

    Args:
        is_clip: the file is a clip, however it was looked at: a ratio fitted on still pictures does not count.
        whole_clip: of a clip, the detector saw all frames together, so that its card counts real clips. One that
            scores frame by frame has the thresholds of single pictures on a clip as well.
    """
    if whole.reasons[0] is not None:
        return f"The detector {name} does not judge this: {whole.reasons[0]}"
    score = float(whole.fake[0])
    usual = rarity(card, score, whole_clip=whole_clip)
    text = f"The detector {name} scores {score:.2f} of 1 for {sought(card, WORDS[claim])}{among}{usual}"
    if whole.llr is None:
        text += "; it is not calibrated, so this is for the eye only"
    elif is_clip and not card.clips:
        text += "; it was calibrated on still pictures, so this does not count"
    else:
        text += taken_for(card, score, whole_clip=whole_clip)
    return text


def _frame_rows(scores: Scores, frames: Sequence[Frame]) -> Iterable[tuple[str, str]]:
    for frame, score, reason in zip(frames, scores.fake, scores.reasons, strict=True):
        yield f"score at {frame.time_s:.2f} s", f"{score:.3f}" if reason is None else f"not judged: {reason}"


def _suspect_times(
    card: ModelCard, scores: Scores, frames: Sequence[Frame], judged: NDArray[np.bool_]
) -> tuple[float, ...]:
    """Moments over the laxest threshold of the card, over one half without thresholds."""
    bar = card.by_rate()[-1][1] if card.thresholds else EVEN
    return tuple(f.time_s for f, s, ok in zip(frames, scores.fake, judged, strict=True) if ok and s >= bar)


def _heat(
    scores: Scores, frames: Sequence[Frame], claim: Claim, judged: NDArray[np.bool_], is_clip: bool
) -> Heat | None:
    """The map of the frame that scores highest; none where it is dark everywhere."""
    if scores.heat is None or not judged.any():
        return None
    top = _top(scores, judged)
    if not np.any(scores.heat[top]):
        return None
    return Heat(scores.heat[top], f"looks {WORDS[claim]}", frames[top].time_s if is_clip else None)


def _regions(
    scores: Scores, frames: Sequence[Frame], size: tuple[int, int], judged: NDArray[np.bool_], is_clip: bool
) -> tuple[Region, ...]:
    """The parts with a score of their own in the frame that scores highest, in pixels of the picture at full size."""
    if scores.spots is None or not judged.any():
        return ()
    top = _top(scores, judged)
    time_s = frames[top].time_s if is_clip else None
    full = size[0] / frames[top].pixels.shape[1]  # frames of clips are shrunk
    return tuple(_region(spot, full, size, time_s) for spot in scores.spots[top])


def _patches(
    scores: Scores,
    frames: Sequence[Frame],
    claim: Claim,
    size: tuple[int, int],
    judged: NDArray[np.bool_],
    is_clip: bool,
) -> tuple[Region, ...]:
    """The hottest patches of the map that is shown; none where the whole looks like a photo rather than a fake."""
    heat = _heat(scores, frames, claim, judged, is_clip)
    if heat is None or scores.fake[_top(scores, judged)] < EVEN:
        return ()
    return top_patches(heat.values, size, heat.label, heat.time_s)


def _region(spot: Spot, full: float, size: tuple[int, int], time_s: float | None) -> Region:
    x, y = (min(int(edge * full), side - 1) for edge, side in zip((spot.x, spot.y), size, strict=True))
    width, height = round(spot.width * full), round(spot.height * full)
    return Region(
        x, y, max(1, min(width, size[0] - x)), max(1, min(height, size[1] - y)), spot.label, spot.score, time_s
    )


def _top(scores: Scores, judged: NDArray[np.bool_]) -> int:
    return int(np.where(judged, scores.fake, -1).argmax())
