"""Attack and forge: tune every attack against the standing version, then make fakes of photos it was not tuned on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.attacks.base import Attack, Effort, Forged, Target
from detectors.attacks.catalog import ATTACKS
from detectors.race.context import Round
from detectors.race.folder import read_json, write_json
from detectors.race.kinds import FakeKind
from detectors.race.photos import JUDGE, LEARN, SHARES, RacePhoto
from detectors.reading import probability
from generators.base import blank
from generators.catalog import GENERATORS
from generators.images import Pixels, to_float, to_uint8
from generators.labels import encode
from generators.whole_files import write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_TUNING_PHOTOS = 256
"""Photos that an attack is handed to be tuned on."""

N_SURROGATE = 100
"""Fakes and photos that an attacker has who builds a detector of his own."""

TUNED, FORGED = "tuned.json", "forged.json"

SAID = "Picture of a race"


def attack(round_: Round) -> None:
    """Tune every attack; what was tuned before a stop is not tuned again.

    Raises:
        ValueError: an attack failed; it is named.
    """
    target = AttackedVersion(round_)
    for kind in (kind for kind in round_.kinds if kind.attack):
        folder = round_.path / kind.slug / "tuned"
        if (folder / TUNED).is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        said = _tune(round_, kind, target.target, folder)
        write_json(folder / TUNED, {"said": said, "took_s": round(time.monotonic() - started, 1)})
        round_.say(f"{kind.title}: {said or 'nothing to tune'}")


def forge(round_: Round) -> None:
    """Make the fakes of a round: for learning, calibration and judging, each from photos of that part.

    Raises:
        ValueError: a generator failed or gave something that is no picture; it is named.
    """
    for said in round_.spread.map(forge_kind, round_.shared(round_.kinds)):
        round_.say(said)


def forge_kind(work: tuple[Round, FakeKind]) -> str:
    """Make the fakes of one kind; what is there already is left as it is.

    Returns:
        What was done, a plain clause.
    """
    round_, kind = work
    target = AttackedVersion(round_)
    for part in (JUDGE,) if kind.unseen else SHARES:
        folder = round_.path / kind.slug / part
        if (folder / FORGED).is_file():
            continue
        photos = round_.photos_for(kind).of(part, _share(round_, part))
        forged = _forged(round_, kind, photos, target, number_of(part))
        for photo, fake, plain in zip(photos, forged.fakes, forged.plain, strict=True):
            write_png(folder / f"{photo.name}.png", fake)
            if part == JUDGE and kind.attack:
                write_png(folder / "plain" / f"{photo.name}.png", plain)
        write_json(folder / FORGED, dict(zip((p.name for p in photos), forged.recipes, strict=True)))
    return f"{kind.title}: forged"


def fakes_of(folder: Path) -> list[tuple[str, Pixels]]:
    """Names and pixels of forged fakes."""
    return [(path.stem, np.asarray(Image.open(path).convert("RGB"))) for path in sorted(folder.glob("*.png"))]


def number_of(part: str) -> int:
    """Of a part; fakes of different parts are drawn with different seeds."""
    return tuple(SHARES).index(part)


class AttackedVersion:
    """The standing version as attacks know it.

    Args:
        round_: whose standing version it is.
    """

    def __init__(self, round_: Round) -> None:
        self._round = round_

    @cached_property
    def target(self) -> Target:
        """What attacks get."""
        round_ = self._round
        return Target(
            score=self._score,
            threshold=round_.standing.threshold,
            critic=round_.contender.critic(round_.reading),
            transfer=self._transfer if round_.number else None,
        )

    def _transfer(self, images: Tensor) -> Tensor:
        logits: Tensor = self._surrogate.to(images.device)(images)
        return logits

    def _score(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        features = np.array([self._round.contender.features(pixels) for pixels in pictures])
        return probability(self._round.reading.logits(features)) if len(features) else np.zeros(0)

    @cached_property
    def _surrogate(self) -> nn.Module:
        """Another detector, fitted on the untuned fakes of the seed round: all that an outsider has."""
        from detectors.attacks.surrogates import fit_surrogate

        seed = replace(self._round, number=0)
        learned = [kind for kind in seed.kinds if not kind.unseen]
        each = max(1, N_SURROGATE // max(len(learned), 1))
        fakes = [fake for kind in learned for _, fake in fakes_of(seed.path / kind.slug / LEARN)[:each]]
        reals = [
            pixels
            for kind in learned
            for _, pixels in seed.squares(seed.photos_for(kind).of(LEARN, each), kind.side_px)
        ]
        return fit_surrogate(fakes, reals)


def _tune(round_: Round, kind: FakeKind, target: Target, folder: Path) -> str:
    attack_: Attack = ATTACKS.load(kind.attack)()
    photos = round_.photos_for(kind).of(LEARN, MAX_TUNING_PHOTOS)
    squares = [pixels for _, pixels in round_.squares(photos, kind.side_px)]
    n_attacks = sum(bool(kind.attack) for kind in round_.kinds)
    effort = round_.settings.effort(round_.number, round_.minutes / n_attacks)

    def report(done: int, total: int, note: str) -> None:
        round_.say(f"{kind.title}: step {done} of {total}, {note}")

    try:
        return attack_.tune(target, squares, folder, effort, report)
    except (ValueError, RuntimeError, ArithmeticError) as error:
        raise ValueError(f"the attack {kind.attack} failed: {error}") from error


def _forged(round_: Round, kind: FakeKind, photos: tuple[RacePhoto, ...], target: AttackedVersion, part: int) -> Forged:
    squares = [pixels for _, pixels in round_.squares(photos, kind.side_px)]
    effort = round_.settings.effort(round_.number)
    seed = ((round_.settings.seed * 1000 + round_.number) * len(SHARES) + part) * 10_000
    try:
        forged = _made(round_, kind, squares, target, effort, seed)
    except (ValueError, RuntimeError, ArithmeticError) as error:
        raise ValueError(f"{kind.title}: its generator failed: {error}") from error
    if len(forged.fakes) != len(photos):
        raise ValueError(f"{kind.title}: {len(forged.fakes)} fakes of {len(photos)} photos")
    return forged


def _made(
    round_: Round, kind: FakeKind, squares: list[Pixels], target: AttackedVersion, effort: Effort, seed: int
) -> Forged:
    if kind.attack:
        folder = round_.path / kind.slug / "tuned"
        return ATTACKS.load(kind.attack)().forge(target.target, squares, folder, effort, seed=seed)
    return untuned(kind.generator, squares, seed)


def untuned(name: str, squares: Sequence[Pixels], seed: int) -> Forged:
    """One fake for each square by a generator as it is installed.

    Raises:
        LookupError: there is no such generator.
        ValueError: it made something that is no picture.
    """
    generator = GENERATORS.load(name)()
    sources = to_float(np.stack(squares)) if generator.needs_sources else blank(len(squares))
    batch = generator.forge(sources, seed=seed)
    if not np.isfinite(batch.images).all():
        raise ValueError("it made something that is no number")
    fakes = tuple(to_uint8(batch.images))
    return Forged(fakes, fakes, batch.recipes)


def _share(round_: Round, part: str) -> int:
    return max(1, round(SHARES[part] * round_.settings.n_fakes))


def write_png(path: Path, pixels: Pixels) -> None:
    """Write a picture that says whose it is; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, encode(np.ascontiguousarray(pixels), "png", SAID))


def said_of(round_: Round, kind: FakeKind) -> tuple[str, float]:
    """What the tuning of an attack said, and its seconds."""
    told = read_json(round_.path / kind.slug / "tuned" / TUNED)
    return str(told["said"]), float(told["took_s"])
