"""Views of pictures and clips: what is washed how, cut once and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from detectors.data import Example, read_pixels
from detectors.token_features import N_FEATURES, features_of, tokens_of
from detectors.vision_tower import WIDTH
from detectors.washed_views import PLAIN, chain, cut
from generators.launder import Jpeg, draw
from tests.make_media import photo
from tests.make_tower import ColourTower


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    paths = [tmp_path_factory.mktemp("set") / f"{i}.png" for i in range(6)]
    for i, path in enumerate(paths):
        Image.fromarray(photo(i, width=96, height=96)).save(path)
    return [Example(path, i % 2, f"source {i}") for i, path in enumerate(paths)]


def test_the_wash_of_a_view_follows_from_the_name_alone_so_that_pairs_go_through_the_same() -> None:
    for view in range(4):
        assert chain("same.png", view, 7) == chain("same.png", view, 7)
    assert len({chain(f"{i}.png", 0, 7) for i in range(8)}) > 1


def test_what_was_cut_is_not_cut_again_and_is_the_same(examples: list[Example], tmp_path: Path) -> None:
    first, second = ColourTower(), ColourTower()
    cold = cut(first, examples[:6], n_views=2, seed=1, cache=tmp_path)
    warm = cut(second, examples[:6], n_views=2, seed=1, cache=tmp_path)
    assert first.n_calls == 12 and second.n_calls == 0
    assert np.array_equal(cold.features, warm.features) and cold.features.shape == (6, 2, N_FEATURES)


def test_the_plain_view_comes_last_and_leaves_the_washed_ones_as_they_are(
    examples: list[Example], tmp_path: Path
) -> None:
    washed = cut(ColourTower(), examples[:4], n_views=2, seed=1, cache=tmp_path)
    tower = ColourTower()
    both = cut(tower, examples[:4], n_views=2, seed=1, plain=True, cache=tmp_path)
    assert tower.n_calls == 4 and np.array_equal(both.features[:, :2], washed.features)
    pixels = read_pixels(examples[2])
    saved_once = features_of(tokens_of(ColourTower(), Jpeg(90)(pixels))).astype(np.float16)
    assert np.array_equal(both.features[2, 2], saved_once)
    assert {chain(f"{i}.png", PLAIN, 1) for i in range(8)} == {draw("q90", seed=1)}


def test_the_plain_view_of_a_clip_is_of_its_middle() -> None:
    frames = [np.full((96, 96, 3), level, np.uint8) for level in (10, 100, 200)]
    clip = Example(Path(__file__), 1, "there", is_video=True)
    views = cut(ColourTower(), [clip], n_views=2, seed=1, plain=True, reader=lambda _: frames)
    assert np.array_equal(views.features[0, 2], features_of(tokens_of(ColourTower(), frames[1])).astype(np.float16))


def test_the_views_of_a_clip_are_of_frames_spread_over_it() -> None:
    frames = [np.full((96, 96, 3), level, np.uint8) for level in range(0, 240, 30)]
    clip, read = Example(Path(__file__), 1, "there", is_video=True), []

    def reader(example: Example) -> list[NDArray[np.uint8]]:
        read.append(example)
        return frames

    views = cut(ColourTower(), [clip], n_views=4, seed=1, reader=reader)
    brightness = views.features[0, :, :WIDTH] @ ColourTower().tokens(np.full((1, 224, 224, 3), 255, np.uint8))[0][0, 0]
    assert np.all(np.diff(brightness) > 0) and len(read) == 1


def test_broken_pictures_are_left_out_and_named(examples: list[Example], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    views = cut(ColourTower(), [*examples[:2], Example(broken, 1, "there")], n_views=2, seed=1)
    assert len(views.examples) == 2 and len(views.unread) == 1 and "broken.png" in views.unread[0]
