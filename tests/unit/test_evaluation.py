"""Evaluation: planted detectors get the figures they deserve, groups hold what their names say."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.base import Pictures, Scores
from detectors.data import Example
from detectors.evaluation import Row, groups, rows
from detectors.evaluation_table import drawn, to_csv, to_markdown, to_png
from detectors.scoring import ScoredSet, score_set
from generators.own_pictures import Own, own_kind
from generators.shares import at_most
from generators.weights import ModelCard
from tests.make_media import Pixels, decode, jpeg, photo, png


class Red:
    """Redness as a score: fakes in these tests are red. Dark pictures are not judged."""

    name = "red"
    card = ModelCard("red", "1", "says how red a picture is", thresholds={"0.01": 0.9, "0.05": 0.6}, sha256="cd" * 32)

    def score(self, images: Pictures) -> Scores:
        red = np.array([pixels[..., 0].mean() / 255 for pixels in images], np.float32)
        dark = np.array([pixels.max() < 10 for pixels in images])
        llr = np.where(dark, 0, 4 * (red - 0.5)).astype(np.float32)
        return Scores(red, llr, None, tuple("it is dark" if d else None for d in dark))


class Plain(Red):
    """Without ratios or thresholds."""

    card = ModelCard("plain", "1", "says how red a picture is")

    def score(self, images: Pictures) -> Scores:
        return Scores(super().score(images).fake)


def example(folder: Path, red: int, label: int, source: str, generator: str = "-", family: str = "-") -> Example:
    path = folder / f"{label}" / source / f"{len(list(folder.rglob('*.*')))}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((72, 80, 3), 40, np.uint8)
    pixels[..., 0] = red
    path.write_bytes(png(pixels))
    return Example(path, label, source, generator, family)


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    found = [example(tmp_path, 60 + i, 0, "camera") for i in range(20)]
    found += [example(tmp_path, 200 + i, 1, "shop", "paint-1", "diffusion") for i in range(12)]
    found += [example(tmp_path, 60 + i, 1, "quiz", "paint-2", "gan") for i in range(6)]
    found += [example(tmp_path, 100 + i, 0, "quiz") for i in range(6)]
    return found


def by_name(found: list[Row], condition: str = "original") -> dict[tuple[str, str], Row]:
    return {(row.kind, row.name): row for row in found if row.condition == condition}


def measured(examples: list[Example], detector: Red | None = None) -> tuple[ScoredSet, list[Row]]:
    detector = detector or Red()
    scored = score_set(detector, examples, conditions=("original", "q90", "half"))
    return scored, list(rows(scored, detector.card, n_resamples=40))


def test_groups_hold_what_their_names_say(examples: list[Example]) -> None:
    found = {(g.kind, g.name): g for g in groups(examples)}
    assert [k for k, _ in found] == ["all", "matched", *["family"] * 2, *["generator"] * 2, *["source"] * 3]

    def counts(kind: str, name: str) -> Counter[tuple[int, str]]:
        return Counter((examples[i].label, examples[i].source) for i in found[kind, name].members)

    assert counts("matched", "all matched sources") == {(1, "quiz"): 6, (0, "quiz"): 6}
    assert counts("generator", "paint-1") == {(1, "shop"): 12, (0, "camera"): 20, (0, "quiz"): 6}
    assert counts("source", "camera") == {(0, "camera"): 20, (1, "shop"): 12, (1, "quiz"): 6}
    assert [found["source", n].against for n in ("camera", "quiz", "shop")] == ["all fakes", "own", "all reals"]


def test_figures_are_those_that_were_planted(examples: list[Example]) -> None:
    found = by_name(measured(examples)[1])
    assert found["generator", "paint-1"].auroc == 1.0 and found["generator", "paint-1"].tpr_1 == 1.0
    assert found["source", "quiz"].auroc == 0.0
    overall = found["all", "all"]
    # 6 of 18 fakes are as dark as the first 6 of the reals: each beats the darker ones and half of its like.
    assert overall.auroc == pytest.approx((12 * 26 + sum(range(6)) + 3) / (18 * 26))
    assert (overall.n_fake, overall.n_real, overall.abstention) == (18, 26, 0.0)
    assert overall.balanced_accuracy == pytest.approx((12 / 18 + 1) / 2)
    assert overall.false_positives_1 == 0.0 and overall.false_positives_5 == 0.0
    assert overall.auroc_interval.low <= overall.auroc <= overall.auroc_interval.high


def test_probabilities_are_judged_at_the_share_of_fakes_of_the_row(examples: list[Example]) -> None:
    scored, found = measured(examples)
    fakes = [i for i, e in enumerate(examples) if e.generator == "paint-1"]
    reals = [i for i, e in enumerate(examples) if not e.label]
    llr = scored.conditions[0].llr
    assert llr is not None
    odds = 12 / 26 * 10 ** llr[fakes + reals]
    mean = float((odds / (1 + odds)).mean())
    row = by_name(found)["generator", "paint-1"]
    assert row.ece is not None and row.ece >= abs(mean - 12 / 38) - 1e-9 and row.cllr is not None and row.cllr < 1


def test_every_wash_is_seen_by_both_classes(examples: list[Example]) -> None:
    seen: list[tuple[int, ...]] = []

    class Watching(Red):
        def score(self, images: Pictures) -> Scores:
            seen.extend(pixels.shape for pixels in images)
            return super().score(images)

    scored = score_set(Watching(), examples, conditions=("original", "half"))
    assert Counter(seen) == {(72, 80, 3): 44, (64, 71, 3): 44}
    assert all(len(c.fake) == len(c.abstained) == 44 for c in scored.conditions)


def test_the_trap_compresses_fakes_alone_before_both(tmp_path: Path) -> None:
    pixels = photo(3, width=96, height=96)
    seen: list[Pixels] = []

    class Watching(Red):
        def score(self, images: Pictures) -> Scores:
            seen.extend(images)
            return super().score(images)

    pair = []
    for label in (0, 1):
        (tmp_path / f"{label}.png").write_bytes(png(pixels))
        pair.append(Example(tmp_path / f"{label}.png", label, "s"))
    score_set(Watching(), pair, conditions=("fakes_q50",))
    assert np.array_equal(seen[0], decode(jpeg(pixels, 90)))
    assert np.array_equal(seen[1], decode(jpeg(decode(jpeg(pixels, 50)), 90)))


def test_progress_counts_every_picture_once(examples: list[Example]) -> None:
    done: list[int] = []
    score_set(Red(), examples, conditions=("original",), progress=done.append)
    assert sum(done) == len(examples) and len(done) > 1


def test_what_cannot_be_read_is_left_out_and_named(examples: list[Example], tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(jpeg(np.zeros((64, 64, 3), np.uint8))[:99])
    scored = score_set(Red(), [*examples, Example(cut, 1, "s", "g")], conditions=("original",))
    assert len(scored.examples) == len(examples) and list(scored.unread) == [cut]
    with pytest.raises(ValueError, match=r"not one file could be read: .*cut\.jpg"):
        score_set(Red(), [Example(cut, 1, "s")], conditions=("original",))


def test_abstention_is_counted_and_its_pictures_stay_in(examples: list[Example], tmp_path: Path) -> None:
    dark = tmp_path / "dark.png"
    dark.write_bytes(png(np.zeros((64, 64, 3), np.uint8)))
    _, found = measured([*examples, Example(dark, 1, "shop", "paint-1", "diffusion")])
    row = by_name(found)["all", "all"]
    assert row.abstention == pytest.approx(1 / 45) and row.n_fake == 19


def test_an_uncalibrated_detector_has_no_figures_of_calibration(examples: list[Example]) -> None:
    row = by_name(measured(examples, Plain())[1])["all", "all"]
    assert (row.ece, row.cllr, row.false_positives_1, row.false_positives_5) == (None, None, None, None)
    assert row.balanced_accuracy == pytest.approx((12 / 18 + 1) / 2)


def test_an_unknown_wash_and_a_set_of_one_class_are_refused(examples: list[Example]) -> None:
    with pytest.raises(LookupError, match="no preset 'q91'"):
        score_set(Red(), examples, conditions=("q91",))
    with pytest.raises(ValueError, match="0 fakes and 20 reals"):
        list(groups(examples[:20]))


def test_tables_hold_the_figures(examples: list[Example]) -> None:
    _, found = measured(examples)
    read = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert len(read) == len(found) == 9 * 3
    first = by_name(found)["all", "all"]
    assert float(read[0]["auroc"]) == pytest.approx(first.auroc, abs=1e-4)
    assert float(read[0]["auroc_interval_low"]) == pytest.approx(first.auroc_interval.low, abs=1e-4)
    page = to_markdown(found, Red.card, n_unread=2)
    assert f"| original | 18 | 26 | {first.auroc:.3f} (" in page and "| paint-1 | all reals | 12 | 26 | 1.000 |" in page
    assert "cdcd" in page and "2 files could not be read" in page


def test_a_share_that_so_few_reals_cannot_tell_is_marked_and_bounded(examples: list[Example]) -> None:
    _, found = measured(examples)
    first = by_name(found)["all", "all"]
    assert first.sure_1 == pytest.approx(1 - 0.05 ** (1 / 26)) and first.sure_5 == pytest.approx(at_most(1, 26))
    read = next(csv.DictReader(io.StringIO(to_csv(found))))
    assert float(read["sure_1"]) == pytest.approx(first.sure_1, abs=1e-4)
    card = replace(Red.card, n_reals=44)
    page = to_markdown(found, card)
    starred = f"| {first.tpr_1:.3f} ({first.tpr_1_interval.low:.3f}-{first.tpr_1_interval.high:.3f})\\* |"
    assert starred in page and "no more than 10.9 of 100 photos like these reach it" in page
    assert "1 of 100 real photos reach 0.9; rests on 44 of them, too few to tell so small a share; with 95 %" in page
    many = [replace(row, n_real=100) for row in found]
    assert "\\*" not in to_markdown(many, card)


def test_the_picture_is_green_where_a_detector_is_right_and_red_where_not(
    examples: list[Example], tmp_path: Path
) -> None:
    found = measured(examples)[1]
    picture = np.array(Image.open(io.BytesIO(to_png(found, Red.card))).convert("RGB")).astype(int)
    (tmp_path / "drawn.png").write_bytes(to_png(found, Red.card))
    assert own_kind(tmp_path / "drawn.png") is Own.DRAWN, "or it is taken for a photo in its folder"
    names = [(row.kind, row.name) for row in drawn(found)]
    assert len(names) == len(set(names)) == len({(row.kind, row.name) for row in found})

    def colour(kind: str, name: str) -> tuple[int, int, int]:
        red, green, blue = picture[12 + 24 * (names.index((kind, name)) + 2) + 1, 12 + 380 + 2].tolist()
        return red, green, blue

    right, wrong = colour("generator", "paint-1"), colour("source", "quiz")
    assert right[1] > right[0] + 60 and wrong[0] > wrong[1] + 60


def test_generators_are_drawn_weakest_first_and_those_of_few_pictures_last_and_pale(examples: list[Example]) -> None:
    row = by_name(measured(examples)[1])["generator", "paint-1"]
    areas = {"strong": (0.9, 40), "weak": (0.6, 5), "single": (0.5, 1)}
    rows = [replace(row, name=name, auroc=area, n_fake=n) for name, (area, n) in areas.items()]
    whole = replace(row, kind="all", name="all", n_fake=4)
    later = [replace(r, condition="q90", auroc=1 - r.auroc) for r in rows]
    assert [r.name for r in drawn([whole, *rows])] == ["all", "weak", "strong", "single"]
    assert [r.name for r in drawn([*rows, *later])] == ["strong", "weak", "single"], "the second condition decides"
    picture = np.array(Image.open(io.BytesIO(to_png(rows, Red.card))).convert("RGB")).astype(int)
    weak, strong, single = (picture[12 + 24 * (i + 2) + 1, 12 + 380 + 2] for i in range(3))
    assert single.min() > 200 > strong.min() and weak.min() < 200


def test_the_picture_explains_its_order_and_pale_rows_only_where_there_are_any(examples: list[Example]) -> None:
    row = replace(by_name(measured(examples)[1])["all", "all"], n_fake=40, n_real=40)

    def n_dark(rows: list[Row]) -> int:
        picture = np.array(Image.open(io.BytesIO(to_png(rows, Red.card))).convert("L"))
        return int((picture[36:60, :380] < 200).sum())

    listed = [replace(row, kind="generator", name=name) for name in ("a", "b")]
    few = [replace(one, n_fake=1) for one in listed]
    assert n_dark([row, listed[0]]) == 0 < n_dark([row, *listed]) < n_dark([row, *few])


def test_a_coin_gets_one_half(examples: list[Example]) -> None:
    class Coin(Plain):
        def score(self, images: Pictures) -> Scores:
            return Scores(np.full(len(images), 0.5, np.float32))

    row = by_name(measured(examples, Coin())[1])["all", "all"]
    assert row.auroc == 0.5 and row.tpr_5 == 0.0 and math.isclose(row.average_precision, 18 / 44)


def test_labels_and_their_errors_are_counted_as_planted(examples: list[Example]) -> None:
    card = replace(Red.card, sets={"0.05": (0.3, 0.7)})
    scored = score_set(Red(), examples, conditions=("original",))
    row = by_name(list(rows(scored, card, n_resamples=40)))["all", "all"]
    # Red of 60 to 79 is under 0.3 up to 76, of 100 and more up to 105 is between, of 200 and more is over 0.7.
    reals = [60 + i for i in range(20)] + [100 + i for i in range(6)]
    fakes = [200 + i for i in range(12)] + [60 + i for i in range(6)]
    between = sum(0.3 < red / 255 < 0.7 for red in reals + fakes)
    assert row.undecided == pytest.approx(between / 44) and row.coverage_real == 1.0
    assert row.coverage_fake == pytest.approx(12 / 18)
    low, high = row.coverage_real_interval, row.coverage_fake_interval
    assert low is not None and low.low < 0.9 and low.high == 1.0, "26 of 26 do not prove all"
    assert high is not None and high.low < 12 / 18 < high.high
    text = to_markdown([row], card)
    assert "photos not called fake" in text and "0.667 (" in text
    (line,) = csv.DictReader(io.StringIO(to_csv([row])))
    assert float(line["coverage_fake"]) == pytest.approx(12 / 18, abs=1e-4)
    assert "coverage_fake_interval_high" in line and None not in line


def test_a_card_without_labels_leaves_their_columns_empty(examples: list[Example]) -> None:
    row = by_name(measured(examples)[1])["all", "all"]
    assert row.undecided is None and row.coverage_real is None
    (line,) = csv.DictReader(io.StringIO(to_csv([row])))
    assert line["coverage_fake_interval_low"] == "" and None not in line


def test_what_is_not_judged_has_no_label(examples: list[Example], tmp_path: Path) -> None:
    dark = tmp_path / "dark.png"
    dark.write_bytes(png(np.full((72, 80, 3), 3, np.uint8)))
    card = replace(Red.card, sets={"0.05": (0.3, 0.7)})
    scored = score_set(Red(), [*examples, Example(dark, 1, "shop", "paint-1", "diffusion")], conditions=("original",))
    row = by_name(list(rows(scored, card, n_resamples=40)))["all", "all"]
    assert row.abstention == pytest.approx(1 / 45) and row.coverage_fake == pytest.approx(13 / 19)
