"""The first command a newcomer runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.demo import BROKEN, CLEAN, MANIPULATED, SYNTHETIC, scan, show, write_samples


def test_the_demo_shows_truth_and_verdict_of_each_sample_and_where_its_report_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_samples(tmp_path / "media")
    assert {sample.right for sample in samples} == {BROKEN, CLEAN, MANIPULATED, SYNTHETIC}
    results = scan(tmp_path / "media", tmp_path / "reports")
    show(samples, results, tmp_path / "reports")
    said = capsys.readouterr().out
    assert "$ unforged scan" in said and "(exit code 1)" in said
    for sample in samples:
        found = results[sample.name]["verdict"] or BROKEN
        assert re.search(rf"^{sample.name} +{re.escape(sample.planted[:12])}.*{found}", said, re.MULTILINE)
        assert (found == BROKEN) == (sample.right == BROKEN)
        assert sample.right != CLEAN or found in (CLEAN, "inconclusive"), "nothing was done to it"
    pages = re.findall(r"^  (\S+\.html)   (\S+)$", said, re.MULTILINE)
    assert [name for _, name in pages] == [sample.name for sample in samples if sample.right != BROKEN]
    assert all(Path(page).is_file() for page, _ in pages)
    assert results["prompt.png"]["verdict"] == SYNTHETIC
