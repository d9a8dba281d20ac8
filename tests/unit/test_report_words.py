"""Words: hidden characters become visible, probabilities are never certain, commands can be run as they stand."""

from __future__ import annotations

import shlex
import subprocess
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.analyzers import ANALYZERS
from forensics.finding import Claim, Finding, Trace
from forensics.hostile_text import counted_in, one_line, shell_word, visible
from forensics.languages import language
from forensics.report import FUSION, SEEN_BEFORE
from forensics.report_page import page
from forensics.report_words import (
    command,
    meaning,
    name_of,
    numbered,
    percent,
    question,
    rule,
    step,
    strength,
    time_code,
    title,
    total,
)
from forensics.settings import Limits, ScanSettings
from tests.make_report import HOSTILE, report


@given(st.text(st.characters(codec=None)))
def test_no_hidden_character_is_left(text: str) -> None:
    left = {unicodedata.category(c) for c in visible(text) if c not in "\n\t\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    visible(text).encode("utf-8")


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_text_without_hidden_characters_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_visible_text_is_bounded_and_says_how_much_is_missing() -> None:
    assert visible("x" * 1500, 1000) == "x" * 1000 + "… (500 more characters)"


@pytest.mark.parametrize("n", range(995, 1040))
def test_text_is_cut_only_where_that_makes_it_shorter(n: int) -> None:
    cut = "x" * 1000 + f"… ({n - 1000} more characters)"
    assert visible("x" * n, 1000) == one_line("x" * n, 1000) == min("x" * n, cut, key=len)


def test_text_that_was_cut_before_is_counted_from_its_whole_length() -> None:
    once = visible("x" * 9000, 2000)
    assert visible(once, 400) == visible("x" * 9000, 400) == "x" * 400 + "… (8,600 more characters)"
    german = counted_in(once, lambda count: "7.000 weitere Zeichen" if count == "7,000 more characters" else "?")
    assert german == "x" * 2000 + "… (7.000 weitere Zeichen)"
    assert visible(german, 400) == "x" * 400 + "… (8,600 more characters)"
    assert visible("x" * 500 + "… (" + "9" * 9000 + " more characters)", 400).endswith("… (9,120 more characters)")


@pytest.mark.parametrize("text", HOSTILE)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(f"{text}\n{text}\u2028{text}").splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["plain.jpg", "two words.jpg", "it's.jpg", "$(touch x).jpg", "a\nb\u202e\x1b\\'.jpg", "é 名"]
)
def test_a_quoted_word_is_the_word_again_in_a_shell_and_hides_nothing(name: str) -> None:
    word = shell_word(name)
    assert word.isprintable()
    said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout
    assert said == name.encode()


def test_the_command_repeats_the_settings_and_the_command_line_understands_it() -> None:
    from forensics.cli.scan import scan

    settings = ScanSettings(analyzers=("ela", "noise"), prior=0.125, limits=Limits(n_frames=5, max_bytes=1000))
    words = shlex.split(command(report(settings=settings, path="-odd name.jpg")))
    assert words[:2] == ["unforged", "scan"]
    given_options = scan.make_context("scan", words[2:]).params
    assert given_options["paths"] == ("-odd name.jpg",)
    assert given_options["analyzers"] == ("ela", "noise") and given_options["prior"] == 0.125
    assert given_options["n_frames"] == 5 and given_options["max_bytes"] == 1000


def test_the_command_names_analyzers_alone_and_the_container_of_a_file_inside() -> None:
    added = [Finding(name, Trace.PROVENANCE, "Seen.") for name in (SEEN_BEFORE, FUSION)]
    found = report(
        findings=(Finding("ela", Trace.COMPRESSION, "Seen."), *added),
        skipped={"noise": "too small"},
        path="a.zip!/inner.pdf!/object-1.jpeg",
    )
    words = shlex.split(command(found))
    asked = words[words.index("--analyzers") + 1].split(",")
    assert {"ela", "noise"} <= set(asked) <= set(ANALYZERS.names()) and words[-1] == "a.zip"


def test_a_file_inside_containers_is_named_with_the_way_to_it() -> None:
    inside = report(path="pages/a.zip!/in/b.pdf!/object-1.jpeg", filename="object-1.jpeg")
    assert name_of(inside, 100) == "a.zip › in/b.pdf › object-1.jpeg"
    assert name_of(report(path="pages/what!.jpg", filename="what!.jpg"), 100) == "what!.jpg"
    assert name_of(report(path="x/a\u202e.zip!/b\n.jpg", filename="b\n.jpg"), 100) == "a\\u202e.zip › b .jpg"
    shown = page(report(path="a.zip!/b.jpg", filename="b.jpg"), {})
    assert shown.title == "a.zip › b.jpg" and shown.facts[0] == ("File", "a.zip › b.jpg")


def test_a_file_from_standard_input_is_read_from_there_again() -> None:
    assert command(report(path="")).endswith(" -")


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.0, "below 1\u00a0%"),
        (0.004, "below 1\u00a0%"),
        (0.2, "20\u00a0%"),
        (0.5, "50\u00a0%"),
        (0.9999, "over 99\u00a0%"),
        (1.0, "over 99\u00a0%"),
    ],
)
def test_no_probability_is_certain(probability: float, words: str) -> None:
    assert percent(probability) == words


