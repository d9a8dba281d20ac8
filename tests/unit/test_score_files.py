"""Score files: what is written is read back, whichever form, and a broken one is refused in a line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from detectors.data import Example
from detectors.score_files import COLUMNS, ScoreFile, parse_scores, read_scores, scores_csv, write_scores
from detectors.scoring import Condition, ScoredSet
from forensics.cli import main
from generators.weights import ModelCard
from tests.make_media import photo, png

CARD = ModelCard("red", "2", "says how red a picture is", sha256="ab" * 32)


@pytest.fixture
def scored(tmp_path: Path) -> ScoredSet:
    """Three pictures, one under another name than a table could bear without quotes, under two conditions."""
    examples = []
    for i, (label, name) in enumerate([(1, 'a, "b".png'), (0, "c.png"), (0, "d.png")]):
        path = tmp_path / name
        path.write_bytes(png(photo(i, width=64, height=64)))
        examples.append(Example(path, label, f"source {i}", "paint" if label else "-", "gan" if label else "-"))
    said = np.array([[0.9, 0.25, 0.125], [0.75, 0.5, 0.0]])
    conditions = (
        Condition("original", said[0], np.array([1.5, -0.5, 0.0]), (None, None, "it is dark")),
        Condition("q90", said[1], None, (None, None, None)),
    )
    return ScoredSet(tuple(examples), conditions)


def same(found: ScoreFile, scored: ScoredSet, names: list[str]) -> None:
    assert [str(example.path) for example in found.scored.examples] == names
    for ours, theirs in zip(found.scored.examples, scored.examples, strict=True):
        assert (ours.label, ours.source, ours.generator, ours.family) == (
            theirs.label, theirs.source, theirs.generator, theirs.family,
        )  # fmt: skip
    for mine, own in zip(found.scored.conditions, scored.conditions, strict=True):
        assert mine.name == own.name and mine.abstained == own.abstained
        assert mine.fake == pytest.approx(own.fake, abs=1e-6)
        assert (mine.llr is None) == (own.llr is None)
        assert own.llr is None or mine.llr == pytest.approx(own.llr, abs=1e-4)


def test_the_table_of_an_evaluation_is_read_back(scored: ScoredSet, tmp_path: Path) -> None:
    place = tmp_path / "scores.csv"
    place.write_text(scores_csv(scored), encoding="utf-8")
    same(read_scores(place), scored, [str(example.path) for example in scored.examples])


def test_the_small_form_names_pictures_by_their_content_and_tells_whose_scores_they_are(
    scored: ScoredSet, tmp_path: Path
) -> None:
    place = tmp_path / "red-2.scores.parquet"
    write_scores(scored, CARD, place)
    found = read_scores(place)
    names = [hashlib.sha256(example.path.read_bytes()).hexdigest()[:12] for example in scored.examples]
    same(found, scored, names)
    assert (found.detector, found.sha256) == ("red-2", "ab" * 32)
    assert tmp_path.name not in str(pq.read_table(place).to_pydict())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("label,", "labels,"), "label is missing"),
        ((",1,", ",one,"), "line 2"),
        (("0.900000", "1.900000"), "a score lies between"),
        (("0.900000", "nan"), "a score lies between"),
        (("1.5000", "inf"), "a ratio is finite"),
        (("source 1,-,-,q90", "source 9,-,-,q90"), "the same pictures"),
        (("source 1", ""), "needs a source"),
    ],
)
def test_a_broken_table_is_refused(change: tuple[str, str], words: str, scored: ScoredSet) -> None:
    text = scores_csv(scored)
    assert change[0] in text
    with pytest.raises(ValueError, match=words):
        parse_scores(text.replace(*change))


@pytest.mark.parametrize("text", ["", ",".join(COLUMNS), "\0", "a\n" * 10, ",".join(COLUMNS) + "\nx,1\n"])
def test_what_holds_no_scores_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_scores(text)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "x.parquet"
    place.write_bytes(b"PAR1 and nothing")
    with pytest.raises(ValueError, match=r"x\.parquet"):
        read_scores(place)


def test_the_command_refuses_another_ending_before_it_measures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["evaluate", "--detector", "synthetic", "--data", str(tmp_path), "--scores", str(tmp_path / "x.csv")]
    assert main(given) == 2
    assert "does not end in .parquet" in capsys.readouterr().err
