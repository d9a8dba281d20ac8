"""Runs on the page Archive: started, followed, stopped, gone on with, narrowed to, and taken away by who may."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.archive_pages import fill
from dashboard.backend import runs
from dashboard.backend.archive import ScanFilter, SortBy, listing
from dashboard.backend.configuration import load
from dashboard.backend.options import Options
from dashboard.backend.profiles import Examination, as_thorough
from dashboard.backend.run_results import FORMS, download, errors
from dashboard.backend.runs import MAX_LISTED, Bar, names, newest, proposed, resume, standing, start, stop
from dashboard.roles import LOCAL_USER, NotAllowedError, Role, User
from forensics.settings import ScanSettings
from forensics.store import AuditLog, Queue, Store
from forensics.store.run_files import RunFiles
from forensics.store.run_words import Ending, FileState, Seen
from forensics.store.runs import Plan, Run, Runs, RunState
from forensics.store.tables import Scan
from tests.make_dashboard import open_page as open_slowly
from tests.make_dashboard import prepare
from tests.make_media import jpeg, photo
from tests.unit.test_run_endings import failed, line

MODERATOR = User("mo", Role.MODERATOR)

DAY = date(2026, 11, 26)


def open_page(**query: str) -> AppTest:
    """On a crowded machine the first page imports for many seconds."""
    return open_slowly("archive", timeout_s=120.0, **query)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    prepare(monkeypatch, tmp_path)
    return Store(f"sqlite:///{tmp_path / 'scans.db'}")


def ended(store: Store, folder: str, *, n_files: int = 6, name: str = "may", state: RunState = RunState.DONE) -> Run:
    """A run over a folder of made-up scans: the third file is a copy of the second, the last one failed."""
    settings = ScanSettings()
    fill(store, 40)
    run, _ = Runs(store).claim(name, Plan((folder,), settings))
    with store.session(writes=True) as session, session.begin():
        scans = session.query(Scan).order_by(Scan.id).limit(n_files - 2).all()
        for scan in scans:
            scan.settings_digest = settings.digest
        hashes = [scan.sha256 for scan in scans]
        versions = scans[0].versions_digest
    lines = [line(n, path=f"{folder}/in/{n}.jpg", sha256=sha256) for n, sha256 in enumerate(hashes)]
    copy = lines[1] | {"path": f"{folder}/copy.jpg", "duplicate_of": lines[1]["path"], "state": "duplicate"}
    lines += [copy, failed(9, "empty") | {"path": f"{folder}/empty.jpg"}]
    files = RunFiles(store, run.id)
    met = [Seen(number.to_bytes(16, "big"), found["path"], 1, 1) for number, found in enumerate(lines)]
    waiting = files.enter(met, n_pass=1, versions_digest=versions, is_new_pass=False).waiting
    for one, found, file in zip(met, lines, waiting, strict=True):
        files.finish(file.id, Ending(FileState(found["state"]), one, found["sha256"] or "", versions, found))
    if state is not RunState.RUNNING:
        Runs(store).end(run.id, state, "No space left: /srv/secret" if state is RunState.FAILED else "")
    return Runs(store).get(name)


def shown(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption])


def button(app: AppTest, key: str) -> Any:
    return next(one for one in app.button if one.key == key)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been launched; the run is claimed, and this process works on it."""
    asked: list[dict[str, Any]] = []

    def launch(store: Store, url: str, name: str, plan: Plan | None, **given: Any) -> Run:
        asked.append({"url": url, "name": name, "plan": plan, **given})
        return Runs(store).claim(name, plan, actor=given["actor"])[0]

    monkeypatch.setattr(runs, "launch", launch)
    return asked


def test_only_admins_start_runs_over_folders_that_exist_with_names_that_are_free(
    store: Store, tmp_path: Path, launched: list[dict[str, Any]]
) -> None:
    options = Options.from_environment()
    begin: Callable[..., object] = lambda folder, user=LOCAL_USER, name="one", profile="standard": start(  # noqa: E731
        options, load(options), store, folder=folder, name=name, bar=Bar.LIKELY, user=user, how=Examination(profile)
    )
    with pytest.raises(NotAllowedError):
        begin(str(tmp_path), MODERATOR)
    for act in (lambda: stop(store, "one", user=MODERATOR), lambda: go_on(store, "one", MODERATOR)):
        with pytest.raises(NotAllowedError):
            act()
    for folder, said in (("", "whole path"), ("relative", "whole path"), (f"{tmp_path}/none", "no such folder")):
        with pytest.raises(ValueError, match=said):
            begin(folder)
    begin(f"{tmp_path}/dashboard/..")
    with pytest.raises(ValueError, match="examined already"):
        begin(str(tmp_path), name="two")
    with pytest.raises(ValueError, match="there is a run 'one' already"):
        begin(str(tmp_path / "dashboard"))
    (order,) = launched
    assert (order["name"], order["bar"], order["actor"], order["url"]) == ("one", "likely", "local", options.database)
    assert order["plan"].sources == (str(tmp_path),) and order["plan"].settings == load(options).scan
    begin(str(tmp_path / "dashboard"), name="two", profile="deep")
    assert launched[1]["plan"].settings == as_thorough("deep", load(options).scan) != load(options).scan
    with pytest.raises(ValueError, match="2 runs are under way"):
        begin("/", name="three")


