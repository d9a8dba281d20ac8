"""Reads a folder as model hubs lay it out: `config.json`, `model.safetensors` and `preprocessor_config.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectors.outside.preprocessing import Interpolation, Preprocessing

CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"

_FILTERS: Mapping[int, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of filters, which preprocessor files hold."""

MAX_CONFIG_BYTES = 1 << 20


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is none, or long.
    """
    with path.open("rb") as file:
        data = file.read(MAX_CONFIG_BYTES + 1)
    try:
        plain = json.loads(data) if len(data) <= MAX_CONFIG_BYTES else None
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(plain, dict):
        raise ValueError(f"{path.name} holds no settings")
    return plain


def check_folder(folder: Path) -> None:
    """Complain about a folder that holds no weights that can be read.

    Raises:
        ValueError: says what it holds instead.
    """
    if (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file():
        return
    names = sorted(path.name for path in folder.iterdir())
    if f"{WEIGHTS}.index.json" in names:
        raise ValueError(f"{folder.name} holds weights in several parts; only one {WEIGHTS} is read")
    if any(name.endswith(("pytorch_model.bin", ".pt", ".pth", ".ckpt")) for name in names):
        raise ValueError(
            f"{folder.name} holds its weights only as a pickle, which runs code when it is opened; it is never opened "
            f"here. Its author, or you where you trust it, can save them as {WEIGHTS}"
        )
    raise ValueError(f"{folder.name} holds no {CONFIG} with {WEIGHTS} beside it")


def labels_of(config: Mapping[str, Any], n_outputs: int) -> tuple[str, ...]:
    """Names of the outputs, in order; one output that has none is called fake.

    Raises:
        ValueError: there are more or fewer names than outputs.
    """
    named = config.get("id2label") or {}
    labels: Sequence[Any] = config.get("label_names") or (config.get("pretrained_cfg") or {}).get("label_names") or ()
    if isinstance(named, Mapping) and named:
        try:
            labels = [named[key] for key in sorted(named, key=int)]
        except ValueError as error:
            raise ValueError(f"{CONFIG} numbers its labels with {', '.join(map(str, named))}") from error
    # One output is never one of two labels: it says how sure the network is of one thing.
    if n_outputs == 1 and len(labels) != 1:
        return ("fake",)
    if not labels:
        return tuple(f"output {i}" for i in range(n_outputs))
    if len(labels) != n_outputs:
        raise ValueError(
            f"the network has {n_outputs} outputs, {CONFIG} names {len(labels)}: {', '.join(map(str, labels))}"
        )
    return tuple(str(label) for label in labels)


def of_transformers(plain: Mapping[str, Any], side_px: int) -> Preprocessing:
    """Preprocessing out of `preprocessor_config.json`.

    Args:
        plain: its members; an empty mapping stands for the library's usual ones.
        side_px: of the pictures that the network takes.

    Raises:
        ValueError: it asks for something that is not known here.
    """
    crops = bool(plain.get("do_center_crop", False))
    size, is_shorter = _size(plain.get("size", side_px), int_is_shorter=crops)
    side = _size(plain.get("crop_size", side_px), int_is_shorter=False)[0] if crops else side_px
    if plain.get("do_resize", True) and not crops and size != side:
        raise ValueError(f"{PREPROCESSOR} makes pictures of {size} pixels, the network takes {side}")
    resample = plain.get("resample", 2)
    if resample not in _FILTERS:
        raise ValueError(f"{PREPROCESSOR} asks for the filter {resample!r}, which is not known")
    if abs(float(plain.get("rescale_factor", 1 / 255)) - 1 / 255) > 1e-6 or not plain.get("do_rescale", True):
        raise ValueError(f"{PREPROCESSOR} scales pixels in another way than to 0..1")
    normalised = plain.get("do_normalize", True)
    return Preprocessing.from_plain(
        {
            "side_px": side,
            "resize": ("shorter" if is_shorter else "squash") if plain.get("do_resize", True) else "none",
            "resize_px": max(size, side) if plain.get("do_resize", True) else side,
            "interpolation": _FILTERS[resample],
            "mean": plain.get("image_mean", (0.5,) * 3) if normalised else (0.0,) * 3,
            "std": plain.get("image_std", (0.5,) * 3) if normalised else (1.0,) * 3,
        }
    )


def of_timm(config: Mapping[str, Any]) -> Preprocessing:
    """Preprocessing out of timm's `pretrained_cfg`, as timm evaluates.

    Raises:
        ValueError: it asks for something that is not known here.
    """
    size = config.get("input_size") or (3, 224, 224)
    if len(size) != 3 or size[0] != 3 or size[1] != size[2]:
        raise ValueError(f"only square colour pictures can be prepared, not {tuple(size)}")
    mode = config.get("crop_mode") or "center"
    if mode not in ("center", "squash"):
        raise ValueError(f"the crop mode {mode!r} is not known")
    return Preprocessing.from_plain(
        {
            "side_px": int(size[1]),
            "resize": "shorter" if mode == "center" else "squash",
            "resize_px": int(size[1] / float(config.get("crop_pct") or 0.875)),
            "interpolation": config.get("interpolation") or "bicubic",
            "mean": config.get("mean") or (0.485, 0.456, 0.406),
            "std": config.get("std") or (0.229, 0.224, 0.225),
        }
    )


def _size(value: Any, *, int_is_shorter: bool) -> tuple[int, bool]:
    """Length in pixels, and whether it is that of the shorter side."""
    if isinstance(value, int):
        return value, int_is_shorter
    if isinstance(value, Mapping) and isinstance(value.get("shortest_edge"), int) and len(value) == 1:
        return int(value["shortest_edge"]), True
    if (
        isinstance(value, Mapping)
        and isinstance(value.get("height"), int)
        and value.get("height") == value.get("width")
    ):
        return int(value["height"]), False
    raise ValueError(f"{PREPROCESSOR} asks for the size {value!r}, which is not known")
