"""Uploads are examined in the background, shown step by step, and leave nothing of themselves behind."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard.backend.configuration import Configuration
from dashboard.backend.keeping import UPLOAD_HOURS, Kept, Uploads
from dashboard.backend.layers import layers
from dashboard.backend.moments import courses, stretches
from dashboard.backend.origin import origin
from dashboard.backend.scanning import LOOK_INSIDE, Job, Scanning, State
from dashboard.backend.viewing import download, false_alarms, provisional, show, similar, stored
from dashboard.roles import LOCAL_USER
from forensics.analyzers.learned import _frame_rows
from forensics.errors import MediaError
from forensics.finding import Claim, Finding, Heat, Region, SaidBy, Trace
from forensics.media.media import Frame
from forensics.pictures import Pictures, decoded, pack, unpack
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.verdict import Opinion
from tests.make_containers import pdf, zipped
from tests.make_media import jpeg, photo
from tests.make_report import report
from tests.make_tiffs import sheet, tiff

SETTINGS = ScanSettings(limits=Limits(max_bytes=1 << 20), analyzers=("metadata", "ela", "noise"))

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scanning, Store, Path]]:
    folder = tmp_path_factory.mktemp("dashboard")
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        scanning = Scanning(folder, lambda: Configuration(SETTINGS), store, n_lanes=1)
        yield scanning, store, folder
        scanning.close()


def examined(scanning: Scanning, data: bytes, name: str) -> tuple[Job, list[Job]]:
    key = scanning.submit(io.BytesIO(data), name, user=LOCAL_USER)
    seen: list[Job] = []
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        job = scanning.job(key)
        assert job is not None
        if job.is_over:
            return job, seen
        if job.steps and (not seen or seen[-1].steps != job.steps):
            seen.append(job)
        time.sleep(0.001)
    raise AssertionError("it took too long")


def left(folder: Path) -> list[Path]:
    """Uploads that stay; the last one goes a moment after its job is over."""
    until_s = time.monotonic() + PATIENCE_S
    while (found := list((folder / "uploads").iterdir())) and time.monotonic() < until_s:
        time.sleep(0.005)
    return found


def test_an_upload_becomes_a_stored_report_with_pictures_and_goes(service: tuple[Scanning, Store, Path]) -> None:
    scanning, store, folder = service
    job, seen = examined(scanning, jpeg(photo(3, width=320, height=240)), "a <b>\u202ename</b>.jpg")
    assert job.state is State.DONE and job.scan_id is not None and not job.was_known
    assert "\u202e" not in job.name
    found = stored(store, job.scan_id)
    assert found is not None and found.width == 320
    kept = scanning.kept.load(found.sha256)
    assert decoded(kept.frames[0.0]).shape == (240, 320, 3) and set(kept.layers) == {"noise", "spectrum"}
    assert left(folder) == []
    assert job.report is None and job.preview == b"", "nothing of it stays in memory"
    assert seen and all(one.report is not None and one.titles for one in seen)
    assert "Error levels" in seen[-1].titles and decoded(seen[-1].preview).shape == (240, 320, 3)
    again, _ = examined(scanning, jpeg(photo(3, width=320, height=240)), "other.jpg")
    assert again.was_known and again.scan_id == job.scan_id


def test_a_broken_file_is_one_plain_line_and_the_next_file_is_examined(service: tuple[Scanning, Store, Path]) -> None:
    scanning, _, folder = service
    for data in (b"<script>alert(1)</script>", b"\xff\xd8\xff" + bytes(400), jpeg(photo(1))[:2000]):
        job, _ = examined(scanning, data, "broken.jpg")
        assert job.state is State.FAILED and "\n" not in job.message and job.message and "Traceback" not in job.message
    assert examined(scanning, jpeg(photo(4, width=160, height=160)), "good.jpg")[0].state is State.DONE
    assert left(folder) == []


def test_what_is_too_large_or_empty_is_refused_and_leaves_nothing(service: tuple[Scanning, Store, Path]) -> None:
    scanning, _, folder = service
    for data, words in ((bytes((1 << 20) + 1), "larger"), (b"", "empty")):
        with pytest.raises(MediaError, match=words):
            scanning.submit(io.BytesIO(data), "a.jpg", user=LOCAL_USER)
    assert left(folder) == []
    assert scanning.job("nobody's key") is None


@pytest.mark.parametrize("form", ["pdf", "zip", "tif", "txt"])
def test_of_a_container_it_is_said_where_it_is_opened(service: tuple[Scanning, Store, Path], form: str) -> None:
    scanning, _, _ = service
    data = {"pdf": pdf([]), "zip": zipped({"a.jpg": jpeg(photo(1))}), "txt": b"some words\n" * 40}
    data["tif"] = tiff([sheet(photo(seed, width=64, height=48)[..., 0].copy()) for seed in range(2)])
    job, _ = examined(scanning, data[form], f"case.{form}")
    assert job.state is State.FAILED and job.message.endswith(LOOK_INSIDE) is (form != "txt")


def test_uploads_are_for_nobody_elses_eyes_and_cannot_be_run(tmp_path: Path) -> None:
    path = Uploads(tmp_path / "in").add(io.BytesIO(b"#!/bin/sh\n"), max_bytes=100)
    assert path.stat().st_mode & 0o177 == 0 and path.parent.stat().st_mode & 0o077 == 0
    assert path.suffix == ""


def test_only_what_is_older_than_its_time_is_swept(tmp_path: Path) -> None:
    uploads, kept = Uploads(tmp_path / "in"), Kept(tmp_path / "pictures")
    for hours, stays in ((UPLOAD_HOURS - 0.1, True), (UPLOAD_HOURS + 0.1, False)):
        path = uploads.add(io.BytesIO(b"x"), max_bytes=10)
        kept.save("ab12", pack({0.0: np.zeros((4, 4, 3), np.uint8)}, {}))
        for file in (path, tmp_path / "pictures" / "ab12.zip"):
            os.utime(file, (time.time() - hours * 3600,) * 2)
        uploads.sweep()
        kept.sweep(UPLOAD_HOURS)
        assert path.exists() is stays and bool(kept.load("ab12").frames) is stays
    with pytest.raises(ValueError, match="not a hash"):
        kept.load("../../etc/passwd")


def finding(**more: object) -> Finding:
    values: dict[str, object] = {"analyzer": "copy_move", "trace": Trace.GEOMETRY, "summary": "A part occurs twice"}
    return Finding(**values | more)  # type: ignore[arg-type]


HALF = np.concatenate([np.zeros((8, 4), np.float32), np.ones((8, 4), np.float32)], axis=1)
PICTURES = unpack(pack({0.0: np.full((80, 100, 3), 90, np.uint8)}, {"noise": np.full((80, 100, 3), 128, np.uint8)}))


def test_masks_hold_what_speaks_for_a_fake_and_only_that() -> None:
    for llr, marked in ((1.5, True), (-1.0, False), (None, False)):
        found = finding(llr=llr, claim=Claim.MANIPULATED, heat=Heat(HALF, "copied"))
        views = {layer.name: layer for layer in layers(report(findings=(found,)), PICTURES)}
        assert ("masks" in views) is marked and "heat" in views
        if marked:
            mask = decoded(views["masks"].jpeg)
            assert mask[:, :40].max() < 20 and mask[:, 60:].min() > 235


def test_boxes_are_drawn_where_the_regions_are_on_any_scale() -> None:
    marked = report(
        findings=(
            finding(
                regions=(Region(0, 0, 1, 1), Region(10, 10, 5, 5, label="face")),
            ),
        )
    )
    (boxes,) = (layer for layer in layers(marked, PICTURES) if layer.name == "boxes")
    assert "1: (Copied parts); 2: face (Copied parts)" in boxes.about and decoded(boxes.jpeg).shape == (80, 100, 3)
    assert layers(marked, Pictures()) == ()


def test_scores_of_frames_are_read_as_the_detectors_write_them() -> None:
    class Scores:
        fake = np.array([0.25, 0.5, 0.75])
        reasons = (None, "no face", None)

    frames = [Frame(np.zeros((2, 2, 3), np.uint8), t, i) for i, t in enumerate((0.0, 1.5, 12.25))]
    rows = (("detector", "some"), *_frame_rows(Scores(), frames))  # type: ignore[arg-type]
    (course,) = courses(report(findings=(finding(analyzer="learned", details=rows),), duration_s=15.0))
    assert course.detector == "some" and course.points == ((0.0, 0.25), (12.25, 0.75))


def test_moments_close_together_are_one_stretch_within_the_video() -> None:
    found = finding(times_s=(0.0, 0.5, 1.0, 9.9), llr=1.0, claim=Claim.MANIPULATED)
    parts = stretches(report(findings=(found,), duration_s=10.0))
    assert [(round(p.start_s, 2), round(p.end_s, 2)) for p in parts] == [(0.0, 1.05), (9.85, 9.95)]
    assert all(p.counts_for for p in parts) and stretches(report(findings=(found,))) == ()


def test_hostile_rows_of_a_manifest_come_out_visible() -> None:
    rows = (("signed by", "Good\u202eCorp"), ("action", "c2pa.created"), ("trust", "the signer is on no list"))
    said = origin(report(findings=(finding(analyzer="provenance", trace=Trace.PROVENANCE, details=rows),)))
    assert said.signer == "Good\\u202eCorp" and said.actions == ("c2pa.created",)
    assert said.checks == ("the signer is on no list",)
    failed = (("failed check", "assertion.dataHash.mismatch"), ("failed check of an ingredient", "some.new.code"))
    said = origin(report(findings=(finding(analyzer="provenance", trace=Trace.PROVENANCE, details=failed),)))
    content = "the content is not what was signed (assertion.dataHash.mismatch)"
    assert said.checks == (content, "an ingredient: some.new.code")
    assert "Not looked for" not in said.state and origin(report(findings=())).signer == ""


@pytest.mark.parametrize(
    ("said_by", "words"),
    [(SaidBy.TRUSTED, "signed by somebody on the trust list"), (SaidBy.ANYBODY, "Anybody can write")],
)
def test_who_says_that_a_machine_made_it_is_told_with_it(said_by: SaidBy, words: str) -> None:
    rows = (("signed by", "Maker"), ("written by", "Tool"))
    said = finding(analyzer="provenance", trace=Trace.PROVENANCE, llr=2.0, claim=Claim.SYNTHETIC, details=rows)
    found = origin(report(findings=(replace(said, said_by=said_by),)))
    assert found.ai.startswith("The file itself says that a machine made it") and words in found.ai
    assert found.rows == (("Written by", "Tool"),)


def test_false_alarms_are_what_the_probability_leaves() -> None:
    found = report(findings=(finding(llr=1.0, claim=Claim.MANIPULATED),), settings=ScanSettings())
    assert round(100 * (1 - found.verdict.probability)) == 9 and "about 9 that are not manipulated" in false_alarms(
        found
    )
    assert "no false-alarm rate" in false_alarms(report(findings=()))
    quiet = report(findings=(finding(llr=0.35, claim=Claim.MANIPULATED),), settings=ScanSettings())
    assert quiet.verdict.opinion is Opinion.NO_TRACE_FOUND and "approves about 69 that are" in false_alarms(quiet)


def test_a_view_of_a_running_scan_says_what_is_known_and_no_more() -> None:
    found = report(findings=(finding(llr=1.0, claim=Claim.MANIPULATED),))
    shown = provisional(Job("key", "name", report=found))
    assert shown.words.opinion == str(found.verdict.opinion) and not shown.has_pictures
    with pytest.raises(ValueError, match="no step"):
        provisional(Job("key", "name"))


def test_a_shown_report_has_every_finding_and_its_downloads_open(tmp_path: Path) -> None:
    found = report(findings=(finding(llr=1.0, claim=Claim.MANIPULATED, heat=Heat(HALF, "copied")), finding()))
    shown = show(found, PICTURES)
    assert [bool(one.picture) for one in shown.evidence] == [True, False]
    assert shown.evidence[0].card.counted_llr == 1.0 and shown.kind == "manipulated"
    starts = {"html": b"<!doctype html>", "pdf": b"%PDF", "json": b"{"}
    assert all(download(found, PICTURES, form).startswith(start) for form, start in starts.items())


def test_similar_files_are_those_the_store_finds_near(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        first = report(sha256="a" * 64, pdq=("0" * 64,), filename="first\u202e.jpg")
        number = store.save(first, elapsed_s=1.0)
        store.save(report(sha256="b" * 64, pdq=("f" * 64,)), elapsed_s=1.0)
        (other,) = similar(report(sha256="c" * 64, pdq=("0" * 63 + "1",)), store)
        assert other.scan_id == number and other.distance_bits == 1 and "\u202e" not in other.name
        assert stored(store, 99) is None