@pytest.mark.parametrize(
    ("time_s", "code"), [(0.0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3661.5, "1:01:01.5")]
)
def test_time_codes_read_as_players_show_them(time_s: float, code: str) -> None:
    assert time_code(time_s) == code


def test_strength_follows_the_ratio_and_its_direction() -> None:
    found = Finding("noise", Trace.SENSOR, "Seen.", 1.5, Claim.SYNTHETIC)
    assert strength(found) == "Moderate evidence: about 32 times more usual on synthetic files than on untouched ones."
    assert strength(replace(found, llr=-0.5)).endswith(
        "3.2 times more usual on untouched files than on synthetic ones."
    )
    assert "next to nothing" in strength(replace(found, llr=0.0))
    assert "does not count" in strength(replace(found, llr=None))


def test_the_probability_is_said_to_be_of_the_explanation_that_decided() -> None:
    made = Finding("learned", Trace.LEARNED, "Made.", 2.0, Claim.SYNTHETIC)
    altered = Finding("noise", Trace.SENSOR, "Altered.", 1.5, Claim.MANIPULATED)
    for found, claim in ((made, Claim.SYNTHETIC), (altered, Claim.MANIPULATED)):
        whole = report((found,))
        words = (meaning(whole), total(whole), rule(whole))
        assert whole.verdict.claim is claim and all(claim in text for text in words)
        (other,) = set(Claim) - {claim}
        assert not any(other in text for text in words)
    assert question(report((made,))) == "that a machine made it"
    assert question(report((altered,))) == "that it was altered"


def test_where_no_trace_was_found_no_explanation_is_called_likelier() -> None:
    whole = Finding("copy_move", Trace.GEOMETRY, "Nothing.", -0.9, Claim.MANIPULATED)
    photo = Finding("learned", Trace.LEARNED, "Like a photo.", -2.0, Claim.SYNTHETIC)
    quiet = report((whole, photo))
    assert quiet.verdict.opinion == "no trace found"
    said = [rule(quiet), *(step(reason, quiet.verdict) for reason in quiet.verdict.reasons)]
    assert "the one that is ruled out less count: manipulated" in said[0]
    assert "not counted: it is about synthetic files, and manipulated is ruled out less." in said[2]
    assert not any("the likelier" in words for words in said)
    altered = report((replace(whole, llr=2.0), photo))
    assert "manipulated is the likelier one here" in rule(altered)
    assert altered.verdict.reasons[1].sentence.endswith("manipulated is the likelier explanation.")


def test_what_is_outweighed_names_the_stronger_finding_as_its_heading_does() -> None:
    traced = Finding("copy_move", Trace.GEOMETRY, "Copied.", 2.0, Claim.MANIPULATED)
    weaker = Finding("resampling", Trace.GEOMETRY, "Resized.", 1.0, Claim.MANIPULATED)
    told = [Finding("learned", Trace.LEARNED, f"Made {llr}.", llr, Claim.MANIPULATED) for llr in (1.5, 0.9)]
    shown = page(report((traced, weaker, *told)), {})
    words = {card.summary: card.weight for card in shown.cards}
    assert words["Resized."] == (
        "Not counted: a finding of Copied parts says more about the same trace (Traces of copying and resizing)."
    )
    assert words["Made 0.9."] == (
        "Not counted: another finding of Trained detectors says more about the same trace (A trained detector)."
    )
    assert any(said.endswith(words["Resized."][1:]) for _, said, _ in shown.steps)


def test_headings_in_a_step_are_translated_and_a_name_that_has_no_words_stays() -> None:
    for name, german in (("copy_move", "Kopierte Teile"), ("plug_in", "Plug in")):
        stronger, weaker = (Finding(name, Trace.GEOMETRY, f"Seen {llr}.", llr, Claim.MANIPULATED) for llr in (2.0, 1.0))
        shown = page(report((stronger, weaker)), {})
        assert german in (language("de").find(shown.cards[1].weight) or "")


def test_a_quiet_report_says_that_the_other_explanation_is_no_likelier() -> None:
    whole = Finding("copy_move", Trace.GEOMETRY, "Nothing.", -0.9, Claim.MANIPULATED)
    photo = Finding("learned", Trace.LEARNED, "Like a photo.", -2.0, Claim.SYNTHETIC)
    quiet = report((whole, photo))
    assert "20\u00a0% of such files manipulated" in meaning(quiet)
    assert meaning(quiet).endswith("That it is synthetic is no likelier.")
    assert meaning(report((whole,))).endswith("Whether it is synthetic, nothing calibrated could tell.")
    assert question(report(())) == "of manipulation or synthesis"


def test_an_analyzer_that_is_not_installed_is_named_by_its_name() -> None:
    assert title("from_elsewhere") == "From elsewhere"


def test_a_label_that_many_rectangles_bear_is_said_once_with_their_numbers() -> None:
    assert numbered(["face", "hand", "face"]) == "1, 3: face; 2: hand"
    assert numbered(["bright", "face"], "bright") == "1: bright; 2: face" and numbered([], "bright") == "bright"
    assert numbered(["", ""]) == "1, 2" and numbered([]) == ""
