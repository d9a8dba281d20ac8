"""The pages Scan and Settings, and the gate before them, driven without a browser."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import provider
from dashboard.backend import scanning
from dashboard.backend.configuration import FILE, load
from dashboard.backend.jobs import Job, State
from dashboard.backend.keeping import Kept
from dashboard.backend.options import Options
from dashboard.provider import Identity
from dashboard.widgets import items
from forensics import password_file
from forensics.finding import Finding, Trace
from forensics.hostile_text import one_line
from forensics.password_file import OIDC, Entry, hashed, write
from forensics.pictures import pack
from forensics.settings import ScanSettings
from forensics.store import ScanRow, Store
from tests.make_dashboard import ANALYZERS, APP, listed, offered, open_page, prepare
from tests.make_media import jpeg, photo
from tests.make_report import HOSTILE, report

PASSWORD = "correct horse battery"

PATIENCE_S = 60.0

SPEAKING = ("metadata", "provenance", "learned")
"""Analyzers that quote the file."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    prepare(monkeypatch, tmp_path)
    return tmp_path


class Claims(dict[str, object]):
    """As Streamlit hands over what the provider says."""

    def __getattr__(self, name: str) -> object:
        return self[name]

    def to_dict(self) -> dict[str, object]:
        return dict(self)


def html(app: AppTest) -> str:
    """All HTML of the page but its style sheet."""
    return "\n".join(element.proto.body for element in app.get("html") if not element.proto.body.startswith("<style>"))


def settled(app: AppTest) -> AppTest:
    until_s = time.monotonic() + PATIENCE_S
    while "u-steps" in html(app) and time.monotonic() < until_s:
        time.sleep(0.1)
        app.run()
    return app


def test_an_upload_is_examined_and_its_address_leads_back_to_it(folder: Path) -> None:
    app = open_page("scan")
    assert "200 MiB" in app.caption[1].value and app.info
    app.file_uploader[0].set_value([("fake \u202e*x*.jpg", jpeg(photo(2, width=320, height=240)), "image/jpeg")]).run()
    settled(app)
    assert not app.exception and app.query_params["id"] in ("1", ["1"])
    assert "u-verdict" in html(app) and "100 files with a result like this one" in html(app)
    assert "What was not tested, and why" in [element.value for element in app.subheader]
    files = offered(app)
    assert list(files) == ["HTML", "PDF", "JSON"] and files["PDF"].taken().startswith(b"%PDF")
    again = open_page("scan", id="1")
    assert "u-verdict" in html(again) and not again.exception


def test_a_broken_file_is_one_line(folder: Path) -> None:
    app = open_page("scan")
    app.file_uploader[0].set_value([("broken.jpg", b"\xff\xd8\xff" + bytes(50), "image/jpeg")]).run()
    until_s = time.monotonic() + PATIENCE_S
    while not app.error and time.monotonic() < until_s:
        time.sleep(0.1)
        app.run()
    assert len(app.error) == 1 and "broken" in app.error[0].value and "\n" not in app.error[0].value
    assert not app.exception


def test_an_empty_file_is_refused_in_one_sentence_that_stays(folder: Path) -> None:
    app = open_page("scan")
    app.file_uploader[0].set_value([("empty.jpg", b"", "image/jpeg")]).run()
    for _ in range(2):
        assert [error.value for error in app.error] == ["empty\\.jpg: the file is empty"] and not app.exception
        app.run()


def test_of_several_files_the_empty_one_is_in_the_list_and_not_counted_as_examined(folder: Path) -> None:
    app = open_page("scan")
    good = jpeg(photo(3, width=160, height=120))
    app.file_uploader[0].set_value([("good.jpg", good, "image/jpeg"), ("empty.jpg", b"", "image/jpeg")]).run()
    settled(app).run()
    assert listed(app)[1]["Verdict"] == "✕ could not be examined: the file is empty"
    assert any(caption.value.startswith("1 of 2 files examined, 1 could not be.") for caption in app.caption)


