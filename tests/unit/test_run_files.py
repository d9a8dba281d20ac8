"""What the store keeps of runs and their files: each file once, found again by what stands for its place."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from forensics.containers import InsideLimits
from forensics.settings import ScanSettings
from forensics.store import AuditLog, Store
from forensics.store.archive import Archive
from forensics.store.filters import ScanFilter
from forensics.store.run_files import RunFiles
from forensics.store.run_words import Ending, FileState, RunFile, Seen
from forensics.store.runs import Plan, Runs, RunState
from forensics.versions import digest
from tests.unit.test_store import report

PLAN = Plan(("/media",), ScanSettings(), InsideLimits())

LINE: dict[str, Any] = {
    "path": "/media/a.jpg",
    "verdict": "no trace found",
    "error": None,
    "error_code": None,
    "status": "ok",
}


def seen(number: int, *, size: int = 10, mtime: int | None = 5) -> Seen:
    return Seen(number.to_bytes(16, "big"), f"/media/{number}.jpg", size, mtime)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


@pytest.fixture
def files(store: Store) -> RunFiles:
    return RunFiles(store, Runs(store).claim("run", PLAN)[0].id)


def enter(files: RunFiles, *found: Seen, n_pass: int = 1, **given: Any) -> tuple[RunFile, ...]:
    given = {"versions_digest": "v1", "is_new_pass": n_pass > 1} | given
    return files.enter(found, n_pass=n_pass, **given).waiting


def finish(files: RunFiles, number: int, met: Seen, sha256: str, **given: Any) -> None:
    line = LINE | {"path": met.path} | given.pop("line", {})
    usual = {"state": FileState.DONE, "versions_digest": "v1"}
    files.finish(number, Ending(**usual | given, seen=met, sha256=sha256, line=line))


def test_a_file_is_entered_once_and_waits_until_it_has_a_result(files: RunFiles) -> None:
    (one, two) = enter(files, seen(1), seen(2))
    assert [file.id for file in enter(files, seen(2), seen(1))] == [two.id, one.id]
    finish(files, one.id, seen(1), "aa")
    assert enter(files, seen(1), seen(2)) == (replace(two, was_met=True),)
    assert files.counts() == dict.fromkeys(FileState, 0) | {FileState.DONE: 1, FileState.WAITING: 1}
    assert files.opinions() == {"no trace found": 1}


@pytest.mark.parametrize(
    ("again", "given", "waits"),
    [
        (seen(1), {}, False),
        (seen(1, size=11), {}, True),
        (seen(1, mtime=6), {}, True),
        (seen(1, mtime=None), {}, True),
        (seen(1), {"versions_digest": "v2"}, True),
    ],
)
def test_a_result_stands_while_size_time_and_versions_are_the_same(
    files: RunFiles, again: Seen, given: dict[str, Any], waits: bool
) -> None:
    (file,) = enter(files, seen(1))
    finish(files, file.id, seen(1), "aa")
    assert bool(enter(files, again, n_pass=2, **given)) is waits
    assert files.counts()[FileState.WAITING if waits else FileState.UNCHANGED] == 1
    assert len(list(files.lines())) == int(not waits)


def test_what_failed_waits_again_only_when_it_is_asked_for(files: RunFiles) -> None:
    (file,) = enter(files, seen(1))
    error = {"verdict": None, "status": "error", "error": "cut\0off", "error_code": "truncated"}
    finish(files, file.id, seen(1), "aa", state=FileState.FAILED, line=error)
    assert enter(files, seen(1), n_pass=2) == ()
    assert files.counts()[FileState.FAILED] == 1 and files.opinions() == {}
    (one,) = files.errors()
    assert (one.code, one.n_files, one.path, one.message) == ("truncated", 1, "/media/1.jpg", "cut\\x00off")
    assert [found.path for found in files.failed("truncated")] == ["/media/1.jpg"] and not list(files.failed("empty"))
    assert len(enter(files, seen(1), n_pass=3, retry_failed=True)) == 1


def test_a_file_that_a_walk_does_not_meet_is_gone_and_may_come_back(files: RunFiles) -> None:
    one, two = enter(files, seen(1), seen(2))
    for file, met in ((one, seen(1)), (two, seen(2))):
        finish(files, file.id, met, str(file.id))
    enter(files, seen(1), n_pass=2)
    assert files.leave_out(2) == 1 and files.leave_out(2) == 0
    assert [line["path"] for line in files.lines()] == ["/media/1.jpg"]
    assert [file.sha256 for file in enter(files, seen(2), n_pass=3)] == [str(two.id)]
    assert files.leave([seen(1).key]) == 1 and list(files.lines()) == []


def test_files_that_a_walk_could_not_meet_are_kept_and_not_gone(files: RunFiles) -> None:
    met = [seen(number) for number in range(1, 1203)]
    for start in range(0, len(met), 500):
        enter(files, *met[start : start + 500])
    hidden = {one.path for one in met[::2]}
    assert files.keep(2, hidden.__contains__) == {one.key for one in met[::2]}
    assert files.leave_out(2) == 601 and files.counts()[FileState.WAITING] == 601
    assert files.keep(3, lambda path: True) == {one.key for one in met[::2]}, "what is gone stays gone"


def test_lines_come_in_the_order_in_which_files_ended_and_a_new_one_replaces_the_old(files: RunFiles) -> None:
    entered = enter(files, *(seen(n) for n in range(1, 1203)))
    for file in reversed(entered[:600]):
        finish(files, file.id, seen(1), "aa", line={"path": file.path})
    finish(files, entered[5].id, seen(6), "bb", line={"path": "/media/6.jpg"})
    expected = [f"/media/{n}.jpg" for n in range(600, 0, -1) if n != 6] + ["/media/6.jpg"]
    assert [line["path"] for line in files.lines()] == expected
    assert files.line(entered[5].id)["path"] == "/media/6.jpg"
    with pytest.raises(LookupError, match="no result"):
        files.line(entered[700].id)


def test_a_twin_has_the_same_content_and_versions_and_a_result(files: RunFiles) -> None:
    one, two, three = enter(files, seen(1), seen(2), seen(3))
    assert files.twin("aa", "v1", but=two.id) is None
    finish(files, one.id, seen(1), "aa")
    finish(files, three.id, seen(3), "aa", state=FileState.DUPLICATE, duplicate_of=one.id)
    found = files.twin("aa", "v1", but=two.id)
    assert found is not None and (found.id, found.path) == (one.id, "/media/1.jpg")
    assert files.twin("aa", "v2", but=two.id) is None and files.twin("bb", "v1", but=two.id) is None
    assert getattr(files.twin("aa", "v1", but=one.id), "id", None) == three.id


def test_files_in_a_container_stay_and_go_with_it(files: RunFiles) -> None:
    (container,) = enter(files, seen(1))
    met = Seen(b"i" * 16, "/media/1.zip!/a.jpg", None, None)
    (inside,) = files.enter([met], n_pass=1, versions_digest="v1", is_new_pass=False, container=container.id).waiting
    finish(files, inside.id, met, "aa")
    opened = {"verdict": None, "status": "container"}
    finish(files, container.id, seen(1), "bb", state=FileState.CONTAINER, line=opened)
    assert enter(files, seen(1), n_pass=2) == () and files.leave_out(2) == 0
    assert files.counts()[FileState.UNCHANGED] == files.counts()[FileState.CONTAINER] == 1
    assert len(list(files.lines([container.id]))) == 2
    assert files.leave_out(3) == 2


def test_what_costs_no_result_is_counted_as_well(files: RunFiles) -> None:
    one, two = enter(files, seen(1), seen(2))
    finish(files, one.id, seen(1), "aa", notes=("analyzer noise", "cut-short"))
    finish(files, two.id, seen(2), "bb", notes=("cut-short",))
    assert [(found.code, found.n_files) for found in files.errors()] == [("cut-short", 2), ("analyzer noise", 1)]
    assert [file.path for file in files.failed("analyzer noise")] == ["/media/1.jpg"]


def test_a_run_belongs_to_one_process_and_keeps_its_plan(store: Store) -> None:
    runs = Runs(store)
    with pytest.raises(LookupError, match="no run 'new'"):
        runs.claim("new")
    for wrong in ("", "a/b", " a", "x" * 101, "a\nb"):
        with pytest.raises(ValueError, match="the name of a run"):
            runs.claim(wrong, PLAN)
    first, was_cut_off = runs.claim("new", PLAN)
    assert (first.state, first.n_pass, was_cut_off, first.plan) == (RunState.RUNNING, 1, False, PLAN)
    with pytest.raises(ValueError, match="a process works on the run"):
        runs.claim("new", PLAN)
    runs.end(first.id, RunState.STOPPED, "disk\0full")
    assert runs.get("new").message == "disk\\x00full"
    with pytest.raises(ValueError, match="other sources or settings"):
        runs.claim("new", Plan(("/other",), PLAN.settings, PLAN.inside))
    second, was_cut_off = runs.claim("new")
    assert was_cut_off and second.n_pass == 2
    runs.end(second.id, RunState.DONE)
    assert runs.claim("new", PLAN)[1] is False
    assert [run.name for run in runs.all()] == ["new"]


@pytest.mark.parametrize(
    ("host", "process", "late_s", "state"),
    [
        (None, {"pid": 2**22 + 7, "born": ""}, 0.0, RunState.LOST),
        (None, {"pid": 1, "born": "1"}, 0.0, RunState.LOST),
        ("elsewhere", {"pid": 1, "born": "1"}, 10.0, RunState.RUNNING),
        ("elsewhere", {"pid": 1, "born": "1"}, 1000.0, RunState.LOST),
    ],
)
def test_a_run_whose_process_is_gone_is_lost_and_goes_on(
    store: Store, host: str | None, process: dict[str, Any], late_s: float, state: RunState
) -> None:
    now_s = 1e9
    runs = Runs(store, clock=lambda: now_s)
    runs.claim("run", PLAN)
    with store.session(writes=True) as session, session.begin():
        session.execute(text("UPDATE runs SET process = :process"), {"process": json.dumps(process)})
        if host is not None:
            session.execute(text("UPDATE runs SET host = :host"), {"host": host})
    now_s += late_s
    assert runs.get("run").state is state
    if state is RunState.LOST:
        assert runs.claim("run")[1] is True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the clock tells when a process was born")
def test_a_clock_that_is_set_makes_no_living_process_a_lost_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(store)
    runs.claim("run", PLAN)
    # The time of the start of the system is what such a jump changes.
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 0.0)
    assert runs.get("run").state is RunState.RUNNING
    with pytest.raises(ValueError, match=f"a process works on the run 'run': process {os.getpid()} on "):
        runs.claim("run")


def test_a_wish_to_stop_is_heard_and_gone_with_the_next_pass(store: Store) -> None:
    runs = Runs(store)
    number = runs.claim("run", PLAN, actor="ann")[0].id
    assert runs.beat(number) == ""
    for who in ("bob", "cleo"):
        runs.stop("run", actor=who)
    assert runs.beat(number) == "bob" == runs.get("run").stop_wanted_by
    runs.end(number, RunState.STOPPED, "stopped by bob")
    with pytest.raises(ValueError, match="it is stopped"):
        runs.stop("run", actor="bob")
    runs.claim("run", actor="ann")
    assert runs.beat(number) == ""
    told = [(entry.actor, entry.action, dict(entry.details)) for entry in AuditLog(store).entries()][::-1]
    assert told == [
        ("ann", "start run", {"pass": "1"}),
        ("bob", "stop run", {}),
        ("ann", "resume run", {"pass": "2"}),
    ]


def test_the_scans_of_a_run_are_those_of_its_files_settings_and_versions(store: Store) -> None:
    scans = [report(number) for number in range(3)]
    others = [replace(scans[0], settings=ScanSettings(prior=0.3)), replace(scans[0], versions={"unforged": "older"})]
    for scan in (*scans, *others):
        store.save(scan, elapsed_s=1.0)
    run = Runs(store).claim("run", Plan(("/media",), scans[0].settings))[0]
    files = RunFiles(store, run.id)
    for number, file in enumerate(enter(files, seen(0), seen(1), seen(2), seen(3))):
        # Two files hold the same, one could not be examined, and one scan belongs to no file.
        state = FileState.FAILED if number == 2 else FileState.DONE
        sha256 = scans[0 if number == 3 else number].sha256
        finish(files, file.id, seen(number), sha256, state=state, versions_digest=digest(scans[0].versions))
    archive, wanted = Archive(store), ScanFilter(run=run.scans)
    assert {row.sha256 for row in archive.page(wanted)} == {scan.sha256 for scan in scans[:2]}
    assert sum(archive.opinions(wanted).values()) == 2 and sum(archive.opinions().values()) == 5
    files.leave_out(2)
    assert archive.page(wanted) == [], "what is gone is no file of the run"


def test_runs_of_an_older_store_are_there_after_its_migration(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    with Store(url) as store:
        run = Runs(store).claim("run", PLAN)[0]
        Runs(store).end(run.id, RunState.STOPPED)
        RunFiles(store, run.id).enter([seen(1)], n_pass=1, versions_digest="v", is_new_pass=True)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    config = Config()
    config.set_main_option("script_location", "forensics:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
        assert {"folder_scans", "runs"} <= set(inspect(connection).get_table_names())
        assert "stop_wanted_by" not in [column["name"] for column in inspect(connection).get_columns("runs")]
    engine.dispose()
    with Store(url) as store:
        again, was_cut_off = Runs(store).claim("run")
        assert was_cut_off and again.plan == PLAN and again.stop_wanted_by == ""
        assert RunFiles(store, again.id).counts()[FileState.WAITING] == 1


def test_more_files_may_go_at_once_than_a_statement_takes_keys(files: RunFiles) -> None:
    met = seen(70_000)
    enter(files, met)
    assert files.leave(seen(number).key for number in range(70_001)) == 1
    assert files.counts()[FileState.GONE] == 1
