"""What looking inside one file may cost. No part of the settings of a scan: it decides what is examined, not how."""

from __future__ import annotations

from dataclasses import dataclass, fields

GIB = 1 << 30

RATIO_FLOOR_BYTES = 64 << 20
"""Below this, no ratio is a bomb: a white scan as BMP shrinks to a thousandth."""


@dataclass(frozen=True)
class InsideLimits:
    """What one file that holds others may cost, with all that is nested in it.

    Attributes:
        max_depth: containers inside containers that are opened; 1 opens the outermost only.
        max_members: files, links and folders that may lie in it.
        max_bytes: of its media and of the containers in it, all together; scratch space takes less, as unpacking waits
            until what was unpacked is examined.
        max_ratio: unpacked over packed size, from RATIO_FLOOR_BYTES on; deflate reaches 1032, photos stay near 1.
    """

    max_depth: int = 4
    max_members: int = 100_000
    max_bytes: int = 64 * GIB
    max_ratio: float = 200.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ValueError(f"limit {item.name} must be above 0, not {getattr(self, item.name)}")
