"""Google's and Microsoft's buckets are read like folders, page by page, and again only where an object has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.batch import Batch
from forensics.cli import main
from forensics.remote_listing import listing
from forensics.settings import Limits, ScanSettings
from tests import make_clouds
from tests.make_clouds import Cloud
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

NAMES = ("a.jpg", "deep/er/b.jpg", "odd [1]*.jpg", "sp ace/ü 漢.jpg", "a::b.jpg", "h#1.jpg", "p%20q.jpg", "q?x=1.jpg")
NAMES += ("twice//slash.jpg", "back\\slash.jpg", "plus+&=.jpg", "quo'\"te.jpg", "lead/.hidden.jpg")


def picture(seed: int) -> bytes:
    return jpeg(photo(seed, width=160, height=120))


@pytest.fixture(params=make_clouds.SPEAKERS)
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, Cloud]]:
    if reason := make_clouds.missing(request.param):
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, make_clouds.cloud(request.param, {}, patch) as served:
        yield served


def run(url: str) -> dict[str, Any]:
    batch = Batch(ScanSettings(limits=Limits(image_timeout_s=20.0)), build=Scripted, remote=True)
    return {result.path: result for result in batch.run(batch.tasks([url]))}


def test_objects_of_odd_names_come_whole_and_folders_are_none(place: tuple[str, Cloud]) -> None:
    url, cloud = place
    cloud.files |= {f"c/{name}": picture(seed) for seed, name in enumerate(NAMES)} | {"c/deep/": b"", "cc.jpg": b"x"}
    found = {path: result.sha256 for path, result in run(f"{url}/c").items()}
    assert found == {f"{url}/c/{name}": hashlib.sha256(cloud.files[f"c/{name}"]).hexdigest() for name in NAMES}


def test_the_first_objects_are_handed_on_before_the_listing_ends(place: tuple[str, Cloud]) -> None:
    url, cloud = place
    cloud.page = 1000
    cloud.files |= {f"many/{i:05}.jpg": b"%d" % i for i in range(5500)}
    tasks = listing(f"{url}/many")
    first = next(tasks)
    assert first.shown == f"{url}/many/00000.jpg" and cloud.n_lists <= 2
    assert [first.shown, *(task.shown for task in tasks)] == [f"{url}/{name}" for name in cloud.files]
    assert cloud.n_lists >= 6


def test_one_object_and_a_pattern_are_found(place: tuple[str, Cloud]) -> None:
    url, cloud = place
    cloud.files |= dict.fromkeys(("x/a.jpg", "y/a.jpg", "y/deep/a.jpg", "y/b.jpg"), b"x")
    assert [task.url for task in listing(f"{url}/y/b.jpg")] == [f"{url}/y/b.jpg"]
    assert [task.url for task in listing(f"{url}/*/a.jpg")] == [f"{url}/x/a.jpg", f"{url}/y/a.jpg"]
    assert [task.url for task in listing(f"{url}/**/a.jpg")] == [f"{url}/{way}/a.jpg" for way in ("x", "y", "y/deep")]


@pytest.mark.parametrize("status", [401, 403])
def test_what_may_not_be_read_is_one_line(
    place: tuple[str, Cloud], status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    url, cloud = place
    cloud.status = status
    (result,) = run(f"{url}/c").values()
    assert result.error is not None and result.error.code == "unreadable"
    assert str(result.error).startswith("it cannot be fetched: ") and "\n" not in str(result.error)
    assert "Traceback" not in capfd.readouterr().err


def test_a_second_pass_fetches_only_what_has_changed(place: tuple[str, Cloud], tmp_path: Path) -> None:
    url, cloud = place
    cloud.files |= {f"{name}.jpg": picture(seed) for seed, name in enumerate("abc")}
    words = ["scan", url, "--run", "r", "--remote", "--analyzers", "metadata", "--store", str(tmp_path / "s.db")]
    words += ["--out", str(tmp_path / "out")]

    def states() -> dict[str, str]:
        cloud.read.clear()
        assert main(words) == 0
        lines = (tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()
        return {line["path"].removeprefix(f"{url}/"): line["state"] for line in map(json.loads, lines)}

    assert states() == dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), "done") and len(cloud.read) == 3
    cloud.files["b.jpg"] = picture(7)
    del cloud.files["c.jpg"]
    cloud.files["d.jpg"] = picture(8)
    assert states() == {"a.jpg": "unchanged", "b.jpg": "done", "d.jpg": "done"}
    assert cloud.read == {"b.jpg", "d.jpg"}


@pytest.mark.parametrize(("url", "extra"), [("gs://b/x", "gcs"), ("az://c/x", "azure"), ("s3://b/x", "remote")])
def test_a_missing_extra_is_named(
    url: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fsspec", reason="the extra `remote` is not installed")

    def refuse(protocol: str) -> type:
        raise ImportError(f"no {protocol} here")

    monkeypatch.setattr("fsspec.get_filesystem_class", refuse)
    assert main(["scan", url, "--remote", "--store", "none"]) == 2
    assert f"pip install 'unforged[{extra}]'" in capsys.readouterr().err
