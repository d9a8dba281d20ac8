"""An editor of faces: labels in names, a game that can be stopped anywhere, edits that leave the rest alone."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from PIL import Image

from generators.attributes.faces import Faces, read_faces
from generators.attributes.generator import AttributeEditor, draw_edit, placed, small
from generators.attributes.labels import (
    AGE_GROUPS,
    AS_IT_IS,
    Attributes,
)
from generators.attributes.networks import Editor, conditions_of
from generators.attributes.run import Run
from generators.attributes.settings import SIDE_PX, AttributeSettings
from generators.attributes.training import LOG, AttributesTrainer
from generators.checkpoints import load_state, save_state
from generators.gan.pixels import from_pixels
from generators.images import Images, to_float
from generators.runs import CHECKPOINT, MAX_ROLLBACKS, Diverged
from generators.trainers import Progress, RunSettings

TINY = AttributeSettings(
    n_images=48,
    batch_size=4,
    device="cpu",
    precision="32-true",
    n_between_saves=16,
    wide=8,
    narrow=8,
    n_blocks=1,
    tail=4,
    d_channels=(4, 4, 4, 4),
    reader_width=2,
    penalty_every=2,
    same_every=2,
)

AGES = (6, 20, 30, 50, 70)
"""One of each group."""


def face(age: int, gender: int, seed: int) -> NDArray[np.uint8]:
    """A drawn face (96, 96, 3): hair greys with age, lips are red in one gender, skin and place vary with the seed."""
    rng = np.random.default_rng(seed)
    picture = np.full((96, 96, 3), rng.integers(60, 200, 3), np.uint8)
    x, y = (int(v) for v in 48 + rng.integers(-4, 5, 2))
    grey = min(30 + 3 * age, 240)
    skin = tuple(int(v) for v in np.array([220, 180, 150]) - rng.integers(0, 80))
    cv2.ellipse(picture, (x, y - 8), (34, 38), 0, 0, 360, (grey, grey, grey), -1)
    cv2.ellipse(picture, (x, y + 4), (28, 34), 0, 0, 360, skin, -1)
    for side in (-11, 11):
        cv2.circle(picture, (x + side, y - 4), 4, (30, 30, 30), -1)
    cv2.ellipse(picture, (x, y + 22), (10, 4), 0, 0, 360, (200, 30, 50) if gender else (140, 90, 80), -1)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def write_faces(folder: Path, n_each: int) -> Path:
    """`n_each` faces of each age group and gender, named as in UTKFace."""
    for i in range(n_each):
        for age in AGES:
            for gender in (0, 1):
                name = f"{age}_{gender}_0_2017{i:04d}{age:02d}.jpg.chip.jpg"
                Image.fromarray(face(age, gender, 1_000 * i + 2 * age + gender)).save(folder / name, "JPEG", quality=92)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"), 20)


@pytest.fixture(scope="module")
def faces(folder: Path) -> Faces:
    return read_faces([folder], SIDE_PX, n_held_out=10)[0]


@pytest.fixture(scope="module")
def zoo(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("zoo")
    AttributesTrainer().train([folder], out, TINY)
    return out


def fresh(faces: Faces, settings: AttributeSettings = TINY) -> Run:
    return Run(faces, settings, Fabric(accelerator="cpu", devices=1, precision="32-true"))


def photos(n: int, height: int, width: int) -> Images:
    pixels = [cv2.resize(face(30, i % 2, i), (width, height)) for i in range(n)]
    # Between the steps of 8 bits, so that a source that was rounded is noticed.
    return to_float(np.stack(pixels)) * np.float32(0.97) + np.float32(0.01)


def test_the_editor_leaves_a_face_alone_where_attention_is_nothing() -> None:
    editor = Editor(8, 8, 1, 4)
    with torch.no_grad():
        editor.paint.weight[3] = 0
        assert editor.paint.bias is not None
        editor.paint.bias[3] = -200
        images = torch.rand(2, 3, SIDE_PX, SIDE_PX) * 2 - 1
        edited, attention = editor(images, conditions_of(torch.tensor([[0, 1], [4, AS_IT_IS]])))
    assert attention.max() == 0 and torch.equal(edited, images)


def test_the_way_back_gets_shorter_with_training(faces: Faces) -> None:
    # Few faces, no game to speak of: what remains is that an edit must be undone.
    settings = dataclasses.replace(TINY, learning_rate=2e-3, n_images=100_000, name_weight=0.0)
    run = fresh(faces, settings)
    with torch.no_grad():
        run.editor.module.paint.weight.mul_(40)
    losses = [run.step()["cycle"] for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_a_killed_run_goes_on_bit_for_bit(folder: Path, zoo: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(done: Progress) -> None:
        if done.n_seen:
            raise Killed

    trainer = AttributesTrainer()
    with pytest.raises(Killed):
        trainer.train([folder], tmp_path, TINY, report=kill)
    assert load_state(tmp_path / CHECKPOINT)["n_seen"] == 16
    with pytest.raises(FileExistsError):
        trainer.train([folder], tmp_path, TINY)
    card = trainer.train([folder], tmp_path, TINY, resume=True)
    assert card.settings["n_resumes"] == 1
    state = load_state(tmp_path / CHECKPOINT)
    save_state(tmp_path / "compared", state | {"n_resumes": 0})
    assert (tmp_path / "compared").read_bytes() == (zoo / CHECKPOINT).read_bytes()
    assert (tmp_path / f"{card.stem}.safetensors").read_bytes() == (zoo / f"{card.stem}.safetensors").read_bytes()
    seen = [json.loads(line)["n_seen"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert seen == [0, 16, 32, 48] and len(list(tmp_path.glob("sheet-*.png"))) == 4


def test_a_run_that_breaks_goes_back_and_gives_up_in_the_end(folder: Path, zoo: Path, tmp_path: Path) -> None:
    good = load_state(zoo / CHECKPOINT)
    faces, _ = read_faces([folder], SIDE_PX, n_held_out=10)
    run = fresh(faces)
    run.load(good)
    before = run.random.get_state()
    with torch.no_grad():
        run.editor.module.stem.weight.fill_(float("nan"))
    assert not np.isfinite(run.step()["cycle"])
    run.roll_back(good)
    assert run.n_seen == good["n_seen"] and not torch.equal(run.random.get_state(), before)
    assert np.isfinite(run.step()["cycle"])
    for _ in range(MAX_ROLLBACKS - 1):
        run.roll_back(run.state())
    with pytest.raises(Diverged, match="the last good checkpoint is kept"):
        run.roll_back(run.state())


def test_a_run_is_not_resumed_with_another_network(folder: Path, zoo: Path, tmp_path: Path) -> None:
    shutil.copy(zoo / CHECKPOINT, tmp_path)
    with pytest.raises(ValueError, match="made with wide 8, not 16"):
        AttributesTrainer().train([folder], tmp_path, dataclasses.replace(TINY, wide=16), resume=True)


def test_a_run_needs_labelled_faces_and_its_own_settings(tmp_path: Path) -> None:
    write_faces(tmp_path, 1)
    Image.fromarray(face(30, 0, 5)).save(tmp_path / "no label.jpg")
    (tmp_path / "30_1_0_2018.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"at least 200 faces .* found 10 usable, 1 unreadable, 1 without a label"):
        AttributesTrainer().train([tmp_path], tmp_path / "out", TINY)
    with pytest.raises(TypeError, match="RunSettings"):
        AttributesTrainer().train([tmp_path], tmp_path / "out", RunSettings())
    with pytest.raises(FileNotFoundError):
        AttributesTrainer().train([tmp_path], tmp_path / "out", TINY, resume=True)
    with pytest.raises(ValueError, match="made for 64 pixels a side, not 128"):
        dataclasses.replace(TINY, side_px=128)


@pytest.mark.parametrize("size", [(64, 64), (150, 150), (97, 130), (200, 64)])
def test_pixels_outside_the_mask_are_the_sources_bit_for_bit(zoo: Path, size: tuple[int, int]) -> None:
    sources = photos(3, *size)
    batch = AttributeEditor(zoo).forge(sources, seed=4)
    changed = (batch.images != sources).any(axis=1, keepdims=True)
    assert not changed[batch.masks == 0].any() and batch.masks.any(axis=(1, 2, 3)).all()
    side, (height, width) = min(size), size
    outside = np.ones(size, bool)
    top, left = (height - side) // 2, (width - side) // 2
    outside[top : top + side, left : left + side] = False
    assert not batch.masks[:, 0, outside].any()


def test_an_edit_is_made_of_one_picture_and_one_seed(zoo: Path) -> None:
    sources = photos(3, 80, 80)
    together = AttributeEditor(zoo).forge(sources, seed=9)
    for i in range(3):
        alone = AttributeEditor(zoo).forge(sources[i : i + 1], seed=9 + i)
        assert np.array_equal(alone.images[0], together.images[i]) and alone.recipes[0] == together.recipes[i]


def test_a_large_face_keeps_its_detail() -> None:
    change = np.random.default_rng(0).normal(0, 0.1, (3, SIDE_PX, SIDE_PX)).astype(np.float32)
    assert np.array_equal(placed(change, (SIDE_PX, SIDE_PX)), change)
    flat = placed(np.ones((3, SIDE_PX, SIDE_PX), np.float32), (256, 256))
    assert np.array_equal(flat, np.ones_like(flat)), "a square picture is edited up to its sides"
    wide = placed(np.ones((1, SIDE_PX, SIDE_PX), np.float32), (128, 256))[0]
    assert wide[:, 64].max() < 0.1 and wide[:, 128].min() == 1 and not wide[:, :64].any(), "cut sides fade"
    source = photos(1, 64, 64)[0]
    assert np.array_equal(small(source), source)


def test_what_is_drawn_is_never_what_a_face_is_read_as() -> None:
    own = Attributes("25-39", "female")
    drawn = {draw_edit(own, np.random.default_rng(seed)) for seed in range(300)}
    assert drawn == (
        {Attributes(age, gender) for age in (*AGE_GROUPS, None) for gender in ("male", None)}
        - {Attributes("25-39", "male"), Attributes("25-39", None), Attributes(None, None)}
    )


def test_edits_that_ask_for_nothing_or_for_what_there_is_not_are_refused(zoo: Path) -> None:
    editor = AttributeEditor(zoo)
    with pytest.raises(ValueError, match="needs an age group or a gender"):
        editor.edit(photos(1, 64, 64))
    with pytest.raises(ValueError, match="no age group"):
        editor.edit(photos(1, 64, 64), age_group="99")
    with pytest.raises(ValueError, match="at least 64 pixels"):
        editor.edit(photos(1, 63, 80), gender="male")
    batch = editor.edit(photos(2, 64, 64), age_group="60+", gender="male")
    assert all("edited to male 60+" in recipe for recipe in batch.recipes)


def test_weights_of_another_kind_are_refused(zoo: Path) -> None:
    from generators.attributes.networks import editor_from

    with pytest.raises(ValueError, match="no weights of an attribute editor"):
        editor_from({"reader.stem.bias": np.zeros(3, np.float16)})


def test_pixels_become_minus_one_to_one() -> None:
    found = from_pixels(np.array([0, 255], np.uint8).repeat(3).reshape(1, 1, 2, 3))
    assert found.shape == (1, 3, 1, 2) and found[0, 0, 0].tolist() == [-1, 1]
