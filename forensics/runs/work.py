"""What lies on the desk of a run: a file with what is known of it, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from forensics.messages import Task
from forensics.pool import Outcome
from forensics.result import Result
from forensics.store.run_words import Entered, FileState, RunFile, Seen

Tell = Callable[[str, dict[str, Any]], None]
"""Called with the name of an event and what belongs to it."""


class StopWanted(KeyboardInterrupt):
    """Somebody asked the run to stop, from wherever they are: like Ctrl-C it ends the pass at once.

    Attributes:
        by: who.
    """

    def __init__(self, by: str) -> None:
        super().__init__(f"stopped by {by}")
        self.by = by


class Enter(Protocol):
    """Enters files into the store."""

    def __call__(self, found: Sequence[Seen], container: int | None = None) -> Entered:
        """At most a chunk."""
        ...


@dataclass(frozen=True, eq=False)
class Ended:
    """One file whose result was kept.

    Attributes:
        file: as it stood before.
        state: how it stands now.
        line: of the results.
        result: None where nothing was examined, as another file or an earlier pass tells the result.
        is_old: whether the line is that of an earlier pass.
    """

    file: RunFile
    state: FileState
    line: dict[str, Any]
    result: Result | None
    is_old: bool = False


@dataclass(eq=False)
class Work:
    """A file on the desk.

    Attributes:
        task, seen, file: what is asked, what was met, what the store knows.
        n_tries: that failed.
        opened: its hash, "" until it is opened.
        verdict: what was decided of it then.
        twin: the file whose result it shares.
        inside: of a container: how many of its files have ended, and how many it will have; other files have 0 of 0.
        outcome: of a container, until all files in it have ended.
        names: of a container: how often a name came up in it.
        has_failed_inside: a file in it has to be tried again.
        n_openings: how often it was handed to a worker.
    """

    task: Task
    seen: Seen
    file: RunFile
    n_tries: int
    sha256: str = ""
    verdict: str = ""
    twin: RunFile | None = None
    n_inside: int = 0
    n_expected: int = 0
    outcome: Outcome | None = None
    names: Counter[str] = field(default_factory=Counter)
    has_failed_inside: bool = False
    n_openings: int = 1