def test_what_cannot_be_taken_in_just_now_is_told_until_more_is_brought(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "MAX_WAITING", 0)
    app = open_page("scan")
    app.file_uploader[0].set_value([("late.jpg", b"x", "image/jpeg")]).run()
    for _ in range(2):
        assert len(app.error) == 1 and "files wait already" in app.error[0].value
        app.run()


def test_the_list_tells_a_verdict_before_the_address_names_its_scan_and_a_failure_by_a_sign(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        number = store.save(report(filename="done.jpg"), elapsed_s=1.0)
    jobs = {
        "finished": Job("finished", "done.jpg", state=State.DONE, scan_id=number),
        "failed": Job("failed", "broken.jpg", state=State.FAILED, message="the file is broken"),
        "waits": Job("waits", "late.jpg"),
    }
    monkeypatch.setattr(items, "scanning", lambda: SimpleNamespace(job=jobs.get))
    listed = [items._item(key) for key in jobs]
    assert listed[0].words == report().verdict.opinion and listed[0].scan_id == number
    failed = "could not be examined: the file is broken"
    assert [(one.kind, one.words) for one in listed[1:]] == [(items.FAILED, failed), ("", "waiting")]
    assert items._count(listed) == "1 of 3 files examined, 1 could not be"


def test_several_files_stand_in_a_list_of_which_the_first_is_shown(folder: Path) -> None:
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        both = (report(filename="one.jpg", sha256="1" * 64), report(filename=HOSTILE[0], sha256="2" * 64))
        numbers = [store.save(one, elapsed_s=1.0) for one in both]
    app = AppTest.from_file(str(APP), default_timeout=90.0)
    app.query_params["id"] = [str(number) for number in numbers]
    app.run()
    assert not app.exception
    assert [row["File"] for row in listed(app)] == ["one.jpg", one_line(HOSTILE[0], 200)]
    assert all(report().verdict.opinion in row["Verdict"] and row["Probability"].endswith("%") for row in listed(app))
    assert "one.jpg" in html(app) and app.query_params["id"] == [str(number) for number in numbers]


def test_a_file_of_a_run_is_drawn_again_from_where_it_lies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ScanRow] = []
    monkeypatch.setattr(items, "provide", asked.append)
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        number = store.save(report(), elapsed_s=1.0)
    app = open_page("scan", id=str(number))
    assert [row.id for row in asked] == [number] and not app.exception


@pytest.mark.parametrize("wrong", ["99", "nobody-s_key", "99999999999999999999999", "-1", "<b>"])
def test_an_address_that_leads_nowhere_says_so(folder: Path, wrong: str) -> None:
    app = open_page("scan", id=wrong)
    assert len(app.warning) == 1 and not app.exception and "<b>" not in app.warning[0].value


@pytest.mark.parametrize("name", HOSTILE[:3])
def test_hostile_text_reaches_the_page_escaped_and_visible(folder: Path, name: str) -> None:
    rows = tuple((text[:100], text) for text in HOSTILE)
    findings = tuple(Finding(analyzer, Trace.PROVENANCE, "It says " + name, details=rows) for analyzer in SPEAKING)
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        number = store.save(report(filename=name, findings=findings), elapsed_s=1.0)
    app = open_page("scan", id=str(number))
    assert not app.exception and "evil.example" in html(app)
    assert not [bad for bad in ("<script", "<img", "<link", "</style", "\u202e", "\x1b") if bad in html(app)]


def test_settings_are_saved_by_an_admin_and_refused_when_they_contradict(folder: Path) -> None:
    app = open_page("settings")
    options = Options.from_environment()
    app.number_input[0].set_value(20.0)
    app.button[0].click().run()
    assert app.success and not app.exception
    before = replace(ScanSettings(analyzers=ANALYZERS), likely_llr=1.301)
    assert load(options).scan == before, "what was not touched stays exactly as it was"
    app.number_input[1].set_value(30.0)
    app.button[0].click().run()
    assert len(app.error) == 1 and load(options).scan == before


