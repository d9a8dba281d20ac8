"""Checkpoints of training runs: whole or not at all, and nothing that runs code."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.checkpoints import load_state, save_state  # noqa: E402
from tests.unit.test_gan import same  # noqa: E402


def test_nothing_but_tensors_and_plain_values_goes_into_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = {"a": {0: torch.arange(3), "b": [1.5, None, "x", True]}, "c": torch.ones(2, dtype=torch.bfloat16)}
    save_state(path, state)
    assert same(load_state(path), state)
    with pytest.raises(TypeError, match="Path at 'p'"):
        save_state(path, {"p": path})
    assert same(load_state(path), state), "the earlier file stays"


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save_state(path, {"n": 1})

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(path, {"n": 2})
    assert load_state(path) == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.safetensors is no checkpoint"):
        load_state(path)
