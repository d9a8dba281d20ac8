"""Turns what a user has (a file, a folder, a training run) into an outside model that can be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from detectors.outside.described import Described
from detectors.outside.hub_layout import (
    CONFIG,
    PREPROCESSOR,
    WEIGHTS,
    check_folder,
    labels_of,
    of_timm,
    of_transformers,
    read_json,
)
from detectors.outside.known import RECIPES, Recipe
from detectors.outside.preprocessing import Preprocessing
from detectors.outside.reading import Reading, guessed
from generators.weights import ModelCard

VERSION = "1"

LIMITS = (
    "Weights from elsewhere: this project neither trained nor measured them. How well they do on pictures of another "
    "kind than they were trained on is unknown until you measure it."
)


@dataclass(frozen=True)
class Given:
    """What a user says about a model; what is left out is read from its files or from a recipe.

    Attributes:
        name: in the catalogue; from the file's name if "".
        recipe: one of `known.RECIPES`.
        architecture: timm's name.
        probe: safetensors file with a linear probe.
        labels: names of the outputs, in order.
        fake: those that speak for a fake.
        are_probabilities: whether the network has already applied a sigmoid or softmax.
        preprocessing: members of `Preprocessing` that differ from what its files say.
        claim: what a high score speaks for.
        licence: of the weights.
        origin: where they come from, besides the file's name.
        sha256: that the file of weights must have, in hexadecimal; "" takes any.
    """

    name: str = ""
    recipe: str = ""
    architecture: str = ""
    probe: Path | None = None
    labels: tuple[str, ...] = ()
    fake: tuple[str, ...] = ()
    are_probabilities: bool = False
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    claim: str = "synthetic"
    licence: str = ""
    origin: str = ""
    sha256: str = ""

    def check(self, file: str, sha256: str) -> None:
        """See that a file of weights is the one that is meant.

        Raises:
            ValueError: it has another hash.
        """
        if self.sha256 and self.sha256.lower() != sha256:
            raise ValueError(f"{file} has SHA-256 {sha256}, you asked for {self.sha256.lower()}")

    @property
    def known(self) -> Recipe:
        """The recipe, an empty one if none was named.

        Raises:
            ValueError: there is no such recipe.
        """
        if self.recipe and self.recipe not in RECIPES:
            raise ValueError(f"there is no recipe {self.recipe!r}; there is {', '.join(RECIPES)}")
        return RECIPES[self.recipe] if self.recipe else Recipe("", "")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that is ready to be kept.

    Attributes:
        card: without a hash.
        data: the file of weights.
    """

    card: ModelCard
    data: bytes


def prepared(source: Path, given: Given) -> Candidate:
    """Read an ONNX file, a safetensors file or a folder in a hub's layout, and try the network once.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: it needs a library that is not installed.
        ValueError: it cannot be read, run or understood, or is not the file that is meant; the message says what is
            missing.
    """
    _ = given.known
    if source.is_dir():
        return _from_folder(source.resolve(), given)
    if source.suffix.lower() == ".onnx":
        return _from_onnx(source, given)
    if source.suffix.lower() == ".safetensors":
        return _from_safetensors(source, given)
    from detectors.outside.weight_files import refuse_pickle

    refuse_pickle(source)
    raise ValueError(f"{source.name} is neither an ONNX file nor a safetensors file nor a folder with {CONFIG}")


def _from_onnx(path: Path, given: Given) -> Candidate:
    from detectors.outside.onnx_network import OnnxNetwork

    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    given.check(path.name, sha256)
    try:
        network = OnnxNetwork(data)
    except ValueError as error:
        raise ValueError(f"{path.name} is refused: {error}") from error
    side = (
        network.side_px
        or given.preprocessing.get("side_px")
        or (given.known.preprocessing or Preprocessing(224)).side_px
    )
    prepared = _preprocessing(given, Preprocessing(side))
    n_outputs = network.outputs(_blank(prepared)).size
    reading = _reading(given, ("fake",) if n_outputs == 1 else tuple(f"output {i}" for i in range(n_outputs)))
    origin = given.origin or f"{path.name}, SHA-256 {sha256}"
    described = Described("onnx", prepared, reading, origin=origin)
    return tried(described, data, path.stem, given)


def _from_safetensors(path: Path, given: Given) -> Candidate:
    from detectors.outside.weight_files import read_tensors, unwrapped

    architecture = given.architecture or given.known.architecture
    if not architecture:
        raise ValueError(
            f"which of timm's architectures is {path.name}? Say so with --architecture, or name a --recipe"
        )
    tensors, sha256 = read_tensors(path)
    given.check(path.name, sha256)
    origin = f"{path.name}, SHA-256 {sha256}"
    return _timm(architecture, unwrapped(tensors), {}, path.stem, replace(given, origin=given.origin or origin))