def go_on(store: Store, name: str, user: User = LOCAL_USER) -> Run:
    return resume(Options.from_environment(), store, name, bar=Bar.NEVER, retry_failed=True, user=user)


def test_a_run_is_gone_on_with_as_it_began_but_not_over_the_network(
    store: Store, tmp_path: Path, launched: list[dict[str, Any]]
) -> None:
    ended(store, str(tmp_path), state=RunState.STOPPED)
    assert go_on(store, "may").n_pass == 2 and launched[0]["plan"] is None and launched[0]["retry_failed"]
    with pytest.raises(ValueError, match="a process works on"):
        go_on(store, "may")
    bucket = Runs(store).claim("bucket", Plan(("s3://bucket/prefix",), ScanSettings()))[0]
    Runs(store).end(bucket.id, RunState.STOPPED)
    with pytest.raises(ValueError, match="over the network"):
        go_on(store, "bucket")


def test_a_proposed_name_says_folder_and_day_and_is_free(store: Store, tmp_path: Path) -> None:
    assert proposed(store, "/srv/inbox/", DAY) == "inbox 2026-11-26" and proposed(store, "/", DAY) == ""
    for wanted in ("inbox 2026-11-26", "inbox 2026-11-26 2", "inbox 2026-11-26 3"):
        assert proposed(store, "/srv/inbox", DAY) == wanted
        Runs(store).claim(wanted, Plan((str(tmp_path),), ScanSettings()))
    assert names(store, "none") == names(store) == ["inbox 2026-11-26 3", "inbox 2026-11-26 2", "inbox 2026-11-26"]


def test_the_archive_narrows_to_the_very_scans_of_a_run(store: Store) -> None:
    run = ended(store, "/srv/inbox")
    with store.session(writes=True) as session, session.begin():
        # The same file under other settings is another scan.
        first = session.query(Scan).order_by(Scan.id).first()
        assert first is not None
        values = {c.key: getattr(first, c.key) for c in Scan.__table__.columns if c.key != "id"}
        session.add(Scan(**values | {"settings_digest": "other"}))
    found = listing(store, ScanFilter(run=run.scans), sort=SortBy.NAME, descending=False, number=0)
    assert {row.sha256 for row in found.rows} == {f"{n:08x}" * 8 for n in range(4)} and found.n_rows == 4
    likely = listing(store, ScanFilter(run=run.scans, opinion="likely"), sort=SortBy.NAME, descending=False, number=0)
    assert likely.n_rows < 4 and listing(store, ScanFilter(), sort=SortBy.TIME, descending=True, number=0).n_rows == 41


def test_a_run_stands_as_its_files_do_wherever_it_was_started(store: Store) -> None:
    ended(store, "/srv/inbox")
    one = standing(store, "may", user=LOCAL_USER)
    assert (one.n_met, one.n_ended, one.states[FileState.DUPLICATE], one.states[FileState.FAILED]) == (6, 6, 1, 1)
    assert one.n_likely == sum(n % 4 < 2 for n in range(4)) + 1, "a copy is as likely as what it copies"
    assert newest(store, user=LOCAL_USER) == [one]
    assert [(error.code, error.n_files) for error in errors(store, one.run, user=LOCAL_USER)] == [("empty", 1)]


def test_a_run_that_goes_on_is_listed_however_old_it_is(store: Store) -> None:
    running = Runs(store).claim("old", Plan(("/srv",), ScanSettings()))[0]
    for number in range(MAX_LISTED + 1):
        later = Runs(store).claim(f"later {number}", Plan(("/srv",), ScanSettings()))[0]
        Runs(store).end(later.id, RunState.DONE)
    listed = [one.run.name for one in newest(store, user=LOCAL_USER)]
    assert listed == ["old", *(f"later {number}" for number in range(MAX_LISTED, 1, -1))]
    Runs(store).end(running.id, RunState.DONE)
    assert "old" not in [one.run.name for one in newest(store, user=LOCAL_USER)]


