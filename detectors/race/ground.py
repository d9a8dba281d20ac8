"""What an addition stands on: a version, and everything earlier that it may learn from again and is judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from detectors.race.contender import Contender
from detectors.race.context import Round, Say, Standing
from detectors.race.folder import RaceFolder
from detectors.race.gathering import NEW, OLD, Block, Part, calibrating, learnable, remembered
from detectors.race.judge import JudgeSet, best_so_far
from detectors.race.judging import judge_set
from detectors.race.photos import RacePhotos
from detectors.race.records import read_log
from detectors.race.settings import RaceSettings
from detectors.registry import Registry

NO_ROUND = -1
"""Number of what was before any round."""

_NO_PHOTOS = RacePhotos((), True, {})
"""Of a round that cuts none: what was cut lies in its folder."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What came before.

    Attributes:
        stands: the version to learn from.
        number: what the next round would be called.
        blocks: real photos, and everything earlier.
        parts: to calibrate on.
        judged: earlier kinds of fakes, and real photos.
        best: kind -> best AUROC of any version that stood in the race.
    """

    stands: Standing
    number: int
    blocks: tuple[Block, ...]
    parts: tuple[Part, ...]
    judged: JudgeSet
    best: Mapping[str, float]

    @property
    def past(self) -> tuple[str, ...]:
        """Kinds that were learned."""
        return tuple(kind.name for kind in self.judged.kinds if not kind.unseen)


def ground_of(round_: Round, stands: Standing) -> Ground:
    """Read it from the folder of a race, up to a round.

    Raises:
        ValueError: a file of the race is missing or damaged.
    """
    records = [record for record in read_log(round_.folder.root) if record.number <= round_.number]
    settings = round_.settings
    # What the round found new was learned with it, unless it was refused.
    new = OLD if records and records[-1].promoted else NEW
    blocks = tuple(replace(block, role=new if block.role == NEW else block.role) for block in learnable(round_))
    if settings.defence != "joint":
        # What the memory does not hold would fill half a gigabyte for nothing.
        blocks = remembered(blocks, settings.memory, settings.seed)
    stood = [record.matrix[record.candidate if record.promoted else record.standing] for record in records]
    return Ground(
        stands,
        round_.number + 1,
        blocks,
        tuple(calibrating(round_)),
        judge_set(round_),
        best_so_far(stood),
    )


def last_round(
    race: Path | None, out: Path, settings: RaceSettings, racer: Contender, registry: Registry, say: Say
) -> Round:
    """The last round of a race that has ended; without a race, what a folder of its own holds before any round.

    Raises:
        FileNotFoundError: no round of the race has ended.
    """
    number = NO_ROUND
    if race is not None:
        records = read_log(race)
        if not records:
            raise FileNotFoundError(2, "no round of a race has ended there", str(race))
        number = max(record.number for record in records)
    folder = RaceFolder(out if race is None else race)
    # Whether faces lie apart is told by the two being one object or two.
    apart = (folder.root / "photos" / "faces-whole.npz").is_file()
    return Round(
        number=number,
        settings=settings,
        folder=folder,
        photos=_NO_PHOTOS,
        faces=replace(_NO_PHOTOS) if apart else _NO_PHOTOS,
        contender=racer,
        registry=registry,
        name=folder.root.name,
        say=say,
    )