def _from_folder(folder: Path, given: Given) -> Candidate:
    from detectors.outside.layouts import converted
    from detectors.outside.weight_files import read_tensors, unwrapped

    check_folder(folder)
    config = read_json(folder / CONFIG)
    tensors, sha256 = read_tensors(folder / WEIGHTS)
    given.check(f"{folder.name}/{WEIGHTS}", sha256)
    given = replace(given, origin=given.origin or f"folder {folder.name}, {WEIGHTS} with SHA-256 {sha256}")
    architecture = given.architecture or given.known.architecture or str(config.get("architecture") or "")
    if "model_type" not in config and architecture:
        return _timm(architecture, unwrapped(tensors), config, folder.name, given)
    network = converted(config, tensors)
    prepares = read_json(folder / PREPROCESSOR) if (folder / PREPROCESSOR).is_file() else {}
    side = network.arguments["img_size"]
    usual = given.known.preprocessing or of_transformers(prepares, side)
    final, arguments = _probed(network.tensors, network.arguments, "num_classes", given)
    reading = _reading(given, labels_of(config, arguments["num_classes"]))
    described = Described(network.kind, _preprocessing(given, usual), reading, arguments, given.origin)
    return tried(described, final, folder.name, given)


def _timm(architecture: str, tensors: dict[str, Any], config: Mapping[str, Any], stem: str, given: Given) -> Candidate:
    from detectors.outside.torch_network import usual_settings

    usual = usual_settings(architecture)
    own = {**usual, **(config.get("pretrained_cfg") or {})}
    head = str(usual["classifier"])
    if f"{head}.weight" not in tensors:
        raise ValueError(f"these are not the weights of a classifier {architecture}: they lack {head}.weight")
    arguments: dict[str, Any] = {"architecture": architecture, "n_outputs": len(tensors[f"{head}.weight"])}
    final, arguments = _probed(tensors, arguments, "n_outputs", given)
    reading = _reading(given, labels_of(config, arguments["n_outputs"]))
    described = Described("timm", _preprocessing(given, of_timm(own)), reading, arguments, given.origin)
    return tried(described, final, stem, given)


def _probed(
    tensors: dict[str, Any], arguments: dict[str, Any], n_outputs: str, given: Given
) -> tuple[bytes, dict[str, Any]]:
    from detectors.outside.weight_files import read_tensors, to_bytes, with_probe

    if given.probe is None:
        if given.known.needs_probe:
            raise ValueError(f"the recipe {given.recipe} reads a tower with a linear probe; name its file with --probe")
        return to_bytes(tensors), arguments
    joined = with_probe(tensors, read_tensors(given.probe)[0])
    return to_bytes(joined), arguments | {n_outputs: len(joined["head.bias"])}


def _preprocessing(given: Given, usual: Preprocessing) -> Preprocessing:
    """What the user says, else the recipe, else the files."""
    base = asdict(given.known.preprocessing or usual)
    changed = dict(given.preprocessing)
    if "side_px" in changed and "resize_px" not in changed:
        changed["resize_px"] = changed["side_px"]
    return Preprocessing.from_plain(base | changed)


def _reading(given: Given, labels: tuple[str, ...]) -> Reading:
    if given.known.reading is not None and not given.labels and not given.fake:
        return replace(given.known.reading, are_probabilities=given.are_probabilities)
    names = given.labels or labels
    if given.fake:
        return Reading(names, given.fake, given.are_probabilities)
    return guessed(names, are_probabilities=given.are_probabilities)


def tried(described: Described, data: bytes, stem: str, given: Given) -> Candidate:
    """Run the network once, so that what cannot work is refused before it is kept."""
    from detectors.outside.networks import network_of

    outputs = network_of(described, data).outputs(_blank(described.preprocessing))
    described.reading.logit(outputs)
    name = given.name or slug(stem)
    about = given.known.about or "A picture in, one log odds of being a fake out; a network from elsewhere."
    card = ModelCard(
        name=name,
        version=VERSION,
        task=about,
        settings=json.loads(json.dumps(described.to_settings())),
        limits=LIMITS,
        licence=given.licence or given.known.licence or "unstated",
        claim=given.claim,
    )
    return Candidate(card, data)


def slug(stem: str) -> str:
    """A name for the catalogue out of the name of a file."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in stem.lower()).strip("-")
    kept = "-".join(part for part in kept.split("-") if part)[:63]
    return kept if kept[:1].isalpha() else f"model-{kept}".strip("-")


def _blank(preprocessing: Preprocessing) -> Any:
    import numpy as np

    return preprocessing(np.full((preprocessing.side_px, preprocessing.side_px, 3), 128, np.uint8))
