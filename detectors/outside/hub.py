"""Fetches a model from the public hub: only when a command names it, pinned to one commit and checked by hash.

The hub tells the SHA-256 of each large file beside it, so that what arrives is what its author put there; the commit
and the hash are kept on the card. Nothing here is ever called by a scan.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.outside.hub_layout import CONFIG, PREPROCESSOR, WEIGHTS

SCHEME = "hf://"

PUBLIC = "https://huggingface.co"
"""Where it is unless HF_ENDPOINT names a mirror, as the hub's own library has it."""

TIMEOUT_S = 20.0
MAX_BYTES = 8 << 30
PIECE = 1 << 20

_ADDRESS = re.compile(r"hf://([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)@([\w./-]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Fetched:
    """What was fetched.

    Attributes:
        folder: holds the files.
        origin: repository, commit and hash of the weights, for the card.
    """

    folder: Path
    origin: str


def fetch(address: str, into: Path, *, sha256: str = "") -> Fetched:
    """Fetch the three files of a hub's layout.

    Args:
        address: `hf://owner/name@revision`; a branch or tag is resolved to its commit.
        into: folder that receives them, made if missing.
        sha256: that the weights must have; "" takes what the hub says.

    Raises:
        ValueError: the address is none, there is no such model, or a file is not the one that was promised.
        ConnectionError: the hub cannot be reached.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"wants hf://owner/name@revision, not {address!r}; a revision is a commit, a tag or a branch")
    repository, revision = found[1], urllib.parse.quote(found[2], safe="")
    with _spoken(address):
        about = json.loads(_read(f"/api/models/{repository}/revision/{revision}?blobs=true"))
    commit = str(about.get("sha", "")) if isinstance(about, dict) else ""
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"the hub names no commit for {address}")
    files = {str(f.get("rfilename")): f for f in about.get("siblings", ()) if isinstance(f, dict)}
    if WEIGHTS not in files or CONFIG not in files:
        raise ValueError(f"{repository} holds no {CONFIG} with {WEIGHTS}; pickles and files in parts are not fetched")
    into.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, PREPROCESSOR, WEIGHTS):
        if name in files:
            with _spoken(address):
                hashed = _download(f"/{repository}/resolve/{commit}/{name}", into / name)
            _check(name, hashed, files[name], sha256 if name == WEIGHTS else "")
    return Fetched(into, f"hf://{repository}@{commit}, {WEIGHTS} with SHA-256 {hashed}")


def _check(name: str, found: str, said: dict[str, Any], wanted: str) -> None:
    promised = str((said.get("lfs") or {}).get("sha256") or (said.get("lfs") or {}).get("oid") or "")
    for what, digest in (("the hub says", promised), ("you asked for", wanted.lower())):
        if digest and digest != found:
            raise ValueError(f"{name} has SHA-256 {found}, {what} {digest}")


def _read(path: str) -> bytes:
    with _open(path) as answer:
        return bytes(answer.read(64 << 20))


def _download(path: str, target: Path) -> str:
    """Write a file and return its SHA-256."""
    hashed, n_bytes = hashlib.sha256(), 0
    with _open(path) as answer, target.open("wb") as file:
        while piece := answer.read(PIECE):
            n_bytes += len(piece)
            if n_bytes > MAX_BYTES:
                raise ValueError(f"{target.name} is longer than {MAX_BYTES >> 30} GB")
            hashed.update(piece)
            file.write(piece)
    return hashed.hexdigest()


def _open(path: str) -> Any:
    base = os.environ.get("HF_ENDPOINT", PUBLIC).rstrip("/")
    if not base.startswith(("https://", "http://")):
        raise ValueError(f"HF_ENDPOINT is no address of a hub: {base!r}")
    request = urllib.request.Request(base + path, headers={"User-Agent": "unforged"})
    return urllib.request.urlopen(request, timeout=TIMEOUT_S)


@contextmanager
def _spoken(address: str) -> Iterator[None]:
    """What goes wrong on the way, in one line."""
    try:
        yield
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            raise ValueError(
                f"the hub has no open model {address} ({error.code}); one behind a licence can be downloaded by hand "
                "and added as a folder"
            ) from None
        raise ConnectionError(f"the hub answers {error.code} for {address}; try again later") from None
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"{address} cannot be fetched: the hub cannot be reached ({reason}). Download the model where there is a "
            "network, and add its folder"
        ) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the hub gives no answer about {address} that can be read: {error}") from None
