"""A batch examines each file once, says one line for each, and writes nothing outside its folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from forensics.batch import Batch, Output
from forensics.inputs import expand
from forensics.result import Result
from forensics.settings import Limits, ScanSettings
from forensics.store import Store, StoreError
from tests.make_media import decode, jpeg, photo
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))

FIELDS = {"path", "sha256", "kind", "status", "error", "verdict", "probability", "llr", "findings", "elapsed_s"}


def picture(seed: int = 1, quality: int = 90) -> bytes:
    return jpeg(photo(seed, width=160, height=120), quality)


def run(
    paths: list[str],
    *,
    out: Path | None = None,
    formats: tuple[str, ...] = (),
    stdin: bytes | None = None,
    **given: Any,
) -> list[Result]:
    batch = Batch(given.pop("settings", SETTINGS), output=Output(out, formats), build=Scripted, **given)
    return list(batch.run(batch.tasks(paths), stdin=None if stdin is None else io.BytesIO(stdin)))


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture(1))
    (folder / "fake.jpg").write_bytes(picture(2))
    (folder / "killed.jpg").write_bytes(picture(3))
    (folder / "empty.jpg").write_bytes(b"")
    return folder


def test_each_file_has_one_line_with_the_promised_fields(media: Path, tmp_path: Path) -> None:
    results = run([str(media)], out=tmp_path / "out")
    written = lines(tmp_path / "out")
    assert [line["path"] for line in written] == [result.path for result in results]
    assert len(written) == 4
    by_name = {Path(line["path"]).name: line for line in written}
    assert all(line.keys() >= FIELDS for line in written)
    assert by_name["a.jpg"]["status"] == "ok" and by_name["a.jpg"]["verdict"] == "no trace found"
    assert by_name["a.jpg"]["kind"] == "image" and by_name["a.jpg"]["error"] is None
    assert by_name["fake.jpg"]["verdict"] == "likely manipulated" and by_name["fake.jpg"]["llr"] == 2.0
    (finding,) = by_name["fake.jpg"]["findings"]
    assert finding.keys() == {"analyzer", "trace", "llr", "summary"}
    for name, code in (("killed.jpg", "crashed"), ("empty.jpg", "empty")):
        assert (by_name[name]["status"], by_name[name]["error_code"]) == ("error", code)
        assert by_name[name]["sha256"] == hashlib.sha256((media / name).read_bytes()).hexdigest()
        assert by_name[name]["error"] and by_name[name]["verdict"] is None


def test_a_file_whose_worker_died_is_tried_once_more_after_all_others(tmp_path: Path) -> None:
    for name in ("unlucky.jpg", "z.jpg"):
        (tmp_path / name).write_bytes(jpeg(photo(len(name), width=160, height=120)))
    batch = Batch(SETTINGS, build=Scripted)
    results = batch.run(batch.tasks([str(tmp_path)]))
    assert Path(next(results).path).name == "z.jpg"
    (tmp_path / "lucky").touch()
    (again,) = results
    assert Path(again.path).name == "unlucky.jpg" and again.report is not None and again.error is None


def test_a_line_is_on_disk_when_its_result_is_yielded(media: Path, tmp_path: Path) -> None:
    batch = Batch(SETTINGS, output=Output(tmp_path / "out"), build=Scripted)
    running = batch.run(batch.tasks([str(media)]))
    for n_done, _ in enumerate(running, 1):
        assert len(lines(tmp_path / "out")) == n_done
        if n_done == 2:
            break
    running.close()
    assert len(lines(tmp_path / "out")) == 2


def test_a_second_run_examines_only_what_failed(media: Path, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        first = {r.path: r for r in run([str(media)], store=store)}
        (media / "copy.jpg").write_bytes((media / "fake.jpg").read_bytes())
        second = {r.path: r for r in run([str(media)], out=tmp_path / "out", store=store)}
        assert not any(r.cached for r in first.values())
        cached = {Path(path).name for path, r in second.items() if r.cached}
        assert cached == {"a.jpg", "fake.jpg", "copy.jpg"}
        copy = second[str(media / "copy.jpg")]
        assert copy.scan_id == first[str(media / "fake.jpg")].scan_id
        assert copy.report is not None and copy.report.filename == "copy.jpg"
        assert {line["cached"] for line in lines(tmp_path / "out") if line["status"] == "ok"} == {True}
        assert not any(r.cached for r in run([str(media)], store=store, use_cache=False))
        other = ScanSettings(limits=SETTINGS.limits, prior=0.2)
        assert not any(r.cached for r in run([str(media / "a.jpg")], store=store, settings=other))


def test_what_was_cut_short_is_examined_again(media: Path, tmp_path: Path) -> None:
    (media / "hurried.jpg").write_bytes(picture(4))
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        run([str(media)], store=store)
        cached = {Path(result.path).name: result.cached for result in run([str(media)], store=store)}
    assert cached == {"a.jpg": True, "fake.jpg": True, "hurried.jpg": False, "killed.jpg": False, "empty.jpg": False}


@pytest.mark.parametrize("table", ["scans", "bodies", "hashes"])
def test_a_store_that_breaks_loses_no_result_and_is_reported_at_the_end(
    table: str, media: Path, tmp_path: Path
) -> None:
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        run([str(media / "a.jpg")], store=store)
        with sqlite3.connect(tmp_path / "s.db") as connection:
            connection.execute(f"ALTER TABLE {table} RENAME TO gone")
        batch = Batch(SETTINGS, output=Output(tmp_path / "out", ("csv",)), store=store, build=Scripted)
        with pytest.raises(StoreError, match=f"no such table: {table}"):
            list(batch.run(batch.tasks([str(media / "a.jpg"), str(media / "fake.jpg")])))
    assert [line["status"] for line in lines(tmp_path / "out")] == ["ok", "ok"]
    assert lines(tmp_path / "out")[1]["scan_id"] is None
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 3


def test_a_look_alike_is_pointed_out_and_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "first.jpg").write_bytes(picture(1))
    (tmp_path / "again.jpg").write_bytes(jpeg(decode(picture(1)), 60))
    (tmp_path / "other.jpg").write_bytes(picture(9))
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        (first,) = run([str(tmp_path / "first.jpg")], store=store)
        (again,) = run([str(tmp_path / "again.jpg")], store=store)
        (other,) = run([str(tmp_path / "other.jpg")], store=store)
    assert first.report is not None and again.report is not None and other.report is not None
    (seen,) = [f for f in again.report.findings if f.analyzer == "seen_before"]
    assert seen.llr is None and seen.measures["distance_bits"] <= 31
    assert "first.jpg" in seen.details[0][1]
    assert again.report.verdict.llr == first.report.verdict.llr
    assert not [f for r in (first, other) if r.report for f in r.report.findings if f.analyzer == "seen_before"]


def test_the_same_file_is_not_its_own_look_alike(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1))
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        run([str(tmp_path / "a.jpg")], store=store)
        (again,) = run([str(tmp_path / "a.jpg")], store=store)
    assert again.report is not None and [f.analyzer for f in again.report.findings] == ["scripted"]


def test_reports_are_named_by_hash_and_nothing_lies_outside_the_folder(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    hostile = [
        "x\\..\\..\\evil.jpg",
        "a\x1b[31m.jpg",
        "x'; rm -rf ~.jpg",
        "\u202egpj.jpg",
        os.fsdecode(b"\xff\xfe.jpg"),
    ]
    for i, name in enumerate(hostile):
        (media / name).write_bytes(picture(i))
    before = set(tmp_path.rglob("*"))
    results = run([str(media)], out=tmp_path / "out", formats=("json", "html"))
    assert [r.error for r in results] == [None] * len(hostile)
    written = set(tmp_path.rglob("*")) - before - {tmp_path / "out"}
    names = {f"{r.sha256[:16]}.{form}" for r in results if r.sha256 for form in ("json", "html")}
    assert {str(path.relative_to(tmp_path / "out")) for path in written} == names | {"results.jsonl"}
    assert "\\xff\\xfe.jpg" in {Path(line["path"]).name for line in lines(tmp_path / "out")}
    for line in lines(tmp_path / "out"):
        assert all((tmp_path / "out" / name).stat().st_size > 0 for name in line["reports"])


def test_folders_are_walked_in_order_without_hidden_files_and_the_output_and_links_are_not_followed(
    tmp_path: Path,
) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", ".hidden.jpg", ".git/x.jpg", "out/old.html", "b/deep/er/3.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = [task.shown for task in expand([str(tmp_path)], out=tmp_path / "out")]
    assert found == [str(tmp_path / name) for name in ("a.jpg", "b/1.jpg", "b/2.jpg", "b/deep/er/3.jpg", "b/loop")]


def test_a_name_that_tries_to_be_a_path_is_no_hidden_file(tmp_path: Path) -> None:
    (tmp_path / "..%2f..%2fetc%2fpasswd.jpg").write_bytes(b"x")
    assert len(list(expand([str(tmp_path)]))) == 1


def test_a_file_named_twice_is_examined_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert len(list(expand([str(tmp_path / "a.jpg"), str(tmp_path), f"{tmp_path}/./a.jpg"]))) == 1


def test_a_missing_path_is_a_line_and_the_rest_goes_on(media: Path) -> None:
    results = run([str(media / "nowhere.jpg"), str(media / "a.jpg")])
    assert [(r.error.code if r.error else None) for r in results] == [None, "unreadable"], "it was looked for twice"


def test_standard_input_is_one_more_file(tmp_path: Path) -> None:
    (result,) = run([], out=tmp_path / "out", stdin=picture(1))
    assert (result.path, result.error) == ("-", None)
    assert result.report is not None and (result.report.filename, result.report.path) == ("stdin", "-")


def test_standard_input_is_bounded(media: Path) -> None:
    settings = ScanSettings(limits=Limits(max_bytes=20_000))
    results = run([str(media / "a.jpg")], settings=settings, stdin=picture(1) * 20)
    assert [(r.path, r.error.code if r.error else None) for r in results] == [
        ("-", "too-many-bytes"),
        (str(media / "a.jpg"), None),
    ]


def test_a_format_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no format 'docx'"):
        Output(None, ("docx",))


def test_results_are_not_kept(tmp_path: Path) -> None:
    import gc
    import weakref

    for i in range(6):
        (tmp_path / f"{i}.jpg").write_bytes(picture(i))
    batch = Batch(SETTINGS, build=Scripted)
    seen: list[weakref.ref[object]] = []
    for result in batch.run(batch.tasks([str(tmp_path)])):
        seen.append(weakref.ref(result.report))
        del result
        gc.collect()
        assert sum(ref() is not None for ref in seen) <= 1
    assert len(seen) == 6
