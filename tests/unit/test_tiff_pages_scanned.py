"""Each page of a TIFF has a result of its own; where containers are not opened, such a TIFF is refused as they are."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path

import pytest

from forensics.batch import Batch, Output
from forensics.cli import main
from forensics.result import Result
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from tests.make_containers import zipped
from tests.make_tiffs import LONG, SHORT, sheet, tiff
from tests.unit.failing_scanners import Scripted
from tests.unit.test_tiff_pages import NAMES, grey, tables

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))


def run(
    path: Path, out: Path | None = None, store: Store | None = None, settings: ScanSettings = SETTINGS
) -> list[Result]:
    batch = Batch(settings, output=Output(out, ("csv",) if out else ()), build=Scripted, store=store)
    return [*batch.run(batch.tasks([str(path)]))]


def told(results: list[Result]) -> dict[str, str]:
    return {
        r.path: str(r.report.verdict.opinion) if r.report else r.error.code if r.error else "opened" for r in results
    }


def test_each_page_has_a_line_and_the_file_one_as_any_container(tmp_path: Path) -> None:
    path = tmp_path / "fax.tif"
    path.write_bytes(tiff([sheet(grey(seed)) for seed in range(3)]))
    results = run(path, tmp_path / "out")
    assert told(results) == {str(path): "opened"} | {f"{path}!/{name}": "no trace found" for name in NAMES}
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    (whole,) = [line for line in lines if line["inside"]]
    assert (whole["status"], whole["kind"], whole["format"], whole["inside"]["n_files"]) == (
        *("container", "container", "tiff"),
        3,
    )
    pages = [line for line in lines if line["container"]]
    assert {(line["status"], line["format"], line["container"]) for line in pages} == {("ok", "tiff", str(path))}
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert {*rows} == {*told(results)} and rows[str(path)]["status"] == "container"


def test_a_page_is_known_by_its_own_hash_wherever_it_lies(tmp_path: Path) -> None:
    data = tiff([sheet(grey(seed)) for seed in range(3)])
    (tmp_path / "fax.tif").write_bytes(data)
    (tmp_path / "case.zip").write_bytes(zipped({"in/again.tif": data}))
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        run(tmp_path / "fax.tif", store=store)
        again = {r.path: r.cached for r in run(tmp_path / "case.zip", store=store) if r.report}
    assert again == {f"{tmp_path}/case.zip!/in/again.tif!/{name}": True for name in NAMES}


def test_a_page_that_cannot_be_decoded_costs_its_own_line(tmp_path: Path) -> None:
    huge = sheet(grey(1), tags={256: (LONG, [60_000]), 257: (LONG, [60_000])})
    packed = sheet(grey(2), tags={259: (SHORT, [8])})
    data = bytearray(tiff([sheet(grey(0)), huge, packed, sheet(grey(3))]))
    (tmp_path / "a.tif").write_bytes(data)
    found = told(run(tmp_path / "a.tif"))
    assert [found[f"{tmp_path}/a.tif!/page-{number}.tif"] for number in (1, 2, 3, 4)] == [
        "no trace found",
        "too-many-pixels",
        "broken",
        "no trace found",
    ]


def test_a_file_of_pages_may_be_larger_than_any_picture(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff([sheet(grey(seed)) for seed in range(3)]))
    small = ScanSettings(limits=Limits(image_timeout_s=20.0, max_image_bytes=4000, max_bytes=4000))
    assert [*told(run(tmp_path / "a.tif", settings=small)).values()].count("no trace found") == 3
    (tmp_path / "b.tif").write_bytes(tiff([sheet(grey(1, 100, 80))]))
    assert told(run(tmp_path / "b.tif", settings=small)) == {f"{tmp_path}/b.tif": "too-many-bytes"}


def scan(*words: str) -> int:
    return main(["scan", "--store", "none", "--analyzers", "metadata", *words])


def test_the_command_tells_what_loops_what_is_cut_off_and_looks_into_nothing_if_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiff([sheet(grey(seed)) for seed in range(3)])
    last = tables(data)[-1]
    looped = bytearray(data)
    struct.pack_into("<I", looped, last.at + last.n_bytes - 4, tables(data)[1].at)
    made = {"whole": data, "looped": looped, "cut": data[: last.at + 9]}
    exits, said = {}, {}
    for name, one in made.items():
        (tmp_path / f"{name}.tif").write_bytes(one)
        exits[name] = scan(str(tmp_path / f"{name}.tif"))
        said[name] = capsys.readouterr().out
    assert exits == {"whole": 0, "looped": 3, "cut": 3}
    assert {name: text.count("!/page-") for name, text in said.items()} == {"whole": 3, "looped": 3, "cut": 2}
    assert "lead back to earlier ones" in said["looped"] and "truncated" in said["cut"]
    assert scan(str(tmp_path / "whole.tif"), "--inside-depth", "0") == 3
    assert "not-media" in (text := capsys.readouterr().out) and "a TIFF of several pages" in text
