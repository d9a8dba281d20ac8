"""Pictures reach a network of somebody else as its author prepared them, and its outputs are read as he meant them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from detectors.outside.hub_layout import labels_of, of_timm, of_transformers
from detectors.outside.preprocessing import Preprocessing
from detectors.outside.reading import Reading, guessed
from tests.make_media import photo

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


@pytest.mark.parametrize("size", [(200, 120), (97, 131), (40, 300)])
@pytest.mark.parametrize("resize", ["squash", "shorter", "none"])
def test_pictures_are_prepared_as_torchvision_does(resize: Any, size: tuple[int, int]) -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    resizing = {
        "squash": [transforms.Resize((80, 80), transforms.InterpolationMode.BILINEAR)],
        "shorter": [transforms.Resize(80, transforms.InterpolationMode.BILINEAR)],
        "none": [],
    }[resize]
    theirs = transforms.Compose(
        [*resizing, transforms.CenterCrop(64), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    )
    pixels = photo(5, width=size[0], height=size[1])
    ours = Preprocessing(64, resize, 80, "bilinear", MEAN, STD)(pixels)
    assert np.allclose(ours[0], theirs(Image.fromarray(pixels)).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"side_px": 0},
        {"side_px": 224, "resize_px": 100},
        {"side_px": 8, "resize": "stretch"},
        {"side_px": 8, "std": (1, 0, 1)},
        {"side_px": 8, "mean": (1, 2)},
        {"sidepx": 8},
        {"side_px": 10**6},
    ],
)
def test_a_preprocessing_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"pixels|resizing|numbers|not a preprocessing"):
        Preprocessing.from_plain(wrong)


def test_log_odds_of_logits_are_those_of_their_softmax() -> None:
    outputs = np.array([0.3, -1.2, 2.0, 0.1])
    p = np.exp(outputs) / np.exp(outputs).sum()
    fake = p[0] + p[2]
    labels = ("ai", "photo", "gan", "drawing")
    assert Reading(labels, ("ai", "gan")).logit(outputs) == pytest.approx(np.log(fake / (1 - fake)))
    assert Reading(labels, ("ai", "gan"), are_probabilities=True).logit(p) == pytest.approx(np.log(fake / (1 - fake)))


def test_one_output_speaks_for_its_own_name_alone() -> None:
    assert Reading(("fake",), ("fake",)).logit(np.array([1.5])) == 1.5
    assert Reading(("photo",), ()).logit(np.array([1.5])) == -1.5
    assert Reading(("fake",), ("fake",), are_probabilities=True).logit(np.array([0.8])) == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("outputs", "words"), [([1.0], "1 outputs"), ([np.nan, 0.0], "no numbers"), ([3.0, 1.0], "probabilities")]
)
def test_outputs_that_are_not_what_the_card_says_are_refused(outputs: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Reading(("fake", "real"), ("fake",), are_probabilities=True).logit(np.array(outputs))


@pytest.mark.parametrize(
    ("labels", "fake"),
    [
        (("artificial", "human"), ("artificial",)),
        (("Realism", "Deepfake"), ("Deepfake",)),
        (("ai", "hum"), ("ai",)),
        (("Artificial", "Deepfake", "Real"), ("Artificial", "Deepfake")),
        (("AI-generated", "real_photo"), ("AI-generated",)),
    ],
)
def test_names_of_outputs_that_open_detectors_use_are_understood(
    labels: tuple[str, ...], fake: tuple[str, ...]
) -> None:
    assert guessed(labels).fake == fake


@pytest.mark.parametrize(
    "labels", [("LABEL_0", "LABEL_1"), ("cat", "dog"), ("fake", "not fake"), ("real fake", "other")]
)
def test_names_that_do_not_say_which_is_fake_are_asked_about(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="--fake"):
        guessed(labels)


def test_preprocessor_files_of_each_kind_are_understood() -> None:
    square = {"size": {"height": 384, "width": 384}, "resample": 3, "image_mean": MEAN, "image_std": STD}
    assert of_transformers(square, 384) == Preprocessing(384, "squash", 384, "bicubic", MEAN, STD)
    assert of_transformers({"size": 224}, 224).resize == "squash"
    clip = {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": 224, "resample": 3}
    assert of_transformers(clip, 224) == Preprocessing(224, "shorter", 256, "bicubic", (0.5,) * 3, (0.5,) * 3)
    timm = {"input_size": [3, 224, 224], "crop_pct": 0.875, "interpolation": "bicubic", "mean": MEAN, "std": STD}
    assert of_timm(timm) == Preprocessing(224, "shorter", 256, "bicubic", MEAN, STD)
    assert of_timm(timm | {"crop_mode": "squash", "crop_pct": 1.0}).resize == "squash"


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": {"height": 224, "width": 112}},
        {"size": {"longest_edge": 224}},
        {"resample": 17},
        {"rescale_factor": 0.5},
        {"size": 256},
    ],
)
def test_preprocessor_files_that_ask_for_something_else_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"preprocessor_config\.json"):
        of_transformers(wrong, 224)


def test_labels_come_in_the_order_of_their_numbers_and_must_fit_the_outputs() -> None:
    named = {"id2label": {"10": "k", **{str(i): chr(97 + i) for i in range(10)}}}
    assert labels_of(named, 11)[-2:] == ("j", "k")
    assert labels_of({"id2label": {"0": "real", "1": "fake"}}, 1) == ("fake",)
    with pytest.raises(ValueError, match="3 outputs"):
        labels_of({"id2label": {"0": "real", "1": "fake"}}, 3)
