"""Turns decisions into a list of labelled pictures, as `unforged train` and `unforged evaluate` read them.

A rejected file is a fake, an approved one is real; what is escalated or waits has no label. A file that was rejected as
manipulated has the family *edit*, which the training of detectors for wholly synthetic pictures leaves out.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectors.data import EDIT
from forensics.finding import Claim
from forensics.hostile_text import one_line
from forensics.inputs import expand
from forensics.store import Queue, QueueItem, State, Store, check
from generators.whole_files import write_whole

COLUMNS = ("label", "path", "source", "generator", "family", "kind", "sha256", "decided_by", "decided_at", "reason")
"""The first six are those that lists have everywhere, the others tell where the label comes from."""

LABELS = {State.APPROVED: "real", State.REJECTED: "fake"}

UNKNOWN_SOURCE = "decisions"
"""Source of what lay in no folder that the store knows."""

PAGE = 1000
"""Decisions read at a time."""


@dataclass(frozen=True)
class Labels:
    """What became of the decisions.

    Attributes:
        rows: one for each labelled file, cells by the names in COLUMNS.
        left_out: name of a file -> why it has no row; names are hostile text.
    """

    rows: tuple[Mapping[str, str], ...]
    left_out: Mapping[str, str]


def labels(store: Store, *, pictures: Path | None = None) -> Labels:
    """Read decisions as labels. Each file is hashed: what lies at its place now may be another picture.

    Args:
        store: an open one.
        pictures: folder in which files are looked for that are no longer where they were examined, by their hash.

    Raises:
        ValueError: the audit log or the queue was tampered with: nothing is learned from that.
        StoreError: the store cannot be read.
    """
    found = check(store)
    if not found.is_intact:
        raise ValueError(f"no labels from a queue that was tampered with: {found.broken or found.problems[0]}")
    moved = {} if pictures is None else dict(_by_hash(pictures))
    rows, left_out = [], {}
    for item in decided(store):
        path = _place(item, moved)
        if path is None:
            left_out[item.filename] = "it no longer lies where it was examined"
        elif any(c in str(path) for c in "\t\n\r"):
            left_out[item.filename] = "its path has a tab or a line break, which a list cannot hold"
        else:
            rows.append(_row(item, path))
    return Labels(tuple(rows), left_out)


def decided(store: Store) -> Iterator[QueueItem]:
    """Approved and rejected files, the newest decision first."""
    queue, offset = Queue(store), 0
    while page := queue.items(states=tuple(LABELS), limit=PAGE, offset=offset):
        yield from page
        offset += len(page)


def write_labels(rows: Iterable[Mapping[str, str]], path: Path) -> None:
    """Write rows as a tab-separated list, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def _row(item: QueueItem, path: Path) -> dict[str, str]:
    label = LABELS[item.state]
    return {
        "label": label,
        "path": str(path),
        "source": one_line(str(path.parent)) or UNKNOWN_SOURCE,
        "generator": "unknown" if label == "fake" else "-",
        "family": EDIT if item.claim is Claim.MANIPULATED else "-",
        "kind": item.kind,
        "sha256": item.sha256,
        "decided_by": one_line(item.acted_by),
        "decided_at": item.acted_at,
        "reason": one_line(item.reason),
    }


def _place(item: QueueItem, moved: Mapping[str, Path]) -> Path | None:
    """Where the very same file lies."""
    path = Path(item.path)
    if path.is_absolute() and _sha256(path) == item.sha256:
        return path
    return moved.get(item.sha256)


def _by_hash(folder: Path) -> Iterator[tuple[str, Path]]:
    for task in expand([str(folder)]):
        if (digest := _sha256(task.path)) is not None:
            yield digest, task.path.absolute()


def _sha256(path: Path) -> str | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
