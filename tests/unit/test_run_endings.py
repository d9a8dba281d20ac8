"""What is written when a run ends agrees with its lines: tables, SARIF, summary, metrics; and the hook hears of it."""

from __future__ import annotations

import io
import json
import re
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from detectors.perceptual_hash import distances
from forensics.claims import Claims, claims
from forensics.containers import InsideLimits
from forensics.media import Media
from forensics.runs.ending import call, command_words, holds_run, write_end
from forensics.runs.metrics import write_metrics
from forensics.runs.near import Groups
from forensics.runs.outputs import PARTS, ResultFiles
from forensics.runs.page import drawn
from forensics.runs.sarif import write_sarif
from forensics.runs.summary import MAX_GROUPS, MAX_MONTHS, MAX_NEAR_PATHS, OTHERS, UNNAMED, summarize
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.run_files import RunFiles
from forensics.store.run_words import Ending, FileState, Seen
from forensics.store.runs import Plan, Run, Runs, RunState
from tests.make_media import jpeg, photo

OPINIONS = ("likely synthetic", "likely manipulated", "inconclusive", "no trace found")


def line(number: int, **given: Any) -> dict[str, Any]:
    """One line of results, as a run keeps it."""
    opinion = OPINIONS[number % 4]
    usual = {
        "path": f"/media/{number % 3}/<b>{number}.jpg",
        "sha256": f"{number:064x}",
        "kind": "image",
        "format": "jpeg",
        "size_bytes": 100,
        "width": 40,
        "height": 30,
        "duration_s": None,
        "status": "ok",
        "error": None,
        "error_code": None,
        "verdict": opinion,
        "probability": (number % 101) / 100,
        "llr": 1.5,
        "leading": ["geometry"],
        "findings": [{"analyzer": "copy_move", "trace": "geometry", "llr": 1.5, "summary": "A copied\u202e part."}],
        "failed": {},
        "cut_short": False,
        "camera": f"Maker {number % 2}" if number % 2 else None,
        "generator": None,
        "taken_on": f"20{number % 30:02d}-0{number % 9 + 1}-01",
        "scanned_at": "2026-01-01T00:00:00+00:00",
        "pdq": [],
        "elapsed_s": 0.5,
        "cached": False,
        "scan_id": number,
        "reports": [],
        "container": None,
        "inside": None,
        "duplicate_of": None,
        "modified_at": "2025-05-05T00:00:00+00:00",
        "state": "done",
    }
    return usual | given


def failed(number: int, code: str) -> dict[str, Any]:
    words = {"status": "error", "error": f"it is {code}", "error_code": code, "state": "failed"}
    return line(number, verdict=None, probability=None, llr=None, leading=[], findings=[], **words)


def filled(store: Store, lines: list[dict[str, Any]]) -> tuple[Run, RunFiles]:
    """A run that has come to these results, and its files."""
    run, _ = Runs(store).claim("run", Plan(("/media",), ScanSettings(), InsideLimits()))
    files = RunFiles(store, run.id)
    met = [Seen(number.to_bytes(16, "big"), found["path"], 1, 1) for number, found in enumerate(lines)]
    waiting = files.enter(met, n_pass=1, versions_digest="v", is_new_pass=False).waiting
    for one, found, file in zip(met, lines, waiting, strict=True):
        files.finish(file.id, Ending(FileState(found["state"]), one, found["sha256"] or "", "v", found))
    Runs(store).end(run.id, RunState.DONE)
    return Runs(store).get("run"), files


def test_everything_written_at_the_end_counts_the_same_files(store: Store, tmp_path: Path) -> None:
    lines = [line(n) for n in range(37)] + [failed(40 + n, ("empty", "broken")[n % 2]) for n in range(5)]
    summary = write_end(*filled(store, lines), tmp_path / "out")
    out = tmp_path / "out"
    assert [json.loads(text)["path"] for text in (out / "results.jsonl").open()] == [one["path"] for one in lines]
    assert pq.read_table(out / "results.parquet").num_rows == len(lines) == summary.n_files
    assert len((out / "results.csv").read_text().splitlines()) == len(lines) + 1
    assert json.loads((out / "summary.json").read_text())["opinions"] == dict(summary.opinions)
    for bars in (summary.scores, summary.folders, summary.cameras, summary.generators, summary.months):
        assert sum(sum(counts.values()) for counts in bars.values()) == 37
    assert {one.code: one.n_files for one in summary.errors} == {"empty": 3, "broken": 2}
    assert summary.opinions == {opinion: sum(one["verdict"] == opinion for one in lines) for opinion in OPINIONS}
    assert list(summary.cameras)[-1] == UNNAMED and not list(out.glob("*.part"))


