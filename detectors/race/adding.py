"""Learns a new generator outside of any round: what finding it costs, and whether the outcome may stand.

Photos and pictures of the generator are dealt out to learn, calibrate and judge. What came before is learned again from
the folder of an earlier race, from known pictures, or from what the shipped weights remember; the first two are also
judged on, and nothing is promoted without: a version must not stand of which nobody knows what it forgot.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from detectors.data import Example
from detectors.lineage import Lineage, Version
from detectors.race.added import REPORT, Added, write_added
from detectors.race.contender import Contender, contender
from detectors.race.context import Say, standing
from detectors.race.folder import RACE, read_json, write_json
from detectors.race.gathering import PHOTOS
from detectors.race.ground import ground_of, last_round
from detectors.race.known import KNOWN, choose, cut_known
from detectors.race.labelled import sha256
from detectors.race.laundering import WHOLE
from detectors.race.lesson import Lesson
from detectors.race.newcomer import forged_images, given_images, look_at, look_beside
from detectors.race.outcome import Outcome
from detectors.race.photos import JUDGE, LEARN, SHARES, RacePhotos, choose_photos
from detectors.race.promoting import newcomers
from detectors.race.settings import RaceSettings
from detectors.registry import Registry

ADDITION = "addition.json"
"""What was asked for, so that whoever goes on asks for the same."""

NUMBERS = (10, 30, 100)
"""Pictures to learn from, before all."""


@dataclass(frozen=True, eq=False)
class Addition:
    """What is asked for.

    Attributes:
        name: of the generator.
        out: folder of whatever is kept, and of the report.
        photos: folder of real photos; those of the race, where there is one.
        models: folder of models; the version goes to its registry.
        settings: of learning; those of the race, where there is one.
        images: folder with pictures of the generator; None forges them with the installed one of that name.
        race: folder of an earlier race, to be learned from again and judged on.
        known: known pictures, where there is no race.
        cache: keeps features of known pictures, as for `unforged train`.
        numbers: of pictures to learn from, besides all.
        n_draws: how often as many are drawn.
        may_promote: whether the gate may promote what it lets through.
        contender: the detector; the one that the settings name if None.
    """

    name: str
    out: Path
    photos: Path
    models: Path
    settings: RaceSettings
    images: Path | None = None
    race: Path | None = None
    known: Sequence[Example] = ()
    cache: Path | None = None
    numbers: tuple[int, ...] = NUMBERS
    n_draws: int = 3
    may_promote: bool = True
    contender: Contender | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a generator needs a name")
        if self.race is not None and self.known:
            raise ValueError("a race knows its own pictures; give either a race or known pictures")
        if self.n_draws < 1 or any(n < 1 for n in self.numbers):
            raise ValueError("numbers of pictures and of draws are 1 or more")


def add_generator(addition: Addition, say: Say | None = None) -> Added:
    """Learn a generator and judge what came of it; a call that was stopped goes on in its folder.

    Args:
        addition: what is asked for.
        say: told what goes on.

    Raises:
        FileExistsError: the folder holds a report already.
        FileNotFoundError: there is no such folder or race.
        BlockingIOError: a race is learning the same detector.
        LookupError: there is no such detector or generator.
        ValueError: too few pictures, others than before the stop or than those of the race, or the generator failed.
        OSError: the disk is full; whatever was done is kept, and the registry intact.
    """
    if (addition.out / REPORT).exists():
        raise FileExistsError(17, "there is a report already; choose another folder", str(addition.out))
    racer = addition.contender or contender(addition.settings.detector)
    registry = Registry(addition.models)
    with registry.lock(racer.name):
        return _Adding(addition, racer, registry, say or _silent).report()


class _Adding:
    """One addition under way."""

    def __init__(self, asked: Addition, racer: Contender, registry: Registry, say: Say) -> None:
        self._asked, self._racer, self._registry, self._say = asked, racer, registry, say
        self._started_s = time.monotonic()
        self._settings = asked.settings if asked.race is None else settings_of(asked.race)
        self._round = last_round(asked.race, asked.out, self._settings, racer, registry, say)

    def report(self) -> Added:
        """Do it all, and write the report."""
        asked = self._asked
        photos = choose_photos(asked.photos, self._settings.n_photos)
        images = self._images(photos)
        self._begin(photos, images)
        self._look(photos, images)
        ground = ground_of(self._round, standing(self._registry, self._racer.name, self._standing))
        lesson = Lesson(asked.name, ground, self._round, self._path("images"), self._path("beside"))
        self._say(f"learns from {len(lesson.new)} pictures")
        reading = lesson.learned(lesson.new)
        calibrated = lesson.calibrated(reading)
        self._say("counts how many pictures it takes")
        curve = (*lesson.curve(asked.numbers, asked.n_draws), lesson.whole(reading))
        outcome = Outcome(lesson, calibrated)
        version = self._kept(outcome)
        promoted = outcome.decision.promoted and asked.may_promote
        if promoted:
            self._promote(version, outcome.decision.reasons[0])
        added = outcome.added(version.version, promoted, curve, time.monotonic() - self._started_s)
        write_added(added, asked.out)
        return added

    @property
    def _standing(self) -> str:
        return str(read_json(self._asked.out / ADDITION)["standing"])

    def _path(self, name: str) -> Path:
        return self._asked.out / f"{name}.npz"

    def _images(self, photos: RacePhotos) -> RacePhotos:
        asked = self._asked
        if asked.images is not None:
            images = given_images(asked.images)
        else:
            self._say(f"forges with {asked.name}")
            images = forged_images(asked.name, photos, asked.out / "images", self._settings)
        if {i.sha256 for i in images.of(LEARN)} & {i.sha256 for i in images.of(JUDGE)}:
            raise ValueError(f"pictures of {asked.name} to judge by are among those to learn from: it has collapsed")
        return images

    def _begin(self, photos: RacePhotos, images: RacePhotos) -> None:
        """Note what is asked for, or check that it is what was asked for before a stop."""
        asked, path = self._asked, self._asked.out / ADDITION
        if asked.race is not None and read_json(asked.race / RACE)["photos"] != photos.sha256:
            raise ValueError(f"the photos are not those that the race in {asked.race} was run with")
        told = {
            "name": asked.name,
            "settings": asdict(self._settings),
            "photos": photos.sha256,
            "images": images.sha256,
            "race": str(asked.race or ""),
            "known pictures": _named(asked.known),
        }
        if not path.is_file():
            write_json(path, {**told, "standing": self._registry.promoted(self._racer.name).version})
        before = read_json(path)
        other = [key for key, value in told.items() if before[key] != _plain(value)]
        if other:
            raise ValueError(f"{asked.out} was begun with other {other[0]}; choose another folder")
        dealt = ", ".join(f"{len(images.of(part))} to {part}" for part in SHARES)
        self._say(f"{len(images.photos)} pictures of {asked.name}: {dealt}")
        self._say(photos.describe())

    def _look(self, photos: RacePhotos, images: RacePhotos) -> None:
        asked, racer, settings = self._asked, self._racer, self._settings
        known = asked.out / KNOWN
        if asked.known and not known.is_file():
            dealt = choose(asked.known, racer, self._registry.promoted(racer.name).card, settings)
            self._say(f"looks at {len(dealt)} known pictures")
            cut_known(dealt, racer, settings, known, cache=asked.cache)
        look_at(self._path("images"), images, racer, settings)
        self._say("pictures of the generator: washed and looked at")
        look_beside(self._path("beside"), photos, images, racer, settings)
        if asked.race is None:
            look_at(asked.out / "photos" / f"{WHOLE}.npz", photos, racer, settings)
        self._say("real photos: washed and looked at")

    def _kept(self, outcome: Outcome) -> Version:
        lesson, calibrated = outcome.lesson, outcome.calibrated
        stands = lesson.ground.stands
        own = [lesson.new, lesson.photos]
        if self._asked.race is None:
            own += [block for block in lesson.ground.blocks if block.role == PHOTOS]
        tensors = self._racer.renewed(stands.tensors, calibrated.reading, calibrated.llr_range, newcomers(own))
        titles = Counter({f"{'fake' if block.labels[0] else 'real'}: {block.name}": len(block) for block in own})
        card = replace(
            stands.card,
            data=dict(Counter(stands.card.data) + titles),
            settings={**stands.card.settings, "added": self._asked.name, "learning": asdict(self._settings)},
            measures=outcome.measures,
            thresholds=calibrated.thresholds,
            n_reals=calibrated.n_reals,
            sets=calibrated.sets,
        )
        lineage = Lineage(
            parent=stands.version,
            race=f"addition of {self._asked.name}" + (f" to {self._round.name}" if self._asked.race else ""),
            round=lesson.ground.number,
            data={b.name: sha256(b.path) for b in (*own, *lesson.ground.blocks) if b.path.is_file()},
            settings=asdict(self._settings),
            measures=outcome.measures,
        )
        return self._registry.add(self._racer.name, tensors, card, lineage)

    def _promote(self, version: Version, reason: str) -> None:
        if self._registry.promoted(version.name).version != version.version:
            reason = f"addition of {self._asked.name}: {reason}"
            self._registry.promote(version.name, version.version, by="race", reason=reason)


def _named(examples: Sequence[Example]) -> str:
    """Hash over names and labels, "" of none."""
    text = "\n".join(sorted(f"{example.path} {example.label} {example.source}" for example in examples))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest() if examples else ""


def settings_of(race: Path) -> RaceSettings:
    """Settings that a race was begun with.

    Raises:
        FileNotFoundError: there is no race.
        ValueError: they are damaged.
    """
    if not (race / RACE).is_file():
        raise FileNotFoundError(2, "there is no race", str(race))
    return RaceSettings.of(read_json(race / RACE)["settings"])


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def _silent(_: str) -> None:
    return
