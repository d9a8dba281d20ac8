"""The words of runs: how a file stands, what is known of it before and after it is examined, how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CHUNK_ROWS = 500


class FileState(StrEnum):
    """How a file of a run stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    CONTAINER = "container"
    GONE = "gone"


EXAMINED = (FileState.DONE, FileState.UNCHANGED, FileState.DUPLICATE)
"""Those that have an opinion."""

ENDED = (*EXAMINED, FileState.FAILED, FileState.CONTAINER)
"""Those that have a result; a container is opened, and the files in it have results of their own."""


@dataclass(frozen=True)
class Seen:
    """A file as the walk meets it, before it is opened.

    Attributes:
        key: 16 bytes that stand for where it lies.
        path: to show; hostile text.
        size_bytes, mtime_ns: of the file; None where they tell nothing, so that its hash must. Elsewhere, a number that
            stands for its version takes the place of the time.
        modified_at: when it was last changed, UTC, ISO 8601; None where nothing tells.
    """

    key: bytes
    path: str
    size_bytes: int | None
    mtime_ns: int | None
    modified_at: str | None = None


@dataclass(frozen=True)
class RunFile:
    """What the store knows of a file of a run.

    Attributes:
        id, key: its number, and what stands for its place.
        path: hostile text.
        state: how it stands.
        n_tries: how often examining it has failed.
        sha256, versions_digest: of its result, if it has one; "" else.
        code, message: of its error; "" for none.
        notes: what went wrong without costing the result, parted by commas.
        duplicate_of: number of the file with the same content that was examined in its place.
        had_result: whether it had a result that stood when it was met, perhaps of an earlier content.
        was_met: whether it was met in this pass before.
    """

    id: int
    key: bytes
    path: str
    state: FileState
    n_tries: int
    sha256: str
    versions_digest: str
    code: str = ""
    message: str = ""
    notes: str = ""
    duplicate_of: int | None = None
    had_result: bool = False
    was_met: bool = False

    @property
    def error_classes(self) -> list[str]:
        """Classes of error that it counts for: that of its failure, else what went wrong without costing the result."""
        return [self.code] if self.state is FileState.FAILED else self.notes.split(",")


@dataclass(frozen=True)
class Entered:
    """What became of files that the walk met.

    Attributes:
        waiting: to examine, in the order in which they were met.
        kept: numbers of those whose result stands.
    """

    waiting: tuple[RunFile, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True)
class Ending:
    """How the examination of a file ended.

    Attributes:
        state: one of ENDED.
        seen: as the file was met, so that the next walk can tell a change.
        sha256, versions_digest: of its content, and of what examined it.
        line: of the results.
        duplicate_of: as in RunFile.
        notes: as in RunFile.
    """

    state: FileState
    seen: Seen
    sha256: str
    versions_digest: str
    line: Mapping[str, Any]
    duplicate_of: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErrorClass:
    """Files that failed alike.

    Attributes:
        code: of a MediaError; "analyzer NAME" and the like for what cost no result.
        n_files: how many.
        path, message: of the first of them; hostile text.
    """

    code: str
    n_files: int
    path: str
    message: str
