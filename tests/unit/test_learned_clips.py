"""What trained detectors say of clips: of frames one by one, or of all of them together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forensics.analyzers.learned import Learned
from forensics.finding import Claim
from forensics.languages import language
from forensics.media import Media
from forensics.settings import Limits, ScanSettings
from tests.make_media import clip, moving_scene
from tests.unit.asked_detectors import Bright, Faces, Forger, Watching, brightening, examine, grey, install


def test_the_middle_frame_speaks_for_a_clip_and_suspect_moments_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, forger=Forger)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [90] * 10 + [150] * 10 + [220] * 10))
    scores = [float(text) for label, text in finding.details if label.startswith("score at")]
    assert len(scores) == 4 and finding.measures["n_frames"] == 4
    assert finding.measures["score"] == pytest.approx(np.median(scores), abs=1e-3)
    assert finding.llr == pytest.approx((np.median(scores) - 0.5) * 10, abs=0.02)
    assert finding.claim is Claim.MANIPULATED and "manipulated" in finding.summary
    assert len(finding.times_s) == sum(score >= 0.5 for score in scores) > 0
    assert finding.heat is not None and finding.heat.time_s == max(finding.times_s)


def test_a_ratio_fitted_on_stills_does_not_count_for_a_clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, bright=Bright)
    (finding,) = examine(brightening(tmp_path, [220] * 12))
    assert finding.llr is None and finding.measures["score"] > 0.8 and "does not count" in finding.summary


def test_frames_that_cannot_be_judged_do_not_move_the_middle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, forger=Forger)
    (finding,) = examine(brightening(tmp_path, [0] * 20 + [220] * 10))
    assert finding.measures["n_abstained"] == 3 and finding.measures["score"] > 0.8
    assert any("not judged: it is too dark" in text for _, text in finding.details)


def test_frames_of_a_scene_are_scored_one_by_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, bright=Bright)
    path = clip(tmp_path / "scene.mp4", moving_scene(4, 8))
    media = Media.open(path, limits=Limits(n_frames=4))
    (finding,) = Learned(ScanSettings()).examine(media)
    labels = [label for label, _ in finding.details if label.startswith("score at")]
    assert labels == [f"score at {frame.time_s:.2f} s" for frame in media.frames]


def test_a_detector_of_clips_is_asked_once_for_all_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, watching=Watching)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [220] * 10))
    assert finding.llr == pytest.approx(1.5) and finding.measures["n_frames"] == 4
    assert finding.measures["score"] == pytest.approx(160 / 255, abs=0.03) and "over 4 frames" in finding.summary
    assert finding.heat is None and finding.times_s == ()


@pytest.mark.parametrize(
    ("kind", "compared", "told"),
    [(Forger, "frames of the clip", "Bilder des Videos"), (Watching, "the clip", "das Video")],
)
def test_what_is_said_of_a_clip_is_said_of_the_clip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: type[Bright], compared: str, told: str
) -> None:
    install(monkeypatch, only=kind)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [220] * 10))
    assert f"compares {compared} with" in finding.explanation and "the picture" not in finding.explanation
    assert f"vergleicht {told} mit" in language("de").say(finding.explanation)
    (still,) = examine(grey(200))
    assert "compares the picture with" in still.explanation and "clip" not in still.explanation


def test_parts_with_a_score_of_their_own_are_drawn_at_full_size(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, faces=Faces)
    (still,) = examine(grey(200))
    assert [(r.x, r.y, r.width, r.height, r.score, r.time_s) for r in still.regions] == [(0, 0, 64, 128, 0.75, None)]
    path = brightening(tmp_path, [90] * 10 + [220] * 10)
    media = Media.open(path, limits=Limits(n_frames=4, frame_side_px=48))
    (found,) = Learned(ScanSettings()).examine(media)
    assert media.frames[0].pixels.shape == (32, 48, 3)
    assert [(r.width, r.height, r.time_s) for r in found.regions] == [(48, 64, found.heat.time_s if found.heat else 0)]
