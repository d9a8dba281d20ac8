"""Trained detectors in a scan: what they say is passed on, what they cannot say is not made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors import shipped
from detectors.base import Pictures, Scores
from forensics import versions
from forensics.analyzers.learned import Learned
from forensics.finding import Claim
from forensics.media import Media
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from tests.make_media import jpeg, photo, png
from tests.unit.asked_detectors import CARD, Bright, Faces, examine, grey, install


class Needy(Bright):
    """Lacks a library."""

    def __init__(self) -> None:
        raise ImportError("needs torch: pip install unforged[learned]")


class Faulty(Bright):
    """Breaks its own promise."""

    def score(self, images: Pictures) -> Scores:
        raise RuntimeError("boom\nat once")


class Uncalibrated(Bright):
    """Has no ratio."""

    def score(self, images: Pictures) -> Scores:
        return Scores(super().score(images).fake)


def test_without_a_detector_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(200)))
    assert report.skipped == {"learned": "no trained detector is installed"} and not report.failed


def test_score_ratio_and_map_of_the_detector_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright)
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


@pytest.mark.parametrize(("level", "is_pointed_at"), [(100, False), (150, True)])
def test_a_place_is_pointed_at_only_where_the_whole_looks_made(
    monkeypatch: pytest.MonkeyPatch, level: int, is_pointed_at: bool
) -> None:
    install(monkeypatch, bright=Bright)
    pixels = np.full((256, 256, 3), level, np.uint8)
    pixels[64:128, 64:128] = 255  # bright enough for a rectangle on either
    (finding,) = examine(png(pixels))
    assert finding.heat is not None and finding.heat.values.max() == 1.0
    assert bool(finding.regions) == is_pointed_at


@pytest.mark.parametrize(
    ("level", "words"),
    [(250, "at most 1 of 100"), (130, "1 to 5 of 100"), (60, "more than 5 of 100")],
)
def test_the_sentence_says_how_many_real_photos_score_so_high(
    monkeypatch: pytest.MonkeyPatch, level: int, words: str
) -> None:
    install(monkeypatch, bright=Bright)
    (finding,) = examine(grey(level))
    assert f"scores {level / 255:.2f} of 1" in finding.summary and words in finding.summary


def test_a_ratio_stays_within_what_a_finding_may_say(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright)
    assert [examine(grey(level))[0].llr for level in (255, 40)] == [3.0, -3.0]


def test_a_detector_that_abstains_says_why_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright)
    (finding,) = examine(grey(5))
    assert finding.llr is None and finding.heat is None
    assert finding.summary == "The detector bright does not judge this: it is too dark"


def test_an_uncalibrated_detector_gives_no_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Uncalibrated)
    assert examine(grey(250))[0].llr is None


def test_a_missing_extra_is_recorded_and_costs_no_other_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, needy=Needy, bright=Bright)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(250)))
    missing, found = report.findings
    assert "Not tested by the detector needy: needs torch: pip install unforged[learned]" in missing.summary
    assert missing.llr is None and found.llr == 3.0 and not report.failed


def test_a_detector_that_breaks_costs_no_other_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, faulty=Faulty, bright=Bright)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(250)))
    broken, found = report.findings
    assert broken.summary == "Not tested by the detector faulty: RuntimeError: boom at once"
    assert broken.llr is None and found.llr == 3.0 and not report.failed


def test_weights_are_loaded_once_a_process_and_not_before_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright)
    shipped._made.cache_clear()
    Bright.n_made = 0
    learned = Learned(ScanSettings())
    assert learned.skip_reason(Media.open(grey(9))) is None and Bright.n_made == 0
    for _ in range(2):
        list(Learned(ScanSettings()).examine(Media.open(grey(200))))
    assert Bright.n_made == 1


def test_one_verdict_comes_of_a_detector_that_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright)
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


def test_several_trained_detectors_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bright=Bright, faces=Faces)
    report = Scanner(ScanSettings(analyzers=("learned",))).scan(Media.open(grey(160)))
    assert [f.llr for f in report.findings] == [pytest.approx(1.27, abs=0.01)] * 2
    assert report.verdict.llr == pytest.approx(1.27, abs=0.01)
    assert sum(reason.counted for reason in report.verdict.reasons) == 1