def test_the_folder_of_a_run_is_told_at_any_moment(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, files = filled(store, [line(1)])
    assert not holds_run(tmp_path / "out")
    with ResultFiles(tmp_path / "out", files, has_kept=False):
        assert holds_run(tmp_path / "out")
    seen: list[bool] = []

    def noting(*given: Any) -> Any:
        seen.append(holds_run(tmp_path / "out"))
        return summarize(*given)

    monkeypatch.setattr("forensics.runs.ending.summarize", noting)
    write_end(run, files, tmp_path / "out")
    assert seen == [True] and holds_run(tmp_path / "out")


def test_the_page_shows_hostile_names_as_text_and_needs_nothing_else(store: Store, tmp_path: Path) -> None:
    lines = [line(n, camera="<script>x</script>") for n in range(4)] + [failed(9, "empty")]
    write_end(*filled(store, lines), tmp_path / "out")
    page = (tmp_path / "out" / "summary.html").read_text()
    assert "<script" not in page and "&lt;script&gt;x&lt;/script&gt;" in page and "&lt;b&gt;" in page
    assert not re.search(r"(?:src|href)=", page) and "default-src 'none'" in page
    for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        xml.etree.ElementTree.fromstring(chart)


def test_bars_are_as_long_as_their_counts() -> None:
    one, two = drawn({"a": {"inconclusive": 30, "likely synthetic": 10}, "b": {"no trace found": 20}})
    assert sum(part.width for part in one.parts) == 1000 and sum(part.width for part in two.parts) == 500
    assert [part.x for part in one.parts] == [0, one.parts[0].width] and (one.total, two.total) == (40, 20)
    assert drawn({"empty": {}})[0].parts == ()


def test_charts_stay_short_and_lose_no_file(store: Store) -> None:
    lines = [line(n, camera=f"Camera {n}", taken_on=f"{1950 + n}-01-01") for n in range(60)]
    summary, _ = summarize(*filled(store, lines))
    assert len(summary.cameras) == MAX_GROUPS + 1 and len(summary.months) <= MAX_MONTHS
    assert sum(sum(counts.values()) for counts in summary.months.values()) == 60


def test_folders_beyond_those_that_are_counted_stand_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.runs.summary.MAX_COUNTED", 30)
    summary, _ = summarize(*filled(store, [line(n, path=f"/media/{n}/a.jpg") for n in range(50)]))
    assert list(summary.folders)[-1] == f"{OTHERS} (over {30 - MAX_GROUPS})"
    assert sum(sum(counts.values()) for counts in summary.folders.values()) == 50


def test_sarif_has_what_the_standard_requires_and_one_result_a_suspicious_file() -> None:
    lines = [line(n) for n in range(8)] + [failed(9, "empty"), line(10, status="container", verdict=None)]
    text = io.StringIO()
    assert write_sarif(lines, text) == 6
    log = json.loads(text.getvalue())
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["tool"]["driver"]["name"] == "unforged"
    for result in run["results"]:
        assert result["ruleId"] in rules and result["level"] in ("error", "note") and result["message"]["text"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("file:///media/") and "<" not in uri and "\u202e" not in result["message"]["text"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    (noted,) = invocation["toolExecutionNotifications"]
    assert noted["descriptor"]["id"] == "empty" and noted["message"]["text"] == "it is empty"
    assert run["properties"]["filesWithoutResult"] == 2
    empty = io.StringIO()
    assert write_sarif([], empty) == 0 and json.loads(empty.getvalue())["runs"][0]["results"] == []


def test_metrics_are_lines_that_prometheus_reads(tmp_path: Path) -> None:
    path = tmp_path / "run.prom"
    states = dict.fromkeys(FileState, 0) | {FileState.DONE: 3}
    write_metrics(path, 'a"\\b', states=states, opinions={"inconclusive": 3}, errors=(), is_running=True, now_s=5.0)
    lines = path.read_text().splitlines()
    sample = re.compile(r'[a-z_]+\{([a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\} -?[0-9.e+-]+')
    assert all(line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line) for line in lines)
    assert 'unforged_run_files{run="a\\"\\\\b",state="done"} 3' in lines
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types)) == 5


