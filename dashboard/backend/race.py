"""Races of generators against detectors, and the versions that came of them: to read, to promote and to roll back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from dashboard.roles import Role, User, require
from detectors.catalog import DETECTORS
from detectors.lineage import Version
from detectors.promotions import Change, standing
from detectors.race.course import Course, Row
from detectors.race.folder import RACE, STEPS, RaceFolder, read_json
from detectors.race.records import LOG, AttackRecord, Cell, DefenceRecord, RoundRecord, read_log
from detectors.race.records import Figure as Measured
from detectors.race.report import DAGGER, DEFENCES, box, lost, number, still_lost
from detectors.registry import FOLDER, Registry
from forensics import promoting
from forensics.hostile_text import one_line
from forensics.installed import models as installed_models
from forensics.store import Store

__all__ = [
    "DAGGER",
    "DEFENCES",
    "AttackRecord",
    "Cell",
    "Change",
    "Course",
    "DefenceRecord",
    "Measured",
    "Refusals",
    "RoundRecord",
]
__all__ += ["Row", "Version", "box", "lost", "number", "one_line", "still_lost"]

RACES = "races"
"""Folder of races in the folder of models."""

MAX_RACES = 20
"""Newest races whose refusals are told beside versions."""

Refusals: TypeAlias = Mapping[tuple[str, int], tuple[str, ...]]
"""Name of a race and round -> why its gate refused what that round made."""

DETECTOR = "synthetic"
"""What a race is about unless it says otherwise."""


@dataclass(frozen=True)
class Standing:
    """A detector as it ships, before any race.

    Attributes:
        name, version: of the detector.
        sha256: of its weights.
        task: what it does, in a sentence.
    """

    name: str
    version: str
    sha256: str
    task: str


@dataclass(frozen=True)
class Race:
    """A race that was begun.

    Attributes:
        name: of its folder; hostile text.
        path: of its folder.
        detector: that is attacked and learns.
        changed_s: when something last came of it, in seconds since 1970.
        under_way: what is done of a round that has not ended, in words; "" for nothing.
    """

    name: str
    path: Path
    detector: str
    changed_s: float
    under_way: str


class StaleError(RuntimeError):
    """Somebody else promoted or rolled back meanwhile; what was asked for rests on what is no longer so."""


def standings() -> tuple[Standing, ...]:
    """The detectors that a race would start from; those that cannot be used here are left out."""
    cards = [model.card for model in installed_models() if model.kind == "detector" and model.card is not None]
    return tuple(Standing(card.name, card.version, card.sha256, card.task) for card in cards)


def races(models: Path | None) -> tuple[Race, ...]:
    """Races below a folder of models, the newest first."""
    if models is None or not (models / RACES).is_dir():
        return ()
    folders = [path for path in (models / RACES).iterdir() if (path / RACE).is_file() or (path / LOG).is_file()]
    return tuple(sorted(map(_race, folders), key=lambda race: -race.changed_s))


def course(race: Race) -> Course | None:
    """What came of a race; None while no round has ended.

    Raises:
        ValueError: its log is damaged.
    """
    records = _records(race.path)
    return Course(records) if records else None


def refusals(models: Path | None) -> Refusals:
    """Why gates refused what was learned, of all races that can be read."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for race in races(models)[:MAX_RACES]:
        with suppress(ValueError):
            found |= {(race.name, r.number): r.reasons for r in _records(race.path) if not r.promoted}
    return found


def detectors(models: Path | None) -> tuple[str, ...]:
    """Detectors of which something was learned here; names."""
    if models is None or not (models / FOLDER).is_dir():
        return ()
    return tuple(name for name in DETECTORS.names() if (models / FOLDER / name).is_dir())


def versions(models: Path, name: str) -> tuple[Version, ...]:
    """What ships first, then what was learned here.

    Raises:
        LookupError, ImportError, ValueError: see `Registry.versions`.
    """
    return Registry(models).versions(name)


def changes(models: Path, name: str) -> tuple[Change, ...]:
    """Promotions and rollbacks, the newest first.

    Raises:
        LookupError, ValueError: see `Registry.history`.
    """
    return Registry(models).history(name)[::-1]


def earlier(found: Sequence[Version], history: Sequence[Change]) -> str | None:
    """The version that a rollback would lead to; None where nothing was promoted.

    Args:
        found: as `versions` gives them.
        history: as `changes` gives it.
    """
    shipped = found[0].version
    stack = standing(history[::-1], shipped)
    if not stack:
        return None
    return stack[-2].version if len(stack) > 1 else shipped


def promote(models: Path, name: str, version: str, *, stood: str, reason: str, user: User, store: Store) -> Version:
    """Let scans use a version from now on; the audit log names who did it.

    Args:
        models: the folder.
        name: of a detector.
        version: of it.
        stood: the version that stood when the user decided.
        reason: why.
        user: who decides.
        store: whose audit log is told.

    Raises:
        NotAllowedError: the user is no admin.
        StaleError: another version stands by now.
        LookupError, ValueError, OSError, StoreError: see `forensics.promoting.promote`.
    """
    require(user, Role.ADMIN)
    _check_stands(models, name, stood)
    return promoting.promote(models, name, version, by=user.name, reason=reason, store=store)


def roll_back(models: Path, name: str, *, stood: str, reason: str, user: User, store: Store) -> Version:
    """Go back to what stood before; see `promote`.

    Raises:
        NotAllowedError, StaleError, LookupError, ValueError, OSError, StoreError: see `promote`.
    """
    require(user, Role.ADMIN)
    _check_stands(models, name, stood)
    return promoting.roll_back(models, name, by=user.name, reason=reason, store=store)


def stamp(models: Path | None) -> tuple[tuple[str, int], ...]:
    """What changes whenever a version is promoted or rolled back."""
    if models is None:
        return ()
    logs = sorted((models / FOLDER).glob("*/history.jsonl"))
    return tuple((log.parent.name, log.stat().st_mtime_ns) for log in logs)


def _records(folder: Path) -> tuple[RoundRecord, ...]:
    """Of a race; read again only when its log has changed."""
    log = folder / LOG
    if not log.is_file():
        return ()
    stat = log.stat()
    return _read(folder, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=MAX_RACES)
def _read(folder: Path, mtime_ns: int, size_bytes: int) -> tuple[RoundRecord, ...]:
    return read_log(folder)


def _check_stands(models: Path, name: str, stood: str) -> None:
    now = next((version.version for version in versions(models, name) if version.is_promoted), "none")
    if now != stood:
        raise StaleError(f"meanwhile version {now} of {name} was promoted; look again before you change it")


def _race(path: Path) -> Race:
    files = [path / name for name in (RACE, LOG, "journal.jsonl")]
    changed_s = max(file.stat().st_mtime for file in files if file.is_file())
    return Race(path.name, path, _detector(path), changed_s, _under_way(path))


def _detector(path: Path) -> str:
    try:
        name = read_json(path / RACE)["settings"]["detector"]
    except (ValueError, LookupError, TypeError):
        return DETECTOR
    return name if isinstance(name, str) else DETECTOR


def _under_way(path: Path) -> str:
    """The newest round, if it has not ended."""
    try:
        done = RaceFolder(path).done()
    except (ValueError, LookupError, TypeError):
        return ""
    latest = max((number for number, _ in done), default=0)
    steps = [step for step in STEPS if (latest, step) in done]
    if not steps or steps[-1] == STEPS[-1]:
        return ""
    return f"Round {latest} has not ended: {', '.join(steps)} done, next is {STEPS[len(steps)]}."
