"""A small network on fixed residuals: what it sees, what it learns, how it goes on, where it points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from detectors.data import Example
from detectors.metrics import auroc
from detectors.residual import cells_of
from detectors.residual import pooled as pooled_map
from detectors.residual_crops import Crops, cut_crops
from detectors.residual_draws import Draws
from detectors.residual_graph import CELL_PX, ResidualRuntime
from detectors.residual_network import ResidualNetwork, pooled
from detectors.residual_planes import N_PLANES, residual_planes
from detectors.residual_run import train
from detectors.residual_settings import ResidualSettings
from detectors.residual_tensors import on_a_card, planes_of
from generators.images import Pixels
from tests.make_media import photo

TOY = ResidualSettings(
    n_images=640,
    batch_size=16,
    side_px=64,
    n_between_saves=48,
    n_views=2,
    learning_rate=5e-3,
    device="cpu",
)


def upsampled(pixels: Pixels) -> Pixels:
    """Every pixel stands for four: the trace of the plainest up-sampler."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def squares(seed: int, n: int, *, side_px: int = 64) -> NDArray[np.uint8]:
    """(n, side_px, side_px, 3) of one scene."""
    scene, rng = photo(seed, width=320, height=240), np.random.default_rng(seed)
    corners = [(rng.integers(0, 240 - side_px), rng.integers(0, 320 - side_px)) for _ in range(n)]
    return np.array([scene[y : y + side_px, x : x + side_px] for y, x in corners], np.uint8)


def toy_crops() -> Crops:
    """Photos, up-sampled ones beside their photos, and some from outside."""
    photos = np.concatenate([squares(seed, 6) for seed in range(6)])
    fakes = np.array([upsampled(square) for square in photos])
    n, n_cells = len(photos), 64 // CELL_PX
    pixels = np.concatenate([photos, fakes, fakes])
    made = np.concatenate([np.zeros(n), np.ones(2 * n)]).astype(np.float32)
    return Crops(
        pixels=np.repeat(pixels[:, None], 2, axis=1),
        made=np.broadcast_to(made[:, None, None, None], (3 * n, 2, n_cells, n_cells)).copy(),
        photo=np.concatenate([np.full(n, -1), np.arange(n), np.full(n, -1)]),
        of=np.concatenate([np.arange(n) % 2, np.arange(n) % 2, np.full(n, 2)]),
        examples=(Example(Path("a"), 0, "a"), Example(Path("b"), 0, "b"), Example(Path("c"), 1, "c")),
        unread=(),
    )


@pytest.fixture(scope="module")
def taught() -> ResidualNetwork:
    return train(toy_crops(), TOY)


@pytest.fixture(scope="module")
def runtime(taught: ResidualNetwork) -> ResidualRuntime:
    return ResidualRuntime(taught.plain(), n_threads=1)


