"""A fitted sum of findings: better than the rule where findings repeat each other, no better where they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forensics.cli import main
from forensics.finding import Claim, Finding, Trace
from forensics.fusion import fit, measures, read_model, spoken, voices
from forensics.media import Media
from forensics.report import ScanReport
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from forensics.verdict import weigh
from tests.make_media import jpeg, photo

BARE = Scanner(ScanSettings(analyzers=("metadata",))).scan(Media.open(jpeg(photo(1, width=64, height=64))))


def finding(analyzer: str, trace: Trace, llr: float | None, detector: str = "") -> Finding:
    rows = (("detector", detector),) if detector else ()
    bounded = None if llr is None else float(np.clip(llr, -3, 3))
    return Finding(analyzer, trace, f"{analyzer} says so", bounded, Claim.SYNTHETIC, details=rows)


def report(findings: list[Finding], path: str = "") -> ScanReport:
    return replace(BARE, findings=tuple(findings), verdict=weigh(findings), path=path)


def repeated(n: int, seed: int = 0) -> tuple[list[ScanReport], list[int], list[str]]:
    """Three families that all say the same, so that their sum is three times too sure; one speaks half of the time."""
    rng = np.random.default_rng(seed)
    reports, labels, sources = [], [], []
    for i in range(n):
        label = i % 2
        llr = float(rng.normal(0.5 * (2 * label - 1), 1))
        found = [finding("noise", Trace.SENSOR, llr), finding("resampling", Trace.GEOMETRY, llr)]
        if i % 4 < 2:
            found.append(finding("learned", Trace.LEARNED, llr, "synthetic"))
        reports.append(report(found))
        labels.append(label)
        sources.append(f"source {i % 24}")
    return reports, labels, sources


def test_findings_that_repeat_each_other_are_not_counted_thrice() -> None:
    reports, labels, sources = repeated(400)
    model, compared = fit(reports, labels, sources)
    assert compared.cllr < compared.rule_cllr - 0.1 and compared.cllr_gain.low > 0
    assert (compared.n_fake, compared.n_real, compared.n_sources) == (200, 200, 24)
    assert model.features == ("learned synthetic", "noise", "resampling", "no learned synthetic")
    one = [finding("noise", Trace.SENSOR, 0.6), finding("resampling", Trace.GEOMETRY, 0.6)]
    assert 0 < model.llr(measures(one, model.features)) < 0.9 < weigh(one).llr


def test_a_rule_that_is_right_already_is_not_beaten() -> None:
    rng = np.random.default_rng(2)
    reports, labels, sources = [], [], []
    for i in range(400):
        label = i % 2
        # Two independent normal voices whose ratios are exact: log10 of two normals two apart, 2 x / ln 10.
        llrs = rng.normal(2 * label - 1, 1, 2) * 2 / np.log(10)
        reports.append(
            report([finding("noise", Trace.SENSOR, llrs[0]), finding("learned", Trace.LEARNED, llrs[1], "synthetic")])
        )
        labels.append(label)
        sources.append(f"source {i % 24}")
    _, compared = fit(reports, labels, sources)
    assert not compared.beats_the_rule and abs(compared.cllr - compared.rule_cllr) < 0.03


def test_the_rival_is_what_the_rule_says_about_the_same_claim() -> None:
    reports, labels, sources = repeated(200)
    about_alteration = Finding("copy_move", Trace.GEOMETRY, "a part was copied", 2.0, Claim.MANIPULATED)
    both = [report([*one.findings, about_alteration]) for one in reports]
    assert {str(one.verdict.claim) for one in both} == {"synthetic", "manipulated"}
    assert fit(both, labels, sources)[1].rule_cllr == pytest.approx(fit(reports, labels, sources)[1].rule_cllr)
    assert fit(both, labels, sources, Claim.MANIPULATED)[1].rule_auroc == 0.5


def test_each_detector_is_a_voice_and_its_strongest_finding_speaks() -> None:
    found = [
        finding("learned", Trace.LEARNED, 0.5, "synthetic"),
        finding("learned", Trace.LEARNED, -0.2, "face"),
        finding("noise", Trace.SENSOR, 0.1),
        finding("noise", Trace.SENSOR, -0.4),
        finding("ela", Trace.COMPRESSION, None),
    ]
    assert voices(found) == {"learned synthetic": 0.5, "learned face": -0.2, "noise": -0.4}
    asked = measures(found, ("noise", "copy_move", "no copy_move", "no noise"))
    assert asked == {"noise": -0.4, "copy_move": 0.0, "no copy_move": 1.0, "no noise": 0.0}


@pytest.mark.parametrize(("n", "n_sources", "words"), [(12, 12, "no analyzer gave"), (60, 1, "too few")])
def test_too_few_reports_or_sources_are_refused(n: int, n_sources: int, words: str) -> None:
    reports, labels, _ = repeated(n)
    with pytest.raises(ValueError, match=words):
        fit(
            reports[: n if n > 20 else 8],
            labels[: n if n > 20 else 8],
            [f"{i % n_sources}" for i in range(n)][: 8 if n < 20 else n],
        )


def test_from_reports_on_disk_to_a_finding_in_a_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports, labels, sources = repeated(60)
    (tmp_path / "reports").mkdir()
    for i, (one, label, source) in enumerate(zip(reports, labels, sources, strict=True)):
        path = tmp_path / "data" / ("fake" if label else "real") / source / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        plain = replace(one, path=str(path)).to_dict()
        (tmp_path / "reports" / f"{i}.json").write_text(json.dumps(plain))
    arguments = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(["train", "fusion", *arguments]) == 2 and "--reports" in capsys.readouterr().err
    assert main(["train", "fusion", *arguments, "--reports", str(tmp_path / "reports")]) == 0
    shown = capsys.readouterr().out
    assert "30 fakes and 30 reals of 24 sources" in shown and "beats the rule" in shown
    settings = ScanSettings(analyzers=("metadata", "noise"), fusion=tmp_path / "out" / "fusion.json")
    found = Scanner(settings).scan(Media.open(jpeg(photo(1, width=256, height=192))))
    second = found.findings[-1]
    assert second.analyzer == "fusion" and second.llr is None and "weighed as fitted" in second.summary
    plain = Scanner(replace(settings, fusion=None)).scan(Media.open(jpeg(photo(1, width=256, height=192))))
    assert found.verdict.llr == plain.verdict.llr and found.versions["fusion"]
    assert ScanReport.from_dict(found.to_dict()).settings == settings


def test_a_file_that_is_no_fusion_is_one_clear_line(tmp_path: Path) -> None:
    for text in ("{}", "[1]", "no json", '{"features": 3}'):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ValueError, match="no fitted fusion"):
            read_model(tmp_path / "x.json")


def test_the_parts_of_a_second_opinion_add_up_but_for_the_bias() -> None:
    reports, labels, sources = repeated(200)
    model, _ = fit(reports, labels, sources)
    said = spoken(reports[0].findings, model)
    parts = sum(float(text) for _, text in said.details)
    assert parts + model.bias / np.log(10) == pytest.approx(said.measures["llr"], abs=0.03)
