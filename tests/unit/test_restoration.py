"""Networks that rebuild a photo: they learn, go on after a kill as if nothing had happened, and take any size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generators.images import Images, to_float
from generators.trainers import Progress, RunSettings
from tests.make_media import photo

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from generators.checkpoints import load_state, save_state  # noqa: E402
from generators.restoration import networks, run, training  # noqa: E402
from generators.restoration.evaluation import psnr  # noqa: E402
from generators.restoration.networks import Autoencoder, Inpainter, Upsampler, smoothly_filled  # noqa: E402
from generators.restoration.patches import PatchSet, cut, held_out, read_patches  # noqa: E402
from generators.restoration.rebuilding import filled, through_bottleneck, through_small_size  # noqa: E402
from generators.restoration.settings import RestorationSettings  # noqa: E402
from generators.restoration.shipped import network_of  # noqa: E402
from generators.restoration.tasks import Enlarge, Fill, Reconstruct, Task, shrink  # noqa: E402
from generators.restoration.trainers import SuperresX2Trainer  # noqa: E402
from generators.runs import MAX_ROLLBACKS, Diverged  # noqa: E402

TASKS = {"reconstruct": Reconstruct(8), "enlarge": Enlarge(2), "fill": Fill()}

SETTINGS = RestorationSettings(
    n_images=48, batch_size=8, side_px=32, n_warmup=16, n_between_saves=24, precision="32-true", device="cpu"
)
"""Six steps, the discriminator comes in at the third, a checkpoint after the third."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    for seed in range(8):
        Image.fromarray(photo(seed, width=96, height=80)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def patches(folder: Path) -> PatchSet:
    return read_patches([folder], 32, 4, seed=1)


@pytest.fixture(scope="module", params=[4, 8])
def autoencoder(request: pytest.FixtureRequest) -> Autoencoder:
    return _shaken(Autoencoder(request.param))


def _shaken(network: torch.nn.Module) -> torch.nn.Module:
    """Weights large enough that every pixel that may matter does."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.05)
    return network.eval().requires_grad_(False)


def _photo(height: int, width: int) -> np.ndarray:
    return to_float(photo(3, width=width, height=height))[0]


@pytest.mark.parametrize("name", TASKS)
def test_a_killed_run_goes_on_bit_for_bit(name: str, patches: PatchSet, tmp_path: Path) -> None:
    task = TASKS[name]
    whole = training.train(task, patches, tmp_path / "whole", SETTINGS)

    def kill(progress: Progress) -> None:
        if progress.note:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(task, patches, tmp_path / "killed", SETTINGS, report=kill)
    assert len(list((tmp_path / "killed").glob("samples-*"))) == 1, "killed at its first checkpoint, not at its end"
    resumed = training.train(task, patches, tmp_path / "killed", SETTINGS, resume=True)
    assert resumed.n_seen == SETTINGS.n_images
    assert _same(whole.averaged, resumed.averaged)
    assert (whole.n_resumes, resumed.n_resumes) == (0, 1)
    # Optimisers and discriminator too.
    for name in ("whole", "killed"):
        state = load_state(tmp_path / name / training.CHECKPOINT)
        save_state(tmp_path / name / "compared", state | {"n_resumes": 0})
    assert (tmp_path / "whole" / "compared").read_bytes() == (tmp_path / "killed" / "compared").read_bytes()


def test_another_seed_ends_elsewhere(patches: PatchSet, tmp_path: Path) -> None:
    one = training.train(TASKS["enlarge"], patches, tmp_path / "1", SETTINGS)
    other = training.train(TASKS["enlarge"], patches, tmp_path / "2", replace(SETTINGS, seed=2))
    assert not _same(one.averaged, other.averaged)


def _same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", TASKS)
def test_what_is_learned_comes_closer_to_the_photos(name: str, patches: PatchSet, tmp_path: Path) -> None:
    settings = replace(SETTINGS, n_images=400, n_warmup=320, n_between_saves=40, ema_images=80)
    training.train(TASKS[name], patches, tmp_path, settings)
    lines = [json.loads(line) for line in (tmp_path / training.LOG).read_text().splitlines()]
    judged = [line["held_out_psnr_db"] for line in lines if "held_out_psnr_db" in line]
    assert judged[-1] > judged[0] + (1.0 if name == "reconstruct" else 0.01), "the others begin with a smooth picture"
    assert any("discriminator" in line for line in lines), "and it was not alone"


def test_losses_that_are_no_numbers_send_a_run_back_and_at_last_stop_it(
    patches: PatchSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def broken(*args: object) -> torch.Tensor:
        calls.append(args)
        return edge_loss(*args) * (float("nan") if len(calls) in fatal else 1.0)

    edge_loss = run.edge_loss
    monkeypatch.setattr(run, "edge_loss", broken)
    fatal = {5}
    ended = training.train(TASKS["enlarge"], patches, tmp_path / "once", SETTINGS)
    assert (ended.n_seen, ended.n_rollbacks, ended.n_resumes) == (SETTINGS.n_images, 1, 0)
    assert all(weight.isfinite().all() for weight in ended.averaged.parameters())
    fatal = set(range(1000))
    with pytest.raises(Diverged, match=f"no numbers.*{MAX_ROLLBACKS} ways back"):
        training.train(TASKS["enlarge"], patches, tmp_path / "ever", SETTINGS)


def test_a_folder_with_a_run_is_resumed_with_the_same_settings_or_not_at_all(patches: PatchSet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="resume"):
        training.train(TASKS["enlarge"], patches, tmp_path, SETTINGS, resume=True)
    training.train(TASKS["enlarge"], patches, tmp_path, replace(SETTINGS, n_images=8))
    with pytest.raises(FileExistsError):
        training.train(TASKS["enlarge"], patches, tmp_path, SETTINGS)
    with pytest.raises(ValueError, match=r"made with edges 1\.0, not 2\.0"):
        training.train(TASKS["enlarge"], patches, tmp_path, replace(SETTINGS, edges=2.0), resume=True)
    longer = training.train(TASKS["enlarge"], patches, tmp_path, SETTINGS, resume=True)
    assert longer.n_seen == SETTINGS.n_images, "a run may be made longer"


@pytest.mark.parametrize(("height", "width"), [(32, 32), (97, 131), (200, 45)])
def test_every_size_comes_back_and_tiles_change_nothing(autoencoder: Autoencoder, height: int, width: int) -> None:
    image = _photo(height, width)
    whole = through_bottleneck(autoencoder, image, 0.05, np.random.default_rng(1))
    tiled = through_bottleneck(autoencoder, image, 0.05, np.random.default_rng(1), tile_px=32)
    assert whole.shape == image.shape
    assert np.abs(whole - tiled).max() < 1e-4
    assert whole.std() > 0.01


def test_halos_are_as_wide_as_what_a_pixel_depends_on(autoencoder: Autoencoder) -> None:
    image = torch.zeros(1, 3, 512, 512, requires_grad=True)
    noise = torch.zeros(1, networks.N_LATENT[autoencoder.factor], 512 // autoencoder.factor, 512 // autoencoder.factor)
    middle = autoencoder(image, noise)[:, :, 256 : 256 + autoencoder.factor, 256 : 256 + autoencoder.factor]
    touched = torch.autograd.grad(middle.sum(), image)[0].abs().sum(dim=(0, 1, 2)).nonzero()
    assert autoencoder.halo_px / 2 < 256 - int(touched.min()) <= autoencoder.halo_px
    assert int(touched.max()) - 256 - autoencoder.factor < autoencoder.halo_px


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("kernel", ["area", "bicubic"])
def test_enlarging_in_tiles_changes_nothing(factor: int, kernel: str) -> None:
    network = _shaken(Upsampler(factor))
    image = _photo(131, 197)
    whole = through_small_size(network, image, kernel)
    assert whole.shape == image.shape
    assert np.abs(whole - through_small_size(network, image, kernel, tile_px=48)).max() < 1e-4


def test_an_untrained_enlarger_is_close_to_plain_interpolation() -> None:
    image = torch.from_numpy(_photo(64, 96))[None]
    small = shrink(image, 2, "area")
    plain = torch.nn.functional.interpolate(small, scale_factor=2, mode="bilinear")
    assert (Upsampler(2)(small) - plain).abs().mean() < 0.05


def test_a_hole_is_filled_exactly_and_from_its_surroundings_alone() -> None:
    network = _shaken(Inpainter())
    image = _photo(301, 403)
    mask = np.zeros(image.shape[1:], bool)
    mask[100:140, 360:403] = True
    whole = filled(network, image, mask)
    outside = np.broadcast_to(~mask, image.shape)
    assert np.array_equal(whole[outside], image[outside])
    assert not np.array_equal(whole[~outside], image[~outside])
    hidden = np.where(mask, np.float32(0.5), image)
    assert np.array_equal(filled(network, hidden, mask), whole), "what is masked is not looked at"
    assert np.abs(filled(network, image, mask, tile_px=32) - whole).max() < 1e-4
    around = ((0, 0), (0, 3), (0, 5))
    holed = torch.from_numpy(np.pad(image, around, mode="reflect"))[None]
    holes = torch.from_numpy(np.pad(mask[None], around, mode="reflect").astype(np.float32))[None]
    in_one = network(smoothly_filled(holed, holes), holes)[0, :, :301, :403].clamp(0, 1)
    assert np.abs(in_one.numpy() - whole)[~outside].max() < 1e-4, "a crop of the photo is as good as all of it"


def test_a_smooth_filling_keeps_what_is_known_and_stays_between_it() -> None:
    images, masks = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(1)), torch.zeros(2, 1, 40, 56)
    masks[:, :, 10:30, 5:40] = 1
    made = smoothly_filled(images, masks)
    inside = masks.expand_as(images) > 0
    assert torch.equal(made[~inside], images[~inside])
    assert images[~inside].min() <= made[inside].min() and made[inside].max() <= images[~inside].max()
    hidden = torch.where(inside, torch.tensor(9.0), images)
    assert torch.equal(smoothly_filled(hidden, masks), made), "what is masked is not looked at"
    plain = smoothly_filled(torch.full_like(images, 0.3), masks)
    assert (plain - 0.3).abs().max() < 1e-6, "one colour around a hole fills it"


def test_the_middle_of_a_wide_hole_follows_from_what_was_filled_around_it() -> None:
    network = _shaken(Inpainter())
    image = _photo(160, 176)
    mask = np.zeros(image.shape[1:], bool)
    mask[40:120, 40:130] = True
    edge = mask.copy()
    edge[52:108, 52:118] = False
    outside = np.broadcast_to(~mask, image.shape)
    whole = filled(network, image, mask)
    assert np.array_equal(whole[outside], image[outside])
    holed, holes = torch.from_numpy(image)[None], torch.from_numpy(mask.astype(np.float32))[None, None]
    once = network(smoothly_filled(holed, holes), holes)[0].clamp(0, 1)
    close = np.abs(once.numpy() - whole).max(axis=0) < 1e-4
    assert close[edge].mean() > 0.99, "the first ring sees what all of the hole would"
    assert close[mask & ~edge].mean() < 0.8, "the rest sees more"
    assert filled(network, image, np.ones_like(mask)).shape == image.shape


@pytest.mark.parametrize("task", TASKS.values())
def test_only_what_a_task_rebuilds_differs_from_the_photos(task: Task) -> None:
    reals = torch.from_numpy(np.stack([_photo(64, 64), _photo(64, 64)]))
    rebuilt = task.rebuild(_shaken(task.network()), reals, np.random.default_rng(1))
    assert rebuilt.fakes.shape == reals.shape
    heavy = (rebuilt.weights > 0.5).expand_as(reals)
    assert torch.equal(rebuilt.fakes[~heavy], reals[~heavy])
    assert (rebuilt.fakes[heavy] != reals[heavy]).float().mean() > 0.9


def test_patches_are_grouped_by_photo_and_show_it(folder: Path, patches: PatchSet) -> None:
    assert len(patches.learned.paths) == 7
    assert len(patches.held_out.paths) == 1
    assert patches.learned.photo.tolist() == [photo for photo in range(7) for _ in range(4)]
    assert patches.sources == {folder.name: 7}
    drawn = patches.learned.draw(200, np.random.default_rng(1))
    assert drawn.shape == (200, 32, 32, 3)
    sums = {int(patch.astype(np.int64).sum()) for patch in patches.learned.pixels}
    assert {int(patch.astype(np.int64).sum()) for patch in drawn} <= sums, "turned and mirrored, never changed"
    assert not np.array_equal(drawn, patches.learned.draw(200, np.random.default_rng(2)))


def test_patches_show_a_photo_at_many_sizes() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    contrast = cut(noise, 32, 40, np.random.default_rng(1)).std(axis=(1, 2, 3))
    # White noise that is averaged over k x k pixels has 1 / k of its contrast.
    assert noise.std() / contrast.min() > 3.0
    assert noise.std() / contrast.max() < 1.6


def test_whole_folders_are_held_out_where_there_are_many() -> None:
    paths = [Path(f"{source:02}/{i}.jpg") for source in range(20) for i in range(3)]
    kept = {path.parent.name for path, held in zip(paths, held_out(paths), strict=True) if held}
    assert kept == {"05", "15"}
    assert sum(held_out(paths)) == 6


def test_bad_folders_are_told_in_one_line(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_patches([tmp_path / "none"], 32, 4, seed=1)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="at least 2 pictures; found 0 usable, 1 unreadable"):
        read_patches([tmp_path], 32, 4, seed=1)
    with pytest.raises(ValueError, match="at least 20 pictures; found 0 usable, 8 smaller than 128 pixels"):
        read_patches([folder], 128, 4, seed=1, min_pictures=20)


def test_a_preset_writes_weights_with_a_card_that_a_generator_can_read(tmp_path: Path) -> None:
    from PIL import Image

    for seed in range(20):
        folder = tmp_path / f"camera {seed % 2}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(photo(seed, width=72, height=64)).save(folder / f"{seed}.png")
    settings = replace(SuperresX2Trainer().settings("cpu"), n_images=16, batch_size=8, n_each=2, device="cpu")
    card = SuperresX2Trainer().train([tmp_path], tmp_path / "run", settings)
    assert card.stem == SuperresX2Trainer.stem
    assert card.data == {"camera 0": 9, "camera 1": 9}, "two were held out"
    assert card.measures["held-out patches, PSNR in dB, n = 2"] > 10
    assert (card.settings["n_seen"], card.settings["n_resumes"], card.settings["device"]) == (16, 0, "cpu")
    network = network_of(Upsampler, 2, card.stem, tmp_path / "run")
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 16, 16)
    with pytest.raises(ValueError, match="settings it gives"):
        SuperresX2Trainer().train([tmp_path], tmp_path / "other", RunSettings())


def test_psnr_agrees_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    one, other = photo(1, width=64, height=64), photo(2, width=64, height=64)
    expected = metrics.peak_signal_noise_ratio(one, other)
    assert psnr(one[None], other[None])[0] == pytest.approx(expected)


def test_sources_keep_their_values_when_photos_are_rebuilt() -> None:
    sources: Images = np.stack([_photo(40, 40)])
    before = sources.copy()
    through_bottleneck(_shaken(Autoencoder(4)), sources[0], 0.0, np.random.default_rng(0))
    through_small_size(_shaken(Upsampler(2)), sources[0], "area")
    filled(_shaken(Inpainter()), sources[0], np.ones((40, 40), bool))
    assert np.array_equal(sources, before)
