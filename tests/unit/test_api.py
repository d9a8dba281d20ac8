"""The HTTP service: what it takes and what it answers, and that tenants are walls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from forensics.api.intake import Allowed
from forensics.api.keys import Key
from forensics.store import AuditLog, Store
from forensics.store.submissions import Submissions
from tests.make_containers import zipped
from tests.make_media import jpeg, photo
from tests.make_service import ended, keys, service
from tests.make_tiffs import sheet, tiff

PICTURE = jpeg(photo(1, width=160, height=120))

KEYS = (
    Key("a-all", "a", ("scan", "read")),
    Key("a-read", "a", ("read",)),
    Key("b-all", "b", ("scan", "read")),
    Key("boss", "house", ("admin",)),
)

Headers = dict[str, dict[str, str]]
Running = tuple[TestClient, Headers]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service with keys and an allowed folder, for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "allowed" / "deep").mkdir(parents=True)
    (folder / "allowed" / "deep" / "fake.jpg").write_bytes(PICTURE)
    (folder / "outside.jpg").write_bytes(PICTURE)
    (folder / "allowed" / "link.jpg").symlink_to(folder / "outside.jpg")
    path, headers = keys(folder, *KEYS)
    allowed = (Allowed((folder / "allowed").resolve(), "a"),)
    with service(folder, key_file=path, allowed=allowed, max_body_bytes=100_000, max_files=3) as client:
        yield client, headers


@pytest.fixture(scope="module")
def done(running: Running) -> dict[str, Any]:
    """A file of tenant a that was examined."""
    client, headers = running
    answer = client.post("/v1/scans", files={"file": ("fake.jpg", PICTURE)}, headers=headers["a-all"])
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["status"]
    return ended(client, answer.json()["id"], headers["a-all"])


@pytest.mark.parametrize("form", ["zip", "tif"])
def test_a_container_is_refused_whether_it_is_an_archive_or_a_picture_of_pages(running: Running, form: str) -> None:
    client, headers = running
    pages = [sheet(photo(seed, width=64, height=48)[..., 0].copy()) for seed in range(2)]
    data = zipped({"a.jpg": PICTURE}) if form == "zip" else tiff(pages)
    answer = client.post("/v1/scans", files={"file": (f"a.{form}", data)}, headers=headers["a-all"])
    found = ended(client, answer.json()["id"], headers["a-all"])
    assert (found["state"], found["error"]["code"]) == ("failed", "not-media")


def send(client: TestClient, headers: dict[str, str], *names: str, data: bytes = PICTURE) -> Any:
    return client.post("/v1/batches", files=[("files", (name, data)) for name in names], headers=headers)


def test_a_file_is_examined_and_its_report_comes_in_three_forms(running: Running, done: dict[str, Any]) -> None:
    client, headers = running
    assert (done["state"], done["verdict"]["opinion"], done["error"]) == ("done", "likely manipulated", None)
    assert done["size_bytes"] == len(PICTURE)
    pages = {
        form: client.get(f"/v1/scans/{done['id']}/report/{form}", headers=headers["a-read"])
        for form in ("json", "html", "pdf")
    }
    assert {page.status_code for page in pages.values()} == {200}
    assert pages["json"].json()["sha256"] == done["sha256"]
    assert pages["json"].json()["filename"] == "fake.jpg"
    assert pages["html"].headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script" not in pages["html"].text
    assert pages["pdf"].content.startswith(b"%PDF")
    assert pages["pdf"].headers["content-disposition"] == f'attachment; filename="{done["sha256"][:16]}.pdf"'


def test_another_tenant_finds_neither_id_nor_hash_nor_history(running: Running, done: dict[str, Any]) -> None:
    client, headers = running
    mine, other = headers["a-read"], headers["b-all"]
    batch = send(client, headers["a-all"], "one.jpg").json()["id"]
    for address in (f"/v1/scans/{done['id']}", f"/v1/scans/{done['id']}/report/json", f"/v1/batches/{batch}"):
        assert client.get(address, headers=mine).status_code == 200
        unknown = client.get(address.replace(done["id"], "x" * 22).replace(batch, "x" * 22), headers=other)
        theirs = client.get(address, headers=other)
        assert theirs.status_code == 404
        same = ("code", "message")
        assert [theirs.json()[part] for part in same] == [unknown.json()[part] for part in same]
    for query in (f"?sha256={done['sha256']}", ""):
        assert done["id"] in str(client.get(f"/v1/scans{query}", headers=mine).json())
        assert client.get(f"/v1/scans{query}", headers=other).json() == {"scans": []}
    assert client.get(f"/v1/scans?before={done['id']}", headers=other).status_code == 404


def test_a_batch_tells_of_each_file_and_one_that_kills_costs_only_itself(running: Running) -> None:
    client, headers = running
    # Bytes that nobody has sent before: a known result would be taken again.
    sent = send(client, headers["a-all"], "killed.jpg", "good.jpg", data=jpeg(photo(2, width=160, height=120)))
    assert sent.status_code == 202
    states = [ended(client, one["id"], headers["a-all"]) for one in sent.json()["scans"]]
    assert [one["state"] for one in states] == ["failed", "done"]
    assert states[0]["error"]["code"] == "crashed"
    assert client.get(sent.json()["status"], headers=headers["a-all"]).json()["is_over"] is True
    refused = client.get(f"/v1/scans/{states[0]['id']}/report/html", headers=headers["a-all"])
    assert (refused.status_code, refused.json()["code"]) == (404, "no-report")


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda c, h: c.get("/v1/scans"), 401),
        (lambda c, h: c.get("/v1/scans", headers={"Authorization": "Bearer a-all.wrong"}), 401),
        (lambda c, h: c.get("/v1/scans", headers={"Authorization": "Basic YTpi"}), 401),
        (lambda c, h: c.post("/v1/scans", files={"file": ("x", PICTURE)}, headers=h["a-read"]), 403),
        (lambda c, h: c.get("/v1/scans", headers=h["boss"]), 403),
        (lambda c, h: c.get("/metrics", headers=h["a-all"]), 403),
        (lambda c, h: c.get("/v1/scans/nothing", headers=h["a-all"]), 404),
        (lambda c, h: c.get("/nothing", headers=h["a-all"]), 404),
        (lambda c, h: c.put("/v1/scans", headers=h["a-all"]), 405),
        (lambda c, h: c.post("/v1/scans", json={}, headers=h["a-all"]), 415),
        (lambda c, h: c.post("/v1/scans", files={"file": ("x", b"")}, headers=h["a-all"]), 422),
        (lambda c, h: c.post("/v1/scans", files={"other": ("x", PICTURE)}, headers=h["a-all"]), 422),
        (lambda c, h: c.get("/v1/scans?limit=0", headers=h["a-all"]), 422),
        (lambda c, h: c.get("/v1/scans/x/report/exe", headers=h["a-all"]), 422),
        (lambda c, h: c.post("/v1/paths", json={"paths": []}, headers=h["a-all"]), 422),
        (lambda c, h: send(c, h["a-all"], "1", "2", "3", "4"), 400),
        (lambda c, h: c.post("/v1/scans", files={"file": ("x", b"x" * 200_000)}, headers=h["a-all"]), 413),
    ],
)
def test_what_is_refused_has_a_status_and_a_problem(
    running: Running, ask: Callable[[TestClient, Headers], Any], status: int
) -> None:
    answer = ask(*running)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_paths_are_taken_below_allowed_folders_of_the_tenant_only(running: Running, tmp_path: Path) -> None:
    client, headers = running
    allowed = client.app.app.state.service.configuration.allowed[0].folder  # type: ignore[attr-defined]

    def ask(path: object, who: str = "a-all") -> Any:
        return client.post("/v1/paths", json={"paths": [str(path)]}, headers=headers[who])

    taken = ask(allowed)
    assert taken.status_code == 202
    (one,) = (ended(client, one["id"], headers["a-all"]) for one in taken.json()["scans"])
    assert (one["name"], one["state"]) == ("fake.jpg", "done")
    outside = (allowed.parent / "outside.jpg", allowed / ".." / "outside.jpg", allowed / "link.jpg", "deep/fake.jpg")
    assert [ask(path).status_code for path in (*outside, "/nowhere", "s3://a/b", "https://example.org/a.jpg")] == [
        403
    ] * 7
    assert ask(allowed, "b-all").status_code == 403
    assert ask(allowed / "nothing").status_code == 422


def test_names_come_back_with_hidden_characters_visible(running: Running) -> None:
    client, headers = running
    name = "a\u202egpj.exe<script>"
    number = client.post("/v1/scans", files={"file": (name, PICTURE)}, headers=headers["a-all"]).json()["id"]
    assert ended(client, number, headers["a-all"])["name"] == "a\\u202egpj.exe<script>"
    page = client.get(f"/v1/scans/{number}/report/html", headers=headers["a-all"]).text
    assert "<script" not in page and "\u202e" not in page


def test_nothing_that_was_sent_is_left_once_it_is_examined(running: Running, done: dict[str, Any]) -> None:
    client, headers = running
    for one in client.get("/v1/scans", headers=headers["a-read"]).json()["scans"]:
        ended(client, one["id"], headers["a-read"])
    folder = client.app.app.state.service.configuration.folder  # type: ignore[attr-defined]
    assert list((folder / "uploads").iterdir()) == []


def test_health_needs_no_key_and_tells_versions_only_to_who_has_one(running: Running, done: dict[str, Any]) -> None:
    client, headers = running
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready", "versions": {}, "store": {}}
    told = client.get("/health/ready", headers=headers["a-read"]).json()
    assert "detector synthetic" in told["versions"] and told["store"]["kind"] == "sqlite"
    figures = client.get("/metrics", headers=headers["boss"]).text
    assert 'unforged_api_scans{state="done"}' in figures and "unforged_api_ready 1" in figures
    assert "fake.jpg" not in figures and "a-all" not in figures


def test_a_file_that_takes_its_worker_along_is_examined_once_more_and_then_has_failed(tmp_path: Path) -> None:
    path, headers = keys(tmp_path, Key("one", "a", ("scan", "read")))
    with service(tmp_path, key_file=path) as client:
        sent = client.post("/v1/scans", files={"file": ("killed.jpg", PICTURE)}, headers=headers["one"])
        number = sent.json()["id"]
        assert ended(client, number, headers["one"])["error"]["code"] == "crashed"
        assert list((tmp_path / "serve" / "uploads").iterdir()) == []
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        assert Submissions(store, "any").get("a", number).n_tries == 2


def test_each_submission_and_fetch_is_in_the_audit_log(running: Running, done: dict[str, Any]) -> None:
    client, headers = running
    client.get(f"/v1/scans/{done['id']}/report/json", headers=headers["a-read"])
    store = client.app.app.state.service._store  # type: ignore[attr-defined]
    told = [
        (e.actor, e.action)
        for e in AuditLog(store).entries(subject=done["sha256"], limit=1000)
        if e.details["id"] == done["id"]
    ]
    assert ("a-all", "api submit") in told and ("a-read", "api fetch") in told
