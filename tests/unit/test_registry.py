"""Versions of detectors: numbered, whole or not there, promoted and taken back, never used where they are damaged."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors import version_files
from detectors.lineage import Lineage
from detectors.loading import load, load_version
from detectors.promotions import LOG, Change, standing
from detectors.registry import Registry
from generators.weights import save
from tests.make_versions import CARD, Level, install, learn

GREY = [np.full((64, 64, 3), 102, np.uint8)]  # 0.4 of white


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(monkeypatch)
    return tmp_path / "models"


@pytest.fixture
def registry(models: Path) -> Registry:
    return Registry(models)


def promote(registry: Registry, version: str) -> None:
    registry.promote("level", version, by="ann", reason="it is better")


def place(registry: Registry) -> Path:
    return registry.place("level")


def test_without_a_registry_there_is_what_ships_and_nothing_is_written(registry: Registry, models: Path) -> None:
    (only,) = registry.versions("level")
    assert only.version == "1" and only.is_promoted and only.lineage is None
    assert registry.promoted("level") == only and registry.history("level") == () and not models.exists()


def test_versions_are_numbered_after_the_shipped_one_whatever_their_parents(registry: Registry) -> None:
    names = [learn(registry, weight, parent=parent).version for weight, parent in [(2, "1"), (3, "1"), (4, "1+1")]]
    assert names == ["1+1", "1+2", "1+3"]
    assert [version.version for version in registry.versions("level")] == ["1", *names]


def test_the_tenth_version_comes_after_the_ninth(registry: Registry) -> None:
    names = [learn(registry, weight, round_number=weight).version for weight in range(1, 12)]
    assert [version.version for version in registry.versions("level")][1:] == names
    assert names[-2:] == ["1+10", "1+11"]


def test_a_version_is_read_back_as_it_was_added(registry: Registry) -> None:
    added = learn(registry, 2)
    assert registry.version("level", "1+1") == added
    assert added.lineage is not None and added.lineage.made_at
    assert added.card.version == "1+1" and len(added.card.sha256) == 64
    assert json.loads((place(registry) / "level-1+1.lineage.json").read_text()) == vars(added.lineage)


def test_the_same_weights_of_the_same_round_are_kept_once(registry: Registry) -> None:
    first = learn(registry, 2, round_number=4)
    files = sorted(place(registry).iterdir())
    assert learn(registry, 2, round_number=4) == first and sorted(place(registry).iterdir()) == files
    assert learn(registry, 2, round_number=5).version == "1+2"


def test_a_missing_parent_is_refused_and_nothing_is_written(registry: Registry) -> None:
    with pytest.raises(ValueError, match=r"a missing parent: level has no version '1\+7'; it has 1$"):
        learn(registry, 2, parent="1+7")
    assert not list(place(registry).glob("level-*"))


def test_only_installed_detectors_that_can_be_learned_anew_have_versions(registry: Registry) -> None:
    lineage = Lineage("1", "toy", 1)
    with pytest.raises(LookupError, match="there is level, fixed"):
        registry.add("../level", {}, CARD, lineage)
    with pytest.raises(ValueError, match="cannot be learned anew"):
        registry.add("fixed", {}, replace(CARD, name="fixed"), lineage)
    with pytest.raises(ValueError, match="the card is of 'other'"):
        registry.add("level", {}, replace(CARD, name="other"), lineage)


def test_a_running_process_uses_what_is_promoted_and_what_is_rolled_back_to(registry: Registry, models: Path) -> None:
    def score() -> float:
        return float(load("level", models).score(GREY).fake[0])

    learn(registry, 2)
    assert score() == pytest.approx(0.4)
    promote(registry, "1+1")
    assert score() == pytest.approx(0.8) and load("level", models) is load("level", models)
    assert load("level").card.version == "1"
    registry.rollback("level", by="ann", reason="it is not")
    assert score() == pytest.approx(0.4)


def test_any_version_can_be_asked_for_whatever_is_promoted(registry: Registry, models: Path) -> None:
    learn(registry, 2)
    learn(registry, 0.5)
    promote(registry, "1+1")
    said = [float(load_version("level", version, models).score(GREY).fake[0]) for version in ("1", "1+1", "1+2")]
    assert said == pytest.approx([0.4, 0.8, 0.2])
    with pytest.raises(LookupError, match="level has no version '7'"):
        load_version("level", "7", models)


def test_rollbacks_walk_back_what_was_promoted_one_by_one(registry: Registry) -> None:
    for weight in (2, 3):
        learn(registry, weight)
    for version in ("1+1", "1+2"):
        promote(registry, version)
    walked = [registry.rollback("level", by="ann", reason="worse").version for _ in range(2)]
    assert walked == ["1+1", "1"] and registry.promoted("level").version == "1"
    with pytest.raises(ValueError, match="nothing to roll back"):
        registry.rollback("level", by="ann", reason="worse")


def test_what_is_promoted_after_a_rollback_is_rolled_back_to_where_it_came_from(registry: Registry) -> None:
    for weight in (2, 3):
        learn(registry, weight)
    promote(registry, "1+1")
    promote(registry, "1+2")
    registry.rollback("level", by="ann", reason="worse")
    promote(registry, "1")
    assert registry.promoted("level").version == "1"
    assert registry.rollback("level", by="ann", reason="better after all").version == "1+1"


def test_the_history_keeps_every_change_with_who_and_why(registry: Registry) -> None:
    learn(registry, 2)
    promote(registry, "1+1")
    registry.rollback("level", by="bob", reason="too many false alarms")
    first, second = registry.history("level")
    assert (first.action, first.before, first.version, first.by) == ("promoted", "1", "1+1", "ann")
    assert (second.action, second.before, second.version) == ("rolled back", "1+1", "1")
    assert second.by == "bob" and second.reason == "too many false alarms" and second.at >= first.at


def test_exactly_one_version_is_promoted(registry: Registry) -> None:
    for weight in (2, 3):
        learn(registry, weight)
    promote(registry, "1+1")
    promote(registry, "1+2")
    assert [v.version for v in registry.versions("level") if v.is_promoted] == ["1+2"]


@pytest.mark.parametrize(("by", "reason"), [("", "better"), ("ann", " ")])
def test_nobody_promotes_without_a_name_and_a_reason(registry: Registry, by: str, reason: str) -> None:
    learn(registry, 2)
    with pytest.raises(ValueError, match="needs the name of who makes it and a reason"):
        registry.promote("level", "1+1", by=by, reason=reason)
    assert registry.promoted("level").version == "1"


def test_what_is_not_there_or_stands_already_is_not_promoted(registry: Registry) -> None:
    with pytest.raises(LookupError, match=r"level has no version '1\+1'; it has 1$"):
        promote(registry, "1+1")
    with pytest.raises(ValueError, match="promoted already"):
        promote(registry, "1")


def test_a_newer_release_takes_over_and_an_older_one_finds_its_own_again() -> None:
    def change(action: str, version: str, before: str) -> Change:
        return Change(action, version, before, "", "", "", "")

    changes = [change("promoted", "1+1", "1"), change("promoted", "1+2", "1+1"), change("promoted", "2+1", "2")]
    assert [c.version for c in standing(changes, "2")] == ["2+1"]
    assert [c.version for c in standing(changes, "1")] == ["1+1", "1+2"]
    changes.append(change("rolled back", "1+1", "1+2"))
    assert [c.version for c in standing(changes, "1")] == ["1+1"] and len(standing(changes, "2")) == 1
    assert standing(changes, "3") == ()


def test_damaged_weights_are_never_promoted(registry: Registry) -> None:
    learn(registry, 2)
    path = place(registry) / "level-1+1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ValueError, match="has SHA-256"):
        promote(registry, "1+1")
    assert registry.promoted("level").version == "1" and registry.history("level") == ()


@pytest.mark.parametrize("ending", ["safetensors", "card.json", "lineage.json"])
def test_a_promoted_version_that_was_damaged_or_removed_is_not_used(
    registry: Registry, models: Path, ending: str
) -> None:
    learn(registry, 2)
    promote(registry, "1+1")
    path = place(registry) / f"level-1+1.{ending}"
    path.write_bytes(b"{}" + path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"level-1\+1"):
        load("level", models).score(GREY)
    path.unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"1\+1"):
        load("level", models).score(GREY)


def test_another_version_under_the_number_of_the_promoted_one_is_not_used(registry: Registry, models: Path) -> None:
    learn(registry, 2)
    promote(registry, "1+1")
    stranger = Registry(models.parent / "elsewhere")
    learn(stranger, 5)
    for path in place(stranger).glob("level-*"):
        path.replace(place(registry) / path.name)
    with pytest.raises(ValueError, match="was changed after it was promoted"):
        load("level", models)


def test_a_damaged_version_neither_hides_the_others_nor_stops_what_is_done_with_them(registry: Registry) -> None:
    learn(registry, 2)
    (place(registry) / "level-1+1.card.json").write_text("{", encoding="utf-8")
    assert learn(registry, 3).version == "1+2"
    promote(registry, "1+2")
    shipped, damaged, whole = registry.versions("level")
    assert "level-1+1.card.json is no model card" in damaged.fault and not shipped.fault and not whole.fault


def test_a_number_that_was_promoted_once_is_not_given_away_again(registry: Registry) -> None:
    learn(registry, 2)
    promote(registry, "1+1")
    for path in place(registry).glob("level-1+1.*"):
        path.unlink()
    assert learn(registry, 3).version == "1+2"


def test_a_line_of_the_history_that_is_none_is_named(registry: Registry) -> None:
    learn(registry, 2)
    promote(registry, "1+1")
    with (place(registry) / LOG).open("a", encoding="utf-8") as file:
        file.write("half a li")
    with pytest.raises(ValueError, match=r"history\.jsonl, line 2"):
        registry.promoted("level")


@pytest.mark.parametrize("n_written", [0, 1, 2])
def test_a_version_that_the_disk_has_no_room_for_leaves_the_registry_as_it_was(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, n_written: int
) -> None:
    learn(registry, 2)
    before = sorted(path.name for path in place(registry).glob("level-*"))
    left = n_written

    def write(path: Path, data: bytes) -> int:
        nonlocal left
        if not path.name.endswith(".pid.part") and (left := left - 1) < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        with path.open("wb") as file:
            return file.write(data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write)
        with pytest.raises(OSError, match=r"No space left on device.*level-1\+2"):
            learn(registry, 3)
    assert sorted(path.name for path in place(registry).glob("level-*")) == before


def test_a_promotion_that_the_disk_has_no_room_for_changes_nothing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(registry, 2)
    learn(registry, 3)
    promote(registry, "1+1")

    def full(path: Path, data: bytes) -> int:
        if LOG in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        with path.open("wb") as file:
            return file.write(data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match=r"No space left on device.*history\.jsonl"):
            promote(registry, "1+2")
    assert registry.promoted("level").version == "1+1" and len(registry.history("level")) == 1


def test_a_version_without_its_lineage_is_none_and_its_number_is_used_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(version_files, "write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            learn(registry, 2)
    assert (place(registry) / "level-1+1.safetensors").exists() and len(registry.versions("level")) == 1
    assert learn(registry, 3).version == "1+1"
    assert Level(place(registry), "level-1+1").score(GREY).fake[0] == pytest.approx(1.0)


HOLDER = """
import sys, time
from pathlib import Path
from detectors.registry import Registry