def test_nobody_passes_the_gate_without_a_password_and_a_viewer_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_file, "COST_LOG2", 4)
    write(folder / "people", [Entry("vi", "viewer", hashed(PASSWORD))])
    monkeypatch.setenv("UNFORGED_DASHBOARD_PASSWORD_FILE", str(folder / "people"))
    app = open_page("settings")
    assert not app.slider and [field.label for field in app.text_input] == ["Name", "Password"]
    app.text_input[0].set_value("vi")
    app.text_input[1].set_value("wrong password")
    app.button[0].click().run()
    assert app.error and not app.slider
    app.text_input[0].set_value("vi")
    app.text_input[1].set_value(PASSWORD)
    app.button[0].click().run()
    assert app.slider and all(field.disabled for field in (*app.slider, *app.number_input))
    write(folder / "people", [])
    assert not app.run().slider, "who is taken out of the file is out at the next click"


def test_damaged_settings_are_a_plain_line_until_they_are_saved_again(folder: Path) -> None:
    (folder / "dashboard" / FILE).write_text("{")
    app = open_page("scan")
    assert not app.exception and "cannot be read" in app.error[0].value
    app = open_page("settings")
    app.button[0].click().run()
    assert app.success and not open_page("scan").error


def test_a_provider_says_who_somebody_is_and_the_file_what_they_may_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "people", [Entry("bo@example.org", "viewer", OIDC)])
    monkeypatch.setenv("UNFORGED_DASHBOARD_PASSWORD_FILE", str(folder / "people"))
    monkeypatch.setattr("dashboard.gate.identity", lambda: Identity("bo@example.org"))
    app = open_page("settings")
    assert app.slider and app.slider[0].disabled and "bo" in app.sidebar.caption[0].value
    monkeypatch.setattr("dashboard.gate.identity", lambda: Identity("eve@example.org"))
    app = open_page("settings")
    assert not app.slider and "not listed" in app.error[0].value


ROLES = {"claim": "groups", "admin": ["chiefs"], "moderator": ["desk"]}


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"groups": ["desk", "sports"]}, "moderator"),
        ({"groups": ["desk", "chiefs"]}, "admin"),
        ({"groups": []}, None),
        ({}, None),
        ({"groups": ["chiefs"], "email_verified": False}, None),
        ({"groups": ["chiefs"], "iat": 0}, None),
    ],
)
def test_a_claim_gives_the_role_and_without_it_nobody_gets_in(
    claims: dict[str, object], role: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNFORGED_DASHBOARD_PROVIDER", "1")
    about = {"is_logged_in": True, "iat": time.time(), "email": "Eve@example.org"} | claims
    monkeypatch.setattr(provider.st, "secrets", {"auth": {}, "roles": ROLES})
    monkeypatch.setattr(provider.st, "user", Claims(about))
    app = open_page("settings")
    assert not app.exception and not app.text_input, "nobody has a password here"
    assert bool(app.slider) == (role is not None)
    if role is None:
        assert app.error
    else:
        assert app.sidebar.caption[0].value.endswith(role) and app.slider[0].disabled == (role != "admin")


def test_without_its_provider_a_dashboard_that_was_started_with_one_lets_nobody_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNFORGED_DASHBOARD_PROVIDER", "1")
    app = open_page("settings")
    assert not app.exception and not app.slider and not app.button


def test_a_video_has_a_time_line_and_the_frame_of_the_chosen_moment(folder: Path) -> None:
    scores = tuple((f"score at {time_s:.2f} s", "0.750") for time_s in (0.0, 5.0, 9.5))
    learned = Finding("learned", Trace.LEARNED, "Scores", details=(("detector", "some"), *scores), times_s=(5.0, 9.5))
    video = report(kind="video", format="mp4", duration_s=10.0, findings=(learned,))
    with Store(f"sqlite:///{folder / 'scans.db'}") as store:
        number = store.save(video, elapsed_s=1.0)
    frames = {time_s: photo(int(time_s), width=64, height=64) for time_s in (0.0, 5.0, 9.5)}
    Kept(folder / "dashboard" / "pictures").save(video.sha256, pack(frames, {}))
    app = open_page("scan", id=str(number))
    assert not app.exception and len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 2
    assert list(app.select_slider[0].options) == ["0.00 s", "5.00 s", "9.50 s"]
    assert not app.select_slider[0].set_value(9.5).run().exception
    assert app.select_slider[0].value == 9.5
