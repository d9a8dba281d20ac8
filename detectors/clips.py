"""One opinion about a clip: of a detector that sees its frames together, or from the scores of its frames."""

from __future__ import annotations

import numpy as np

from detectors.base import Detector, Pictures, Scores, SeesClips


def score_clip(detector: Detector, frames: Pictures) -> Scores:
    """What any detector says of a clip as a whole.

    Args:
        detector: asked once if it looks at clips, else for each frame.
        frames: in order, spread evenly over the clip.

    Returns:
        Scores of one row.
    """
    if isinstance(detector, SeesClips):
        return detector.score_clip(frames)
    return middle(detector.score(frames))


def middle(scores: Scores) -> Scores:
    """The middle frame in rank stands for the clip: frames are not independent, so their ratios must not add up.

    Args:
        scores: of at least one frame; those that were not judged do not count.

    Returns:
        Scores of one row without a map. It abstains, with the most usual reason, if no frame was judged.

    Raises:
        ValueError: there is no frame.
    """
    if not len(scores.fake):
        raise ValueError("a clip needs at least one frame")
    judged = np.array([reason is None for reason in scores.reasons])
    used = judged if judged.any() else np.ones(len(judged), bool)
    reasons = [reason for reason in scores.reasons if reason is not None]
    llr = None if scores.llr is None else np.array([np.median(scores.llr[used])], np.float32)
    # Ties go to the reason that comes first, whatever the order of a hash.
    why = None if judged.any() else max(dict.fromkeys(reasons), key=reasons.count)
    return Scores(np.array([np.median(scores.fake[used])], np.float32), llr, None, (why,))