with Registry(Path(sys.argv[1])).lock("synthetic"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_race_is_told_who_holds_the_lock_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        clash = f"another race is learning synthetic: process {other.pid} holds"
        with pytest.raises(BlockingIOError, match=clash), registry.lock("synthetic"):
            raise AssertionError
        with registry.lock("face"):
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with registry.lock("synthetic"):
        assert (tmp_path / "versions" / "synthetic" / "race.pid").read_text() == str(os.getpid())


def test_a_race_that_ends_with_an_error_lets_go(registry: Registry) -> None:
    with pytest.raises(RuntimeError), registry.lock("level"):
        raise RuntimeError
    with (
        registry.lock("level"),
        pytest.raises(BlockingIOError, match=f"process {os.getpid()} "),
        registry.lock("level"),
    ):
        raise AssertionError


def test_changes_are_possible_while_a_race_holds_its_lock(registry: Registry) -> None:
    with registry.lock("level"):
        learn(registry, 2)
        promote(registry, "1+1")
    assert registry.promoted("level").version == "1+1"


ADDER = """
import sys
from pathlib import Path
import pytest
from detectors.registry import Registry
from tests.make_versions import install, learn

install(pytest.MonkeyPatch())
for number in range(5):
    learn(Registry(Path(sys.argv[1])), number, round_number=int(sys.argv[2]) + number)
"""


def test_two_processes_that_add_at_once_get_numbers_of_their_own(registry: Registry, models: Path) -> None:
    others = [subprocess.Popen([sys.executable, "-c", ADDER, str(models), start]) for start in ("100", "200")]
    assert [other.wait() for other in others] == [0, 0]
    found = registry.versions("level")[1:]
    assert [version.version for version in found] == [f"1+{number}" for number in range(1, 11)]
    assert sorted(v.lineage.round for v in found if v.lineage) == [*range(100, 105), *range(200, 205)]


def test_what_was_trained_is_kept_as_a_version_beside_what_ships(registry: Registry, tmp_path: Path) -> None:
    save({"weight": np.full(1, 3.0)}, replace(CARD, version="7"), tmp_path / "trained")
    kept = registry.keep(tmp_path / "trained")
    assert (kept.version, kept.is_promoted) == ("1+1", False) and kept.lineage is not None
    assert kept.lineage.in_words() == "trained here, beside version 1"
    assert registry.keep(tmp_path / "trained").version == "1+1", "the same weights are kept once"
    promote(registry, "1+1")
    assert registry.promoted("level").card.sha256 == kept.card.sha256


def test_a_folder_without_one_trained_detector_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="holds no card: one trained detector is wanted"):
        registry.keep(tmp_path)
    for name in ("level", "fixed"):
        save({"weight": np.ones(1)}, replace(CARD, name=name), tmp_path)
    with pytest.raises(LookupError, match="holds fixed-1, level-1: one"):
        registry.keep(tmp_path)
    save({"weight": np.ones(1)}, replace(CARD, name="other"), tmp_path / "other")
    with pytest.raises(LookupError, match="no detector 'other' is installed"):
        registry.keep(tmp_path / "other")
    save({"weight": np.ones(1)}, replace(CARD, name="fixed"), tmp_path / "fixed")
    with pytest.raises(ValueError, match="cannot be learned anew"):
        registry.keep(tmp_path / "fixed")