def test_residuals_are_those_of_plain_arithmetic() -> None:
    pixels = squares(3, 1)[0]
    planes = residual_planes(pixels)
    assert planes.shape == (N_PLANES, 64, 64) and planes.dtype == np.float32
    green = pixels[..., 1].astype(np.float64)
    inner = (slice(1, -1), slice(1, -1))
    left, above, high, median = planes[N_PLANES // 3 : 2 * N_PLANES // 3]
    around = np.array([green[1 + y : 63 + y, 1 + x : 63 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)])
    laplacian = np.tensordot([1, -2, 1, -2, 4, -2, 1, -2, 1], around, axes=1) / 6
    for found, wanted in (
        (left[inner], green[inner] - around[3]),
        (above[inner], green[inner] - around[1]),
        (high[inner], laplacian),
        (median[inner], green[inner] - np.median(around, axis=0)),
    ):
        np.testing.assert_allclose(found, np.clip(wanted / 8, -1, 1), atol=1e-5)


def test_a_network_on_residuals_is_blind_to_light_and_colour(runtime: ResidualRuntime) -> None:
    scene = np.clip(photo(1, width=160, height=128), 40, 200)
    tinted = (scene.astype(np.int16) + np.array([50, -30, 10])).astype(np.uint8)
    np.testing.assert_allclose(cells_of(runtime, tinted), cells_of(runtime, scene), atol=1e-5)


def test_it_learns_the_trace_of_an_up_sampler_and_finds_it_in_scenes_it_never_saw(runtime: ResidualRuntime) -> None:
    photos = np.concatenate([squares(seed, 4, side_px=96) for seed in range(20, 28)])
    pictures = [*photos, *(upsampled(square) for square in photos)]
    readings = [pooled_map(cells_of(runtime, picture)) for picture in pictures]
    assert auroc([0] * len(photos) + [1] * len(photos), readings) > 0.95


def test_its_map_points_at_what_was_pasted_in(runtime: ResidualRuntime) -> None:
    scene = photo(31, width=320, height=256)
    pasted = scene.copy()
    pasted[64:160, 160:288] = upsampled(scene)[64:160, 160:288]
    before, after = cells_of(runtime, scene), cells_of(runtime, pasted)
    inside = np.zeros(after.shape, bool)
    inside[5:9, 11:17] = True
    assert (after - before)[inside].mean() > 10 * abs((after - before)[:, :6]).mean()
    assert auroc(inside.astype(int).ravel(), after.ravel()) > 0.9


def test_no_weight_of_the_last_layer_speaks_for_a_photo(taught: ResidualNetwork) -> None:
    assert taught.plain()["head.weight"].min() >= 0


@pytest.mark.parametrize("size", [(96, 96), (101, 130), (33, 200)])
def test_the_runtime_says_what_the_trained_network_says(
    taught: ResidualNetwork, runtime: ResidualRuntime, size: tuple[int, int]
) -> None:
    planes = residual_planes(photo(5, width=200, height=130)[: size[0], : size[1]])
    with torch.inference_mode():
        wanted = taught(torch.from_numpy(planes[None]))
    cells = runtime.cells(planes)
    assert cells.shape == tuple(-(-side // CELL_PX) for side in size)
    np.testing.assert_allclose(cells, wanted[0, 0], atol=0.02)  # weights are halved in precision
    assert pooled_map(cells) == pytest.approx(float(pooled(wanted)[0]), abs=0.02)


def test_a_tall_picture_reads_the_same_in_bands(runtime: ResidualRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = photo(6, width=160, height=400)
    whole = cells_of(runtime, scene)
    monkeypatch.setattr("detectors.residual.BAND_PX", 128)
    np.testing.assert_allclose(cells_of(runtime, scene), whole, atol=1e-4)


def test_the_smooth_top_lies_between_the_mean_and_the_maximum() -> None:
    cells = np.random.default_rng(0).normal(0, 2, (5, 7)).astype(np.float32)
    assert cells.mean() < pooled_map(cells) < cells.max()
    assert pooled_map(np.tile(cells, (3, 2))) == pytest.approx(pooled_map(cells))


def test_a_run_that_was_stopped_ends_like_one_that_was_not(tmp_path: Path) -> None:
    settings = replace(TOY, n_images=128)
    crops, checkpoint = toy_crops(), tmp_path / "checkpoint.safetensors"
    whole = train(crops, settings).plain()

    class Stop(Exception):
        pass

    def stop_after(n_windows: int) -> object:
        seen = 0

        def count(n: int) -> None:
            nonlocal seen
            seen += n
            if seen >= n_windows:
                raise Stop

        return count

    with pytest.raises(Stop):
        train(crops, settings, checkpoint=checkpoint, progress=stop_after(100))  # type: ignore[arg-type]
    resumed = train(crops, settings, checkpoint=checkpoint).plain()
    for name, tensor in whole.items():
        np.testing.assert_array_equal(resumed[name], tensor)
    with pytest.raises(ValueError, match="learning_rate"):
        train(crops, replace(settings, learning_rate=1.0), checkpoint=checkpoint)


def test_a_run_whose_time_is_up_can_go_on(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    train(toy_crops(), replace(TOY, minutes=1e-9), checkpoint=checkpoint)
    shown: list[int] = []
    train(toy_crops(), replace(TOY, n_images=32), checkpoint=checkpoint, progress=shown.append)
    assert sum(shown) == 32


def test_half_of_a_batch_are_fakes_and_aligned_ones_stand_beside_their_photos() -> None:
    crops = toy_crops()
    batch = Draws(crops, 1.0)(8, np.random.default_rng(0))
    pixels = batch.pixels.numpy()
    assert pixels.shape == (16, 64, 64, 3) and batch.fake.mean() == 0.5
    for n in range(2):
        fakes, photos = pixels[8 * n : 8 * n + 4], pixels[8 * n + 4 : 8 * n + 8]
        levels = fakes.mean(axis=(1, 2, 3)) - photos.mean(axis=(1, 2, 3))
        assert abs(levels).max() < 0.5


def test_squares_are_laid_in_all_eight_ways_and_their_cells_with_them() -> None:
    crops = toy_crops()
    crops.pixels[:] = np.arange(64, dtype=np.uint8)[:, None, None] * 2  # lighter towards the lower edge
    crops.made[36:] = np.linspace(0.3, 1, 4, dtype=np.float32)[:, None]
    batch = Draws(crops, 1.0)(64, np.random.default_rng(0))
    fakes = batch.fake.numpy() == 1
    pixels, made = batch.pixels.numpy()[fakes, ..., 0].astype(float), batch.made.numpy()[fakes]
    down, right = np.diff(pixels, axis=1).mean(axis=(1, 2)), np.diff(pixels, axis=2).mean(axis=(1, 2))
    assert {(round(d), round(r)) for d, r in zip(down, right, strict=True)} == {(2, 0), (-2, 0), (0, 2), (0, -2)}
    np.testing.assert_allclose(np.sign(np.diff(made, axis=1).mean(axis=(1, 2)).round(6)), np.sign(down))
    np.testing.assert_allclose(np.sign(np.diff(made, axis=2).mean(axis=(1, 2)).round(6)), np.sign(right))


def test_a_card_sees_the_planes_that_a_processor_sees() -> None:
    pixels = torch.from_numpy(np.concatenate([squares(3, 3), squares(4, 2) // 30]))
    np.testing.assert_allclose(on_a_card(pixels).float(), planes_of(pixels), atol=3e-4)


@pytest.mark.parametrize("width", [0.5, 1.5])
def test_a_wider_or_narrower_network_ships_like_any_other(width: float) -> None:
    network = ResidualNetwork(width=width).eval()
    planes = residual_planes(squares(7, 1)[0])
    with torch.inference_mode():
        wanted = network(torch.from_numpy(planes[None]))
    np.testing.assert_allclose(ResidualRuntime(network.plain()).cells(planes), wanted[0, 0], atol=0.02)


def test_a_source_counts_as_the_root_of_its_size() -> None:
    crops = toy_crops()
    photos = np.flatnonzero((crops.photo < 0) & (crops.of < 2))
    few = photos[-4:]  # the others are 32
    crops.of[photos] = 0
    crops.of[few] = 1
    crops.pixels[few] = 7
    batch = Draws(crops, 0.0)(2000, np.random.default_rng(0))
    drawn = batch.pixels[batch.fake == 0].numpy()
    share = (drawn == 7).all(axis=(1, 2, 3)).mean()
    assert share == pytest.approx(2 / (2 + 32**0.5), abs=0.04)


def reader_of(pictures: dict[str, Pixels]) -> object:
    return lambda example: (pictures[example.path.name],)


def examples_of(folder: Path, names: Sequence[str], label: int) -> list[Example]:
    for name in names:
        (folder / name).write_bytes(b"x")
    return [Example(folder / name, label, f"source {name}") for name in names]


def test_a_photo_and_its_fake_are_washed_and_cut_alike_and_cut_once(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, ["a.png"], 0)
    pictures = {"a.png": photo(1, width=480, height=480)}
    how = {"side_px": 128, "n_windows": 2, "seed": 1, "makers": ("copy_move",), "cache": tmp_path / "cache"}
    crops = cut_crops(examples, reader=reader_of(pictures), **how)  # type: ignore[arg-type]
    assert crops.pixels.shape == (4, 2, 128, 128, 3) and crops.photo.tolist() == [-1, 0, -1, 2]
    fakes, photos = crops.pixels[1::2].astype(int), crops.pixels[::2].astype(int)
    changed = np.repeat(np.repeat(crops.made[1::2], CELL_PX, axis=2), CELL_PX, axis=3)
    far = cv2.dilate((changed > 0).astype(np.uint8).reshape(-1, 128).T.copy(), np.ones((9, 9))).T.reshape(changed.shape)
    assert 0 < crops.made[1::2].mean() < 1 and crops.made[::2].max() == 0
    difference = abs(fakes - photos).mean(axis=-1)
    assert difference[changed > 0.9].mean() > 4 * difference[far == 0].mean()
    again = cut_crops(examples, reader=reader_of({}), **how)  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.pixels, crops.pixels)


def test_several_processes_cut_the_same_squares(tmp_path: Path) -> None:
    examples = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        Image.fromarray(photo(number, width=300, height=260)).save(path)
        examples.append(Example(path, number % 2, f"source {number}"))
    (tmp_path / "torn.png").write_bytes(b"x")
    examples.append(Example(tmp_path / "torn.png", 0, "torn"))
    one, two = (
        cut_crops(examples, side_px=64, n_windows=1, seed=1, makers=("copy_move",), n_workers=n) for n in (1, 2)
    )
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.made, two.made)
    assert one.unread == two.unread and len(one.unread) == 1
