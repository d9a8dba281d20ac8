"""What a race writes down: one record a round, which the command line, the dashboard and the plots read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LOG = "rounds.jsonl"
"""One record a line, the oldest first."""


@dataclass(frozen=True)
class Figure:
    """A figure with its interval.

    Attributes:
        value: point estimate.
        low, high: ends of the 95 % interval.
        n: fakes or photos that it rests on.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Cell:
    """How one version of the detector does on one kind of fakes.

    Attributes:
        auroc, tpr: against real photos prepared and washed alike; tpr at 5 % false positives among these.
    """

    auroc: Figure
    tpr: Figure


@dataclass(frozen=True)
class AttackRecord:
    """How an attack did against the version that stood when the round began.

    Attributes:
        name: of the attack.
        white_box: whether it used gradients of the detector.
        fakes: name of its fakes in the matrix, such as "gan-face, round 2".
        tuned: what was done, in words.
        plain: share of the fakes without the attack that get past the standing version.
        before: share of the attacking fakes that get past the standing version.
        after: share of the same fakes that get past the candidate.
        fd: FD-lite0 of the attacking fakes to real photos, large where the picture was destroyed; None if unmeasured.
        fd_plain: the same of the fakes without the attack.
        took_s: seconds.
    """

    name: str
    white_box: bool
    fakes: str
    tuned: str
    plain: Figure
    before: Figure
    after: Figure
    fd: float | None
    fd_plain: float | None
    took_s: float


@dataclass(frozen=True)
class DefenceRecord:
    """One way of learning from a round, measured like the others.

    Attributes:
        name: one of `detectors.race.settings.DEFENCES`.
        new: mean AUROC on this round's fakes.
        old: mean AUROC on everything earlier.
        forgetting: mean over earlier fakes of the best AUROC so far minus this one's; below 0 it gained.
        unseen: mean AUROC on what is never learned from.
        false_positives: share of clean real photos over the 5 % threshold that was calibrated for it.
    """

    name: str
    new: float
    old: float
    forgetting: float
    unseen: float
    false_positives: float


@dataclass(frozen=True)
class RoundRecord:
    """One round.

    Attributes:
        number: 0 for the seed round, in which untuned generators are learned; then 1, 2, 3 ...
        at: when it ended, UTC, ISO 8601.
        took_s: seconds of all steps.
        standing: version that was attacked.
        candidate: version that was made.
        attacks: who attacked, and how well.
        matrix: version -> kind of fakes -> cell, for the standing version and the candidate; the kinds of this round
            were not learned by the standing one: what it makes of them is forward transfer.
        unseen: kinds of fakes in the matrix that are never learned from.
        false_positives: version -> share of clean real photos over its 5 % threshold.
        defences: ways of learning, compared.
        average: mean AUROC of the candidate over everything learned so far.
        forgetting: see DefenceRecord, of the candidate.
        promoted: whether the gate let the candidate through.
        reasons: why it did not, plain sentences; what was weighed, where it did.
        data: name -> SHA-256 over the contents of what was learned from.
    """

    number: int
    at: str
    took_s: float
    standing: str
    candidate: str
    attacks: tuple[AttackRecord, ...]
    matrix: Mapping[str, Mapping[str, Cell]]
    unseen: tuple[str, ...]
    false_positives: Mapping[str, Figure]
    defences: tuple[DefenceRecord, ...]
    average: float
    forgetting: float
    promoted: bool
    reasons: tuple[str, ...]
    data: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def read_log(folder: Path) -> tuple[RoundRecord, ...]:
    """Records of a race; none where no round has ended.

    Raises:
        ValueError: a line is none; it is named.
    """
    path = folder / LOG
    if not path.is_file():
        return ()
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(parse_record(json.loads(text)))
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"{path.name}, line {number}: no record of a round: {error}") from error
    return tuple(found)


def parse_record(raw: dict[str, Any]) -> RoundRecord:
    """A record from plain values, as `RoundRecord.line` writes them.

    Raises:
        TypeError, KeyError, AttributeError: they are none.
    """
    raw["attacks"] = tuple(
        AttackRecord(**attack | {name: Figure(**attack[name]) for name in ("plain", "before", "after")})
        for attack in raw["attacks"]
    )
    raw["matrix"] = {
        version: {kind: Cell(Figure(**cell["auroc"]), Figure(**cell["tpr"])) for kind, cell in row.items()}
        for version, row in raw["matrix"].items()
    }
    raw["false_positives"] = {version: Figure(**figure) for version, figure in raw["false_positives"].items()}
    raw["defences"] = tuple(DefenceRecord(**defence) for defence in raw["defences"])
    return RoundRecord(**raw | {name: tuple(raw[name]) for name in ("unseen", "reasons")})