def test_the_hook_gets_the_summary_and_its_failure_is_told(store: Store, tmp_path: Path) -> None:
    summary, _ = summarize(*filled(store, [line(1)]))
    heard = tmp_path / "heard; rm -rf *.json"
    program = f"import sys; open({str(heard)!r}, 'w').write(sys.stdin.read())"
    call(f'{sys.executable} -c "{program}"', summary)
    assert json.loads(heard.read_text()) == json.loads(json.dumps(summary.to_dict()))
    with pytest.raises(RuntimeError, match="ended with code 3"):
        call(f'{sys.executable} -c "raise SystemExit(3)"', summary)
    with pytest.raises(RuntimeError, match="cannot be started"):
        call("/no/such/program", summary)
    for wrong in ("", "a 'b"):
        with pytest.raises(ValueError, match="--on-finish takes"):
            command_words(wrong)


def test_groups_are_what_lies_near_their_first_file() -> None:
    chance = np.random.default_rng(3)
    centres = chance.integers(0, 256, (4, 32), dtype=np.uint8)
    files = []
    for number in range(60):
        bits = np.unpackbits(centres[number % 4])
        bits[chance.choice(256, number % 16, replace=False)] ^= 1
        files.append(np.packbits(bits).tobytes())
    files.append(chance.integers(0, 256, 32, dtype=np.uint8).tobytes())
    groups = Groups()
    for number, pdq in enumerate(files):
        groups.add(number, pdq.hex())
    found = list(groups.found())
    assert sorted(number for group in found for number in group) == list(range(60)), "the last one looks like none"
    for group in found:
        hashes = np.array([np.frombuffer(files[number], np.uint8) for number in group])
        assert distances(hashes, files[group[0]].hex()).max() <= 31
    assert len(found) == groups.n_groups == 4 and groups.n_files == 60


def test_exact_copies_alone_are_no_look_alikes(store: Store) -> None:
    same = {"pdq": ["0f" * 32]}
    lines = [line(1, **same), line(2, **same, duplicate_of=line(1)["path"], state="duplicate")]
    summary, groups = summarize(*filled(store, lines))
    assert list(groups.found()) == [] and summary.n_near_groups == 0


def test_a_summary_names_a_few_look_alikes_and_the_list_beside_it_all(store: Store, tmp_path: Path) -> None:
    lines = [line(n, pdq=[("0f" if n < 70 else "f0") * 32]) for n in range(73)] + [line(80, pdq=["55" * 32])]
    summary = write_end(*filled(store, lines), tmp_path)
    assert [(len(group.paths), group.n_files) for group in summary.near] == [(MAX_NEAR_PATHS, 70), (3, 3)]
    assert (summary.n_near_groups, summary.n_near_files) == (2, 73)
    listed = [json.loads(text)["paths"] for text in (tmp_path / "near-duplicates.jsonl").open()]
    assert listed == [[one["path"] for one in lines[:70]], [one["path"] for one in lines[70:73]]]
    assert "70 files like" in (tmp_path / "summary.html").read_text()


def test_parts_are_whole_parquet_files_while_the_run_goes_on(store: Store, tmp_path: Path) -> None:
    run, _ = filled(store, [line(0), line(1)])
    with ResultFiles(tmp_path, RunFiles(store, run.id), has_kept=True, part_rows=2) as out:
        for number in range(2, 7):
            out.add(line(number))
            text = (tmp_path / "results.jsonl").read_text()
            assert text.endswith("\n") and len(text.splitlines()) == number + 1
        tables = [pq.read_table(part).num_rows for part in sorted((tmp_path / PARTS).glob("*.parquet"))]
        assert tables == [2, 2, 2]
    assert sum(pq.read_table(part).num_rows for part in (tmp_path / PARTS).iterdir()) == 7


def test_a_file_claims_what_its_metadata_says() -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS 5D"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:21 10:00:00"
    made = Image.open(io.BytesIO(jpeg(photo(1, width=64, height=48))))
    buffer = io.BytesIO()
    made.save(buffer, "JPEG", exif=exif)
    scanner = Scanner(ScanSettings(analyzers=("metadata",)))
    found = claims(scanner.scan(Media.open(buffer.getvalue(), name="a.jpg")))
    assert found == Claims("Canon Canon EOS 5D", "", "2019-07-21")
    exif = Image.Exif()
    exif[0x0131] = "Midjourney"
    made.save(buffer := io.BytesIO(), "JPEG", exif=exif)
    assert claims(scanner.scan(Media.open(buffer.getvalue(), name="a.jpg"))).generator == "Midjourney"
    assert claims(scanner.scan(Media.open(jpeg(photo(1, width=64, height=48)), name="a.jpg"))) == Claims()
