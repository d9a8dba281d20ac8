"""What was promoted when, by whom and why. One file that is written whole: its last line says what stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from detectors.lineage import base_of
from generators.whole_files import write_whole

LOG = "history.jsonl"
"""One change a line, the oldest first. Lines are only ever added, and the file is replaced as one: a pointer to what is
promoted beside a history of promotions could come to disagree with it."""

PROMOTED, ROLLED_BACK = "promoted", "rolled back"


@dataclass(frozen=True)
class Change:
    """One promotion or rollback.

    Attributes:
        action: PROMOTED or ROLLED_BACK.
        version: that stood afterwards.
        before: that stood before.
        sha256: of the weights of `version`.
        at: UTC, ISO 8601.
        by: who did it.
        reason: why, in words.
    """

    action: str
    version: str
    before: str
    sha256: str
    at: str
    by: str
    reason: str


def read_changes(folder: Path) -> tuple[Change, ...]:
    """Changes of a detector, the oldest first; none where nothing was ever promoted.

    Raises:
        ValueError: a line is none; it is named.
    """
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    found = []
    for number, text in enumerate(lines, 1):
        try:
            found.append(Change(**json.loads(text)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{folder.name}/{LOG}, line {number}: no change of versions: {error}") from error
    return tuple(found)


def append_change(change: Change, folder: Path) -> None:
    """Add a line; from then on its version stands.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    path = folder / LOG
    before = path.read_bytes() if path.exists() else b""
    write_whole(path, before + (json.dumps(asdict(change), ensure_ascii=False) + "\n").encode())


def standing(changes: Sequence[Change], shipped: str) -> tuple[Change, ...]:
    """Promotions that were not taken back, the one that stands last; none where what ships stands.

    Promotions of versions that go back to another shipped version do not count: a newer release of the detector takes
    over until something learned from it is promoted.
    """
    stack: list[Change] = []
    for change in changes:
        if change.action == PROMOTED:
            stack.append(change)
            continue
        taken_back = [at for at, earlier in enumerate(stack) if earlier.version == change.before]
        if taken_back:
            stack.pop(taken_back[-1])
    return tuple(change for change in stack if base_of(change.version) == shipped)
