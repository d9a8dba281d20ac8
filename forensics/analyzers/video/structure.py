"""How the stream is built: key frames in an even beat, one picture size, nothing hidden. Joining files breaks it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from forensics.media.tracks import Packets

MIN_GROUPS = 5
"""Groups of pictures needed to call their length a rule."""

RULE_SHARE = 0.7
"""Share of the groups that keep the length."""


@dataclass(frozen=True)
class Structure:
    """What the packets say about how the stream was made.

    Attributes:
        group: frames from key frame to key frame, 0 when there is no rule.
        odd_keys: indices (among the shown frames) of key frames that break the rule.
        n_hidden_start, n_hidden_end: frames that an edit list hides before the first and after the last shown one.
    """

    group: int
    odd_keys: tuple[int, ...]
    n_hidden_start: int
    n_hidden_end: int


def read_structure(packets: Packets) -> Structure:
    """Find the beat of key frames and what breaks it, and what is hidden."""
    shown = np.flatnonzero(~packets.is_hidden)
    if not shown.size:
        return Structure(0, (), len(packets.times_s), 0)
    hidden = packets.is_hidden
    start, end = int(hidden[: shown[0]].sum()), int(hidden[shown[-1] :].sum())
    keys = np.flatnonzero(packets.is_key[shown])
    lengths = np.diff(keys)
    if lengths.size < MIN_GROUPS:
        return Structure(0, (), start, end)
    (group, n), *_ = Counter(lengths.tolist()).most_common(1)
    if group == 1 or n < RULE_SHARE * lengths.size:
        return Structure(0, (), start, end)
    odd = tuple(int(keys[i + 1]) for i in np.flatnonzero(lengths < group))
    return Structure(int(group), odd, start, end)
