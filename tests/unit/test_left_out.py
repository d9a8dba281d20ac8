"""Families left out of training: what is said of one comes from a reading that never saw a fake of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.data import Example
from detectors.left_out import left_out_rows
from detectors.lessons import Lessons, TrainingSettings, study
from forensics.cli import main
from tests.make_media import photo
from tests.make_tower import ColourTower

SETTINGS = TrainingSettings(n_views=2, seed=3)

CASTS = {"tint": (1, 40), "shade": (1, 40), "glow": (2, 40)}
"""Family -> the channel and the step that its fakes are given away by: two families share theirs."""


def _write(folder: Path) -> list[Example]:
    """Ten sources of photos, and four of each family of fakes."""
    kinds = [("camera", name) for name in "abcdefghij"] + [(family, name) for family in CASTS for name in "ijkl"]
    examples = []
    for number, (family, name) in enumerate(kinds):
        for i in range(4):
            pixels = photo(50 * number + i, width=96, height=96).astype(np.float32)
            channel, step = CASTS.get(family, (0, 0))
            pixels[..., channel] += step
            path = folder / f"{family}-{name}-{i}.png"
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
            label = int(family != "camera")
            examples.append(Example(path, label, f"{family} {name}", family=family if label else "-"))
    return examples


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Lessons:
    return study(_write(tmp_path_factory.mktemp("set")), SETTINGS, tower=ColourTower())


def test_a_family_like_another_is_found_without_having_been_seen_and_one_of_its_own_kind_is_not(given: Lessons) -> None:
    mild = {row.name: row for row in left_out_rows(given, n_resamples=20) if row.condition == "mild"}
    assert set(mild) == set(CASTS)
    assert mild["tint"].auroc > 0.95 and mild["shade"].auroc > 0.95
    assert mild["glow"].auroc < 0.7, "what gives it away was never learned"


def test_only_photos_of_sources_that_were_held_out_are_told_from_the_family(given: Lessons) -> None:
    row = next(iter(left_out_rows(given, n_resamples=20)))
    assert row.n_fake == 16 and 0 < row.n_real < 40 and row.n_real % 4 == 0


def test_one_family_alone_cannot_be_left_out(given: Lessons) -> None:
    few = [e for e in given.examples if e.family in ("-", "glow")]
    with pytest.raises(ValueError, match="1 families"):
        list(left_out_rows(study(few, SETTINGS, tower=ColourTower())))


def test_the_command_writes_a_row_a_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("detectors.shared_tower.shipped_tower", ColourTower)
    lines = [f"{e.path.name}\t{('real', 'fake')[e.label]}\t{e.source}\t{e.family}" for e in _write(tmp_path)]
    (tmp_path / "set.tsv").write_text("path\tlabel\tsource\tfamily\n" + "\n".join(lines) + "\n")
    asked = ["evaluate", "--detector", "synthetic", "--data", str(tmp_path), "--leave-families-out"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 0
    shown = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(name, view) for name, view, *_ in shown] == [(name, v) for name in sorted(CASTS) for v in ("hard", "mild")]
    page = (tmp_path / "out" / "evaluation.md").read_text()
    assert "# synthetic-fitted-anew" in page and "SHA-256 `none`" in page and "| glow | held-out reals | 16 |" in page


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--leave-families-out", "--edits"], "measures no weights"),
        (["--cache", "features"], "for --leave-families-out"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--detector", "synthetic", "--data", str(tmp_path), *options]) == 2
    assert reason in capsys.readouterr().err
