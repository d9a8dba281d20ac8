"""Trained detectors in a scan: what they say is passed on, what they cannot say is not made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors import shipped
from detectors.base import Pictures, Scores, Spot
from detectors.catalog import DETECTORS
from forensics import versions
from forensics.analyzers.learned import Learned
from forensics.finding import Claim, Finding
from forensics.languages import language
from forensics.media import Media
from forensics.scanner import Scanner
from forensics.settings import Limits, ScanSettings
from generators.weights import ModelCard
from tests.make_media import clip, jpeg, moving_scene, photo, png

CARD = ModelCard(
    name="bright",
    version="7",
    task="says how bright a picture is",
    measures={"auroc nowhere": 0.5},
    limits="knows brightness only",
    sha256="ab" * 32,
    thresholds={"0.05": 0.4, "0.01": 0.6},
)


class Bright:
    """Brightness as a score; the ratio is ten times its distance from one half; dark pictures are not judged."""

    name = "bright"
    card = CARD
    n_made = 0

    def __init__(self) -> None:
        type(self).n_made += 1

    def score(self, images: Pictures) -> Scores:
        level = np.array([pixels.mean() / 255 for pixels in images], np.float32)
        dark = level < 0.1
        return Scores(
            level,
            np.where(dark, 0, (level - 0.5) * 10).astype(np.float32),
            [(pixels[::64, ::64, 0] / np.float32(255)).astype(np.float32) for pixels in images],
            tuple("it is too dark" if d else None for d in dark),
        )


class Forger(Bright):
    """Speaks of manipulation and of clips."""

    card = replace(CARD, claim="manipulated", clips=True, thresholds={})


class Needy(Bright):
    """Lacks a library."""

    def __init__(self) -> None:
        raise ImportError("needs torch: pip install unforged[learned]")


class Uncalibrated(Bright):
    """Has no ratio."""

    def score(self, images: Pictures) -> Scores:
        return Scores(super().score(images).fake)


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def only(**kinds: type[Any]) -> None:
        monkeypatch.setattr(
            DETECTORS, "places", lambda: {name: f"{__name__}:{k.__name__}" for name, k in kinds.items()}
        )

    return only


def grey(level: int, side: int = 128) -> bytes:
    return png(np.full((side, side, 3), level, np.uint8))


def examine(data: bytes | Path) -> list[Finding]:
    return list(Learned(ScanSettings()).examine(Media.open(data, limits=Limits(n_frames=4))))


def brightening(tmp_path: Path, levels: Sequence[int]) -> Path:
    return clip(tmp_path / "clip.mp4", [np.full((64, 96, 3), level, np.uint8) for level in levels])


def test_without_a_detector_the_reason_says_so(install: Install) -> None:
    install()
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(200)))
    assert report.skipped == {"learned": "no trained detector is installed"} and not report.failed


def test_score_ratio_and_map_of_the_detector_are_passed_on(install: Install) -> None:
    install(bright=Bright)
    pixels = photo(3, width=512, height=384)
    (finding,) = examine(png(pixels))
    level = pixels.mean() / 255
    assert finding.measures == {"score": pytest.approx(level, abs=1e-6)}
    assert finding.llr == pytest.approx((level - 0.5) * 10, abs=1e-5)
    assert finding.claim is Claim.SYNTHETIC and finding.times_s == ()
    assert finding.heat is not None and np.allclose(finding.heat.values, pixels[::64, ::64, 0] / 255, atol=1e-6)
    rows = dict(finding.details)
    assert rows["version"] == "7" and rows["weights, SHA-256"] == "ab" * 32 and rows["limits"] == CARD.limits
    assert rows["figures of its card"] == "auroc nowhere: 0.5"


@pytest.mark.parametrize(
    ("level", "words"),
    [(250, "at most 1 of 100"), (130, "1 to 5 of 100"), (60, "more than 5 of 100")],
)
def test_the_sentence_says_how_many_real_photos_score_so_high(install: Install, level: int, words: str) -> None:
    install(bright=Bright)
    (finding,) = examine(grey(level))
    assert f"scores {level / 255:.2f} of 1" in finding.summary and words in finding.summary


def test_a_ratio_stays_within_what_a_finding_may_say(install: Install) -> None:
    install(bright=Bright)
    assert [examine(grey(level))[0].llr for level in (255, 40)] == [3.0, -3.0]


def test_a_detector_that_abstains_says_why_and_nothing_else(install: Install) -> None:
    install(bright=Bright)
    (finding,) = examine(grey(5))
    assert finding.llr is None and finding.heat is None
    assert finding.summary == "The detector bright does not judge this: it is too dark"


def test_an_uncalibrated_detector_gives_no_ratio(install: Install) -> None:
    install(bright=Uncalibrated)
    assert examine(grey(250))[0].llr is None


def test_a_missing_extra_is_recorded_and_costs_no_other_detector(install: Install) -> None:
    install(needy=Needy, bright=Bright)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(250)))
    missing, found = report.findings
    assert "Not tested by the detector needy: needs torch: pip install unforged[learned]" in missing.summary
    assert missing.llr is None and found.llr == 3.0 and not report.failed


def test_weights_are_loaded_once_a_process_and_not_before_they_are_needed(install: Install) -> None:
    install(bright=Bright)
    shipped._made.cache_clear()
    Bright.n_made = 0
    learned = Learned(ScanSettings())
    assert learned.skip_reason(Media.open(grey(9))) is None and Bright.n_made == 0
    for _ in range(2):
        list(Learned(ScanSettings()).examine(Media.open(grey(200))))
    assert Bright.n_made == 1


def test_the_middle_frame_speaks_for_a_clip_and_suspect_moments_are_named(install: Install, tmp_path: Path) -> None:
    install(forger=Forger)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [90] * 10 + [150] * 10 + [220] * 10))
    scores = [float(text) for label, text in finding.details if label.startswith("score at")]
    assert len(scores) == 4 and finding.measures["n_frames"] == 4
    assert finding.measures["score"] == pytest.approx(np.median(scores), abs=1e-3)
    assert finding.llr == pytest.approx((np.median(scores) - 0.5) * 10, abs=0.02)
    assert finding.claim is Claim.MANIPULATED and "manipulated" in finding.summary
    assert len(finding.times_s) == sum(score >= 0.5 for score in scores) > 0
    assert finding.heat is not None and finding.heat.time_s == max(finding.times_s)


def test_a_ratio_fitted_on_stills_does_not_count_for_a_clip(install: Install, tmp_path: Path) -> None:
    install(bright=Bright)
    (finding,) = examine(brightening(tmp_path, [220] * 12))
    assert finding.llr is None and finding.measures["score"] > 0.8 and "does not count" in finding.summary


def test_frames_that_cannot_be_judged_do_not_move_the_middle(install: Install, tmp_path: Path) -> None:
    install(forger=Forger)
    (finding,) = examine(brightening(tmp_path, [0] * 20 + [220] * 10))
    assert finding.measures["n_abstained"] == 3 and finding.measures["score"] > 0.8
    assert any("not judged: it is too dark" in text for _, text in finding.details)


def test_one_verdict_comes_of_a_detector_that_is_sure(install: Install) -> None:
    install(bright=Bright)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(jpeg(np.full((64, 64, 3), 250, np.uint8))))
    assert report.verdict.opinion == "likely synthetic"


def test_new_weights_are_new_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(versions, "files", lambda package: tmp_path)
    (tmp_path / "zoo").mkdir()
    seen = {versions.digest(versions.decisive(ScanSettings()))}
    for sha256 in ("a", "b"):
        (tmp_path / "zoo" / "x-1.card.json").write_text(json.dumps({"sha256": sha256}))
        seen.add(versions.digest(versions.decisive(ScanSettings())))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"abstained": (None,)}, "1 rows for 2"),
        ({"llr": [1.0, 0.5], "abstained": (None, "too small")}, "has no ratio"),
        ({"llr": [np.nan, 0.0]}, "finite"),
        ({"heat": [np.zeros((2, 2)), np.full((2, 2), 2.0)]}, "within 0 and 1"),
    ],
)
def test_scores_that_contradict_themselves_are_refused(values: dict[str, Any], words: str) -> None:
    if "llr" in values:
        values = values | {"llr": np.array(values["llr"], np.float32)}
    with pytest.raises(ValueError, match=words):
        Scores(np.array([0.1, 0.9], np.float32), **values)


@pytest.mark.parametrize(
    "bad", [{"claim": "fake"}, {"thresholds": {"0.01": 0.2, "0.05": 0.6}}, {"thresholds": {"5": 0.6}}]
)
def test_a_card_that_makes_no_sense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"claims|thresholds|rates"):
        replace(CARD, **bad)


def test_frames_of_a_scene_are_scored_one_by_one(install: Install, tmp_path: Path) -> None:
    install(bright=Bright)
    path = clip(tmp_path / "scene.mp4", moving_scene(4, 8))
    media = Media.open(path, limits=Limits(n_frames=4))
    (finding,) = Learned(ScanSettings()).examine(media)
    labels = [label for label, _ in finding.details if label.startswith("score at")]
    assert labels == [f"score at {frame.time_s:.2f} s" for frame in media.frames]


class Faces(Bright):
    """Boxes the left half of each picture."""

    def score(self, images: Pictures) -> Scores:
        halves = tuple((Spot(0, 0, p.shape[1] // 2, p.shape[0], 0.75, "face"),) for p in images)
        return replace(super().score(images), spots=halves)


class Watching(Bright):
    """Scores how much frames change together; a picture alone is not judged."""

    card = replace(CARD, clips=True)

    def score_clip(self, frames: Pictures) -> Scores:
        levels = np.array([pixels.mean() / 255 for pixels in frames])
        return Scores(np.array([np.ptp(levels)], np.float32), np.array([1.5], np.float32))


def test_parts_with_a_score_of_their_own_are_drawn_at_full_size(install: Install, tmp_path: Path) -> None:
    install(faces=Faces)
    (still,) = examine(grey(200))
    assert [(r.x, r.y, r.width, r.height, r.score, r.time_s) for r in still.regions] == [(0, 0, 64, 128, 0.75, None)]
    path = brightening(tmp_path, [90] * 10 + [220] * 10)
    media = Media.open(path, limits=Limits(n_frames=4, frame_side_px=48))
    (found,) = Learned(ScanSettings()).examine(media)
    assert media.frames[0].pixels.shape == (32, 48, 3)
    assert [(r.width, r.height, r.time_s) for r in found.regions] == [(48, 64, found.heat.time_s if found.heat else 0)]


def test_a_detector_of_clips_is_asked_once_for_all_frames(install: Install, tmp_path: Path) -> None:
    install(watching=Watching)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [220] * 10))
    assert finding.llr == pytest.approx(1.5) and finding.measures["n_frames"] == 4
    assert finding.measures["score"] == pytest.approx(160 / 255, abs=0.03) and "over 4 frames" in finding.summary
    assert finding.heat is None and finding.times_s == ()


@pytest.mark.parametrize(
    ("kind", "compared", "told"),
    [(Forger, "frames of the clip", "Bilder des Videos"), (Watching, "the clip", "das Video")],
)
def test_what_is_said_of_a_clip_is_said_of_the_clip(
    install: Install, tmp_path: Path, kind: type[Bright], compared: str, told: str
) -> None:
    install(only=kind)
    (finding,) = examine(brightening(tmp_path, [60] * 10 + [220] * 10))
    assert f"compares {compared} with" in finding.explanation and "the picture" not in finding.explanation
    assert f"vergleicht {told} mit" in language("de").say(finding.explanation)
    (still,) = examine(grey(200))
    assert "compares the picture with" in still.explanation and "clip" not in still.explanation


def test_several_trained_detectors_count_once(install: Install) -> None:
    install(bright=Bright, faces=Faces)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(160)))
    assert [f.llr for f in report.findings] == [pytest.approx(1.27, abs=0.01)] * 2
    assert report.verdict.llr == pytest.approx(1.27, abs=0.01)
    assert sum(reason.counted for reason in report.verdict.reasons) == 1
