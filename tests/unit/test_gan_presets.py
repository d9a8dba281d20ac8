"""A preset from a folder of pictures to weights that the samplers load, with figures, sheets and a log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.base import blank  # noqa: E402
from generators.checkpoints import load_state  # noqa: E402
from generators.gan import observing  # noqa: E402
from generators.gan.observing import NEAREST, SAMPLES, Watch  # noqa: E402
from generators.gan.presets import Face64Trainer, GanTrainer, split  # noqa: E402
from generators.gan.running import GOOD, Run  # noqa: E402
from generators.gan.sampler import GanSampler  # noqa: E402
from generators.gan.training import Game  # noqa: E402
from generators.picture_folder import cut_squares  # noqa: E402
from generators.quality.log import LOG, read  # noqa: E402
from generators.runs import CHECKPOINT  # noqa: E402
from generators.trainers import Progress  # noqa: E402
from tests.unit.test_gan import TINY, discs  # noqa: E402

SMALL = replace(TINY, n_images=128, n_between_saves=32, n_between_evaluations=64, n_quality=20, held_out_share=0.3)


class Trainer(GanTrainer):
    name = "small-16"
    about = "Discs."
    task = "A seed in, a disc out."
    limits = "Discs only."
    min_pictures = 60


class Sampler(GanSampler):
    name = "small-16"
    about = "Discs."
    stem = "small-16-1"
    min_side_px = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy discs from two sources, a text and a broken picture."""
    root = tmp_path_factory.mktemp("discs")
    for i, pixels in enumerate(discs(70, side_px=20)):
        path = root / ("left__one" if i % 2 else "right__two") / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    (root / "notes.txt").write_text("no picture")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    Image.new("RGB", (8, 8)).save(root / "small.png")
    return root


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress], Any]:
    out, told = tmp_path_factory.mktemp("run"), []
    card = Trainer().train([folder], out, SMALL, report=told.append)
    return out, told, card


def test_a_run_leaves_weights_that_a_sampler_loads(trained: tuple[Path, list[Progress], Any]) -> None:
    out, _, card = trained
    fakes = Sampler(out).forge(blank(2), seed=1).images
    assert fakes.shape == (2, 3, 16, 16) and card.settings["pictures seen"] == 128


def test_the_weights_are_the_averaged_ones(trained: tuple[Path, list[Progress], Any]) -> None:
    out, _, _ = trained
    average = load_state(out / CHECKPOINT)["game"]["average"]
    shipped = Sampler(out)._network.state_dict()
    assert all(torch.equal(average[name].half().float(), shipped[name]) for name in average)


def test_the_card_counts_what_was_learnt_by_source(trained: tuple[Path, list[Progress], Any]) -> None:
    _, _, card = trained
    learnt, held_out = split(range(70), SMALL)
    assert set(card.data) == {"left/one", "right/two"} and sum(card.data.values()) == len(learnt) == 49
    assert card.measures["FD-lite0 against held-out reals, n 21"] >= 0 and len(held_out) == 21


def test_what_could_not_be_used_is_told_with_its_count(trained: tuple[Path, list[Progress], Any]) -> None:
    _, told, _ = trained
    assert told[0].note == "70 pictures; skipped 1 unreadable, 1 smaller than 16 pixels"


def test_every_save_and_every_evaluation_is_a_line(trained: tuple[Path, list[Progress], Any]) -> None:
    out, _, _ = trained
    lines = read(out / LOG)
    assert [line.n_seen for line in lines] == [32, 64, 96, 128]
    assert [line.quality is not None for line in lines] == [False, True, False, True]


def test_a_run_leaves_sheets_and_curves(trained: tuple[Path, list[Progress], Any]) -> None:
    out, _, _ = trained
    for name in (SAMPLES, NEAREST, "curves.png"):
        with Image.open(out / name) as sheet:
            assert np.asarray(sheet.convert("L")).std() > 5


def test_a_finished_run_can_be_made_longer(trained: tuple[Path, list[Progress], Any], folder: Path) -> None:
    out, _, card = trained
    longer = Trainer().train([folder], out, replace(SMALL, n_images=160), resume=True)
    assert longer.settings["pictures seen"] == 160 and longer.sha256 != card.sha256
    assert (card.settings["n_resumes"], longer.settings["n_resumes"]) == (0, 1)


def test_other_pictures_cannot_go_on(trained: tuple[Path, list[Progress], Any], folder: Path, tmp_path: Path) -> None:
    for i, pixels in enumerate(discs(70, seed=9)):
        Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
    with pytest.raises(ValueError, match="other pictures"):
        Trainer().train([tmp_path], trained[0], SMALL, resume=True)


def test_a_run_is_not_overwritten_by_mistake(trained: tuple[Path, list[Progress], Any], folder: Path) -> None:
    with pytest.raises(FileExistsError, match="resume it or choose another folder"):
        Trainer().train([folder], trained[0], SMALL)


def test_nothing_to_resume_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        Trainer().train([folder], tmp_path, SMALL, resume=True)


def test_too_few_pictures_are_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 200 pictures; found 0 usable.*smaller than 64"):
        Face64Trainer().train([folder], tmp_path, Face64Trainer().settings("cpu"))


def test_too_few_held_out_pictures_are_told_before_anything_is_trained(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="7 held-out pictures cannot carry figures"):
        Trainer().train([folder], tmp_path / "run", replace(SMALL, held_out_share=0.1))
    assert not (tmp_path / "run").exists()


def test_an_alarm_sends_the_run_back_to_its_good_save(tmp_path: Path) -> None:
    pixels = discs(70)

    class Alarmed(Watch):
        n = 0

        def evaluate(self, game: Game, per_second: float) -> str | None:
            super().evaluate(game, per_second)
            self.n += 1
            return "the fakes lose variety" if self.n == 2 else None

    watch = Alarmed(pixels[:49], pixels[49:], tmp_path, SMALL)
    run = Run(pixels[:49], tmp_path, SMALL, observer=watch)
    run.play()
    assert watch.n == 3 and run.game.n_rollbacks == 1 and run.game.n_seen == 128
    assert load_state(tmp_path / GOOD)["game"]["n_rollbacks"] == 1


def test_squares_of_one_photo_stay_on_one_side() -> None:
    photos = np.repeat(np.arange(30), 3)
    learnt, held_out = split(list(photos), SMALL)
    assert len(held_out) == 27 and not set(photos[learnt]) & set(photos[held_out])


def test_a_wide_photo_gives_squares_from_end_to_end_and_a_square_one_gives_itself() -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 32, axis=0).repeat(3, axis=2)
    left, middle, right = cut_squares(ramp, 32, 3)
    assert (left[0, 0, 0], middle[0, 0, 0], right[0, 0, 0]) == (0, 16, 32)
    upright = cut_squares(ramp.transpose(1, 0, 2), 32, 3)
    assert (upright[2] == right.transpose(1, 0, 2)).all()
    assert len(cut_squares(ramp[:, :32], 32, 3)) == 1
    assert (cut_squares(ramp, 32)[0] == middle).all()


def test_the_floor_rests_on_training_pictures_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "N_TRAIN_SEEN", 40)
    sorted_by_kind = np.repeat(np.arange(4, dtype=np.uint8) * 60, 100)[:, None, None, None] * np.ones(
        (1, 16, 16, 3), np.uint8
    )
    watch = Watch(sorted_by_kind, discs(40), tmp_path, SMALL)
    counts = np.bincount(sorted_by_kind[watch._seen, 0, 0, 0] // 60, minlength=4)
    assert counts.sum() == 40 and counts.min() >= 3
