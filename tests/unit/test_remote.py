"""Files in a bucket are examined like files in a folder, when a person allows it and never else."""

from __future__ import annotations

import hashlib
import http.server
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.batch import Batch, Output
from forensics.cli import main
from forensics.inputs import expand
from forensics.remote import _unreadable, is_url
from forensics.remote_listing import listing
from forensics.result import Result
from forensics.settings import Limits, ScanSettings
from tests import make_bucket
from tests.make_containers import zipped
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20, max_bytes=100_000))


def picture(seed: int = 1) -> bytes:
    return jpeg(photo(seed, width=160, height=120))


FILES = {
    "case 1/a.jpg": picture(1),
    "case 1/deep/fake.jpg": picture(2),
    "case 1/deep/killed.jpg": picture(3),
    "case 1/x.zip": zipped({"in/fake.jpg": picture(4)}),
    "case 1/large.bin": bytes(200_000),
    "case 2/b.jpg": picture(5),
}


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    if reason := make_bucket.missing():
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, make_bucket.bucket(FILES, patch) as url:
        yield url


def run(paths: list[str], **given: Any) -> dict[str, Result]:
    batch = Batch(SETTINGS, build=Scripted, remote=True, **given)
    return {result.path: result for result in batch.run(batch.tasks(paths))}


def told(results: dict[str, Result]) -> dict[str, str]:
    return {
        path: str(r.report.verdict.opinion) if r.report else r.error.code if r.error else "opened"
        for path, r in results.items()
    }


