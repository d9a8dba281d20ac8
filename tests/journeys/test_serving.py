"""The real server: started by the command, stopped and killed, it loses nothing. And what its own document promises."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from forensics.api.app import create_app
from forensics.api.configuration import Configuration
from forensics.api.keys import Key
from forensics.cli import main
from forensics.store import AuditLog, Store
from tests.make_media import jpeg, photo
from tests.make_service import SETTINGS, WAIT_S, Staged, keys

PICTURE = jpeg(photo(1, width=160, height=120))


@contextmanager
def served(folder: Path, *options: str, stop: int = signal.SIGTERM) -> Iterator[httpx.Client]:
    """`unforged serve` in a process of its own; at the end it gets a signal."""
    command = (sys.executable, "-m", "forensics.cli", "serve", "--port", "0", "--jobs", "1", "--analyzers", "metadata")
    places = ("--store", str(folder / "scans.db"), "--folder", str(folder / "serve"), "--models", "none")
    log = folder / "log"
    with log.open("w") as errors, subprocess.Popen([*command, *places, *options], stderr=errors) as process:
        try:
            until_s = time.monotonic() + WAIT_S
            while '"listening"' not in log.read_text() and time.monotonic() < until_s:
                time.sleep(0.1)
            (told,) = (line for line in log.read_text().splitlines() if '"listening"' in line)
            with httpx.Client(base_url=f"http://127.0.0.1:{json.loads(told)['port']}", timeout=60.0) as client:
                yield client
        finally:
            process.send_signal(stop)
            code = process.wait(60)
    assert code == (0 if stop == signal.SIGTERM else -stop)


def test_what_was_accepted_outlives_a_stop_and_a_kill(tmp_path: Path) -> None:
    numbers = []
    for stop in (signal.SIGTERM, signal.SIGKILL):
        with served(tmp_path, "--stop-seconds", "0.1", stop=stop) as client:
            sent = client.post("/v1/batches", files=[("files", (f"{i}.jpg", PICTURE)) for i in range(3)])
            assert sent.status_code == 202
            numbers += [one["id"] for one in sent.json()["scans"]]
    with served(tmp_path) as client:
        found = {}
        while len(found) < len(numbers):
            time.sleep(0.3)
            scans = client.get("/v1/scans").json()["scans"]
            found = {one["id"]: one["state"] for one in scans if one["state"] in ("done", "failed")}
    assert found == dict.fromkeys(numbers, "done")
    assert list((tmp_path / "serve" / "uploads").iterdir()) == []


def test_other_computers_are_not_let_in_without_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0"]) == 2
    assert "--keys" in capsys.readouterr().err


def test_keys_are_made_listed_and_removed_and_that_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = ("--keys", str(tmp_path / "keys")), ("--store", str(tmp_path / "scans.db"), "--as", "root")
    assert main(["serve-keys", "add", "desk", *file, "--tenant", "press", "--scopes", "scan", *store]) == 0
    shown = capsys.readouterr().out.strip()
    assert re.fullmatch(r"desk\.[\w-]{43}", shown)
    assert main(["serve-keys", "list", *file]) == 0
    assert capsys.readouterr().out.split("\t")[:3] == ["desk", "press", "scan"]
    assert main(["serve-keys", "remove", "desk", *file, *store]) == 0
    assert main(["serve-keys", "remove", "desk", *file, *store]) == 2
    assert main(["serve-keys", "add", "a b", *file, "--tenant", "press", *store]) == 2
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as opened:
        told = [(e.actor, e.action, e.subject) for e in AuditLog(opened).entries()]
    assert told == [("root", "api remove key", "key desk"), ("root", "api add key", "key desk")]
    assert shown.partition(".")[2] not in str(told)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """The document of a service that takes files and examines none."""
    folder = tmp_path_factory.mktemp("schema")
    path, headers = keys(
        folder, Key("all", "a", ("scan", "read", "admin"), requests_per_min=10**9, bytes_per_min=10**12)
    )
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        app = create_app(Configuration(folder / "serve", SETTINGS, path, checks_per_min=10**9, build=Staged), store)
        client = TestClient(app, base_url="http://localhost")
        assert client.get("/openapi.json").json()["openapi"].startswith("3.")

        async def unstarted(scope: Any, receive: Any, send: Any) -> None:
            # Schemathesis starts and stops an application around every request.
            if scope["type"] == "http":
                await app(scope, receive, send)
                return
            for moment in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{moment}.complete"})

        loaded = schemathesis.openapi.from_asgi("/openapi.json", unstarted)
        loaded.config.update(headers=headers["all"])
        yield loaded


OPERATIONS = (
    *("POST /v1/scans", "POST /v1/batches", "POST /v1/paths", "GET /v1/scans", "GET /v1/scans/{id}"),
    *(
        "GET /v1/scans/{id}/report/{form}",
        "GET /v1/batches/{id}",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
    ),
)


def test_the_document_has_these_operations(schema: schemathesis.BaseSchema) -> None:
    assert {found.ok().label for found in schema.get_all_operations()} == set(OPERATIONS)


# Nothing is ready in a service that examines nothing, and Schemathesis takes each 503 for a fault.
@pytest.mark.parametrize("label", [label for label in OPERATIONS if label != "GET /health/ready"])
def test_the_service_keeps_what_its_document_promises(schema: schemathesis.BaseSchema, label: str) -> None:
    method, _, path = label.partition(" ")
    operation = schema[path][method]

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy())
    def keeps(case: schemathesis.Case) -> None:
        case.call_and_validate()

    keeps()
