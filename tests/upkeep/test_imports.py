"""Importing does nothing, heavy libraries wait until they are needed, and nothing that runs foreign code is called."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.upkeep.documents import ROOT

FLOORS = ("generators", "detectors", "forensics", "dashboard")
SOURCES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))

EXTRAS = ("torch", "torchvision", "timm", "facenet_pytorch", "lightning_fabric", "tensorboard", "matplotlib")
EXTRAS += ("onnx", "onnxruntime", "streamlit", "starlette", "fastapi", "pydantic", "uvicorn", "psycopg")
EXTRAS += ("fsspec", "paramiko")
"""Libraries of optional extras: a module that needs one may fail to import without it."""

ALEMBIC = "forensics.migrations.env"
"""Alembic runs this file by importing it; nothing else does."""

HEAVY = ("numpy", "cv2", "PIL", "av", "scipy", "sklearn", "sqlalchemy", "pyarrow", "jinja2", "fpdf", "c2pa", *EXTRAS)

FORBIDDEN_MODULES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
"""They run whatever a file says."""

NETWORK_MODULES = ("requests", "httpx", "aiohttp", "http.client", "ftplib", "smtplib", "huggingface_hub")

THE_DOOR = "detectors.outside.hub"
"""The one module that fetches, when a person names a model of the hub on the command line."""

DOORS_OF_SCANS = ("forensics.remote", "forensics.remote_listing", "forensics.remote_sftp")
THROUGH_THEM = ("forensics.inputs", "forensics.supply")
"""The modules that list and fetch files to scan, when a person allows it, and those that ask them: no worker does."""

DOOR_OF_CLUSTERS = "detectors.cluster"
"""The one module that knows Ray; it looks whether anybody is at the address that a person names."""

DOOR_OF_TOWERS = "detectors.tower_server"
"""The one module that listens, at a path of this machine, for workers whose parent has made them a line."""

THE_EAR, ITS_MODULES = "forensics.hearing", {"pickle", "socket"}
"""The one module that opens pickles, those of workers, and lets in nothing that is called; its lines are sockets."""

FORBIDDEN_CALLS = ("torch.load", "torch.hub.load", "urllib.request.urlopen", "urlopen", "eval", "exec", "os.system")
FORBIDDEN_CALLS += ("pickle.load", "pickle.loads", "socket.create_connection")

WATCHED = """
import contextlib, importlib, json, logging, os, random, signal, sys, threading, warnings
import numpy as np, cv2

# They set variables of the environment as they are imported, whoever comes first to need them.
for name in ("torchvision", "lightning_fabric", "streamlit"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)

def state():
    return {
        "environment": dict(os.environ), "folder": os.getcwd(), "threads": threading.active_count(),
        "python's random state": hash(random.getstate()), "numpy's random state": str(np.random.get_state()[1][:8]),
        "threads of OpenCV": cv2.getNumThreads(), "handlers of the root logger": len(logging.getLogger().handlers),
        "level of the root logger": logging.getLogger().level, "hook": str(sys.excepthook),
        "interrupt": str(signal.getsignal(signal.SIGINT)), "numpy's errors": np.geterr(),
    }

changed, missing = {}, {}
for name in sys.argv[1:]:
    before = state()
    try:
        importlib.import_module(name)
    except ImportError as error:
        missing[name] = error.name
    after = state()
    different = [key for key in before if before[key] != after[key]]
    if different:
        changed[name] = different
print(json.dumps([changed, missing]))
"""


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(program: str) -> list[str]:
    """Names of all modules that a program has loaded at its end."""
    shown = f"{program}\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_importing_any_module_does_nothing() -> None:
    names = [name for name in map(module, SOURCES) if name != ALEMBIC]
    assert len(names) > 50
    done = subprocess.run([sys.executable, "-c", WATCHED, *names], cwd=ROOT, capture_output=True, text=True, check=True)
    said, _, last = done.stdout.rstrip().rpartition("\n")
    changed, missing = json.loads(last)
    assert changed == {}
    assert said == "" and done.stderr == "", "importing prints nothing"
    assert {name: needs for name, needs in missing.items() if str(needs).partition(".")[0] not in EXTRAS} == {}


@pytest.mark.parametrize("floor", FLOORS)
def test_importing_a_floor_loads_nothing_heavy(floor: str) -> None:
    assert not set(HEAVY) & set(loaded_by(f"import {floor}"))


@pytest.mark.parametrize(
    ("catalog", "room"),
    [
        ("forensics.analyzers:ANALYZERS", "forensics.analyzers."),
        ("detectors.catalog:DETECTORS", "detectors."),
        ("generators.catalog:GENERATORS", "generators."),
        ("generators.trainers:TRAINERS", "generators."),
    ],
)
def test_listing_a_catalogue_imports_none_of_its_pieces(catalog: str, room: str) -> None:
    home, _, name = catalog.partition(":")
    loaded = loaded_by(f"from {home} import {name}; assert {name}.names() is not None; len({name}); list({name})")
    assert not [found for found in loaded if found.startswith(room) and found not in (home, "generators.catalog")]
    assert not set(HEAVY) & set(loaded)


def test_a_scan_loads_no_network_training_or_test_library() -> None:
    program = "from forensics.scanner import Scanner; from forensics.settings import ScanSettings\n"
    program += "Scanner(ScanSettings(analyzers=('ela', 'jpeg_history', 'noise', 'copy_move', 'metadata')))"
    loaded = set(loaded_by(program))
    assert not loaded & {"requests", "httpx", "pytest", "torch", "sklearn", "skimage", "matplotlib", "streamlit"}


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_no_source_opens_pickles_or_connections(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {THE_EAR: ITS_MODULES, DOOR_OF_CLUSTERS: {"socket"}, DOOR_OF_TOWERS: {"socket"}}
    imported = set(_imported(tree)) - own.get(module(path), set())
    roots = {name.partition(".")[0] for name in imported}
    assert not roots & set(FORBIDDEN_MODULES)
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if module(path) == DOOR_OF_CLUSTERS:
        called.remove("socket.create_connection")
    if module(path) == THE_DOOR:
        called.remove("urllib.request.urlopen")
    else:
        assert not imported & {*NETWORK_MODULES, "urllib.request", "socket"}
        assert THE_DOOR not in imported or module(path) == "forensics.cli.models_outside", "nobody else goes through it"
    if module(path) not in DOORS_OF_SCANS:
        assert not roots & {"fsspec", "s3fs", "boto3", "gcsfs", "adlfs", "paramiko"}
        assert not imported & set(DOORS_OF_SCANS) or module(path) in THROUGH_THEM, "nobody else goes through them"
    assert not set(called) & set(FORBIDDEN_CALLS)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "pretrained", "weights_only"):
            assert isinstance(node.value, ast.Constant) and node.value.value in (False, None), f"line {node.lineno}"


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
