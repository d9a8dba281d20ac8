"""What it cost to learn a new generator: found before and after, forgotten, and how many pictures it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detectors.race.folder import read_json
from detectors.race.records import Cell, Figure
from generators.whole_files import write_whole

REPORT, TABLE = "added.json", "added.md"

ENOUGH = 0.90
"""Share of fakes that shall be found at 5 % false positives."""


@dataclass(frozen=True)
class Step:
    """What came of learning from so many pictures.

    Attributes:
        n: pictures of the generator that were learned from.
        n_draws: times that as many were drawn; figures are means over these, intervals reach from the lowest end to
            the highest.
        tpr, auroc: on pictures that none was learned from, against real photos of the same sizes.
    """

    n: int
    n_draws: int
    tpr: Figure
    auroc: Figure


@dataclass(frozen=True)
class Added:
    """The report.

    Attributes:
        name: of the generator.
        standing, candidate: versions before and after.
        before, after: how they tell its fakes from real photos of the same sizes.
        past_before, past_after: share of its fakes that get past each version at its own 5 % threshold.
        curve: from few pictures to all.
        earlier: kind of fakes -> AUROC before and after, and how much was gained, with its interval.
        forgetting: mean AUROC that earlier kinds have lost since their best version; None where none was at hand.
        false_positives: version -> share of clean real photos over its 5 % threshold.
        promoted: whether the gate let the candidate through.
        reasons: why it did not, or what was weighed.
        took_s: seconds.
    """

    name: str
    standing: str
    candidate: str
    before: Cell
    after: Cell
    past_before: Figure
    past_after: Figure
    curve: tuple[Step, ...]
    earlier: Mapping[str, tuple[float, float, Figure]]
    forgetting: float | None
    false_positives: Mapping[str, Figure]
    promoted: bool
    reasons: tuple[str, ...]
    took_s: float

    @property
    def end(self) -> str:
        """What became of the candidate."""
        return "promoted" if self.promoted else "not promoted"

    @property
    def needed(self) -> int | None:
        """Pictures from which ENOUGH are found at 5 % false positives, 0 where they were found before; None where all
        that there are do not do."""
        if self.before.tpr.value >= ENOUGH:
            return 0
        return next((step.n for step in self.curve if step.tpr.value >= ENOUGH), None)

    @property
    def needed_words(self) -> str:
        """The same in words."""
        if self.needed is None:
            return f"more than {self.curve[-1].n}"
        return f"at most {self.needed}" if self.needed else "none, they were found before"


def write_added(added: Added, folder: Path) -> None:
    """Write the report, as JSON and as a page.

    Raises:
        OSError: disk full or folder not writable.
    """
    write_whole(folder / TABLE, to_markdown(added).encode())
    told = asdict(added) | {"needed": added.needed}
    write_whole(folder / REPORT, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


def read_added(folder: Path) -> Added:
    """Read what `write_added` wrote.

    Raises:
        ValueError: it is missing or damaged.
    """
    raw: dict[str, Any] = read_json(folder / REPORT)
    try:
        raw.pop("needed")
        raw["curve"] = tuple(
            Step(**step | {name: Figure(**step[name]) for name in ("tpr", "auroc")}) for step in raw["curve"]
        )
        for name in ("before", "after"):
            raw[name] = Cell(Figure(**raw[name]["auroc"]), Figure(**raw[name]["tpr"]))
        for name in ("past_before", "past_after"):
            raw[name] = Figure(**raw[name])
        raw["earlier"] = {kind: (was, now, Figure(**gain)) for kind, (was, now, gain) in raw["earlier"].items()}
        raw["false_positives"] = {version: Figure(**figure) for version, figure in raw["false_positives"].items()}
        return Added(**raw | {"reasons": tuple(raw["reasons"])})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{folder / REPORT} is no report of an added generator: {error}") from error


def to_markdown(added: Added) -> str:
    """The report as a page."""
    return "\n".join(_lines(added)) + "\n"


def _lines(added: Added) -> Iterator[str]:
    yield f"# {added.name}, learned by version {added.candidate} ({added.end})"
    yield ""
    yield f"| version | AUROC | TPR at 5 % (n = {added.before.tpr.n}) | gets past its 5 % threshold |"
    yield "| --- | --- | --- | --- |"
    for version, cell, past in (
        (added.standing, added.before, added.past_before),
        (added.candidate, added.after, added.past_after),
    ):
        yield f"| {version} | {with_ends(cell.auroc)} | {with_ends(cell.tpr)} | {with_ends(past)} |"
    yield ""
    yield f"Pictures needed to find {ENOUGH:.0%} at 5 % false positives: {added.needed_words}."
    yield ""
    yield "| pictures | draws | TPR at 5 % | AUROC |"
    yield "| --- | --- | --- | --- |"
    for step in added.curve:
        yield f"| {step.n} | {step.n_draws} | {with_ends(step.tpr)} | {with_ends(step.auroc)} |"
    yield ""
    if added.forgetting is None:
        yield "Forgetting was not measured: no earlier fakes were at hand."
    else:
        yield f"Forgetting: {added.forgetting:.3f} AUROC, mean of {len(added.earlier)} earlier kinds."
        yield ""
        yield "| kind | AUROC before | after | change |"
        yield "| --- | --- | --- | --- |"
        for kind, (was, now, gain) in added.earlier.items():
            yield f"| {kind} | {was:.3f} | {now:.3f} | {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] |"
    yield ""
    told = ", ".join(f"{version}: {with_ends(figure)}" for version, figure in added.false_positives.items())
    yield f"Clean photos over the 5 % threshold: {told}."
    yield ""
    yield from (f"- {reason}" for reason in added.reasons)


def with_ends(figure: Figure) -> str:
    """A figure with its interval."""
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
