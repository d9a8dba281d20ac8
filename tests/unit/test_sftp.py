"""Files on an SFTP server are examined like files here; a server that nobody has met gets no password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.batch import Batch
from forensics.remote_listing import listing
from forensics.result import Result
from forensics.settings import Limits, ScanSettings
from tests.make_containers import zipped
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

pytest.importorskip("paramiko", reason="the extra `sftp` is not installed")

from tests import make_sftp

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))

ODD = "case/deep/x#y?z 1%20.jpg"


def picture(seed: int) -> bytes:
    return jpeg(photo(seed, width=64, height=48))


FILES = {"case/a.jpg": picture(1), ODD: picture(2), "case/z.zip": zipped({"in.jpg": picture(3)}), "b.jpg": picture(4)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a server that the user has met before."""
    folder = tmp_path_factory.mktemp("sftp")
    for name, data in FILES.items():
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_bytes(data)
    with pytest.MonkeyPatch.context() as patch, make_sftp.server(folder / "files") as (place, line):
        patch.setenv("HOME", str(folder))
        (folder / ".ssh").mkdir()
        (folder / ".ssh" / "known_hosts").write_text(line)
        yield place


def run(*urls: str) -> dict[str, Result]:
    batch = Batch(SETTINGS, build=Scripted, remote=True)
    return {result.path: result for result in batch.run(batch.tasks(urls))}


def test_what_lies_below_a_folder_is_examined_whatever_its_name(place: str) -> None:
    found = run(f"sftp://ann:secret@{place}/case")
    shown = [f"sftp://{place}/{name}" for name in ("case/a.jpg", ODD, "case/z.zip", "case/z.zip!/in.jpg")]
    assert {*found} == {*shown}
    assert [found[path].report is not None for path in shown] == [True, True, False, True]


def test_one_file_and_a_pattern_and_the_whole_server_are_found(place: str) -> None:
    for named, wanted in (
        ("b.jpg", ["b.jpg"]),
        (ODD, [ODD]),
        ("case/*/x*.jpg", [ODD]),
        ("", ["b.jpg", "case/a.jpg", "case/z.zip", ODD]),
    ):
        found = [task.shown.removeprefix(f"sftp://{place}/") for task in listing(f"sftp://ann:secret@{place}/{named}")]
        assert sorted(found) == sorted(wanted)


def test_a_server_that_nobody_has_met_is_one_line_and_gets_no_password(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(make_sftp._Door, "check_auth_password", lambda self, *told: asked.append("asked") or 2)
    (result,) = run(f"sftp://ben:secret@{place}/case").values()
    assert result.error is not None and result.error.code == "unreadable"
    assert "not found in known_hosts" in str(result.error) and not asked


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sftp://ann:wrong@{place}/case", "Authentication failed"),
        ("sftp://ann:secret@{place}/none", "No such file"),
        ("sftp://ann:secret@127.0.0.1:1/case", "Unable to connect"),
    ],
)
def test_what_cannot_be_reached_is_one_line_without_the_password(place: str, url: str, told: str) -> None:
    ((path, result),) = run(url.format(place=place)).items()
    assert result.error is not None and result.error.code == "unreadable" and told in str(result.error)
    assert "secret" not in path and "wrong" not in path
