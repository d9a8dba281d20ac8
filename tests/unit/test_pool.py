"""A file that kills, hangs or eats memory costs itself; the files around it are examined."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from forensics.conversation import Conversation
from forensics.messages import Answer, Opened, Scanned, Step, Task
from forensics.pictures import PICTURES, decoded, unpack
from forensics.pool import Outcome, Pool
from forensics.report import ScanReport
from forensics.settings import Limits, ScanSettings
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Heavy, Loaded, Refusing, Scripted, Stillborn

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))

HEAVY = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=480 << 20))
"""Half of it is less than a worker with 240 MB of weights holds, a tenth less than what a file leaks."""

SCAN = Answer(scan=True)


@pytest.fixture(scope="module")
def picture() -> bytes:
    return jpeg(photo(1, width=160, height=120))


def run(pool: Pool, folder: Path, names: list[str], data: bytes, answer: Answer = SCAN) -> dict[str, Outcome]:
    tasks = []
    for name in names:
        (folder / name).write_bytes(b"" if "empty" in name else data)
        tasks.append(Task(folder / name, name, name))
    with pool:
        return {outcome.task.name: outcome for outcome in pool.run(tasks, lambda task, opened: answer)}


def code(outcome: Outcome) -> str | None:
    return outcome.error.code if outcome.error else None


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_file_that_takes_its_worker_along_costs_only_itself(tmp_path: Path, picture: bytes, n_workers: int) -> None:
    names = ["a.jpg", "killed.jpg", "b.jpg", "raises.jpg", "eats.jpg", "c.jpg"]
    outcomes = run(Pool(SETTINGS, n_workers=n_workers, build=Scripted), tmp_path, names, picture)
    assert {name: code(outcome) for name, outcome in outcomes.items()} == {
        "a.jpg": None,
        "b.jpg": None,
        "c.jpg": None,
        "killed.jpg": "crashed",
        "raises.jpg": "crashed",
        "eats.jpg": "out-of-memory",
    }
    assert outcomes["c.jpg"].report is not None
    assert "a bug outside the analyzers" in str(outcomes["raises.jpg"].error)


def test_a_file_that_hangs_is_stopped_at_its_time_limit(tmp_path: Path, picture: bytes) -> None:
    settings = ScanSettings(limits=Limits(image_timeout_s=1.0))
    outcomes = run(Pool(settings, build=Scripted), tmp_path, ["hangs.jpg", "after.jpg"], picture)
    assert code(outcomes["hangs.jpg"]) == "timeout"
    assert 0.9 < outcomes["hangs.jpg"].elapsed_s < 3.0
    assert code(outcomes["after.jpg"]) is None


def test_an_unreadable_file_is_an_outcome_and_not_an_exception(tmp_path: Path) -> None:
    tasks = [Task(tmp_path / "gone.jpg", "gone.jpg", "gone.jpg")]
    with Pool(SETTINGS, build=Scripted) as pool:
        (outcome,) = pool.run(tasks, lambda task, opened: Answer(scan=True))
    assert code(outcome) == "unreadable"
    assert outcome.opened is None


def test_one_worker_serves_many_files(tmp_path: Path, picture: bytes) -> None:
    outcomes = run(Pool(SETTINGS, build=Scripted), tmp_path, [f"{i}.jpg" for i in range(20)], picture)
    assert len({o.report.findings[0].summary for o in outcomes.values() if o.report}) == 1


def workers(outcomes: dict[str, Outcome]) -> list[str]:
    """The process that examined each file."""
    return [outcome.report.findings[0].summary for outcome in outcomes.values() if outcome.report is not None]


def test_workers_that_need_much_memory_are_not_replaced_for_it(tmp_path: Path, picture: bytes) -> None:
    # What a worker holds that could examine nothing yet is no measure.
    names = ["empty.jpg", *(f"{i}.jpg" for i in range(10))]
    first, *others = workers(run(Pool(HEAVY, build=Heavy), tmp_path, names, picture))
    # One is replaced: what it holds might have been left behind by its file.
    assert len(others) == 9 and len(set(others)) == 1 and first not in others


def test_a_worker_that_keeps_more_than_others_is_replaced(tmp_path: Path, picture: bytes) -> None:
    names = ["0.jpg", "1.jpg", "2.jpg", "leaks.jpg", "3.jpg", "4.jpg"]
    first, second, *same, last, after = workers(run(Pool(HEAVY, build=Heavy), tmp_path, names, picture))
    assert first != second and set(same) == {second} and last != second and after == last


def test_a_live_worker_that_holds_only_what_it_loaded_stays_warm(tmp_path: Path, picture: bytes) -> None:
    pool = Pool(HEAVY, build=Loaded, live=True)
    assert len(set(workers(run(pool, tmp_path, ["a.jpg", "b.jpg", "c.jpg"], picture)))) == 1


def test_a_file_the_parent_knows_is_opened_and_not_scanned(tmp_path: Path, picture: bytes) -> None:
    pool = Pool(SETTINGS, build=Scripted, forms=("html",))
    outcomes = run(pool, tmp_path, ["killed.jpg"], picture, Answer(scan=False))
    outcome = outcomes["killed.jpg"]
    assert outcome.report is None and outcome.error is None and not outcome.pages
    assert isinstance(outcome.opened, Opened) and len(outcome.opened.sha256) == 64


def test_the_parent_has_the_last_word_on_what_is_drawn(tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(picture)
    took_s: list[float] = []

    def receive(task: Task, report: ScanReport, elapsed_s: float) -> ScanReport:
        took_s.append(elapsed_s)
        return replace(report, filename="as the parent says")

    with Pool(SETTINGS, build=Scripted, forms=("json", "html")) as pool:
        (new,) = pool.run([Task(tmp_path / "a.jpg", "a.jpg", "a.jpg")], lambda task, opened: SCAN, receive)
        known = Answer(scan=False, known=new.report)
        (old,) = pool.run([Task(tmp_path / "a.jpg", "a.jpg", "a.jpg")], lambda task, opened: known, receive)
    assert len(took_s) == 1 and 0 < took_s[0] <= new.elapsed_s
    for outcome in (new, old):
        assert outcome.report is not None and outcome.report.filename == "as the parent says"
        assert set(outcome.pages) == {"json", "html"}
        assert all(b"as the parent says" in page for page in outcome.pages.values())


def test_what_was_examined_at_the_last_moment_is_drawn_in_a_time_of_its_own(tmp_path: Path, picture: bytes) -> None:
    hurried = ScanSettings(limits=Limits(image_timeout_s=2.0))
    (tmp_path / "a.jpg").write_bytes(picture)
    receiver, sender = Pipe()
    with Pool(hurried, build=Scripted) as pool:
        (done,) = pool.run([Task(tmp_path / "a.jpg", "a.jpg", "a.jpg")], lambda task, opened: SCAN)
    assert done.report is not None
    for forms, least_s in ((("html",), 1.9), ((), -0.1)):
        worker = SimpleNamespace(connection=receiver, task=done.task, report=None, started_s=0.0, has_scanned=False)
        worker.deadline_s = time.monotonic() + 0.1
        sender.send(Scanned(done.report))
        said = Conversation(hurried.limits, forms, Mock(), lambda task, opened: SCAN).hear(worker)  # type: ignore[arg-type]
        left_s = worker.deadline_s - time.monotonic()
        assert said is None and worker.report is not None and least_s < left_s < least_s + 0.3
        sender.send(Scanned(done.report))  # and no second time
        Conversation(hurried.limits, forms, Mock(), lambda task, opened: SCAN).hear(worker)  # type: ignore[arg-type]
        assert worker.deadline_s - time.monotonic() < left_s


def test_settings_no_worker_accepts_are_the_callers_mistake(tmp_path: Path, picture: bytes) -> None:
    with pytest.raises(ValueError, match="no such analyzer"):
        run(Pool(SETTINGS, build=Refusing), tmp_path, ["a.jpg"], picture)


@pytest.mark.parametrize(("analyzer", "failed"), [("metadata", ()), ("learned", ("learned",))])
def test_an_outside_model_with_a_taken_name_costs_the_detectors_alone(
    tmp_path: Path, picture: bytes, analyzer: str, failed: tuple[str, ...]
) -> None:
    (tmp_path / "models" / "synthetic").mkdir(parents=True)
    (tmp_path / "models" / "synthetic" / "card.json").write_text("{}")
    settings = replace(SETTINGS, analyzers=(analyzer,), models=tmp_path / "models")
    (outcome,) = run(Pool(settings, live=True), tmp_path, ["a.jpg"], picture).values()
    assert outcome.report is not None and tuple(outcome.report.failed) == failed


def test_workers_that_cannot_start_end_the_run(tmp_path: Path, picture: bytes) -> None:
    with pytest.raises(RuntimeError, match="could not start"):
        run(Pool(SETTINGS, build=Stillborn), tmp_path, ["a.jpg"], picture)


def test_leaving_the_pool_ends_its_workers(tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "hangs.jpg").write_bytes(picture)
    (tmp_path / "a.jpg").write_bytes(picture)
    tasks = [Task(tmp_path / name, name, name) for name in ("a.jpg", "hangs.jpg")]
    with Pool(SETTINGS, n_workers=2, build=Scripted) as pool:
        next(pool.run(tasks, lambda task, opened: Answer(scan=True)))
        processes = [worker.process for worker in pool._workers]
        assert processes
    # `_end` joined and closed them: none is left to run.
    assert not pool._workers
    assert all(process.exitcode is not None for process in processes)


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    tasks = [Task(path, path.name, path.name) for path in (tmp_path / "pipe.jpg", tmp_path)]
    with Pool(SETTINGS, build=Scripted) as pool:
        outcomes = list(pool.run(tasks, lambda task, opened: Answer(scan=True)))
    assert [code(outcome) for outcome in outcomes] == ["unreadable", "unreadable"]


@pytest.mark.parametrize("form", ["html", "pdf", "json"])
def test_drawing_imports_nothing_more_once_a_worker_is_ready(form: str) -> None:
    """What is imported later is counted against the first file, and took all of its time on a busy machine."""
    code = f"""
