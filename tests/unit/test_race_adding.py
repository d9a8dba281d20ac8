"""A generator is dropped in: what finding it costs is told, what came before is kept, and only then it may stand."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detectors.attacks.catalog import ATTACKS
from detectors.data import Example
from detectors.race import adding, newcomer
from detectors.race.added import REPORT, TABLE, read_added, to_markdown
from detectors.race.adding import Addition, add_generator, settings_of
from detectors.race.contender import Remembered, SyntheticContender, Tensors
from detectors.race.context import standing
from detectors.race.engine import Entry, run_race
from detectors.race.ground import ground_of, last_round
from detectors.race.records import LOG, read_log
from detectors.race.settings import RaceSettings
from detectors.registry import Registry
from detectors.shipped import shipped
from detectors.synthetic import READING
from forensics.cli import main
from generators.base import FakeBatch, Family
from generators.catalog import GENERATORS
from generators.images import Images
from tests.make_media import photo
from tests.make_tower import ColourTower

SHIPS = READING.rpartition("-")[2]
"""The version of `synthetic` that ships."""

SETTINGS = RaceSettings(n_views=2, n_fakes=60, max_false_positives=0.5)
SIDE_PX = 96
BLUE, GREEN, PURPLE = (-20.0, -20.0, 60.0), (0.0, 45.0, 0.0), (0.0, -45.0, 0.0)
"""Casts. A linear reading of colours can learn blue besides green, and purple only instead of green."""


def write(path: Path, seed: int, cast: tuple[float, float, float] = (0, 0, 0)) -> None:
    pixels = photo(seed, width=SIDE_PX, height=SIDE_PX).astype(np.float32) + np.float32(cast)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


class Forgetful(SyntheticContender):
    """Knows the shipped pictures no more, which would be ten thousand."""

    def remembered(self, tensors: Tensors) -> Remembered | None:
        return None


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, pictures with a blue or a purple cast by new generators, and green known fakes beside other photos."""
    root = tmp_path_factory.mktemp("pictures")
    for i in range(60):
        write(root / "photos" / f"{i}.png", i)
    for i in range(80):
        write(root / "blue" / f"{i}.png", 1000 + i, BLUE)
        write(root / "purple" / f"{i}.png", 2000 + i, PURPLE)
    for source in range(8):
        for i in range(8):
            label = source % 2
            write(root / "known" / f"{source}-{i}.png", 5000 + 10 * source + i, GREEN if label else (0, 0, 0))
    return root


def known(pictures: Path) -> list[Example]:
    """Two of the sources are called like two that the shipped version was learned from: these are learned again."""
    titles = [title.partition(": ") for title in shipped("synthetic").card.data]
    sources = {n: f"source {n}" for n in range(8)}
    sources |= {n: next(name for kind, _, name in titles if kind == ("real", "fake")[n]) for n in (0, 1)}
    named = [(path, int(path.name[0])) for path in sorted((pictures / "known").glob("*.png"))]
    return [Example(p, n % 2, sources[n], "older", "diffusion" if n % 2 else "-") for p, n in named]


def addition(pictures: Path, folder: Path) -> Addition:
    return Addition(
        name="blue",
        out=folder / "out",
        photos=pictures / "photos",
        models=folder / "models",
        settings=SETTINGS,
        images=pictures / "blue",
        known=known(pictures),
        numbers=(5,),
        n_draws=1,
        contender=Forgetful(ColourTower()),
    )


