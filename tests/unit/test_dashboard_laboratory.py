"""The pages Generators, Models and Arms race, drawn without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.backend.cards import installed
from dashboard.backend.models import shipped
from dashboard.backend.words import as_markdown, sentence
from dashboard.roles import Role, User
from tests.make_dashboard import offered, open_page, prepare


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)


def told(app: AppTest) -> str:
    """All words of the page."""
    return "\n".join(
        str(element.value) for kind in (app.markdown, app.caption, app.info, app.error) for element in kind
    )


def test_the_price_of_a_shipped_threshold_is_told_as_it_was_counted() -> None:
    app = open_page("models", timeout_s=60)
    card = next(model.card for model in installed() if model.name == "synthetic")
    assert card is not None and not app.exception
    measured = shipped(card)
    assert measured is not None
    for rate, threshold in measured.thresholds:
        app.button(key=f"jump to {rate}").click().run()
        (wrong,) = measured.operating("q90", measured.slices[0].group).false_positives(threshold)
        assert app.slider[0].value == pytest.approx(threshold)
        assert f"Photos taken for fakes: {wrong.value:.1%}" in told(app)
        assert f"{wrong.n_found:,} of {wrong.n:,}" in told(app)


def test_moving_the_threshold_up_misses_more_and_accuses_fewer() -> None:
    app = open_page("models", timeout_s=60)
    app.slider[0].set_value(0.0).run()
    assert "Photos taken for fakes: 100.0%" in told(app) and "Fakes missed: 0.0%" in told(app)
    app.slider[0].set_value(1.0).run()
    assert "Photos taken for fakes: 0.0%" in told(app) and "Fakes missed: 100.0%" in told(app)


def test_a_model_that_is_no_detector_shows_its_card_alone() -> None:
    app = open_page("models", timeout_s=60)
    app.selectbox[0].select("face-64").run()
    assert [tab.label for tab in app.tabs] == ["Figures", "Card"] and not app.exception
    assert "Not a likeness of anybody" in told(app) and not app.slider


def test_without_a_table_of_ones_own_the_page_says_what_to_do() -> None:
    app = open_page("models", timeout_s=60)
    app.selectbox[0].select("a table of your own").run()
    assert "Measure a detector on pictures of your own" in told(app) and not app.exception


def test_fakes_are_made_shown_and_offered() -> None:
    app = open_page("generators", timeout_s=60)
    app.number_input[0].set_value(2)
    app.number_input[1].set_value(7)
    app.button[0].click().run()
    assert not app.exception and app.session_state["fakes that were made"][1].n == 2
    assert "2 labelled fakes of seed 7 on" in "".join(success.value for success in app.success)
    (file,) = offered(app).values()
    assert file.taken() == app.session_state["fakes that were made"][1].archive


def test_a_generator_that_needs_a_photo_asks_for_it_in_words() -> None:
    app = open_page("generators", timeout_s=60)
    app.selectbox[0].select("removal").run()
    app.button[0].click().run()
    assert not app.exception and "upload one first" in told(app)


def test_a_viewer_sees_samples_and_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.views.generators.current_user", lambda: User("vera", Role.VIEWER))
    app = open_page("generators", timeout_s=60)
    assert not app.exception and not app.button and "needs the role moderator" in told(app)


def test_without_a_race_the_page_says_so_and_offers_nothing_to_press() -> None:
    app = open_page("race")
    assert "No race has been run" in told(app) and not app.button and not app.exception


@pytest.mark.parametrize(
    "text",
    [
        "**bold**",
        "[a](https://b)",
        "![a](b)",
        "<b>",
        ":red[a]",
        "$x$",
        "`a`",
        "# a",
        "| a |",
        ":material/home:",
        "~~a~~",
    ],
)
def test_text_of_a_file_keeps_no_power_over_the_page(text: str) -> None:
    shown = as_markdown(text)
    for sign in set(text) & set("*[]()!<>:$`#|~"):
        assert shown.count(sign) == shown.count(f"\\{sign}")


@pytest.mark.parametrize("text", ["see www.evil.example", "HTTPS://evil.example", "http://a.b", "eve@evil.example"])
def test_text_of_a_file_becomes_no_link(text: str) -> None:
    """Those of GitHub's Markdown: https:// and http://, www. and an address with a domain."""
    read = as_markdown(text).replace("\\", "")
    assert not re.search(r"https?://|www\.|[-.\w+]@", read, re.IGNORECASE)
    assert read.replace("\u2060", "") == text, "nothing is lost to the eye"


def test_an_error_becomes_one_line_that_says_something() -> None:
    assert sentence(ValueError("the photo\nis <b>small</b>")).startswith("The photo is \\<b\\>small")
    assert sentence(KeyError()) == "KeyError"
