"""The checks fire: each rule is broken on purpose and named, and what keeps all rules passes in silence."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from forensics.analyzers import ANALYZERS as INSTALLED
from forensics.cli import main
from forensics.conformance import ConformanceError, Rule, check_analyzer, check_detector, check_generator
from forensics.media import Media
from forensics.side_effects import observe
from forensics.specimens import specimens
from tests.contracts import broken_analyzers, broken_detectors, broken_generators

ANALYZERS = {
    "Shouting": Rule.NAMED,
    "Untitled": Rule.NAMED,
    "MarkedUp": Rule.NAMED,
    "Homeless": Rule.FAMILY,
    "Sentence": Rule.REASONED,
    "Wordless": Rule.REASONED,
    "Yes": Rule.REASONED,
    "Falling": Rule.UPRIGHT,
    "Mute": Rule.SPOKEN,
    "Claimless": Rule.WELL_FORMED,
    "Overconfident": Rule.WELL_FORMED,
    "Glowing": Rule.WELL_FORMED,
    "Dictionary": Rule.WELL_FORMED,
    "Impostor": Rule.OWN,
    "Stray": Rule.OWN,
    "Lengthy": Rule.PLAIN,
    "Programmer": Rule.PLAIN,
    "Overhanging": Rule.INSIDE,
    "Sideways": Rule.INSIDE,
    "Late": Rule.INSIDE,
    "Counting": Rule.REPEATED,
    "Rolling": Rule.REPEATED,
    "Painter": Rule.UNTOUCHED,
    "Lockpick": Rule.UNTOUCHED,
    "Talkative": Rule.SILENT,
    "Muttering": Rule.SILENT,
    "Writing": Rule.UNWRITTEN,
    "Littering": Rule.UNWRITTEN,
    "Calling": Rule.OFFLINE,
    "Fetching": Rule.OFFLINE,
    "Seeding": Rule.CLEAN,
    "SeedingNumpy": Rule.CLEAN,
    "Exporting": Rule.CLEAN,
    "Threading": Rule.CLEAN,
}

DETECTORS = {
    "Spaced": Rule.NAMED,
    "Cardless": Rule.CARD,
    "Boundless": Rule.CARD,
    "Claimless": Rule.CARD,
    "Falling": Rule.UPRIGHT,
    "Overflowing": Rule.WELL_FORMED,
    "One": Rule.WELL_FORMED,
    "Grudging": Rule.REASONED,
    "Square": Rule.INSIDE,
    "Overhanging": Rule.INSIDE,
    "Remembering": Rule.REPEATED,
    "Framewise": Rule.WELL_FORMED,
    "Normalizing": Rule.REPEATED,
    "Restarting": Rule.REPEATED,
    "Stretching": Rule.UNTOUCHED,
    "Talkative": Rule.SILENT,
    "Littering": Rule.UNWRITTEN,
}

GENERATORS = {
    "Spaced": Rule.NAMED,
    "Untold": Rule.NAMED,
    "Homeless": Rule.FAMILY,
    "Immeasurable": Rule.WELL_FORMED,
    "Carded": Rule.CARD,
    "Boundless": Rule.CARD,
    "Falling": Rule.UPRIGHT,
    "Even": Rule.UPRIGHT,
    "One": Rule.WELL_FORMED,
    "Overflowing": Rule.WELL_FORMED,
    "Shrinking": Rule.WELL_FORMED,
    "Idle": Rule.WELL_FORMED,
    "Renamed": Rule.OWN,
    "Rambling": Rule.PLAIN,
    "Rolling": Rule.REPEATED,
    "Counting": Rule.REPEATED,
    "Normalizing": Rule.SEEDED,
    "Stubborn": Rule.SEEDED,
    "Deaf": Rule.VARIED,
    "Spilling": Rule.OUTSIDE,
    "Painter": Rule.UNTOUCHED,
    "Lenient": Rule.REFUSED,
    "Clumsy": Rule.REFUSED,
    "Talkative": Rule.SILENT,
    "Littering": Rule.UNWRITTEN,
    "Fetching": Rule.OFFLINE,
    "Seeding": Rule.CLEAN,
    "Peeping": Rule.REPEATED,
    "Collapsed": Rule.VARIED,
    "Halfway": Rule.WELL_FORMED,
    "Tiny": Rule.WELL_FORMED,
}


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Any:
    import cv2

    n_threads = cv2.getNumThreads()
    monkeypatch.setenv("SOUND_WAS_HERE", "")
    yield
    cv2.setNumThreads(n_threads)


def test_what_keeps_every_rule_passes_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    check_analyzer(broken_analyzers.Sound)
    check_detector(broken_detectors.Sound)
    check_generator(broken_generators.Sound)
    check_generator(broken_generators.Maker)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("broken", "rule"), ANALYZERS.items())
def test_an_analyzer_that_breaks_a_rule_is_told_which(broken: str, rule: Rule) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_analyzer(getattr(broken_analyzers, broken))
    assert caught.value.rule is rule
    assert str(rule) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("broken", "rule"), DETECTORS.items())
def test_a_detector_that_breaks_a_rule_is_told_which(broken: str, rule: Rule) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_detector(getattr(broken_detectors, broken))
    assert caught.value.rule is rule


@pytest.mark.parametrize(("broken", "rule"), GENERATORS.items())
def test_a_generator_that_breaks_a_rule_is_told_which(broken: str, rule: Rule) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_generator(getattr(broken_generators, broken))
    assert caught.value.rule is rule


def test_every_rule_is_broken_by_something() -> None:
    assert {*ANALYZERS.values(), *DETECTORS.values(), *GENERATORS.values()} == set(Rule)


def test_nobody_breaks_a_rule_untested() -> None:
    for listed, home in ((ANALYZERS, broken_analyzers), (DETECTORS, broken_detectors), (GENERATORS, broken_generators)):
        broken = {n for n, kind in vars(home).items() if getattr(kind, "__module__", "") == home.__name__}
        assert broken - {"Sound", "Maker"} == set(listed)


def test_every_specimen_is_media_with_pictures() -> None:
    opened = [Media.open(data, name=name) for name, data in specimens().items()]
    assert all(frame.pixels.size for media in opened for frame in media.frames)
    assert {media.format for media in opened} == {"jpeg", "png", "webp", "gif", "mp4"}


def test_a_scratch_file_that_is_gone_again_is_no_side_effect() -> None:
    import tempfile

    def scratch() -> int:
        with tempfile.NamedTemporaryFile() as file:
            return file.write(b"abc")

    assert observe(scratch)[0] == 3
    assert not any(vars(observe(scratch)[1]).values())


def test_what_a_library_sets_while_it_is_imported_is_no_side_effect_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "library_of_others.py").write_text("import os\nos.environ['SOUND_WAS_HERE'] = 'library'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert observe(lambda: importlib.import_module("library_of_others"))[1].changed == ()
    assert observe(lambda: os.environ.update(SOUND_WAS_HERE="user"))[1].changed == ("environment",)


def test_watching_leaves_the_process_as_it_was() -> None:
    folder = Path.cwd()
    with pytest.raises(ZeroDivisionError):
        observe(lambda: 1 / 0)
    assert Path.cwd() == folder
    assert observe(lambda: os.chdir("/"))[1].changed == ("working directory",)
    assert Path.cwd() == folder


@pytest.mark.parametrize(
    ("name", "broken", "code", "said"),
    [
        ("sound", "Sound", 0, "sound keeps every rule"),
        ("sound", "Talkative", 1, "sound breaks the rule: nothing is printed (photo.jpg: examining photo.jpg)"),
        ("renamed", "Sound", 1, "renamed breaks the rule: the name is lower_case"),
    ],
)
def test_the_command_checks_a_plug_in_and_says_so_in_one_line(
    name: str,
    broken: str,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(INSTALLED, "places", lambda: {name: f"{broken_analyzers.__name__}:{broken}"})
    assert main(["analyzers", "--check", name]) == code
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(said)


def test_checking_what_is_not_installed_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyzers", "--check", "nonsense"]) == 2
    assert "there is no analyzer, detector or generator 'nonsense'" in capsys.readouterr().err
