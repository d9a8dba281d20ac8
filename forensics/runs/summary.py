"""What a run came to, counted in one walk over its lines: opinions, errors, folders, cameras, generators, months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from forensics.runs.near import Groups
from forensics.store.archive import N_SCORE_BINS
from forensics.store.run_results import RunResults
from forensics.store.run_words import ErrorClass, FileState
from forensics.store.runs import Run
from forensics.store.store import folder_of
from forensics.verdict import Opinion

MAX_GROUPS = 20
"""Rows of a chart; what is left over stands together as the last one."""

MAX_NEAR = 50
MAX_NEAR_PATHS = 50
"""Groups of look-alikes that a summary lists, and files of each; all are counted, and lie in near-duplicates.jsonl."""

MAX_COUNTED = 50_000
"""Groups of a chart that are counted one by one, so that a disk with a million folders does not fill the memory; those
that come later are counted together."""

MAX_MONTHS = 36
"""Beyond, a time line tells years."""

OTHERS = "all others"

UNNAMED = "none named"

OPINIONS = tuple(str(opinion) for opinion in Opinion)

Bars = Mapping[str, Mapping[str, int]]
"""Group -> opinion -> how many files, in the order in which they are drawn."""


@dataclass(frozen=True)
class Group:
    """Files that look like the first of them.

    Attributes:
        paths: of the first ones, two at least, in the order in which they ended; hostile text.
        n_files: of all.
    """

    paths: tuple[str, ...]
    n_files: int


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes:
        run, state, n_pass, started_at, ended_at, message: of the run.
        sources: what the user named; hostile text like all names and paths here.
        states: FileState -> files.
        opinions: opinion -> files that were examined, by whatever pass.
        errors: each class of error, with its first file.
        scores: probability in bins of 0.05; the group is the lower end.
        folders, cameras, generators, months: files by where they lay and by what they say of themselves; a month is
            that of the shot, else of the file's last change.
        near: groups of look-alikes that are no exact copies throughout, the largest first, MAX_NEAR at most.
        n_near_groups, n_near_files: of all of them.
        n_bytes: size of all files that could be opened.
        examined_s: time that examining took, all workers together.
    """

    run: str
    state: str
    n_pass: int
    started_at: str
    ended_at: str | None
    message: str
    sources: tuple[str, ...]
    states: Mapping[str, int]
    opinions: Mapping[str, int]
    errors: tuple[ErrorClass, ...]
    scores: Bars
    folders: Bars
    cameras: Bars
    generators: Bars
    months: Bars
    near: tuple[Group, ...]
    n_near_groups: int
    n_near_files: int
    n_bytes: int
    examined_s: float

    @property
    def n_files(self) -> int:
        """Files that have a result."""
        return sum(n for state, n in self.states.items() if state not in (FileState.WAITING, FileState.GONE))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"n_files": self.n_files}


def summarize(run: Run, results: RunResults) -> tuple[Summary, Groups]:
    """Count.

    Args:
        run: as it stands now.
        results: of this run.

    Returns:
        The summary, and every group of look-alikes, whose numbers are places of the results.
    """
    tally = _Tally()
    for number, line in results.placed_lines():
        tally.add(number, line)
    near = [
        Group(tuple(results.paths(numbers[:MAX_NEAR_PATHS])), len(numbers))
        for numbers in islice(tally.near.found(), MAX_NEAR)
    ]
    summary = Summary(
        run=run.name,
        state=str(run.state),
        n_pass=run.n_pass,
        started_at=run.started_at,
        ended_at=run.ended_at,
        message=run.message,
        sources=run.plan.sources,
        states={str(state): number for state, number in results.counts().items()},
        opinions=_ordered(results.opinions()),
        errors=tuple(results.errors()),
        scores=tally.scores,
        folders=_largest(tally.folders),
        cameras=_largest(tally.cameras),
        generators=_largest(tally.generators),
        months=_in_time(tally.months),
        near=tuple(near),
        n_near_groups=tally.near.n_groups,
        n_near_files=tally.near.n_files,
        n_bytes=tally.n_bytes,
        examined_s=round(tally.examined_s, 3),
    )
    return summary, tally.near


class _Tally:
    """Counts lines; memory grows with the number of pictures that have a hash, as `Groups` says."""

    def __init__(self) -> None:
        empty: dict[str, dict[str, int]] = {f"{place / N_SCORE_BINS:.2f}": {} for place in range(N_SCORE_BINS)}
        self.scores = empty
        self.folders: dict[str, dict[str, int]] = {}
        self.cameras: dict[str, dict[str, int]] = {}
        self.generators: dict[str, dict[str, int]] = {}
        self.months: dict[str, dict[str, int]] = {}
        self.near = Groups()
        self.n_bytes = 0
        self.examined_s = 0.0

    def add(self, number: int, line: Mapping[str, Any]) -> None:
        self.n_bytes += line["size_bytes"] or 0
        self.examined_s += line["elapsed_s"]
        if line["verdict"] is None:
            return
        opinion, place = line["verdict"], min(int(line["probability"] * N_SCORE_BINS), N_SCORE_BINS - 1)
        day = line["taken_on"] or line["modified_at"] or UNNAMED
        groups = (
            (self.scores, f"{place / N_SCORE_BINS:.2f}"),
            (self.folders, folder_of(line["path"]) or UNNAMED),
            (self.cameras, line["camera"] or UNNAMED),
            (self.generators, line["generator"] or UNNAMED),
            (self.months, day[:7]),
        )
        for bars, group in groups:
            counts = bars.setdefault(group if group in bars or len(bars) < MAX_COUNTED else OTHERS, {})
            counts[opinion] = counts.get(opinion, 0) + 1
        if line["pdq"]:
            self.near.add(number, line["pdq"][0], is_copy=line["duplicate_of"] is not None)


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """In the order of the ladder; whatever else there is follows."""
    return {name: counts[name] for name in (*OPINIONS, *sorted(set(counts) - set(OPINIONS))) if name in counts}


def _largest(bars: Bars) -> Bars:
    """The largest groups, and all others together; what names nothing is no group and comes last."""
    single = (group for group in bars if group not in (UNNAMED, OTHERS))
    named = sorted(single, key=lambda group: (-sum(bars[group].values()), group))
    shown = {group: bars[group] for group in named[:MAX_GROUPS]}
    if others := named[MAX_GROUPS:] + [OTHERS] * (OTHERS in bars):
        n_others = f"{len(named) - MAX_GROUPS}" if OTHERS not in bars else f"over {len(named) - MAX_GROUPS}"
        shown[f"{OTHERS} ({n_others})"] = _summed(bars[group] for group in others)
    return shown | ({UNNAMED: bars[UNNAMED]} if UNNAMED in bars else {})


def _in_time(months: Bars) -> Bars:
    """In order, by months or, where they are many, by years; years beyond what can be drawn stand together."""
    digits = 7 if len(months) <= MAX_MONTHS else 4
    joined: dict[str, list[Mapping[str, int]]] = {}
    for month in sorted(months):
        joined.setdefault(month if month in (UNNAMED, OTHERS) else month[:digits], []).append(months[month])
    bars = {group: _summed(counts) for group, counts in joined.items()}
    return bars if len(bars) <= MAX_MONTHS else _largest(bars)


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
