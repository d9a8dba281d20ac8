"""What the HTTP service refuses before it reads it: bodies over the limit, too many requests, and strangers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from forensics.api.app import create_app
from forensics.api.configuration import Configuration
from forensics.api.keys import Key
from forensics.store import Store
from tests.make_service import SETTINGS, Staged, keys


@pytest.mark.parametrize("headers", [[(b"content-length", b"100000000")], [(b"transfer-encoding", b"chunked")]])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    headers: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    path, named = keys(tmp_path, Key("one", "a", ("scan",)))
    configuration = Configuration(tmp_path / "serve", SETTINGS, path, max_body_bytes=100_000, build=Staged)
    n_read, answers = 0, list[Any]()

    async def receive() -> dict[str, Any]:
        nonlocal n_read
        n_read += 1
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' if n_read == 1 else b""
        return {"type": "http.request", "body": head + b"x" * 40_000, "more_body": True}

    async def send_on(message: Any) -> None:
        answers.append(message)

    sent = [
        (b"authorization", named["one"]["Authorization"].encode()),
        (b"content-type", b"multipart/form-data; boundary=b"),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/scans",
        "raw_path": b"/v1/scans",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *sent, *headers],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "root_path": "",
        "server": ("localhost", 80),
    }
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        asyncio.run(create_app(configuration, store)(scope, receive, send_on))
    assert answers[0]["status"] == 413
    # Announced: not a byte. In chunks: no more than it takes to pass the limit of 100,000 bytes.
    assert n_read == (0 if headers[0][0] == b"content-length" else 3)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_key_that_used_up_its_limit_is_told_when_to_come_again(tmp_path: Path) -> None:
    clock = Clock()
    path, headers = keys(tmp_path, Key("slow", "a", ("scan", "read"), requests_per_min=3), Key("fast", "a", ("read",)))
    configuration = Configuration(tmp_path / "serve", SETTINGS, path, clock=clock, bytes_per_min=1000, build=Staged)
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        # Not started: nobody examines anything.
        client = TestClient(create_app(configuration, store), base_url="http://localhost")
        assert [client.get("/v1/scans", headers=headers["slow"]).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get("/v1/scans", headers=headers["slow"])
        assert (refused.headers["retry-after"], refused.json()["code"]) == ("20", "too-many")
        assert client.get("/v1/scans", headers=headers["fast"]).status_code == 200
        clock.now_s += 60.0
        sent = [client.post("/v1/scans", files={"file": ("x", b"x" * 700)}, headers=headers["slow"]) for _ in range(2)]
        assert [one.status_code for one in sent] == [202, 429]
        assert 0 < int(sent[1].headers["retry-after"]) <= 60
        # What waits is told as not done, and not as an error of the server.
        waiting = client.get(f"/v1/scans/{sent[0].json()['id']}/report/json", headers=headers["fast"])
        assert (waiting.status_code, waiting.json()["code"]) == (409, "not-done")


def test_clients_that_come_at_once_with_a_good_key_are_let_in_and_wrong_keys_are_counted(tmp_path: Path) -> None:
    path, headers = keys(tmp_path, Key("one", "a", ("read",)), Key("two", "a", ("read",)))
    configuration = Configuration(tmp_path / "serve", SETTINGS, path, clock=Clock(), checks_per_min=2, build=Staged)
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        client = TestClient(create_app(configuration, store), base_url="http://localhost")

        def asked(given: dict[str, str]) -> int:
            return client.get("/v1/scans", headers=given).status_code

        with ThreadPoolExecutor(20) as at_once:
            assert {*at_once.map(asked, [headers["one"], headers["two"]] * 10)} == {200}
        wrong = {"Authorization": "Bearer one.guessed"}
        assert [asked(wrong) for _ in range(3)] == [401, 401, 429]
        assert asked(headers["one"]) == 200


def test_without_keys_only_this_computer_is_answered_and_no_web_page(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        client = TestClient(create_app(Configuration(tmp_path / "serve", SETTINGS), store), base_url="http://localhost")
        assert client.get("/v1/scans").status_code == 200
        assert client.get("/v1/scans", headers={"Host": "rebound.example.org"}).status_code == 421
        assert client.get("/v1/scans", headers={"Origin": "https://example.org"}).status_code == 403
        with pytest.raises(RuntimeError, match="another server"):
            create_app(Configuration(tmp_path / "serve", SETTINGS), store)