def test_what_lies_below_a_prefix_is_examined_and_nothing_stays_here(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = run([f"{bucket}/case 1"], n_workers=2)
    assert told(results) == {
        f"{bucket}/case 1/a.jpg": "no trace found",
        f"{bucket}/case 1/deep/fake.jpg": "likely manipulated",
        f"{bucket}/case 1/deep/killed.jpg": "crashed",
        f"{bucket}/case 1/x.zip": "opened",
        f"{bucket}/case 1/x.zip!/in/fake.jpg": "likely manipulated",
        f"{bucket}/case 1/large.bin": "too-many-bytes",
    }
    report = results[f"{bucket}/case 1/a.jpg"].report
    assert report is not None and report.sha256 == hashlib.sha256(FILES["case 1/a.jpg"]).hexdigest()
    assert (report.path, report.filename) == (f"{bucket}/case 1/a.jpg", "a.jpg")
    assert not [*tmp_path.glob("unforged-*")]


def test_one_object_and_a_pattern_and_a_folder_here_go_together(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "here.jpg").write_bytes(picture(6))
    named = [f"{bucket}/case 2/b.jpg", f"{bucket}/*/a.jpg", str(tmp_path), f"{bucket}/case 2"]
    assert [task.shown for task in expand(named, remote=True)] == [
        f"{bucket}/case 2/b.jpg",
        f"{bucket}/case 1/a.jpg",
        str(tmp_path / "here.jpg"),
    ]
    assert len(run(named)) == 3


def test_what_is_not_there_is_one_line_and_the_rest_goes_on(bucket: str) -> None:
    gone = ["s3://no-such-bucket/x.jpg", f"{bucket}/nowhere.jpg"]
    found = told(run([*gone, f"{bucket}/case 2"]))
    assert found == dict.fromkeys(gone, "unreadable") | {f"{bucket}/case 2/b.jpg": "no trace found"}


def test_many_more_objects_than_are_fetched_ahead_come_through(bucket: str, tmp_path: Path) -> None:
    import boto3

    client = boto3.client("s3")
    for i in range(30):
        client.put_object(Bucket=make_bucket.BUCKET, Key=f"many/{i:02}.jpg", Body=picture(1) + b"%d" % i)
    results = run([f"{bucket}/many"], n_workers=2, output=Output(tmp_path / "out"))
    assert len(results) == 30 and {*told(results).values()} == {"no trace found"}
    assert len({r.sha256 for r in results.values()}) == 30


def test_the_command_fetches_only_when_it_is_allowed(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scan", f"{bucket}/case 2", "--store", "none", "--analyzers", "metadata"]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "--remote allows to fetch it" in said.err and not said.out
    assert main([*words, "--remote"]) == 0
    assert f"{bucket}/case 2/b.jpg\tinconclusive" in capsys.readouterr().out


def test_a_durable_run_over_a_bucket_examines_each_object_once(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scan", f"{bucket}/case 2", "--run", "r", "--remote", "--analyzers", "metadata"]
    words += ["--store", str(tmp_path / "s.db")]
    assert main(words) == 0 and "1 done" in capsys.readouterr().err
    assert main(words) == 0 and "1 unchanged" in capsys.readouterr().err


def test_a_bucket_that_cannot_be_listed_keeps_what_a_run_knows_of_it(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scan", f"{bucket}/case ?/*.jpg", "--run", "r", "--remote", "--analyzers", "metadata"]
    words += ["--store", str(tmp_path / "s.db"), "--fail-on", "inconclusive"]
    assert main(words) == 1 and "2 done" in capsys.readouterr().err

    def refused(*_: object) -> Iterator[None]:
        raise ConnectionError

    monkeypatch.setattr("forensics.remote_listing._below", refused)
    assert main(words) == 1 and "2 done, 1 failed" in capsys.readouterr().err


@pytest.fixture
def place(tmp_path: Path) -> Iterator[str]:
    """Host and port of a web server that hands out what lies in the folder."""
    if make_bucket.missing():
        pytest.skip("aiohttp comes with the extra `remote`")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    def handler(*given: Any) -> Quiet:
        return Quiet(*given, directory=str(tmp_path))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_page_is_fetched_by_https_rules_and_never_followed(tmp_path: Path, place: str) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1))
    (tmp_path / "index.html").write_text('<html><a href="a.jpg">a</a></html>')
    root = f"http://{place}"
    found = told(run([f"{root}/a.jpg", f"{root}/", f"{root}/gone.jpg"]))
    assert found == {f"{root}/a.jpg": "no trace found", f"{root}/": "not-media", f"{root}/gone.jpg": "unreadable"}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "memory://x", "zip://a::s3://b/c.zip", "s3://a::file://b"])
def test_only_places_elsewhere_are_fetched_from(url: str) -> None:
    with pytest.raises(ValueError, match="to fetch files from"):
        [*listing(url)]


def test_a_password_in_a_url_is_not_shown() -> None:
    (task,) = listing("https://me:secret@example.invalid/a.jpg")
    assert "secret" not in task.shown and task.url.startswith("https://me:secret@")


def test_why_a_file_cannot_be_fetched_is_told_without_its_url(place: str) -> None:
    where = {f"{place}/gone.jpg": "404 File not found", "127.0.0.1:1/a.jpg": "the connection was refused"}
    results = run([f"http://me:secret@{address}?key=hidden" for address in where])
    errors = {path.partition("://")[2].partition("?")[0]: str(r.error) for path, r in results.items()}
    assert errors == {address: f"it cannot be fetched: {words}" for address, words in where.items()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("no s3://me:sec ret@b/a b.jpg in it", "no in it"),
        ('bad bucket "me:sec ret@b"', 'bad bucket "@b"'),
        ("b/a b.jpg", "it is not there"),
        ("Forbidden, url='https://elsewhere/?key=hidden'", "Forbidden,"),
        ("s3://b/another", "FileNotFoundError"),
    ],
)
def test_words_of_whoever_speaks_to_a_place_lose_what_is_secret(words: str, told: str) -> None:
    error = _unreadable(FileNotFoundError(words), "s3://me:sec ret@b/a b.jpg")
    assert str(error) == f"it cannot be fetched: {told}"


def test_a_place_that_is_none_is_named_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"'gopher://' is no place to fetch files from"):
        [*listing("gopher://me:secret@host/x")]


@pytest.mark.parametrize(("source", "expected"), [("s3://b/x", True), ("a/b.jpg", False), ("C:\\x", False)])
def test_a_url_is_told_from_a_path(source: str, expected: bool) -> None:
    assert is_url(source) is expected


def test_what_looks_like_a_url_is_a_path_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "b").mkdir(parents=True)
    assert not is_url("s3://b")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install 'unforged\[remote\]'"):
        [*listing("s3://bucket/prefix")]
