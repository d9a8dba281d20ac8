"""Models from elsewhere: what could run code, or reach outside of its file, is refused."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detectors.outside.adding import Given, prepared
from forensics.cli import main
from tests.make_models import tiny_vit, write_hub_folder
from tests.unit.test_outside_models import RED, onnx_file


def _external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in (("location", "../../secret"), ("offset", "0"), ("length", "24")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def _hidden_external(model: Any) -> None:
    """The same inside of a branch that never runs."""
    from onnx import TensorProto, helper

    inner = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    inner.ClearField("float_data")
    inner.data_location = 1
    entry = inner.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    constant = helper.make_node("Constant", [], ["c"], value=inner)
    out = helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])
    branch = helper.make_graph([constant], "branch", [], [out])
    condition = helper.make_node("Constant", [], ["no"], value=helper.make_tensor("n", TensorProto.BOOL, [], [False]))
    model.graph.node.extend([condition, helper.make_node("If", ["no"], ["d"], then_branch=branch, else_branch=branch)])


def _foreign(model: Any) -> None:
    model.graph.node[0].domain = "my.company"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_external, "in other files"),
        (_hidden_external, "in other files"),
        (_foreign, r"my\.company\.GlobalAveragePool"),
        (lambda model: model.graph.ClearField("node"), "no ONNX file with a network"),
    ],
)
def test_a_graph_that_reaches_outside_of_itself_is_refused(
    tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 24)
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(ValueError, match=words):
        prepared(onnx_file(tmp_path / "a" / "b", change), RED)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "pytorch_model.bin", "w.ckpt", "w.safetensors", "w.onnx", "w.pkl"])
def test_no_pickle_is_ever_opened_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    if name.endswith(".safetensors"):
        pytest.importorskip("torch")
    (tmp_path / name).write_bytes(pickle.dumps(_Bomb(tmp_path / "hit")))
    with pytest.raises(ValueError, match=r"never opened|no safetensors file|is refused"):
        prepared(tmp_path / name, Given(architecture="test_vit"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes((tmp_path / name).read_bytes())
    with pytest.raises(ValueError, match=r"never opened|holds no config"):
        prepared(folder, Given())
    assert not (tmp_path / "hit").exists()


def _hub_folder(folder: Path) -> Path:
    pytest.importorskip("timm")
    write_hub_folder(tiny_vit(), folder / "tiny")
    return folder / "tiny"


@pytest.mark.parametrize(
    ("made", "weights", "words"),
    [
        (onnx_file, "red.onnx", ["--labels", "fake,real", "--size", "8"]),
        (_hub_folder, "tiny/model.safetensors", []),
    ],
)
def test_weights_of_another_hash_are_refused_wherever_they_lie(
    made: Callable[[Path], Path], weights: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = made(tmp_path)
    found = hashlib.sha256((tmp_path / weights).read_bytes()).hexdigest()
    command = ["models", "add", str(source), *words, "--models", str(tmp_path / "models"), "--sha256"]
    assert main([*command, "0" * 64]) == 2
    assert f"{weights} has SHA-256 {found}, you asked for {'0' * 64}\n" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
    assert main([*command, found.upper()]) == 0, capsys.readouterr().err


def test_a_training_run_has_no_hash_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "add", str(tmp_path), "--discriminator", "--sha256", "0" * 64]) == 2
    assert "a training run is none\n" in capsys.readouterr().err