import sys
from forensics.report_files import prepare, render
from tests.make_report import report
made = report()
prepare(({form!r},))
before = set(sys.modules)
render(made, {{}}, {form!r})
late = {{name for name in set(sys.modules) - before if name.startswith(("forensics", "fpdf", "jinja2", "detectors"))}}
sys.exit(str(sorted(late)) if late else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_steps_tell_what_is_known_so_far_and_end_with_the_whole_report(tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(picture)
    heard: list[Step] = []
    settings = replace(SETTINGS, analyzers=("metadata", "ela"))
    with Pool(settings, forms=(PICTURES,), live=True) as pool:
        pool.start()
        assert pool.n_idle == 1
        tasks = [Task(tmp_path / "a.jpg", "a.jpg", "a.jpg")]
        (outcome,) = pool.run(tasks, lambda task, opened: SCAN, hear=lambda task, step: heard.append(step))
        assert pool.n_idle == 1
    assert [step.name for step in heard] == ["hash", "metadata", "ela"]
    assert [len(step.report.findings) for step in heard] == sorted(len(step.report.findings) for step in heard)
    assert outcome.report is not None
    assert heard[-1].report.verdict == outcome.report.verdict and heard[0].report.findings == ()
    assert decoded(heard[0].preview).shape == (120, 160, 3) and heard[1].preview == b""
    kept = unpack(outcome.pages[PICTURES])
    assert list(kept.frames) == [0.0] and "noise" in kept.layers


def test_a_long_path_of_the_folder_for_temporary_files_is_no_obstacle(tmp_path: Path, picture: bytes) -> None:
    scratch = tmp_path / ("x" * 120)
    scratch.mkdir()
    (tmp_path / "a.jpg").write_bytes(picture)
    command = [sys.executable, "-m", "forensics.cli", "scan", str(tmp_path / "a.jpg"), "--store", "none"]
    given = os.environ | {"TMPDIR": str(scratch)}
    done = subprocess.run([*command, "--analyzers", "metadata"], env=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()) == (0, ["1 file: 1 inconclusive"])
    assert list(scratch.iterdir()) == []
