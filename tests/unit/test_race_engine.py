"""A race goes through its steps in order, promotes and refuses, and loses nothing when it is stopped."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.race.engine import run_race
from detectors.race.folder import STEPS, RaceFolder, read_arrays
from detectors.race.records import RoundRecord, read_log
from detectors.race.settings import DEFENCES
from detectors.registry import Registry
from detectors.shipped import shipped
from detectors.support import n_reals
from detectors.synthetic import READING
from tests.unit import toy_race
from tests.unit.toy_race import RACE, StripesAttack

TWO = replace(RACE, rounds=1)
"""The seed round and one attack."""

pytest.importorskip("sklearn")


@pytest.fixture(scope="module", autouse=True)
def _toys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        toy_race.install(patch.setitem)
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos and a registry."""
    root = tmp_path_factory.mktemp("prepared")
    toy_race.photos(root / "photos")
    toy_race.begin(root / "models")
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path) -> Path:
    """The same for a race of its own."""
    shutil.copytree(prepared / "models", tmp_path / "models")
    (tmp_path / "photos").symlink_to(prepared / "photos")
    return tmp_path


@pytest.fixture(scope="module")
def run(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RoundRecord], list[str]]:
    """A whole race of two rounds and what it said."""
    root = tmp_path_factory.mktemp("run")
    shutil.copytree(prepared / "models", root / "models")
    (root / "photos").symlink_to(prepared / "photos")
    said: list[str] = []
    return root, list(run_race(toy_race.entry(root, TWO), say=said.append)), said


class Stopped(BaseException):
    """Nothing in a race may catch it."""


def test_every_round_goes_through_every_step_in_order(run: tuple[Path, list[RoundRecord], list[str]]) -> None:
    begun = [text for text in run[2] if re.fullmatch(r"round \d: \w+", text)]
    assert begun == [f"round {number}: {step}" for number in (0, 1) for step in STEPS]


def test_an_attack_gets_past_and_is_learned_without_forgetting(
    run: tuple[Path, list[RoundRecord], list[str]],
) -> None:
    _, (seed, first), _ = run
    (attack,) = first.attacks
    assert attack.plain.value < 0.2 < 0.8 < attack.before.value
    assert attack.after.value < 0.2
    standing, candidate = first.matrix[first.standing], first.matrix[first.candidate]
    assert standing[attack.fakes].auroc.value < 0.6 < 0.95 < candidate[attack.fakes].auroc.value
    assert candidate["stripes-made, untuned"].auroc.value > 0.95
    assert seed.promoted and first.standing == seed.candidate


def test_what_is_promoted_is_what_scans_use_and_names_its_lineage(
    run: tuple[Path, list[RoundRecord], list[str]],
) -> None:
    root, records, _ = run
    registry = Registry(root / "models")
    stands = [record.candidate for record in records if record.promoted][-1]
    version = registry.promoted("synthetic")
    assert version.version == stands
    assert version.lineage is not None and version.lineage.race == "race"
    assert version.lineage.data and version.card.thresholds["0.05"] <= version.card.thresholds["0.01"]
    assert 0 < n_reals(version.card) < 100, "clean photos of the race that nothing was learned from"


def test_every_way_of_learning_is_measured_beside_the_others(run: tuple[Path, list[RoundRecord], list[str]]) -> None:
    found = {defence.name: defence for defence in run[1][1].defences}
    assert set(found) == {*DEFENCES}
    assert found["none"].new < 0.6 < found["selective"].new


def test_a_candidate_that_the_gate_refuses_is_kept_and_explained_but_does_not_stand(root: Path) -> None:
    strict = replace(TWO, max_false_positives=0.0, rounds=0)
    with pytest.MonkeyPatch.context() as patch:
        # A threshold that every photo is over: the one thing that no gate lets through.
        patch.setattr("detectors.race.retraining.thresholds", lambda *_: {"0.01": 0.002, "0.05": 0.001})
        (record,) = run_race(toy_race.entry(root, strict))
    registry = Registry(root / "models")
    assert not record.promoted and "ceiling" in " ".join(record.reasons)
    assert registry.promoted("synthetic").version == record.standing
    assert registry.version("synthetic", record.candidate).lineage is not None


@pytest.mark.parametrize("step", STEPS)
def test_a_race_stopped_at_any_step_goes_on_and_ends_the_same(
    step: str, root: Path, run: tuple[Path, list[RoundRecord], list[str]]
) -> None:
    whole = {record.number: record for record in run[1]}

    def stop(text: str) -> None:
        if text == f"round 0: {step}":
            raise Stopped

    entry = toy_race.entry(root, replace(TWO, rounds=0))
    with pytest.raises(Stopped):
        list(run_race(entry, say=stop))
    said: list[str] = []
    (record,) = run_race(entry, resume=True, say=said.append)
    again = [text.partition(": ")[2] for text in said if re.fullmatch(r"round 0: \w+", text)]
    assert again == list(STEPS[STEPS.index(step) :])
    assert record.matrix == whole[0].matrix and record.reasons == whole[0].reasons
    assert len(Registry(root / "models").versions("synthetic")) == 3


def _killed_at(step: str, root: Path) -> None:
    """Run the race in a process of its own that is killed, without any warning, while it is at a step."""
    command = [sys.executable, "-m", "tests.unit.toy_race", str(root), step]
    assert subprocess.run(command, cwd=Path(__file__).parents[2]).returncode == -signal.SIGKILL