@pytest.mark.parametrize("form", FORMS)
def test_results_are_taken_away_as_the_command_line_writes_them_without_the_paths_of_the_server(
    store: Store, tmp_path: Path, form: str
) -> None:
    run = ended(store, "/srv/secret/inbox")
    whole = download(store, run, form, user=LOCAL_USER)
    short = download(store, standing(store, "may", user=MODERATOR).run, form, user=MODERATOR)
    if form.endswith("parquet"):
        paths = [pq.read_table(io.BytesIO(data))["path"].to_pylist() for data in (whole, short)]
        assert [path.removeprefix("/srv/secret/") for path in paths[0]] == paths[1] and len(paths[0]) == 6
    else:
        assert b"/srv/secret/inbox" in whole and b"secret" not in short and b"inbox" in short
    if form.endswith("jsonl"):
        told = [[json.loads(text) for text in data.splitlines()] for data in (whole, short)]
        assert [one["sha256"] for one in told[0]] == [one["sha256"] for one in told[1]]
        assert told[1][4]["duplicate_of"] == "inbox/in/1.jpg"


def test_what_a_run_failed_by_is_for_admins(store: Store) -> None:
    ended(store, "/srv/secret/inbox", state=RunState.FAILED)
    told = [standing(store, "may", user=user).run for user in (LOCAL_USER, MODERATOR)]
    assert "/srv/secret" in told[0].message and "/srv/secret/inbox" in told[0].plan.sources
    assert "secret" not in told[1].message and told[1].plan.sources == ("inbox",)


def test_a_run_is_started_followed_and_stopped_from_the_page(
    store: Store, tmp_path: Path, launched: list[dict[str, Any]]
) -> None:
    app = open_page()
    app.text_input(key="folder of a new run").set_value(str(tmp_path)).run()
    name = app.text_input(key="name of a new run").value
    assert re.fullmatch(rf"{re.escape(tmp_path.name)} \d{{4}}-\d\d-\d\d", name)
    app.text_input(key="name of a new run").set_value("case `7`").run()
    next(one for one in app.button if one.label == "Start").click().run()
    assert not app.exception and launched[0]["name"] == "case `7`" and "starting" in shown(app)
    number = Runs(store).get("case `7`").id
    met = [Seen(bytes([n] * 16), f"/a/{n}.jpg", 1, 1) for n in range(3)]
    files = RunFiles(store, number)
    waiting = files.enter(met, n_pass=1, versions_digest="v", is_new_pass=True).waiting
    files.finish(waiting[0].id, Ending(FileState.FAILED, met[0], "", "v", failed(0, "empty")))
    app.run()
    assert "**1** of 3 files met so far have a result" in shown(app) and "1 not examined" in shown(app)
    button(app, f"stop listed {number}").click().run()
    assert Runs(store).get("case `7`").stop_wanted_by == "local" and "stopping" in shown(app)
    assert [entry.action for entry in AuditLog(store).entries()] == ["stop run", "start run"]
    Runs(store).end(number, RunState.STOPPED, "stopped by local")
    app.run()
    assert "■ stopped" in shown(app) and "stopped by local" in shown(app)
    button(app, f"resume listed {number}").click().run()
    assert launched[1]["name"] == "case `7`" and "▶ running" in shown(app)


def test_a_start_that_is_refused_says_why_and_keeps_what_was_written(store: Store, tmp_path: Path) -> None:
    app = open_page()
    app.text_input(key="folder of a new run").set_value(f"{tmp_path}/none").run()
    next(one for one in app.button if one.label == "Start").click().run()
    assert "no such folder" in app.error[0].value and not app.exception
    assert app.text_input(key="folder of a new run").value == f"{tmp_path}/none"


def test_the_page_narrows_to_a_run_by_a_click_and_by_its_address(store: Store) -> None:
    ended(store, "/srv/inbox")
    app = open_page()
    button(app, "results 1").click().run()
    assert app.query_params["run"] == "may" and "**4** scans" in shown(app) and not app.exception
    again = open_page(run="may", verdict="likely fake of any kind")
    assert not again.exception and len(again.dataframe[-1].value) < 4
    assert list(again.dataframe[0].value["Class"]) == ["empty"]
    unknown = open_page(run="none")
    assert not unknown.exception and "**40** scans" in shown(unknown)


def test_a_run_goes_on_without_the_page_and_ends(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(photo(1, width=64, height=48)))
    options = Options.from_environment()
    start(options, load(options), store, folder=str(folder), name="one", bar=Bar.ALL, user=LOCAL_USER)
    until_s = time.monotonic() + 120
    while Runs(store).get("one").is_running and time.monotonic() < until_s:
        time.sleep(0.2)
    one = standing(store, "one", user=LOCAL_USER)
    assert (one.run.state, one.states[FileState.DONE]) == (RunState.DONE, 1), one
    assert [item.path for item in Queue(store).items()] == [str(folder / "a.jpg")]
    assert listing(store, ScanFilter(run=one.run.scans), sort=SortBy.TIME, descending=True, number=0).n_rows == 1
