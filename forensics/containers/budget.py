"""What a container and all that is nested in it may still cost: members, scratch space, unpacked over packed size."""

from __future__ import annotations

from forensics.containers.limits import RATIO_FLOOR_BYTES, InsideLimits
from forensics.errors import MediaError


class Exhausted(MediaError):
    """A limit on the whole tree of containers, or the end of the disk, is reached: nothing more of it is looked at."""


class Budget:
    """Counts down over one outermost container.

    Args:
        limits: what it may cost.
        packed_bytes: size of the outermost container.
    """

    def __init__(self, limits: InsideLimits, packed_bytes: int) -> None:
        self._limits = limits
        self._most_unpacked_bytes = max(RATIO_FLOOR_BYTES, limits.max_ratio * packed_bytes)
        self._n_members = self._stored_bytes = self._unpacked_bytes = 0

    def member(self) -> None:
        """One more file, link or folder.

        Raises:
            Exhausted: there are too many.
        """
        self._n_members += 1
        if self._n_members > self._limits.max_members:
            most = f"{self._limits.max_members:,}"
            raise Exhausted("too-many-members", f"it holds more than {most} files, the limit; the rest was left out")

    def store(self, n_bytes: int) -> None:
        """Scratch space is taken.

        Raises:
            Exhausted: too much.
        """
        self._stored_bytes += n_bytes
        if self._stored_bytes > self._limits.max_bytes:
            most = f"{self._limits.max_bytes:,}"
            raise Exhausted("too-many-bytes", f"it unpacks to more than {most} bytes, the limit; the rest was left out")

    def unpack(self, n_bytes: int) -> None:
        """Bytes came out of a decompressor, kept or not.

        Raises:
            Exhausted: more than the size of the container explains.
        """
        self._unpacked_bytes += n_bytes
        if self._unpacked_bytes > self._most_unpacked_bytes:
            raise Exhausted(
                "bomb",
                f"it unpacks to more than {self._limits.max_ratio:g} times its size, the limit; the rest was left out",
            )
