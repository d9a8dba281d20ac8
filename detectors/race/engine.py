"""Runs a race: round after round, step after step. Whatever stops it, it goes on from the last step that was over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from detectors.cluster import Here, Spread
from detectors.data import Example
from detectors.race.contender import Contender, contender
from detectors.race.context import Round, Say, silent
from detectors.race.folder import RACE, STEPS, RaceFolder, read_json, write_json
from detectors.race.forging import attack, forge
from detectors.race.gathering import gather
from detectors.race.judging import gate, judge
from detectors.race.kinds import kinds_of
from detectors.race.known import KNOWN, choose, cut_known
from detectors.race.laundering import launder
from detectors.race.photos import RacePhotos, choose_photos
from detectors.race.promoting import promote
from detectors.race.records import RoundRecord, read_log
from detectors.race.retraining import calibrate, retrain
from detectors.race.settings import RaceSettings
from detectors.registry import Registry

DOING: Mapping[str, Callable[[Round], None]] = {
    "attack": attack,
    "forge": forge,
    "launder": launder,
    "gather": gather,
    "retrain": retrain,
    "calibrate": calibrate,
    "judge": judge,
    "gate": gate,
    "promote": promote,
}

FORMAT = 1
"""Of a race's folder."""


@dataclass(frozen=True, eq=False)
class Entry:
    """What a race is given.

    Attributes:
        out: folder of the race.
        photos: folder of real photos.
        models: folder of models; versions go to its registry.
        settings: of the race.
        faces: folder of real photos of faces; `photos` if None.
        known: known pictures of other sources; () learns again what the shipped weights remember.
        labels: list of pictures that people decided about, as `unforged queue labels` writes it; read anew each round.
        cache: keeps features of known pictures, as for `unforged train`.
        contender: the detector; the one that the settings name if None.
        spread: does the work of many kinds of fakes.
    """

    out: Path
    photos: Path
    models: Path
    settings: RaceSettings
    faces: Path | None = None
    known: Sequence[Example] = ()
    labels: Path | None = None
    cache: Path | None = None
    contender: Contender | None = None
    spread: Spread = field(default_factory=Here)


def run_race(entry: Entry, *, resume: bool = False, say: Say | None = None) -> Iterator[RoundRecord]:
    """Run a race, or go on with one; yields the record of each round that ends.

    Args:
        entry: what it is given.
        resume: go on with the race in the folder; without, there must be none.
        say: told what goes on.

    Raises:
        FileExistsError: there is a race already and `resume` is False.
        FileNotFoundError: there is none to resume, or no such folder of photos.
        BlockingIOError: another race is learning the same detector.
        LookupError: there is no such detector, attack or generator.
        ValueError: too few photos, other settings or photos than the race was begun with, or an attack failed.
        OSError: the disk is full; whatever was done is kept.
    """
    folder, registry = RaceFolder(entry.out), Registry(entry.models)
    if folder.exists and not resume:
        raise FileExistsError(17, "there is a race already; resume it or choose another folder", str(entry.out))
    if resume and not folder.exists:
        raise FileNotFoundError(2, "there is no race to resume", str(entry.out))
    racer = entry.contender or contender(entry.settings.detector)
    for number in (0, 1):
        kinds_of(number, entry.settings)  # complains about a name that is none before anything is begun
    with registry.lock(racer.name):
        yield from _Race(entry, folder, registry, racer, say or silent).rounds()


class _Race:
    def __init__(self, entry: Entry, folder: RaceFolder, registry: Registry, racer: Contender, say: Say) -> None:
        self._entry, self._folder, self._registry, self._racer, self._say = entry, folder, registry, racer, say
        self._started_s = time.monotonic()

    def rounds(self) -> Iterator[RoundRecord]:
        settings = self._entry.settings
        photos = choose_photos(self._entry.photos, settings.n_photos)
        faces = photos if self._entry.faces is None else choose_photos(self._entry.faces, settings.n_photos)
        self._begin(photos, faces)
        for number in range(settings.rounds + 1):
            if (number, STEPS[-1]) in self._folder.done():
                continue
            if number > 0 and self._is_over():
                self._say(f"the time is up before round {number}")
                return
            yield self._round(number, photos, faces)

    def _round(self, number: int, photos: RacePhotos, faces: RacePhotos) -> RoundRecord:
        settings = self._entry.settings
        round_ = Round(
            number=number,
            settings=settings,
            folder=self._folder,
            photos=photos,
            faces=faces,
            contender=self._racer,
            registry=self._registry,
            name=self._name,
            say=self._say,
            labels=self._entry.labels,
            spread=self._entry.spread,
            minutes=self._minutes_left() / max(settings.rounds + 1 - number, 1) * settings.attack_share,
        )
        for step in STEPS:
            if (number, step) not in self._folder.done():
                self._say(f"round {number}: {step}")
                started_s = time.monotonic()
                DOING[step](round_)
                self._folder.mark(number, step, time.monotonic() - started_s)
        return next(record for record in read_log(self._folder.root) if record.number == number)

    def _begin(self, photos: RacePhotos, faces: RacePhotos) -> None:
        path = self._folder.root / RACE
        described = {"photos": photos.sha256, "faces": faces.sha256}
        if path.is_file():
            before = read_json(path)
            RaceSettings.of(before["settings"]).check_resumed(self._entry.settings)
            if {name: before[name] for name in described} != described:
                raise ValueError(f"the photos are not those that the race in {self._folder.root} was begun with")
        else:
            self._known()
            parent = self._registry.promoted(self._racer.name).version
            write_json(
                path,
                {
                    "format": FORMAT,
                    "name": self._entry.out.name,
                    "settings": asdict(self._entry.settings),
                    "parent": parent,
                    "dealt": photos.describe(),
                    **described,
                },
            )
        self._name = str(read_json(path)["name"])
        self._say(photos.describe())

    def _known(self) -> None:
        """Look at the known pictures, before anything else is written: a wrong list must not leave half a race."""
        path, entry = self._folder.root / KNOWN, self._entry
        if not entry.known or path.is_file():
            return
        card = self._registry.promoted(self._racer.name).card
        dealt = choose(entry.known, self._racer, card, entry.settings)
        self._say(f"looks at {len(dealt)} known pictures")
        cut_known(dealt, self._racer, entry.settings, path, cache=entry.cache)

    def _minutes_left(self) -> float:
        settings = self._entry.settings
        return max(settings.minutes - (time.monotonic() - self._started_s) / 60, 0.1) if settings.minutes else 0.0

    def _is_over(self) -> bool:
        return bool(self._entry.settings.minutes) and self._minutes_left() <= 0.1
