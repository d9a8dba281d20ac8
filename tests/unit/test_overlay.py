"""Drawing: heat shows where it is, rectangles lie where regions are, the rest of the picture is left alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from forensics.finding import Heat, Region
from forensics.overlay import color_map, draw_heat, draw_regions, preview, region_color, to_jpeg, to_png
from tests.make_report import heat, pixels

LUMA = np.array((0.299, 0.587, 0.114))


def test_the_color_map_gets_lighter_all_the_way() -> None:
    linear = (color_map() / 255.0) ** 2.2
    luminance = linear @ np.array((0.2126, 0.7152, 0.0722))
    assert np.diff(luminance).min() >= -2e-3
    assert luminance[-1] > luminance[0] + 0.5
    # Coarse steps rise strictly, so equal lightness never stands for two clearly different heats.
    assert (np.diff(luminance[::16]) > 0).all()


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (300, 9000), (9000, 3)])
def test_a_preview_keeps_the_shape_and_fits(width: int, height: int) -> None:
    small = preview(np.zeros((height, width, 3), np.uint8), 500)
    assert max(small.shape[:2]) == 500
    assert small.shape[1] == max(1, round(width * 500 / max(width, height)))


def test_a_small_picture_is_its_own_preview() -> None:
    picture = pixels(1, width=64, height=48)
    assert preview(picture) is picture


def test_no_heat_leaves_the_greyed_picture() -> None:
    picture = pixels(2)
    drawn = draw_heat(picture, Heat(np.zeros((10, 10), np.float32), ""))
    assert (drawn[..., 0] == drawn[..., 1]).all() and (drawn[..., 1] == drawn[..., 2]).all()
    np.testing.assert_allclose(drawn[..., 0], picture @ LUMA / 2, atol=1)


def test_the_hottest_place_is_the_brightest_on_any_picture() -> None:
    values = np.zeros((30, 40), np.float32)
    values[10:15, 20:25] = 1.0
    for picture in (
        np.zeros((300, 400, 3), np.uint8),
        np.full((300, 400, 3), 255, np.uint8),
        pixels(3, width=400, height=300),
    ):
        lightness = draw_heat(picture, Heat(values, "")) @ LUMA
        y, x = np.unravel_index(int(cv2.GaussianBlur(lightness, (0, 0), 6).argmax()), lightness.shape)
        assert 100 <= y < 150 and 200 <= x < 250


def test_drawing_changes_neither_the_picture_nor_the_size() -> None:
    picture = pixels(4)
    before = picture.copy()
    picture.flags.writeable = False
    for drawn in (draw_heat(picture, heat(1)), draw_regions(picture, [Region(10, 10, 50, 50)])):
        assert drawn.shape == picture.shape and drawn.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)


def test_regions_touch_only_their_borders_and_labels() -> None:
    picture = pixels(5, width=600, height=400)
    drawn = draw_regions(picture, [Region(200, 100, 300, 200, "copy")])
    changed = (drawn != picture).any(axis=2)
    inside_border = np.zeros_like(changed)
    inside_border[96:304, 196:504] = True
    assert changed.any() and not (changed & ~inside_border).any()
    assert not changed[150:290, 210:490].any()
    np.testing.assert_array_equal(drawn[200, 200], region_color(Region(0, 0, 1, 1), 1))


def test_regions_are_scaled_from_the_full_size_to_the_preview() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    at_preview = draw_regions(picture, [Region(100, 50, 80, 40)])
    at_full = draw_regions(picture, [Region(1000, 500, 800, 400)], (4000, 3000))
    np.testing.assert_array_equal(at_preview, at_full)


def test_regions_of_a_group_share_a_color_and_groups_do_not() -> None:
    first, second = Region(0, 0, 1, 1, group=1), Region(5, 5, 1, 1, group=1)
    assert region_color(first, 1) == region_color(second, 2)
    assert region_color(first, 1) != region_color(Region(0, 0, 1, 1, group=2), 3)


def test_regions_over_the_edge_and_hostile_labels_are_drawn_without_complaint() -> None:
    picture = pixels(6, width=120, height=90)
    regions = [Region(100, 80, 5000, 5000, "\u202e<b>\x00" + "W" * 500), Region(9000, 9000, 1, 1, "שלום")]
    assert draw_regions(picture, regions).shape == picture.shape
    assert draw_regions(np.zeros((1, 1, 3), np.uint8), regions).shape == (1, 1, 3)


def test_png_is_exact_and_jpeg_is_near_and_smaller() -> None:
    picture = draw_heat(pixels(7), heat(2))
    back = [
        cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        for d in (to_png(picture), to_jpeg(picture))
    ]
    np.testing.assert_array_equal(back[0], picture)
    assert np.abs(back[1].astype(int) - picture).mean() < 4
    assert len(to_jpeg(picture)) < len(to_png(picture)) / 3


def test_an_opacity_outside_0_and_1_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        draw_heat(pixels(8), heat(1), 1.5)


def test_words_that_rectangles_share_are_drawn_once() -> None:
    grey = np.full((300, 400, 3), 128, np.uint8)
    first, second = Region(10, 10, 40, 40, "somebody's face"), Region(10, 200, 40, 40, "somebody's face")
    alike = draw_regions(grey, (first, second))
    apart = draw_regions(grey, (first, replace(second, label="somebody's hand")))
    beside = np.s_[195:, 56:]
    assert np.array_equal(alike[beside], grey[beside]) and not np.array_equal(apart[beside], grey[beside])
    assert not np.array_equal(alike[:60, 56:], grey[:60, 56:])


def test_words_that_would_cover_a_neighbours_number_are_left_to_the_text() -> None:
    grey = np.full((300, 400, 3), 128, np.uint8)
    first, second = Region(100, 100, 30, 150, "copied part"), Region(140, 100, 30, 150, "copied part")
    near = draw_regions(grey, (first, second))
    assert np.array_equal(near, draw_regions(grey, (replace(first, label=""), second))), "the second has room for them"
    far = draw_regions(grey, (first, replace(second, x=300)))
    between = np.s_[98:120, 120:136]  # where the words of the first go on
    assert not np.array_equal(near[between], far[between])


def test_words_that_are_pushed_back_into_the_picture_cover_none_either() -> None:
    grey = np.full((300, 400, 3), 128, np.uint8)
    first, second = Region(330, 100, 60, 60, "copied part of it"), Region(236, 100, 60, 60, "swapped face")
    both = draw_regions(grey, (first, second))
    alone = draw_regions(grey, (first, replace(second, label="")))
    pushed = np.s_[90:120, 312:325]  # the number of the first, with its words
    assert np.array_equal(both[pushed], alone[pushed])
