"""How thoroughly files are examined, and by which outside models, is chosen on the page as the settings allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.backend.configuration import Configuration, load
from dashboard.backend.options import Options
from dashboard.backend.profiles import NAMES, STANDARD, Examination, as_thorough, choices, settings_for, speaking
from detectors.loading import usually_asked
from detectors.outside.model_folder import CARD
from forensics.profiles import PROFILES
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from tests.make_dashboard import ANALYZERS, open_page, prepare
from tests.make_media import jpeg, photo
from tests.unit.test_dashboard_scan_view import settled


@pytest.mark.parametrize("profile", NAMES)
def test_under_the_usual_settings_a_profile_is_that_of_the_command_line(profile: str) -> None:
    assert as_thorough(profile, ScanSettings()) == PROFILES[profile]


def test_what_an_admin_chose_stays_under_every_profile() -> None:
    chosen = ScanSettings(Limits(max_pixels=1000, timeout_s=5000.0), ("learned", "noise"), prior=0.01, likely_llr=2.0)
    assert as_thorough(STANDARD, chosen) == chosen
    fast, deep = as_thorough("fast", chosen), as_thorough("deep", chosen)
    assert fast.analyzers == ("learned",) and fast.detectors == ("synthetic",) and deep.analyzers == chosen.analyzers
    assert deep.limits == replace(PROFILES["deep"].limits, max_pixels=1000, timeout_s=5000.0)
    assert {(s.prior, s.likely_llr, s.limits.max_pixels) for s in (fast, deep)} == {(0.01, 2.0, 1000)}


def test_a_profile_that_is_none_or_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(ValueError, match="no profile 'slow'"):
        as_thorough("slow", ScanSettings())
    with pytest.raises(ValueError, match="leave nothing"):
        as_thorough("fast", ScanSettings(analyzers=("noise",)))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of outside models of which nothing but their names is read."""
    folder = tmp_path / "models"
    for name in ("press-net", "lab_2"):
        (folder / name).mkdir(parents=True)
        (folder / name / CARD).touch()
    return folder


def test_all_outside_models_speak_until_somebody_chooses_among_them(models: Path) -> None:
    usual = Configuration(ScanSettings(models=models))
    assert speaking(usual) == choices(STANDARD, usual.scan) == ("lab_2", "press-net")
    both = Examination(outside=("press-net", "lab_2"))
    assert settings_for(Examination(), usual) == settings_for(both, usual) == usual.scan
    assert settings_for(Examination(outside=("lab_2",)), usual).detectors == (*usually_asked(), "lab_2")
    assert settings_for(Examination(outside=()), usual).detectors == usually_asked()
    with pytest.raises(ValueError, match="model gone is not there"):
        settings_for(Examination(outside=("gone", "lab_2")), usual)


def test_one_that_settings_leave_out_speaks_where_it_is_asked_for(models: Path) -> None:
    quiet = Configuration(ScanSettings(models=models), silent=("lab_2", "gone"))
    assert speaking(quiet) == ("press-net",)
    assert settings_for(Examination("deep"), quiet).detectors == (*usually_asked(), "press-net")
    assert settings_for(Examination(outside=("lab_2", "press-net")), quiet).detectors is None


def test_there_is_nothing_to_choose_where_the_detectors_are_named(models: Path) -> None:
    named = ScanSettings(models=models, detectors=("synthetic",))
    assert (
        choices("fast", ScanSettings(models=models))
        == choices(STANDARD, named)
        == choices(STANDARD, ScanSettings())
        == ()
    )
    assert settings_for(Examination(outside=("lab_2",)), Configuration(named)) == named


def test_which_outside_models_speak_is_chosen_for_all_in_settings_and_for_an_upload_on_its_page(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(monkeypatch, tmp_path)
    app = open_page("settings")
    (asked,) = app.pills
    assert asked.value == ["lab_2", "press-net"]
    asked.set_value(["press-net"])
    app.button[0].click().run()
    assert load(Options.from_environment()).silent == ("lab_2",)
    app = open_page("scan")
    for chosen in (["press-net"], ["lab_2"]):
        assert not app.exception
        app.pills[0].set_value(chosen).run()
        app.file_uploader[0].set_value([("a.jpg", jpeg(photo(5, width=160, height=160)), "image/jpeg")]).run()
        settled(app)
        app.query_params.clear()
        app.run()
    with Store(Options.from_environment().database) as store:
        spoke = [store.report(number).settings.detectors for number in (1, 2)]
    assert spoke == [(*usually_asked(), "press-net"), (*usually_asked(), "lab_2")]


def test_an_upload_is_examined_as_thoroughly_as_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)
    data = jpeg(photo(5, width=160, height=160))
    app = open_page("scan")
    (choice,) = app.segmented_control
    assert choice.value == STANDARD and any("Every analyzer" in caption.value for caption in app.caption)
    for profile in (STANDARD, "fast"):
        app.segmented_control[0].set_value(profile).run()
        app.file_uploader[0].set_value([("a.jpg", data, "image/jpeg")]).run()
        settled(app)
        assert not app.exception and not app.error
        app.query_params.clear()
        app.run()
    with Store(Options.from_environment().database) as store:
        asked = [store.report(number).settings.analyzers for number in (1, 2)]
    assert asked == [ANALYZERS, ("metadata",)]