def test_a_race_that_is_killed_outright_at_every_step_in_turn_ends_the_same(
    root: Path, run: tuple[Path, list[RoundRecord], list[str]]
) -> None:
    for number, step in enumerate(STEPS):
        _killed_at(step, root)
        done = {name for _, name in RaceFolder(root / "race").done()}
        assert done == {*STEPS[:number]}
    (record,) = run_race(toy_race.entry(root, replace(RACE, rounds=0)), resume=True)
    assert record.matrix == run[1][0].matrix and record.promoted
    assert len(Registry(root / "models").versions("synthetic")) == 3


def test_two_races_on_one_registry_are_kept_apart(root: Path) -> None:
    with Registry(root / "models").lock("synthetic"), pytest.raises(BlockingIOError, match="learning synthetic"):
        list(run_race(toy_race.entry(root, TWO)))
    assert not (root / "race").exists()


def test_a_race_cannot_be_begun_twice_nor_resumed_with_other_settings_or_photos(
    root: Path, run: tuple[Path, list[RoundRecord], list[str]]
) -> None:
    shutil.copytree(run[0] / "race", root / "race")
    with pytest.raises(FileExistsError, match="resume it"):
        list(run_race(toy_race.entry(root, TWO)))
    with pytest.raises(ValueError, match="n_fakes 40, not 41"):
        list(run_race(toy_race.entry(root, replace(TWO, n_fakes=41)), resume=True))
    (root / "photos").unlink()
    toy_race.photos(root / "photos", n_sources=21)
    with pytest.raises(ValueError, match="photos are not those"):
        list(run_race(toy_race.entry(root, TWO), resume=True))
    with pytest.raises(FileNotFoundError, match="no race to resume"):
        list(run_race(replace(toy_race.entry(root, TWO), out=root / "nowhere"), resume=True))


def test_too_few_photos_are_told_before_anything_is_begun(root: Path, tmp_path: Path) -> None:
    few = toy_race.photos(tmp_path / "few", n_sources=5)
    with pytest.raises(ValueError, match="at least 40 real photos; found 20 usable"):
        list(run_race(replace(toy_race.entry(root, TWO), photos=few)))
    assert not (root / "race").exists()


def test_an_attack_that_fails_is_named_and_the_registry_stays_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> str:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(StripesAttack, "tune", crash)
    before = Registry(root / "models").versions("synthetic")
    with pytest.raises(ValueError, match="the attack stripes failed: out of luck"):
        list(run_race(toy_race.entry(root, TWO)))
    assert len(Registry(root / "models").versions("synthetic")) == len(before) + 1  # the seed round's, which was over
    assert [record.number for record in read_log(root / "race")] == [0]


def test_a_generator_that_gives_no_numbers_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(toy_race.Stripes):
        def forge(self, sources: np.ndarray, *, seed: int) -> object:  # type: ignore[override,type-arg]
            batch = super().forge(sources, seed=seed)
            object.__setattr__(batch, "images", np.full_like(batch.images, np.nan))
            return batch

    monkeypatch.setattr(toy_race, "Stripes", Broken)
    with pytest.raises(ValueError, match=r"stripes-made, untuned: its generator failed: .* no number"):
        list(run_race(toy_race.entry(root, TWO)))


def test_a_full_disk_stops_a_race_that_goes_on_afterwards(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = toy_race.entry(root, replace(TWO, rounds=0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "readings.npz")

    with monkeypatch.context() as patch:
        patch.setattr("detectors.race.retraining.write_arrays", full)
        with pytest.raises(OSError, match="No space left"):
            list(run_race(entry))
    assert Registry(root / "models").promoted("synthetic").version == f"{shipped('synthetic').card.version}+1"
    (record,) = run_race(entry, resume=True)
    assert record.promoted


def test_a_missing_parent_is_one_clear_error(root: Path) -> None:
    def stop(text: str) -> None:
        if text == "round 0: retrain":
            raise Stopped

    entry = toy_race.entry(root, replace(TWO, rounds=0))
    with pytest.raises(Stopped):
        list(run_race(entry, say=stop))
    for path in (root / "models" / "versions" / "synthetic").glob(f"{READING}+1.*"):
        path.unlink()
    with pytest.raises(LookupError, match=rf"{shipped('synthetic').card.version}\+1"):
        list(run_race(entry, resume=True))


def test_labels_that_people_gave_are_learned_in_the_round_that_first_sees_them(root: Path) -> None:
    pictures = sorted((root / "photos").rglob("*.png"))[:6]
    rows = [f"{'fake' if i % 2 else 'real'}\t{path}\tdecisions" for i, path in enumerate(pictures)]
    (root / "labels.tsv").write_text("label\tpath\tsource\n" + "\n".join(rows) + "\n")
    entry = replace(toy_race.entry(root, replace(TWO, rounds=1)), labels=root / "labels.tsv")
    said: list[str] = []
    seed, _ = run_race(entry, say=said.append)
    assert [text for text in said if "newly labelled" in text] == ["6 newly labelled pictures, of 6 in the list"]
    card = Registry(root / "models").version("synthetic", seed.candidate).card
    assert card.data["fake: rejected by people, round 0"] == card.data["real: approved by people, round 0"] == 3
    assert "rejected by people, round 0" in seed.data


def test_fakes_of_photos_have_the_sources_of_these_and_not_of_the_faces_beside_them(root: Path) -> None:
    faces = toy_race.photos(root / "faces")
    for folder in list(faces.iterdir()):
        folder.rename(folder.with_name(f"face-{folder.name}"))
    list(run_race(replace(toy_race.entry(root, replace(TWO, rounds=0)), faces=faces)))
    for slug in ("stripes-made-untuned", "stripes-red-unseen"):
        kept = read_arrays(root / "race" / "rounds" / "000" / slug / "features.npz")
        assert {str(source)[0] for source in kept["judge_sources"]} == {"s"}
