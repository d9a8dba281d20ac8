"""How the versions before and after a lesson read everything, what the gate makes of it, and the report of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from detectors.race import gate, judge
from detectors.race.added import Added, Step
from detectors.race.context import threshold_logit
from detectors.race.gate import Decision
from detectors.race.judge import Logits, Version
from detectors.race.judging import CANDIDATE
from detectors.race.lesson import Lesson
from detectors.race.records import Cell
from detectors.race.retraining import Calibrated

NOTHING_EARLIER = (
    "No earlier fakes were at hand to judge by what was forgotten: name an earlier race or known pictures. Until then "
    "the version is kept and not promoted."
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a lesson.

    Attributes:
        lesson: the generator and what came before.
        calibrated: the reading that learned it.
    """

    lesson: Lesson
    calibrated: Calibrated

    @cached_property
    def decision(self) -> Decision:
        """Whether the candidate may stand; never where nobody knows what it forgot."""
        found = gate.decide(
            self._before,
            self._after,
            self.lesson.judged,
            self.lesson.ground.number,
            settings=self.lesson.round_.settings.gate,
            best=self._best,
        )
        if self.lesson.ground.judged.kinds:
            return found
        return Decision(False, (*(() if found.promoted else found.reasons), NOTHING_EARLIER))

    @property
    def forgetting(self) -> float | None:
        """Mean AUROC that what was learned earlier has lost since its best version; None of nothing."""
        past = self.lesson.ground.past
        return judge.forgetting(self._best, self._cells[1], past) if past else None

    @cached_property
    def measures(self) -> dict[str, float]:
        """For card and lineage."""
        found = {
            f"{kind}, AUROC, n = {cell.auroc.n}": round(cell.auroc.value, 4) for kind, cell in self._cells[1].items()
        }
        clean = judge.false_positives(self._after)
        return found | {f"clean photos over the 5 % threshold, n = {clean.n}": round(clean.value, 4)}

    def added(self, version: str, promoted: bool, curve: Sequence[Step], took_s: float) -> Added:
        """The report.

        Args:
            version: the number that the registry gave.
            promoted: whether it stands.
            curve: from few pictures to all.
            took_s: seconds.
        """
        lesson, (was, now) = self.lesson, self._cells
        earlier = [kind.name for kind in lesson.ground.judged.kinds]
        return Added(
            name=lesson.name,
            standing=lesson.ground.stands.version,
            candidate=version,
            before=was[lesson.title],
            after=now[lesson.title],
            past_before=judge.evasion(self._versions[0], lesson.rows(), seed=self._seed),
            past_after=judge.evasion(self._versions[1], lesson.rows(), seed=self._seed),
            curve=tuple(curve),
            earlier={
                kind: (was[kind].auroc.value, now[kind].auroc.value, judge.gain(self._before, self._after, kind))
                for kind in earlier
            },
            forgetting=self.forgetting,
            false_positives={
                lesson.ground.stands.version: judge.false_positives(self._before),
                version: judge.false_positives(self._after),
            },
            promoted=promoted,
            reasons=self.decision.reasons,
            took_s=round(took_s, 1),
        )

    @property
    def _seed(self) -> int:
        return self.lesson.round_.settings.seed

    @cached_property
    def _versions(self) -> tuple[Version, Version]:
        stands = self.lesson.ground.stands
        return (
            _version(stands.version, self.lesson.start.logits, stands.threshold),
            _version(CANDIDATE, self.calibrated.reading.logits, self.calibrated.thresholds["0.05"]),
        )

    @cached_property
    def _before(self) -> judge.Readings:
        return judge.read(self._versions[0], self.lesson.judged, seed=self._seed)

    @cached_property
    def _after(self) -> judge.Readings:
        return judge.read(self._versions[1], self.lesson.judged, seed=self._seed)

    @cached_property
    def _cells(self) -> tuple[dict[str, Cell], dict[str, Cell]]:
        return judge.row(self._before), judge.row(self._after)

    @cached_property
    def _best(self) -> dict[str, float]:
        """Kind -> best AUROC of any version that stood, this one included."""
        known = self.lesson.ground.best
        return {kind: max(cell.auroc.value, known.get(kind, 0.0)) for kind, cell in self._cells[0].items()}


def _version(name: str, logits: Logits, threshold: float) -> Version:
    return Version(name, logits, threshold_logit(threshold))
