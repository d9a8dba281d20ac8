"""Containers that several stations open at once, each for its share of the files: parted here, and put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from forensics.containers.account import together
from forensics.containers.kinds import container_kind_of
from forensics.containers.share import WHOLE, Share
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES, sniff
from forensics.messages import Task
from forensics.outcome import Outcome

ZIP_SHARE_BYTES = 2 << 20
"""The least that a share of a ZIP archive is to hold, or of a TIFF of pages: opening it again costs milliseconds, its
pictures seconds."""

STREAM_SHARE_BYTES = 64 << 20
"""The same where every station has to unpack all of it to find its share: where there are many, all are busy anyway."""

ZIP_SHARES = 4
"""Of one of these for each station, so that a fast one takes more of them than a slow one."""


class Shares:
    """What has ended of the containers that were parted."""

    def __init__(self) -> None:
        self._ended: dict[Task, list[Outcome]] = {}

    def parted(self, task: Task, n_stations: int) -> Iterator[Task]:
        """A task, or one for each share, if it is a container that is worth it.

        Args:
            task: from a source.
            n_stations: that there are.
        """
        n_shares = _n_shares(task, n_stations)
        for number in range(n_shares):
            yield replace(task, share=Share(number, n_shares))

    def ended(self, outcome: Outcome) -> list[Outcome]:
        """A file has ended, or a share of a container.

        Returns:
            What is known by that: of a container as a whole, when its last share has ended.
        """
        share, task = outcome.task.share, replace(outcome.task, share=WHOLE)
        if share.is_whole:
            return [outcome]
        ended = self._ended.setdefault(task, [])
        ended.append(outcome)
        if len(ended) < share.of:
            return []
        del self._ended[task]
        return [_together(task, sorted(ended, key=lambda one: one.task.share.number))]


def _n_shares(task: Task, n_stations: int) -> int:
    """By its size and its kind."""
    try:
        size_bytes = task.path.stat().st_size
    except OSError:
        # Opening it will say why.
        return 1
    if size_bytes < 2 * min(ZIP_SHARE_BYTES, STREAM_SHARE_BYTES) or (kind := _kind(task)) is None:
        return 1
    if kind in ("zip", "tiff"):
        return max(min(ZIP_SHARES * n_stations, size_bytes // ZIP_SHARE_BYTES), 1)
    return max(min(n_stations, size_bytes // STREAM_SHARE_BYTES), 1)


def _kind(task: Task) -> str | None:
    """Of a container that is to be opened; a file that passes for a picture as well is a picture."""
    kind = container_kind_of(task.path) if task.inside is not None else None
    return None if kind is None or (kind != "tiff" and _is_media(task.path)) else kind


def _is_media(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            sniff(file.read(HEAD_BYTES))
    except (MediaError, OSError) as error:
        return getattr(error, "code", "") != "not-media"
    return True


def _together(task: Task, shares: Sequence[Outcome]) -> Outcome:
    """What became of a container, from what became of its shares."""
    errors = [one.error for one in shares if one.error is not None]
    accounts = [one.account for one in shares if one.account is not None]
    return replace(
        shares[0],
        task=task,
        # A share that was lost must not be forgotten over one that was cut off where all of them are.
        error=min(errors, key=lambda error: error.code not in MediaError.RETRIED, default=None),
        account=together(accounts) if accounts else None,
        elapsed_s=max(one.elapsed_s for one in shares),
    )
