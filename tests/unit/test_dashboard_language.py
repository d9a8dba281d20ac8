"""The language of reports is a setting of the dashboard: it is kept, and downloads follow it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard.backend.configuration import FILE, Configuration, languages, load, save
from dashboard.backend.options import Options
from dashboard.backend.viewing import download
from dashboard.roles import Role, User
from dashboard.widgets.result import _download
from forensics.pictures import Pictures
from forensics.settings import ScanSettings
from tests.make_dashboard import open_page, prepare
from tests.make_report import report

ADMIN = User("ann", Role.ADMIN)


def test_the_language_is_saved_with_the_other_settings(tmp_path: Path) -> None:
    options = Options("sqlite://", tmp_path)
    assert load(options).language_code == "en"
    wanted = replace(load(options), language_code="de")
    save(options, wanted, user=ADMIN)
    assert load(options) == wanted and load(options).scan == wanted.scan


def test_settings_that_were_saved_before_there_was_a_choice_are_english(tmp_path: Path) -> None:
    plain = {"scan": ScanSettings().to_dict(), "keep_hours": 5.0}
    (tmp_path / FILE).write_text(json.dumps(plain))
    assert load(Options("sqlite://", tmp_path)) == Configuration(keep_hours=5.0, language_code="en")
    (tmp_path / FILE).write_text(json.dumps(plain | {"language": "tlh"}))
    with pytest.raises(ValueError, match="no language 'tlh'"):
        load(Options("sqlite://", tmp_path))


def test_languages_are_named_in_their_own_words() -> None:
    assert languages()["en"] == "English" and languages()["de"] == "Deutsch"


def test_html_and_pdf_come_in_the_language_and_json_in_english() -> None:
    whole = report()
    made = {form: download(whole, Pictures({}), form, "de") for form in ("html", "pdf", "json")}
    assert b'<html lang="de">' in made["html"] and b"/Lang (de)" in made["pdf"]
    assert made["json"] == download(whole, Pictures({}), "json")


def test_an_admin_chooses_the_language_and_a_download_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)
    app = open_page("settings")
    (choice,) = app.selectbox
    assert choice.label == "Language of the reports" and choice.options == list(languages().values())
    choice.set_value("de")
    app.button[0].click().run()
    options = Options.from_environment()
    assert app.success and load(options).language_code == "de"
    assert open_page("settings").selectbox[0].value == "de"
    kept = SimpleNamespace(load=lambda sha256: Pictures({}))
    monkeypatch.setattr("dashboard.widgets.result.scanning", lambda: SimpleNamespace(kept=kept))
    assert b'<html lang="de">' in _download(report(), "html")
    (options.folder / FILE).write_text("{")
    assert b'<html lang="en">' in _download(report(), "html"), "damaged settings keep no report from being read"
