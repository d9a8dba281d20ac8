"""Work that is spread over a cluster comes back as if it had been done here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.cluster import Here, OnRay, on_ray
from detectors.race.engine import run_race
from tests.unit import toy_race
from tests.unit.cluster_work import pid, twice

ROOT = Path(__file__).parents[2]


def test_here_keeps_the_order() -> None:
    assert Here().map(twice, iter([3, 1, 2])) == [6, 2, 4]


@pytest.fixture(scope="module")
def cluster() -> Iterator[OnRay]:
    """A cluster of two workers on this machine."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(toy_race.IN_WORKERS, "1")
        patch.setenv("PYTHONPATH", str(ROOT))
        # Not the one of other tests that run meanwhile.
        with on_ray("local") as found:
            yield found


def test_a_cluster_keeps_the_order_and_works_in_other_processes(cluster: OnRay) -> None:
    assert cluster.map(twice, iter([3, 1, 2])) == [6, 2, 4]
    assert os.getpid() not in cluster.map(pid, range(4))


def test_what_fails_on_a_cluster_fails_here_with_the_same_error(cluster: OnRay) -> None:
    with pytest.raises(ValueError, match=r"^13 is no number to double$"):
        cluster.map(twice, [1, 13])


def test_what_ray_tells_of_its_machines_is_not_printed_among_results(
    cluster: OnRay, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray._private.worker import print_to_stdstream

    # As Ray does for a machine that went away, whenever it learns of it.
    print_to_stdstream({"lines": ["The node is dead."], "pid": "raylet", "is_err": False}, ignore_prefix=False)
    assert capsys.readouterr().out == ""


def test_a_race_on_a_cluster_ends_as_it_does_here(
    cluster: OnRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_race.install(lambda places, name, place: monkeypatch.setitem(places, name, place))
    toy_race.photos(tmp_path / "photos")
    toy_race.begin(tmp_path / "models")
    shutil.copytree(tmp_path / "models", tmp_path / "others")
    here = toy_race.entry(tmp_path, replace(toy_race.RACE, rounds=1))
    there = replace(here, out=tmp_path / "there", models=tmp_path / "others", spread=cluster)
    for alone, spread in zip(run_race(here), run_race(there), strict=True):
        assert alone.matrix == spread.matrix
        assert alone.reasons == spread.reasons
