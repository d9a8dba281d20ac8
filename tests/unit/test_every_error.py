"""One file of every class of error: each has a result, a line, a code and a count, and none is skipped in silence."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forensics import report_files
from forensics.cli import main
from forensics.containers import InsideLimits
from forensics.errors import MediaError
from forensics.inputs import expand
from forensics.media import Media
from forensics.report import ScanReport
from forensics.runs import DurableRun, Settings
from forensics.runs.ending import write_end
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.run_results import RunResults
from forensics.store.runs import Plan, Runs, RunState
from tests.make_containers import PACKERS, encrypted_zip, tarred, zipped
from tests.make_files import numbered, png_header, still, video
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

LIMITS = Limits(
    max_bytes=400_000,
    max_image_bytes=100_000,
    max_pixels=30_000,
    max_frames=5,
    max_duration_s=2.0,
    image_timeout_s=5.0,
    memory_bytes=300 << 20,
)
INSIDE = InsideLimits(max_depth=1, max_members=6)


class Failing(Scripted):
    """Behaves as the file's name says, and in three more ways."""

    def scan(self, media: Media) -> ScanReport:
        """Do it."""
        if "spends" in media.name:
            os.kill(os.getpid(), signal.SIGXCPU)
        if "undrawn" in media.name:
            report_files.render = _fail
        report = super().scan(media)
        return replace(report, failed={"ela": "it could not"}) if "lame" in media.name else report


def _fail(*_: Any) -> bytes:
    raise RuntimeError("no page for this one")


def evidence(folder: Path) -> dict[str, str]:
    """Make the files; name -> code of its error, of those in containers as well."""
    n = iter(range(100))

    def picture() -> bytes:
        return jpeg(photo(next(n), width=96, height=64))

    moving = [Image.fromarray(pixels) for pixels in numbered(8, width=32, height=32)]
    made: Mapping[str, tuple[bytes, str]] = {
        "nothing.jpg": (b"", "empty"),
        "notes.jpg": (b"dear diary", "not-media"),
        "layers.jpg": (b"8BPS" + bytes(30), "unsupported"),
        "hollow.png": (png_header(20, 20) + b"\0\0\0\x10IDAT" + bytes(40), "broken"),
        "cut.jpg": (picture()[:900], "truncated"),
        "large.jpg": (picture() + bytes(LIMITS.max_image_bytes), "too-many-bytes"),
        "wide.png": (png_header(3000, 3000), "too-many-pixels"),
        "flicker.gif": (still(moving[0], "gif", save_all=True, append_images=moving[1:]), "too-many-frames"),
        "film.mp4": (video(numbered(75, width=32, height=32)), "too-long"),
        "hangs.jpg": (picture(), "timeout"),
        "spends.jpg": (picture(), "out-of-cpu-time"),
        "eats.jpg": (picture(), "out-of-memory"),
        "killed.jpg": (picture(), "crashed"),
        "locked.zip!/a.jpg": (encrypted_zip({"a.jpg": picture()}), "encrypted"),
        "zeros.tar.gz": (PACKERS["gz"](tarred({".zeros": bytes(70 << 20)})), "bomb"),
        "nested.zip!/in.zip": (zipped({"in.zip": zipped({"a.jpg": picture()})}), "too-deep"),
        "many.zip": (zipped({f"{i}.txt": b"" for i in range(9)}), "too-many-members"),
        "lame.jpg": (picture(), "analyzer ela"),
        "hurried.jpg": (picture(), "cut-short"),
        "undrawn.jpg": (picture(), "no-page"),
        "sound.jpg": (picture(), ""),
    }
    for name, (data, _) in made.items():
        (folder / name.partition("!/")[0]).write_bytes(data)
    os.mkfifo(folder / "pipe.jpg")
    return {name: code for name, (_, code) in made.items()} | {"pipe.jpg": "unreadable"}


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pipes in folders, and no limit on processor time")
def test_every_class_of_error_has_one_line_a_code_and_a_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out, address = tmp_path / "media", tmp_path / "out", f"sqlite:///{tmp_path / 's.db'}"
    folder.mkdir()
    expected = evidence(folder)
    assert {*MediaError.CODES} <= {*expected.values()}, "make a file for the new class of error"
    with Store(address) as store:
        run, _ = Runs(store).claim("run", Plan((str(folder),), ScanSettings(limits=LIMITS), INSIDE))
        how = Settings(n_workers=2, folder=out, forms=("json",), build=Failing)
        with DurableRun(store, run, how, is_new_pass=True) as durable:
            for _ in durable.examine(expand([str(folder)])):
                pass
        durable.end(RunState.DONE)
        summary = write_end(Runs(store).get("run"), RunResults(store, run.id), out)
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    told = {line["path"].removeprefix(f"{folder}/"): line["error_code"] for line in lines}
    assert {name: told[name] for name in expected if expected[name] in MediaError.CODES} == {
        name: code for name, code in expected.items() if code in MediaError.CODES
    }
    assert {path.name for path in folder.iterdir()} <= {*told}, "a file was skipped in silence"
    assert main(["errors", "run", "--store", address, "--json"]) == 0
    classes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Opened to its sixth member, the archive with many has as many results as that.
    counts = {one["code"]: one["n_files"] for one in classes} | {"empty": 1}
    assert counts == {code: 1 for code in expected.values() if code}
    assert {one.code for one in summary.errors} == {*counts}
    for one in classes:
        assert one["message"] and "\n" not in one["message"]
        assert main(["errors", "run", "--store", address, "--code", one["code"]]) == 0
        paths = [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]
        assert len(paths) == one["n_files"] and one["path"] in paths


def test_the_documents_explain_every_class_of_error() -> None:
    page = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text(encoding="utf-8")
    table = page.partition("## What could not be examined")[2].partition("\n## ")[0]
    assert [code for code in MediaError.CODES if f"`{code}`" not in table] == []
