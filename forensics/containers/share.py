"""A share of one container, for when several workers open it: every file in it is in one share, copies in the same.

What decides is the content. So copies are found as if one worker had looked at all of it, and nobody has to tell the
others what came up. What has no content to go by, such as links, is in the first share.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Which files directly in a container are taken; what is nested in one of these belongs to it.

    Attributes:
        number: from 0.
        of: shares that there are.
    """

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"a share is one of 0 to {self.of - 1}, not {self.number}")

    @property
    def is_first(self) -> bool:
        """Whether it takes what has no content to go by."""
        return self.number == 0

    @property
    def is_whole(self) -> bool:
        """Whether there is no other."""
        return self.of == 1

    def holds(self, mark: bytes) -> bool:
        """Whether it takes a file.

        Args:
            mark: the same for copies, by preference another one for other files.
        """
        return zlib.crc32(mark) % self.of == self.number


WHOLE = Share()
