"""A set is audited before anything is learned from it, and the command says whether it passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.data import Example
from detectors.lessons import TrainingSettings
from detectors.set_audit import audit_set
from forensics.cli import main
from tests.make_media import jpeg, photo, png

N_EACH = 24
HEADINGS = "label\tpath\tsource\tgenerator\tfamily\tsplit\n"


def pictures(folder: Path, *, glare: int = 0) -> list[Example]:
    """Photos and as many fakes that only their format tells, or their brightness as well."""
    examples = []
    for i in range(2 * N_EACH):
        pixels, label = photo(i, width=96, height=72), i % 2
        pixels = pixels // 2 + glare * label
        path = folder / f"{i}.{'png' if label else 'jpg'}"
        path.write_bytes(png(pixels) if label else jpeg(pixels))
        examples.append(Example(path, label, f"source {i % 6}", split="train"))
    return examples


def listed(folder: Path, examples: list[Example]) -> Path:
    rows = (f"{'fake' if e.label else 'real'}\t{e.path.name}\t{e.source}\t-\t-\t{e.split}\n" for e in examples)
    (folder / "list.tsv").write_text(HEADINGS + "".join(rows), encoding="utf-8")
    return folder


def test_washes_close_the_shortcut_of_the_format(tmp_path: Path) -> None:
    audit = audit_set(pictures(tmp_path), [])
    assert audit.as_files.auroc > 0.95 and audit.as_seen.passes and audit.passes


def test_a_shortcut_that_the_washes_leave_fails_the_set(tmp_path: Path) -> None:
    audit = audit_set(pictures(tmp_path, glare=100), [])
    assert not audit.as_seen.passes and not audit.passes
    assert audit.as_seen.by_feature["brightness"] > 0.95


def test_what_is_on_both_sides_fails_the_set(tmp_path: Path) -> None:
    seen = pictures(tmp_path)
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(seen[0].path.read_bytes())
    of_another = audit_set(seen, [Example(copy, 0, "elsewhere")])
    assert not of_another.passes and of_another.leaks[0].distance_bits is None
    (tmp_path / "new.jpg").write_bytes(jpeg(photo(999, width=96, height=72)))
    of_the_same = audit_set(seen, [Example(tmp_path / "new.jpg", 0, "source 1")])
    assert not of_the_same.passes and not of_the_same.leaks and of_the_same.shared_sources == ("source 1",)


def test_a_shortcut_that_a_recipe_weighs_away_does_not_fail_the_set(tmp_path: Path) -> None:
    draws, seen = np.random.default_rng(1), []
    for i in range(120):
        label = i % 2
        glare = 60 if draws.random() < (0.75 if label else 0.25) else 0
        (path := tmp_path / f"{i}.png").write_bytes(png(photo(i, width=64, height=64) // 2 + np.uint8(glare)))
        seen.append(Example(path, label, f"source {i % 6}"))
    audit = audit_set(seen, [], settings=TrainingSettings(surface_balance=1.0))
    assert audit.as_weighed is not None and audit.as_weighed.passes and audit.passes
    assert not audit.as_seen.passes, "the pictures are the same; their weights are not"


def test_broken_pictures_are_named_and_do_not_end_the_audit(tmp_path: Path) -> None:
    seen = pictures(tmp_path)
    (tmp_path / "cut.png").write_bytes(seen[1].path.read_bytes()[:200])
    broken = Example(tmp_path / "cut.png", 1, "source 1")
    done: list[int] = []
    audit = audit_set([*seen, broken], [broken], progress=done.append)
    assert len(audit.unread) == 1 and "cut.png" in audit.unread[0] and sum(done) == len(seen) + 1
    assert audit.as_files.n_fake == N_EACH


def test_the_command_says_what_it_found_and_fails_with_the_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-set", "--data", str(listed(tmp_path, pictures(tmp_path)))]) == 0
    shown = dict(text.split("\t", 1) for text in capsys.readouterr().out.splitlines())
    assert shown["the set"] == "passes" and shown["pictures on both sides"] == "0"
    assert "format 1.00" in shown["surface of the files"]
    (recipe := tmp_path / "recipe.json").write_text('{"surface_balance": 0.0}')
    assert main(["audit-set", "--data", str(tmp_path), "--recipe", str(recipe)]) == 0
    assert "\nsurface as it is weighed\tAUROC" in capsys.readouterr().out
    recipe.write_text('{"left_out_sources": ["source 1"]}')
    assert main(["audit-set", "--data", str(tmp_path), "--recipe", str(recipe)]) == 0
    said = capsys.readouterr()
    assert "surface of the files\tAUROC 1.000 (16 fakes, 24 reals)" in said.out, "what is left out is not audited"
    assert "40 pictures to learn from" in said.err
    assert main(["audit-set", "--data", str(listed(tmp_path, pictures(tmp_path, glare=100)))]) == 1
    assert capsys.readouterr().out.endswith("the set\tfails\n")


def test_a_set_of_too_few_pictures_is_one_line_and_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-set", "--data", str(listed(tmp_path, pictures(tmp_path)[:6]))]) == 2
    assert "at least 5 pictures of each class" in capsys.readouterr().err.splitlines()[-1]
