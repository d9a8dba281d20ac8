"""What an addition learns from: pictures that a generator forges of photos, and what an earlier race had learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.attacks.catalog import ATTACKS
from detectors.race import newcomer
from detectors.race.adding import Addition, add_generator, settings_of
from detectors.race.context import standing
from detectors.race.engine import Entry, run_race
from detectors.race.ground import ground_of, last_round
from detectors.race.records import LOG, read_log
from detectors.registry import Registry
from generators.base import FakeBatch, Family
from generators.catalog import GENERATORS
from generators.images import Images
from tests.make_addition import SETTINGS, SHIPS, addition, write_pictures
from tests.make_media import photo


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def asked(pictures: Path, tmp_path: Path) -> Addition:
    return addition(pictures, tmp_path)


class Cast:
    """Photos with a cast."""

    name, about, family = "cast", "casts", Family.GAN
    needs_sources, min_side_px, card = True, 64, None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        images = np.clip(sources + np.float32([0.2, -0.2, 0.2])[:, None, None], 0, 1).astype(np.float32)
        masks = np.ones((len(images), 1, *images.shape[2:]), np.float32)
        return FakeBatch(images, masks, ("cast",) * len(images), self.name, seed)


class Broken(Cast):
    """Gives no numbers."""

    name = "broken"

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        return super().forge(sources * np.float32(np.nan), seed=seed)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GENERATORS, "places", lambda: {k.name: f"{__name__}:{k.__name__}" for k in (Cast, Broken)})


def test_an_installed_generator_forges_of_photos_of_each_part(asked: Addition, installed: None) -> None:
    added = add_generator(replace(asked, name="cast", images=None))
    assert added.after.auroc.value > added.before.auroc.value
    made = [path.parent.name for path in (asked.out / "images").rglob("*.png")]
    assert Counter(made) == {"learn": 30, "calibrate": 12, "judge": 18}


def test_a_generator_that_makes_no_numbers_is_named(asked: Addition, installed: None) -> None:
    with pytest.raises(ValueError, match="the generator broken failed: fakes must lie within 0 and 1 and be finite"):
        add_generator(replace(asked, name="broken", images=None))
    with pytest.raises(LookupError, match="no 'unknown'"):
        add_generator(replace(asked, name="unknown", images=None))
    assert len(Registry(asked.models).versions("synthetic")) == 1


class Casting:
    """An attack that a race could make with these; the seed round forges with its generator, untuned."""

    name, about, generator, white_box, side_px, needs_faces = "casting", "casts", "cast", False, 64, False


@pytest.fixture
def race(asked: Addition, installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A race that has had its seed round."""
    monkeypatch.setattr(ATTACKS, "places", lambda: {"casting": f"{__name__}:Casting"})
    settings = replace(SETTINGS, attacks=("casting",), unseen=(), rounds=0)
    entry = Entry(tmp_path / "race", asked.photos, asked.models, settings, contender=asked.contender)
    assert len(list(run_race(entry))) == 1
    return entry.out


def test_what_a_race_has_learned_is_learned_again_and_judged_on(asked: Addition, race: Path, pictures: Path) -> None:
    before = sorted(race.rglob("*"))
    stood = Registry(asked.models).promoted("synthetic").version
    added = add_generator(replace(asked, race=race, known=()))
    assert set(added.earlier) == {"cast, untuned"} and added.forgetting is not None and added.standing == stood
    lineage = Registry(asked.models).version("synthetic", added.candidate).lineage
    assert lineage is not None and lineage.race == "addition of blue to race" and lineage.round == 1
    assert "cast, untuned" in lineage.data and sorted(race.rglob("*")) == before, "the race itself is left alone"
    others = replace(asked, race=race, known=(), photos=pictures / "blue", out=asked.out.parent / "other")
    with pytest.raises(ValueError, match="the photos are not those that the race"):
        add_generator(others)


@pytest.mark.parametrize(("promoted", "role"), [(True, "old"), (False, "new")])
def test_fakes_of_a_refused_round_are_new_to_the_version_that_stands(
    asked: Addition, race: Path, promoted: bool, role: str
) -> None:
    (record,) = read_log(race)
    (race / LOG).write_text(replace(record, promoted=promoted).line() + "\n", encoding="utf-8")
    assert asked.contender is not None
    registry = Registry(asked.models)
    last = last_round(race, asked.out, SETTINGS, asked.contender, registry, print)
    last = replace(last, settings=settings_of(race))
    found = ground_of(last, standing(registry, "synthetic", SHIPS))
    assert {block.role for block in found.blocks if block.name == "cast, untuned"} == {role}


def test_a_race_knows_its_own_pictures(asked: Addition, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give either a race or known pictures"):
        replace(asked, race=tmp_path)


@pytest.mark.parametrize("size", [(64, 64), (60, 90), (97, 41), (300, 200)])
def test_a_photo_beside_a_picture_has_its_size_and_proportion(size: tuple[int, int]) -> None:
    pixels = photo(1, width=180, height=120)
    assert newcomer.beside(pixels, size).shape == (*size, 3)
    ramp = np.repeat(np.arange(120, dtype=np.uint8)[:, None, None], 180, axis=1).repeat(3, axis=2)
    high, low = newcomer.beside(ramp, size)[[0, -1], 0, 0].astype(float)
    assert (high + low) / 2 == pytest.approx(59.5, abs=1.0), "the middle of the photo stays in the middle"
