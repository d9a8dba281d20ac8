"""Where somebody else's network saw a fake: maps by its gradients, laid over the whole picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from detectors.catalog import DETECTORS
from detectors.loading import load
from detectors.outside.adding import Given, prepared
from detectors.outside.cam import activation_map
from detectors.outside.detector import Outside
from detectors.outside.model_folder import keep
from detectors.outside.preprocessing import MAP_SIDE, Preprocessing
from detectors.outside.reading import Reading
from forensics.analyzers.learned import Learned
from forensics.conformance import check_detector
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import photo, png
from tests.make_models import red_graph

FAKE = Reading(("fake",), ("fake",))
PAIR = Reading(("real", "fake"), ("fake",))
SMALL = {"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}


class RedCells(nn.Module):
    """Its odds rise with the red of a picture, cell by cell, and fall with the green."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Conv2d(3, 2, 8, stride=8, bias=False)
        with torch.no_grad():
            self.cells.weight.zero_()
            self.cells.weight[0, 0] = self.cells.weight[1, 1] = 1 / 64

    def forward(self, pictures: Tensor) -> Tensor:
        red, green = self.cells(pictures).mean((2, 3)).unbind(1)
        return torch.stack([green, red], 1)


def test_the_map_is_what_each_cell_adds_to_the_odds() -> None:
    values = np.zeros((1, 3, 32, 32), np.float32)
    values[0, 0, :8, :8] = 1.0
    values[0, 1, 24:, 24:] = 1.0
    found = activation_map(RedCells().eval(), values, PAIR)
    assert found is not None and found.shape == (4, 4)
    assert found[0, 0] == found.max() > 0 and np.count_nonzero(found) == 1, "what speaks against a fake stays dark"


@pytest.mark.parametrize(
    ("architecture", "more", "cells"),
    [
        ("resnet18", {}, 2),
        ("vit_tiny_patch16_224", SMALL | {"img_size": 64}, 8),
        ("vit_tiny_patch16_224", SMALL | {"img_size": 64, "global_pool": "avg"}, 8),
        ("swin_tiny_patch4_window7_224", {"img_size": 64, "embed_dim": 16, "depths": (1, 1), "num_heads": (1, 2)}, 8),
    ],
)
def test_networks_of_every_kind_have_a_last_layer_that_knows_places(
    architecture: str, more: dict[str, object], cells: int
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = timm.create_model(architecture, num_classes=2, **more).eval()
    values = np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype(np.float32)
    found = activation_map(network, values, PAIR)
    assert found is not None and found.shape == (cells, cells) and np.isfinite(found).all()
    assert not any(module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize("probabilities", [False, True])
def test_the_direction_is_the_gradient_of_the_log_odds(probabilities: bool) -> None:
    reading = Reading(("a", "real", "b"), ("a", "b"), probabilities)
    outputs = np.array([0.2, 0.5, 0.3])
    steps = np.eye(3) * 1e-6
    slope = np.array([(reading.logit(outputs + step) - reading.logit(outputs - step)) / 2e-6 for step in steps])
    assert reading.direction(outputs) == pytest.approx(slope, rel=1e-4)
    assert FAKE.direction(np.array([3.0])) == [1.0] and Reading(("real",), ()).direction(np.array([3.0])) == [-1.0]


@pytest.mark.parametrize(
    ("resize", "width", "height", "dark"),
    [
        ("squash", 128, 64, 0.0),
        ("shorter", 128, 64, 0.5),  # the middle square of a picture twice as wide as high
        ("none", 64, 256, 0.75),
    ],
)
def test_a_map_lies_where_the_network_looked(resize: str, width: int, height: int, dark: float) -> None:
    prepares = Preprocessing.from_plain({"side_px": 64, "resize": resize, "resize_px": 64})
    values = np.array([[1.0, 0.5], [0.5, 0.5]], np.float32)
    whole = prepares.over_whole(values, width, height)
    assert max(whole.shape) == MAP_SIDE and whole.shape[1] / whole.shape[0] == pytest.approx(width / height)
    assert (whole == 0).mean() == pytest.approx(dark, abs=0.03)
    y, x = np.argwhere(whole == 1.0).mean(0) / whole.shape
    assert x < 0.5 and y < 0.5, "its bright corner is the upper left one of the square"


def _added(folder: Path, bias: float) -> Path:
    """A small network whose answer its last bias decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet", num_classes=1)
    with torch.no_grad():
        network.get_classifier().bias.fill_(bias)
    save_file(network.state_dict(), folder / "net.safetensors")
    given = Given(name="net", architecture="test_resnet", labels=("fake",))
    keep(prepared(folder / "net.safetensors", given), folder / "models")
    return folder / "models"


def test_a_fake_is_shown_as_bright_as_the_network_is_sure_and_a_photo_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DETECTORS, "places", dict)

    picture = photo(3, width=96, height=64)
    scores = load("net", _added(tmp_path, 2.0)).score([picture])
    assert scores.heat is not None and scores.heat[0].max() == pytest.approx(scores.fake[0], abs=1e-5)
    (tmp_path / "real").mkdir()
    folder = _added(tmp_path / "real", -9.0)
    scores = load("net", folder).score([picture])
    assert scores.heat is not None and not scores.heat[0].any()
    settings = ScanSettings(analyzers=("learned",), models=folder)
    said = {f.details[0][1]: f for f in Learned(settings).examine(Media.open(png(picture)))}
    assert said["net"].heat is None and said["net"].measures["score"] < 0.01


def test_a_network_with_maps_keeps_the_rules_of_detectors(tmp_path: Path) -> None:
    folder = _added(tmp_path, 2.0)

    class Net(Outside):
        name = "net"

        def __init__(self) -> None:
            super().__init__("net", folder)

    check_detector(Net)


def test_a_graph_gives_no_map(tmp_path: Path) -> None:
    path = tmp_path / "red.onnx"
    path.write_bytes(red_graph().SerializeToString())
    keep(prepared(path, Given(name="red", labels=("fake", "real"))), tmp_path / "models")
    assert load("red", tmp_path / "models").score([photo(1, width=64, height=64)]).heat is None
