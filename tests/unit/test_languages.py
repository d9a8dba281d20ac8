"""Languages of reports: whole sentences or none, numbers as they are written there, what came from a file untouched."""

from __future__ import annotations

import re
from typing import Any

import pytest

from forensics.languages import ENGLISH, Language, codes, language
from forensics.languages.patterns import Rule

GERMAN = language("de")


def catalogue(**changes: Any) -> dict[str, Any]:
    """A small catalogue of a language that nobody speaks."""
    whole = {
        "name": "Xish",
        "decimal": "·",
        "thousands": "'",
        "sentences": {"{n:number} of {all:number} are {what:colour}": "{what}x: {n}/{all}", "so": "xo"},
        "rows": {"taken for = {what:colour}": "xtaken = {what}", "by = {x:text}": "xby = {x}"},
        "parts": {"colour": {"red": "xred", "light {c:colour}": "x-{c}", "": "xnone"}},
    }
    return whole | changes


@pytest.fixture
def xish() -> Language:
    return Language("x", catalogue())


def test_english_needs_no_catalogue_and_changes_nothing() -> None:
    english = language(ENGLISH)
    assert codes()[0] == ENGLISH and english.name == "English"
    assert (
        english.say("so") == "so"
        and english.row("by", "1.5") == ("by", "1.5")
        and english.number("1,000.5") == "1,000.5"
    )


def test_a_language_costs_one_file_with_everything_in_it(xish: Language) -> None:
    assert xish.say("1,200.5 of 3 are red") == "xredx: 1'200·5/3"
    assert xish.row("taken for", "light red") == ("xtaken", "x-xred")


def test_a_sentence_is_put_into_the_language_whole_or_not_at_all(xish: Language) -> None:
    for unknown in ("1 of 3 are blue", "1 of 3 are red, maybe", "some of 3 are red", "sorry"):
        assert xish.find(unknown) is None and xish.say(unknown) == unknown


def test_parts_may_stand_in_themselves(xish: Language) -> None:
    assert xish.say("1 of 3 are light light red") == "x-x-xredx: 1/3"


def test_an_empty_part_is_a_part(xish: Language) -> None:
    assert xish.say("1 of 3 are ") == "xnonex: 1/3"


def test_full_stop_and_capital_letter_are_kept(xish: Language) -> None:
    assert xish.say("so.") == "xo." and xish.say("So") == "Xo" and xish.say("So.") == "Xo."


def test_what_a_file_says_stays_as_it_is_even_where_it_says_our_words(xish: Language) -> None:
    for hostile in ("red", "so", "1,000.5", "a = b\nso", "{x}", "{n:number}", "<b>so</b>"):
        assert xish.row("by", hostile) == ("xby", hostile)
        assert xish.row("Comment", hostile) == ("Comment", hostile)


def test_a_label_of_a_file_cannot_pass_for_the_end_of_ours(xish: Language) -> None:
    assert xish.row("by = z", "red") == ("by = z", "red")


def test_a_text_that_is_longer_than_any_sentence_costs_nothing(xish: Language) -> None:
    endless = "1 of 3 are " + "light " * 100_000 + "red"
    assert xish.find(endless) is None


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("{n:number} left", "übrig"),
        ("left", "{n} übrig"),
        ("{n} left", "{n} übrig"),
        ("{n:number} of {n:number}", "{n}"),
    ],
)
def test_a_template_with_a_hole_too_many_is_refused(english: str, other: str) -> None:
    with pytest.raises(ValueError, match="hole"):
        Rule.of(english, other)


def test_a_hole_of_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'colours'"):
        Language("x", catalogue(sentences={"{c:colours}": "{c}"}))
    with pytest.raises(ValueError, match="between its label and its text"):
        Language("x", catalogue(rows={"by": "xby"}))


def test_there_is_no_other_language_than_those_that_are_listed() -> None:
    with pytest.raises(LookupError, match=", ".join(codes())):
        language("tlh")
    with pytest.raises(LookupError):
        language("../languages/de")


@pytest.mark.parametrize("code", codes())
def test_every_language_that_ships_can_be_read_and_has_a_name(code: str) -> None:
    assert language(code).code == code and language(code).name


def test_german_writes_numbers_as_germans_do() -> None:
    assert GERMAN.number("1,234.5") == "1.234,5" and GERMAN.number("-0.25") == "-0,25"
    assert GERMAN.say("below 1\u00a0%") == "unter 1\u00a0%"
    assert GERMAN.row("Size", "1.5 MB (1,482,113 bytes)") == ("Größe", "1,5 MB (1.482.113 Byte)")


def test_times_and_dates_stay_as_players_and_cameras_write_them() -> None:
    said = GERMAN.say("The frames from 00:00:01.500 to 00:00:02.000 are shown a second time from 00:00:09.000 on")
    assert said == "Die Bilder von 00:00:01.500 bis 00:00:02.000 werden ab 00:00:09.000 ein zweites Mal gezeigt"


def test_a_sentence_within_a_step_is_put_into_german_as_well() -> None:
    step = "3.2 times more usual on synthetic files than on untouched ones."
    inner = "The spectrum has no clear peaks of up-sampling; this is for the eye"
    said = GERMAN.say(f"{inner}: {step}")
    assert said == f"{GERMAN.say(inner)}: bei synthetischen Dateien 3,2-mal so häufig wie bei unberührten."
    assert GERMAN.find(f"A plug-in says something new: {step}") is None


def test_german_fits_the_letters_of_the_pdf() -> None:
    assert GERMAN.rules is not None
    for sentence in GERMAN.rules.counterparts():
        sentence.translate(dict.fromkeys(map(ord, "„“–"))).encode("latin-1")


def test_german_leaves_no_sentence_in_english_by_mistake() -> None:
    assert GERMAN.rules is not None
    told = re.compile(r"\b(the|is|were|not|and|with|that|which|this)\b")
    assert [s for s in GERMAN.rules.counterparts() if told.search(s)] == []
