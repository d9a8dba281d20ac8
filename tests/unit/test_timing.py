"""What benchmarks of speed share: turns, intervals and pictures are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import timing
from benchmarks.timing import WEB_SIZE_PX, WebPictures, in_turns, ratio
from detectors.perceptual_hash import MAX_DISTANCE_BITS, distances, packed, pdq
from tests.make_media import decode


def test_every_task_takes_its_turn_and_the_first_turn_warms_up() -> None:
    done: list[tuple[str, int]] = []
    costs = in_turns({name: lambda turn, name=name: done.append((name, turn)) for name in "ab"}, 2)  # type: ignore[misc]
    assert done == [(name, turn) for turn in range(3) for name in "ab"]
    assert {name: len(turns) for name, turns in costs.items()} == {"a": 2, "b": 2}


def test_a_ratio_of_sums_lies_in_its_interval_and_is_exact_where_all_turns_agree() -> None:
    assert ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]) == (2.0, 2.0, 2.0)
    value, low, high = ratio([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0])
    assert value == 2.5 and 1.0 <= low < value < high <= 4.0


def test_web_pictures_have_their_size_and_do_not_look_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "N_SCENES", 2)
    pictures = WebPictures()
    first, other = pictures.write(tmp_path / "a", 4), pictures.write(tmp_path / "b", 4, seed=1)
    again = pictures.write(tmp_path / "c", 4)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in first]
    seen = [decode(path.read_bytes()) for path in (*first, *other)]
    assert {pixels.shape[:2] for pixels in seen} == {WEB_SIZE_PX[::-1]}
    hashes = [found for found in map(pdq, seen) if found is not None]
    assert len(hashes) == len(seen)
    for place, wanted in enumerate(hashes):
        rest = [packed(other) for other in hashes[place + 1 :]]
        assert all(int(distances(one[None], wanted)[0]) > MAX_DISTANCE_BITS for one in rest)
