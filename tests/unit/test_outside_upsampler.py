"""Up-samplers of TensorFlow.js whose weights the user brings: computed as they are written, refused where unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.cli import main
from generators.images import to_float
from tests.make_media import photo

torch = pytest.importorskip("torch")

from scipy.ndimage import correlate  # noqa: E402

from generators.outside_upsampler import OutsideUpsampler  # noqa: E402
from generators.restoration.layer_graph import read_layers  # noqa: E402

FACTOR = 2


def layer(kind: str, name: str, *given: str, **config: Any) -> dict[str, Any]:
    inbound = [[[other, 0, 0, {}] for other in given]] if given else []
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": inbound}


def convolution(name: str, given: str, side: int, activation: str = "linear") -> dict[str, Any]:
    plain = {"strides": [1, 1], "dilation_rate": [1, 1], "padding": "same", "use_bias": True, "groups": 1}
    return layer("Conv2D", name, given, kernel_size=[side, side], activation=activation, **plain)


LAYERS = [
    layer("InputLayer", "in"),
    convolution("a.1", "in", 3),
    layer("Activation", "a_relu", "a.1", activation="relu"),
    layer("Concatenate", "both", "in", "a_relu", axis=3),
    convolution("b", "both", 1, "tanh"),
    layer("Add", "sum", "b", "in"),
    layer("UpSampling2D", "grown", "sum", size=[FACTOR, FACTOR], interpolation="nearest"),
    convolution("out", "grown", 3),
]


def kernels(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """In the order of the file: (h, w, in, out) and (out,)."""
    rng = np.random.default_rng(seed)
    shapes = {"a.1": (3, 3, 3, 4), "b": (1, 1, 7, 3), "out": (3, 3, 3, 3)}
    made = {}
    for name, shape in shapes.items():
        made[f"{name}/kernel"] = rng.normal(0, 0.2, shape).astype(np.float32)
        made[f"{name}/bias"] = rng.normal(0, 0.1, shape[-1]).astype(np.float32)
    return made


def written(folder: Path, layers: list[dict[str, Any]] = LAYERS, **changed: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    weights = kernels()
    (folder / "shard.bin").write_bytes(b"".join(value.tobytes() for value in weights.values()))
    entries = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in weights.items()]
    config = {"layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    said = {
        "modelTopology": {"model_config": {"class_name": "Functional", "config": config}},
        "weightsManifest": [{"paths": ["shard.bin"], "weights": entries}],
    }
    (folder / "model.json").write_text(json.dumps(said | changed))
    return folder / "model.json"


def convolved(image: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """(H, W, C) by SciPy, with zeros around it."""
    kernel, bias = kernels()[f"{name}/kernel"], kernels()[f"{name}/bias"]
    channels = [
        sum(
            correlate(image[..., c], kernel[:, :, c, k].astype(np.float64), mode="constant")
            for c in range(image.shape[2])
        )
        for k in range(kernel.shape[3])
    ]
    return np.stack(channels, axis=2) + bias


def test_the_graph_computes_what_its_layers_say(tmp_path: Path) -> None:
    image = np.random.default_rng(5).uniform(size=(9, 12, 3))
    inner = np.concatenate([image, np.maximum(convolved(image, "a.1"), 0)], axis=2)
    total = np.tanh(convolved(inner, "b")) + image
    expected = convolved(total.repeat(FACTOR, 0).repeat(FACTOR, 1), "out")
    graph, _ = read_layers(written(tmp_path))
    made = graph(torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    assert graph.factor == FACTOR
    assert np.abs(made - expected).max() < 1e-5


def test_photos_of_any_size_come_back_each_for_itself(tmp_path: Path) -> None:
    outside = OutsideUpsampler(written(tmp_path / "maker" / "x2"))
    sources = np.concatenate([to_float(photo(seed, width=75, height=65)) for seed in range(2)])
    batch = outside.forge(sources, seed=3)
    assert batch.images.shape == sources.shape and batch.masks.all()
    assert "grown again by maker-x2" in batch.recipes[0]
    assert np.abs(outside.forge(sources[1:], seed=4).images[0] - batch.images[1]).max() < 1e-5


def test_the_command_takes_weights_of_others_and_tells_which_it_took(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    Image.fromarray(photo(1, width=80, height=72)).save(tmp_path / "photos" / "1.png")
    order = ["generate", "sample", "outside", "-n", "1", "--photos", str(tmp_path / "photos")]
    order += ["--out", str(tmp_path / "out"), "--sheet"]
    assert main([*order, "--weights", str(written(tmp_path / "one"))]) == 0
    with Image.open(tmp_path / "out" / "0000.png") as fake:
        assert fake.size == (80, 72) and "superres-outside" in fake.info["Generator"]
    (tmp_path / "two").mkdir()
    other = written(tmp_path / "two")
    (tmp_path / "two" / "shard.bin").write_bytes(b"".join(value.tobytes() for value in kernels(1).values()))
    assert main([*order, "--weights", str(other)]) == 2, "the folder holds fakes of other weights"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"modelTopology": {}}, "no layers model"),
        ({"weightsManifest": [{"paths": ["../shard.bin"], "weights": []}]}, "beside the model"),
        ({"weightsManifest": [{"paths": ["shard.bin"], "weights": []}]}, "more than the 0 of the manifest"),
        ({"weightsManifest": [{"paths": [], "weights": []}]}, "KeyError 'a.1/kernel'"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_layers(written(tmp_path, **change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([*LAYERS, layer("Lambda", "code", "out", function="import os")], "a layer of the kind Lambda is none of"),
        ([*LAYERS[:-2], convolution("out", "sum", 3)], "no up-sampler"),
        ([*LAYERS[:-1], convolution("out", "grown", 3, "swish")], "the activation swish is none of"),
    ],
)
def test_layers_that_are_not_known_are_named(layers: list[dict[str, Any]], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        read_layers(written(tmp_path, layers))


def test_numbers_that_are_missing_or_left_over_are_told(tmp_path: Path) -> None:
    model = written(tmp_path)
    whole = (tmp_path / "shard.bin").read_bytes()
    for data, reason in ((whole[:-8], "too few"), (whole + b"1234", "more than")):
        (tmp_path / "shard.bin").write_bytes(data)
        with pytest.raises(ValueError, match=reason):
            read_layers(model)
    (tmp_path / "shard.bin").unlink()
    with pytest.raises(FileNotFoundError):
        read_layers(model)
