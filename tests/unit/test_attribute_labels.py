"""Labels of faces: what names say, what is held out, and which edits are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from generators.attributes.faces import Faces
from generators.attributes.labels import (
    AGE_GROUPS,
    AS_IT_IS,
    GENDERS,
    N_CONDITIONS,
    Attributes,
    held_out,
    label_paths,
    parse_name,
)
from generators.attributes.networks import conditions_of
from generators.attributes.run import draw_edits
from generators.runs import rate_at


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("1_0_2_20161219140530307.jpg.chip.jpg", "male 0-12"),
        ("12_1_2_20161219140530307.jpg.chip.jpg", "female 0-12"),
        ("13_1_2_20161219140530307.jpg", "female 13-24"),
        ("59_0_4_20161219140530307.jpg.chip.jpg", "male 40-59"),
        ("116_1_0_20161219140530307.jpeg", "female 60+"),
        ("61_1_20170109142408075.jpg.chip.jpg", None),
        ("24_0_1_20170116220224657 .jpg.chip.jpg", None),
        ("55_0_0_20170116232725357jpg.chip.jpg", None),
        ("25_2_0_20170112213500903.jpg", None),
        ("120_1_0_20170112213500903.jpg", None),
        ("portrait.jpg", None),
    ],
)
def test_a_name_tells_age_group_and_gender_or_nothing(name: str, wanted: str | None) -> None:
    found = parse_name(name)
    assert (None if found is None else str(found)) == wanted


def test_every_age_falls_into_the_group_whose_bounds_hold_it() -> None:
    for age in range(117):
        found = parse_name(f"{age}_0_0_2017.jpg")
        assert found is not None and found.age_group is not None
        low, _, high = found.age_group.rstrip("+").partition("-")
        assert int(low) <= age <= int(high or 116)


def test_classes_and_words_are_two_ways_to_write_one_thing() -> None:
    for age in (AS_IT_IS, *range(len(AGE_GROUPS))):
        for gender in (AS_IT_IS, *range(len(GENDERS))):
            assert Attributes.of(age, gender).classes == (age, gender)
    with pytest.raises(ValueError, match=r"no age group '7'; there is 0-12"):
        Attributes("7")
    with pytest.raises(ValueError, match="no gender 'x'; there is male, female"):
        Attributes(gender="x")


def test_a_condition_has_one_one_for_each_thing_that_is_asked() -> None:
    found = conditions_of(torch.tensor([[AS_IT_IS, AS_IT_IS], [0, AS_IT_IS], [4, 1], [AS_IT_IS, 0]]))
    assert found.shape == (4, N_CONDITIONS) and found.sum(1).tolist() == [0, 1, 2, 1]
    assert found[2].nonzero().flatten().tolist() == [4, 6] and found[3].nonzero().flatten().tolist() == [5]


def test_malformed_names_are_left_out_and_counted() -> None:
    paths = [Path("a/5_1_0_2017.jpg"), Path("b/what.jpg"), Path("c/80_0_0_2017.jpg")]
    places, classes, skipped = label_paths(paths)
    assert places.tolist() == [0, 2] and classes.tolist() == [[0, 1], [4, 0]]
    assert skipped == {"without a label in the name": 1}


def test_the_held_out_depend_on_names_alone() -> None:
    paths = [Path(f"x/{i}_0_0_2017.jpg") for i in range(100)]
    first = held_out(paths, 8, 0.1)
    turned = held_out([Path("elsewhere") / path.name for path in reversed(paths)], 8, 0.1)
    assert first.sum() == 8 and np.array_equal(first, turned[::-1])
    assert held_out(paths, 50, 0.1).sum() == 10, "at most the share"


def test_an_edit_changes_what_it_asks_for_and_asks_for_what_it_changes() -> None:
    random = torch.Generator().manual_seed(3)
    own = torch.stack([torch.arange(2_000) % 5, torch.arange(2_000) % 2], dim=1)
    target, asked = draw_edits(own, random)
    assert torch.equal(asked != AS_IT_IS, target != own)
    assert torch.equal(torch.where(asked == AS_IT_IS, own, asked), target)
    shares = (target != own).float().mean(0)
    assert (target != own).any(1).all() and 0.65 < shares[0] < 0.75 and 0.55 < shares[1] < 0.65


def test_every_pair_of_age_and_gender_is_drawn_equally_often() -> None:
    classes = np.array([[0, 0]] * 90 + [[4, 1]] * 10)
    weights = Faces(np.zeros((100, 1, 1, 3), np.uint8), classes, {}).weights
    assert weights[:90].sum() == pytest.approx(0.5) and weights[90:].sum() == pytest.approx(0.5)


def test_the_rate_is_constant_and_then_falls_to_nothing() -> None:
    assert rate_at(0, 0.4) == rate_at(0.6, 0.4) == 1
    assert rate_at(0.8, 0.4) == pytest.approx(0.5) and rate_at(1, 0.4) == pytest.approx(0)
