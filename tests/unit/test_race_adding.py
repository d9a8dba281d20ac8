"""A generator is dropped in: what finding it costs is told, what came before is kept, and only then it may stand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detectors.race import adding
from detectors.race.added import REPORT, TABLE, read_added, to_markdown
from detectors.race.adding import Addition, add_generator
from detectors.registry import Registry
from tests.make_addition import SETTINGS, SHIPS, Forgetful, addition, write_pictures
from tests.make_tower import ColourTower


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


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
    assert version.card.n_reals > 0


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