@pytest.fixture(scope="module")
def looked_at(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was looked at and nothing learned yet."""
    asked = addition(pictures, tmp_path_factory.mktemp("looked"))
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(adding, "ground_of", interrupted)
        add_generator(asked)
    return asked.out


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def asked(pictures: Path, looked_at: Path, tmp_path: Path) -> Addition:
    """What is asked for, in a folder of its own in which everything was looked at."""
    shutil.copytree(looked_at, tmp_path / "out")
    return addition(pictures, tmp_path)


def elsewhere(asked: Addition, **changes: Any) -> Addition:
    """The same with changes, in a new folder."""
    return replace(asked, out=asked.out.parent / f"out of {asked.name}", **changes)


def test_a_generator_is_learned_and_the_report_says_at_what_price(asked: Addition) -> None:
    said: list[str] = []
    added = add_generator(replace(asked, numbers=(5, 10, 4000), n_draws=2), said.append)
    assert added.after.tpr.value > 0.9 > added.before.tpr.value + 0.2
    assert added.past_after.value < 0.2
    assert [step.n for step in added.curve] == [5, 10, 40] and [step.n_draws for step in added.curve] == [2, 2, 1]
    assert added.needed in (5, 10, 40) and added.curve[-1].tpr == added.after.tpr
    assert set(added.earlier) == {"diffusion, known"} and added.forgetting is not None
    assert "80 pictures of blue: 40 to learn, 16 to calibrate, 24 to judge" in said
    assert read_added(asked.out) == added
    page = (asked.out / TABLE).read_text(encoding="utf-8")
    assert page == to_markdown(added) and f"| {added.candidate} |" in page


def test_of_what_was_found_before_no_pictures_are_needed(asked: Addition) -> None:
    added = add_generator(asked)
    found = replace(added, before=added.after)
    assert (found.needed, found.needed_words) == (0, "none, they were found before")
    lost = replace(added, curve=tuple(replace(step, tpr=added.before.tpr) for step in added.curve))
    assert (lost.needed, lost.needed_words) == (None, "more than 40")


def test_the_version_goes_to_the_registry_with_its_lineage(asked: Addition) -> None:
    added = add_generator(asked)
    version = Registry(asked.models).version("synthetic", added.candidate)
    assert version.version == f"{SHIPS}+1" and version.lineage is not None and version.is_promoted is added.promoted
    assert version.lineage.parent == SHIPS and version.lineage.race == "addition of blue"
    assert set(version.lineage.data) >= {"blue, added", "photos beside blue", "photos, whole"}
    assert version.card.data["fake: blue, added"] == 40 and version.card.thresholds["0.05"] > 0


def test_without_anything_earlier_the_version_is_kept_and_never_promoted(asked: Addition) -> None:
    added = add_generator(elsewhere(asked, known=()))
    assert not added.promoted and "name an earlier race or known pictures" in added.reasons[-1]
    assert added.forgetting is None and "was not measured" in to_markdown(added)
    registry = Registry(asked.models)
    assert registry.promoted("synthetic").version == SHIPS and len(registry.versions("synthetic")) == 2


def test_the_gate_decides_in_both_directions(asked: Addition, tmp_path: Path) -> None:
    assert add_generator(asked).promoted
    assert Registry(asked.models).promoted("synthetic").version == f"{SHIPS}+1"
    (change,) = Registry(asked.models).history("synthetic")
    assert change.reason.startswith("addition of blue: On this round's fakes mean AUROC rose")


def test_a_generator_that_costs_what_was_known_is_refused_and_kept(asked: Addition, pictures: Path) -> None:
    added = add_generator(elsewhere(asked, images=pictures / "purple", settings=replace(SETTINGS, tether=1e-3)))
    assert not added.promoted and added.after.auroc.value > added.before.auroc.value
    assert any(reason.startswith("diffusion, known (learned earlier): AUROC fell from") for reason in added.reasons)
    assert added.forgetting is not None and added.forgetting > 0.1
    registry = Registry(asked.models)
    assert registry.promoted("synthetic").version == SHIPS and len(registry.versions("synthetic")) == 2


def test_what_shall_only_be_kept_is_not_promoted(asked: Addition) -> None:
    assert not add_generator(replace(asked, may_promote=False)).promoted
    assert Registry(asked.models).history("synthetic") == ()


def test_an_addition_that_was_stopped_goes_on_and_makes_one_version(
    asked: Addition, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(adding, "write_added", interrupted)
        with pytest.raises(KeyboardInterrupt):
            add_generator(asked)
    tower = ColourTower()
    added = add_generator(replace(asked, contender=Forgetful(tower)))
    assert tower.n_calls == 0, "nothing is looked at twice"
    assert [v.version for v in Registry(asked.models).versions("synthetic")] == [SHIPS, added.candidate]
    with pytest.raises(FileExistsError, match="there is a report already"):
        add_generator(asked)


def test_a_folder_that_was_begun_with_other_pictures_or_settings_is_refused(
    asked: Addition, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_generator(asked)
    (asked.out / REPORT).unlink()
    with pytest.raises(ValueError, match="begun with other settings"):
        add_generator(replace(asked, settings=replace(SETTINGS, seed=9)))
    with pytest.raises(ValueError, match="begun with other images"):
        add_generator(replace(asked, images=pictures / "known"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": "few"}, "must hold at least 40 pictures of the generator; found 3"),
        ({"photos": "few"}, "must hold at least 40 real photos; found 3"),
        ({"images": "nowhere"}, "no such folder"),
        ({"race": "few"}, "there is no race"),
    ],
)
def test_what_cannot_be_learned_from_leaves_the_registry_as_it_was(
    asked: Addition, pictures: Path, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    (tmp_path / "few").mkdir()
    for i in range(3):
        shutil.copy(pictures / "blue" / f"{i}.png", tmp_path / "few")
    places: dict[str, Any] = {name: tmp_path / folder for name, folder in change.items()}
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        add_generator(elsewhere(asked, known=() if "race" in change else asked.known, **places))
    assert len(Registry(asked.models).versions("synthetic")) == 1


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
    added = add_generator(elsewhere(asked, name="cast", images=None))
    assert added.after.auroc.value > added.before.auroc.value
    made = [path.parent.name for path in (asked.out.parent / "out of blue" / "images").rglob("*.png")]
    assert Counter(made) == {"learn": 30, "calibrate": 12, "judge": 18}


def test_a_generator_that_makes_no_numbers_is_named(asked: Addition, installed: None) -> None:
    with pytest.raises(ValueError, match="the generator broken failed: fakes must lie within 0 and 1 and be finite"):
        add_generator(elsewhere(asked, name="broken", images=None))
    with pytest.raises(LookupError, match="no 'unknown'"):
        add_generator(elsewhere(asked, name="unknown", images=None))
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
    added = add_generator(elsewhere(asked, race=race, known=()))
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


@pytest.fixture
def words(asked: Addition, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that learns the blue generator."""
    monkeypatch.setattr(adding, "contender", lambda name: Forgetful(ColourTower()))
    given = {"images": pictures / "blue", "photos": pictures / "photos", "models": asked.models}
    given |= {"out": asked.out.parent / "new", "numbers": Path("5"), "draws": Path("1")}
    options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return ["race", "add-generator", "blue", *options]


def test_the_command_tells_the_report_line_by_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--quiet"]) == 0
    said = capsys.readouterr()
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in said.out.splitlines()}
    assert rows["version"][:2] == [f"{SHIPS}+1", "not promoted"] and rows["found after 5 pictures"][2] == "24"
    assert "name an earlier race or known pictures" in said.err
    assert main(words) == 2 and "there is a report already" in capsys.readouterr().err
    assert main([*words, "--numbers", "0"]) == 2 and "whole numbers" in capsys.readouterr().err
    assert main([*words, "--race", words[4], "--seed", "3"]) == 2
    assert "a race has settings of its own" in capsys.readouterr().err


def test_the_report_as_json_is_the_one_in_the_folder(
    asked: Addition, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 0
    kept = (asked.out.parent / "new" / REPORT).read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(kept)
