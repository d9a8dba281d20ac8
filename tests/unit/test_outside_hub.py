"""Models of the hub: fetched once from one commit, refused when a hash differs, one line without a network."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from detectors.outside.hub import fetch
from forensics.cli import main
from tests.make_models import tiny_vit, write_hub_folder

COMMIT = "a" * 40


class Hub:
    """A hub on this machine, with one model.

    Attributes:
        files: name -> content.
        said: name -> SHA-256 that it promises.
        asked: paths that were asked for.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {
            "config.json": b"{}",
            "model.safetensors": b"weights",
            "pytorch_model.bin": b"no",
        }
        self.said: dict[str, str] = {}
        self.asked: list[str] = []

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        if path == "/api/models/some/detector/revision/v1?blobs=true":
            siblings = [{"rfilename": n, "lfs": {"sha256": self.said.get(n, "")}} for n in self.files]
            return json.dumps({"sha": COMMIT, "siblings": siblings}).encode()
        start = f"/some/detector/resolve/{COMMIT}/"
        return self.files.get(path.removeprefix(start)) if path.startswith(start) else None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = served.answer(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield served
    server.shutdown()
    server.server_close()


def test_the_commit_behind_a_tag_is_fetched_and_named_with_the_hash(hub: Hub, tmp_path: Path) -> None:
    hub.said["model.safetensors"] = hashlib.sha256(b"weights").hexdigest()
    found = fetch("hf://some/detector@v1", tmp_path / "model")
    assert found.origin.startswith(f"hf://some/detector@{COMMIT}") and hub.said["model.safetensors"] in found.origin
    assert {path.name for path in found.folder.iterdir()} == {"config.json", "model.safetensors"}, "and no pickle"


def test_weights_that_are_not_what_was_promised_are_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="you asked for"):
        fetch("hf://some/detector@v1", tmp_path / "model", sha256="0" * 64)
    hub.said["model.safetensors"] = "1" * 64
    with pytest.raises(ValueError, match="the hub says"):
        fetch("hf://some/detector@v1", tmp_path / "model")


def test_a_model_that_is_only_a_pickle_is_not_fetched(hub: Hub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(ValueError, match="pickles"):
        fetch("hf://some/detector@v1", tmp_path / "model")
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    "address", ["hf://some/detector", "hf://some@v1", "hf://../x@v1", "hf://a/b/c@v1", "https://x/y@v1", "hf://a/b@ "]
)
def test_what_is_no_address_is_refused_before_anything_is_asked(hub: Hub, tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match=r"hf://owner/name@revision"):
        fetch(address, tmp_path / "model")
    assert hub.asked == []


@pytest.mark.usefixtures("hub")
def test_a_model_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no open model hf://some/other@v1"):
        fetch("hf://some/other@v1", tmp_path / "model")


def test_without_a_network_the_command_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert main(["models", "add", "hf://some/detector@v1", "--models", str(tmp_path / "models")]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "cannot be reached" in error and "add its folder" in error and not (tmp_path / "models").exists()


def test_a_fetched_model_is_kept_with_its_origin(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    write_hub_folder(tiny_vit(), tmp_path / "theirs")
    hub.files = {path.name: path.read_bytes() for path in (tmp_path / "theirs").iterdir()}
    models = str(tmp_path / "models")
    assert main(["models", "add", "hf://some/detector@v1", "--models", models]) == 0
    n_asked = len(hub.asked)
    assert main(["models", "show", "detector", "--models", models]) == 0
    assert f"hf://some/detector@{COMMIT}" in capsys.readouterr().out
    assert len(hub.asked) == n_asked == 4, "offline from then on"
