"""The fixed eye against timm's network of the same name, and what its storage keeps."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from benchmarks.import_lite0 import folded  # noqa: E402
from generators.quality.lite0 import Lite0, embed, load, packed, unpacked  # noqa: E402
from tests.make_media import photo  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Lite0:
    """With the shipped weights."""
    return load()


def test_the_folded_network_is_that_of_timm() -> None:
    torch.manual_seed(1)
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    for name, value in theirs.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            value.uniform_(-0.2, 0.2)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
    ours = Lite0()
    ours.load_state_dict(folded(theirs.state_dict(), theirs.bn1.eps))
    images = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        expected, found = theirs(images * 2 - 1), ours.logits(images, 96)
        pooled = theirs.forward_head(theirs.forward_features(images * 2 - 1), pre_logits=True)
        assert torch.allclose(ours.features(images, 96), pooled, atol=1e-4)
    assert expected.std() > 1e-3
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_weight_and_its_stored_form_differ_by_half_a_step_at_most() -> None:
    state = Lite0().state_dict()
    state["head.weight"][0] = 0  # a dead channel has no scale of its own
    stored = packed(state)
    back = unpacked(stored)
    assert back.keys() == state.keys()
    for name in ("stem.weight", "head.weight", "classifier.weight"):
        scale = stored[name.replace("weight", "scale")].astype(np.float32).reshape(-1, 1)
        difference = (back[name] - state[name]).numpy().reshape(len(scale), -1)
        assert stored[name].dtype == np.int8
        assert np.all(np.abs(difference) <= scale / 2 + 1e-7)


def test_maps_shrink_by_two_from_stage_to_stage(network: Lite0) -> None:
    maps = network.stages(torch.rand(2, 3, 50, 70), side_px=64)
    assert [tuple(m.shape) for m in maps] == [
        (2, 16, 32, 32), (2, 24, 16, 16), (2, 40, 8, 8), (2, 112, 4, 4), (2, 320, 2, 2),
    ]  # fmt: skip


def test_gradients_reach_the_pictures_and_nothing_else(network: Lite0) -> None:
    images = torch.rand(1, 3, 40, 40, requires_grad=True)
    network.features(images, 64).square().sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
    assert not any(p.requires_grad or p.grad is not None for p in network.parameters())


def test_a_batch_is_the_same_pictures_one_by_one(network: Lite0) -> None:
    pixels = np.stack([photo(seed, width=64, height=64) for seed in range(3)])
    features, probabilities = embed(pixels, batch_size=2)
    alone = np.concatenate([embed(pixels[i : i + 1])[0] for i in range(3)])
    assert np.abs(features - alone).max() < 1e-3
    assert not np.allclose(features[0], features[1], atol=0.1)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)


def test_small_changes_move_features_less_than_another_picture(network: Lite0) -> None:
    first, second = photo(1, width=96, height=96), photo(2, width=96, height=96)
    darker = (first * 0.95).astype(np.uint8)
    features, _ = embed(np.stack([first, darker, second]))
    assert np.linalg.norm(features[0] - features[1]) < 0.5 * np.linalg.norm(features[0] - features[2])


def test_the_shipped_file_keeps_to_its_share_of_the_weights() -> None:
    from generators.quality.lite0 import STEM, ZOO

    assert (ZOO / f"{STEM}.safetensors").stat().st_size <= 4_800_000


def test_bytes_are_refused_as_images(network: Lite0) -> None:
    with pytest.raises(ValueError, match="float"):
        network.features(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
