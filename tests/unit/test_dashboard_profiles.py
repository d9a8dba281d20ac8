"""How thoroughly files are examined is chosen on the page, within what the settings allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.backend.options import Options
from dashboard.backend.profiles import NAMES, STANDARD, as_thorough, words
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


def test_outside_models_are_named_where_they_are_asked(tmp_path: Path) -> None:
    assert "Outside" not in words(STANDARD, ScanSettings(models=tmp_path))
    for name in ("press-net", "lab_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / CARD).touch()
    told = {profile: words(profile, ScanSettings(models=tmp_path)) for profile in NAMES}
    assert told["standard"].endswith("lab_2, press-net.") and told["deep"].endswith("lab_2, press-net.")
    assert "press-net" not in told["fast"]
    assert "press-net" not in words(STANDARD, ScanSettings(models=tmp_path, detectors=("synthetic",)))


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
