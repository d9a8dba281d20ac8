"""Up-samplers that others trained, in the layers format of TensorFlow.js: JSON for the graph, raw numbers for weights.

Read as data: nothing in such a file runs. Of Keras's many layers those are known that up-samplers without normalisation
(SRGAN, ESRGAN, residual dense networks) are made of.

Source: TensorFlow.js, "Saving and loading models" (model.json with modelTopology and weightsManifest).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

MAX_JSON_BYTES, MAX_BYTES = 5_000_000, 200_000_000
"""Such networks have a few megabytes; a manifest that claims more is not followed."""

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}

LAYERS = ("InputLayer", "Conv2D", "Activation", "Concatenate", "Add", "UpSampling2D")


class LayerGraph(nn.Module):
    """(N, 3, h, w) 0..1 -> (N, 3, h * factor, w * factor), about 0..1.

    Args:
        layers: of the topology, in its order, in which each comes after those it takes from.
        output: name of the last.
        weights: "<layer>/kernel" (h, w, in, out) and "<layer>/bias" (out,).

    Attributes:
        factor: how many times larger a side the output is.
        halo_px: no pixel depends on one farther away, in pixels of the input.

    Raises:
        ValueError: a layer of another kind, or weights that do not fit.
    """

    def __init__(self, layers: list[dict[str, Any]], output: str, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self._output = output
        self._steps: list[tuple[str, str, tuple[str, ...], dict[str, Any]]] = []
        self._convolutions = nn.ModuleDict()
        self.factor, self.halo_px = 1, 0
        for layer in layers:
            kind, name, settings = layer["class_name"], layer["name"], layer["config"]
            if kind not in LAYERS:
                raise ValueError(f"a layer of the kind {kind} is none of {', '.join(LAYERS)}")
            given = tuple(node[0] for node in layer["inbound_nodes"][0]) if layer["inbound_nodes"] else ()
            self._steps.append((kind, name, given, settings))
            if kind == "Conv2D":
                # Dots would part the names of submodules.
                self._convolutions[name.replace(".", "_")] = _convolution(name, settings, weights)
                self.halo_px += max(settings["kernel_size"]) // 2
            elif kind == "UpSampling2D":
                self.factor *= _times(settings)

    def forward(self, images: Tensor) -> Tensor:
        made: dict[str, Tensor] = {}
        for kind, name, given, settings in self._steps:
            taken = [made[other] for other in given] or [images]
            made[name] = self._made(kind, name, taken, settings)
        return made[self._output]

    def _made(self, kind: str, name: str, taken: list[Tensor], settings: Mapping[str, Any]) -> Tensor:
        if kind == "Conv2D":
            convolved = self._convolutions[name.replace(".", "_")](taken[0])
            return ACTIVATIONS[settings["activation"]](convolved)
        if kind == "Activation":
            return ACTIVATIONS[settings["activation"]](taken[0])
        if kind == "Concatenate":
            return torch.cat(taken, dim=1)
        if kind == "Add":
            return torch.stack(taken).sum(dim=0)
        if kind == "UpSampling2D":
            mode = settings.get("interpolation", "nearest")
            return functional.interpolate(taken[0], scale_factor=_times(settings), mode=mode)
        return taken[0]


def read_layers(path: Path) -> tuple[LayerGraph, str]:
    """An up-sampler out of a `model.json` and the files of numbers beside it, and the SHA-256 of all of them.

    Raises:
        OSError: a file is missing.
        ValueError: it is no such model, or not an up-sampler of colour pictures.
    """
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_JSON_BYTES:,} bytes")
    data = path.read_bytes()
    try:
        said = json.loads(data)
        config = said["modelTopology"].get("model_config", said["modelTopology"])["config"]
        groups, output = said["weightsManifest"], config["output_layers"][0][0]
        raw = b"".join(_shard(path.parent, name) for group in groups for name in group["paths"])
        weights = _arrays([entry for group in groups for entry in group["weights"]], raw)
        graph = LayerGraph(config["layers"], output, weights)
        with torch.inference_mode():
            shape = graph(torch.zeros(1, 3, 8, 8)).shape
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{path} is no layers model of TensorFlow.js: {type(error).__name__} {error}") from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be used: {' '.join(str(error).split())}") from error
    if graph.factor < 2 or shape != (1, 3, 8 * graph.factor, 8 * graph.factor):
        raise ValueError(f"{path} is no up-sampler of colour pictures: 8 x 8 pixels become {tuple(shape[1:])}")
    return graph.eval().requires_grad_(False), hashlib.sha256(data + raw).hexdigest()


def _times(settings: Mapping[str, Any]) -> int:
    height, width = settings["size"]
    if height != width or settings.get("interpolation", "nearest") not in ("nearest", "bilinear"):
        raise ValueError(f"an UpSampling2D of {height} by {width}, {settings['interpolation']}, is not known")
    return int(height)


def _convolution(name: str, settings: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]) -> nn.Conv2d:
    height, width = settings["kernel_size"]
    plain = all(tuple(settings[key]) == (1, 1) for key in ("strides", "dilation_rate")) and height == width
    if not plain or not height % 2 or settings.get("groups", 1) != 1 or (settings["padding"] != "same" and height > 1):
        raise ValueError(f"the convolution {name} has strides, gaps, groups, an even size, or shrinks its picture")
    if settings["activation"] not in ACTIVATIONS:
        raise ValueError(f"the activation {settings['activation']} is none of {', '.join(ACTIVATIONS)}")
    kernel = weights[f"{name}/kernel"].transpose(3, 2, 0, 1)  # (out, in, h, w)
    with torch.random.fork_rng(devices=[]):
        made = nn.Conv2d(kernel.shape[1], kernel.shape[0], height, padding=height // 2, bias=settings["use_bias"])
    state = {"weight": kernel} | ({"bias": weights[f"{name}/bias"]} if settings["use_bias"] else {})
    made.load_state_dict({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()})
    return made


def _shard(folder: Path, name: str) -> bytes:
    if Path(name).name != name:
        raise ValueError(f"weights are to lie beside the model, not in {name!r}")
    if (folder / name).stat().st_size > MAX_BYTES:
        raise ValueError(f"{name} is larger than {MAX_BYTES:,} bytes")
    return (folder / name).read_bytes()


def _arrays(entries: list[dict[str, Any]], raw: bytes) -> dict[str, NDArray[np.float32]]:
    """Weights by their names, laid one after another in the raw bytes."""
    arrays, at = {}, 0
    for entry in entries:
        if entry["dtype"] != "float32" or "quantization" in entry:
            raise ValueError(f"{entry['name']} is not stored as float32")
        size = math.prod(entry["shape"])
        if at + 4 * size > len(raw):
            raise ValueError(f"{len(raw):,} bytes of weights are too few")
        values = np.frombuffer(raw, "<f4", size, at).reshape(entry["shape"])
        if not np.isfinite(values).all():
            raise ValueError(f"{entry['name']} is not finite")
        arrays[entry["name"]] = cast("NDArray[np.float32]", values.astype(np.float32))
        at += 4 * size
    if at != len(raw):
        raise ValueError(f"{len(raw):,} bytes of weights are more than the {at:,} of the manifest")
    return arrays
