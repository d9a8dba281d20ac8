"""Time line of a video: planted gaps, repeats and cuts are found, clean clips stay quiet."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.analyzers.timeline import Timeline
from forensics.analyzers.video.reel import SIDE_PX, read_reel
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import clip, moving_scene, photo, png


def test_a_picture_is_skipped_with_a_reason() -> None:
    assert "single picture" in str(
        Timeline(ScanSettings()).skip_reason(Media.open(png(photo(1, width=128, height=96))))
    )


def test_a_cut_is_found_at_its_frame(tmp_path: Path) -> None:
    path = clip(tmp_path / "cut.mp4", moving_scene(1, 30) + moving_scene(2, 30), fps=25)
    found = [f for f in Timeline(ScanSettings()).examine(Media.open(path)) if f.measures.get("cuts")]
    assert found[0].times_s == pytest.approx((30 / 25,), abs=0.5 / 25)


def test_one_scene_has_no_cut(tmp_path: Path) -> None:
    path = clip(tmp_path / "one.mp4", moving_scene(1, 40))
    assert all(not f.times_s for f in Timeline(ScanSettings()).examine(Media.open(path)))


def test_watching_stops_when_the_time_is_up(tmp_path: Path) -> None:
    media = Media.open(clip(tmp_path / "one.mp4", moving_scene(1, 20)))
    assert not read_reel(media.grey_frames(side_px=SIDE_PX), budget_s=0.0).complete
    assert read_reel(media.grey_frames(side_px=SIDE_PX), budget_s=60.0).complete
