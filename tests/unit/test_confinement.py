"""A worker that a hostile file has taken over reaches no network, no program, no process and no file of others."""

from __future__ import annotations

import errno
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from forensics import confinement
from forensics.confinement.calls import ALLOW, ARCHITECTURES, CLONE_THREAD, ERRNO, X32, program
from forensics.confinement.kernel import call
from forensics.confinement.private import PrivateFolder
from forensics.confinement.resources import MAX_OPEN_FILES
from forensics.confinement.scratch import empty_folder, remove_folder
from forensics.confinement.writing import CREATE_RULESET, CREATE_RULESET_VERSION, SCOPED_SINCE
from forensics.messages import Answer, Task
from forensics.pool import Outcome, Pool
from forensics.settings import Limits, ScanSettings
from tests.make_media import jpeg, photo
from tests.unit.escaping_scanners import Escaping, Wasteful, nested

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))

REFUSED = ERRNO | errno.EACCES

NETWORK = ("connect", "datagram", "version 6", "local socket")
STARTED = ("program", "replaced", "process")
WRITTEN = ("new file", "new folder", "changed file", "removed file", "file of another worker")
CHANGED = ("mode", "time stamp", "attribute")
HARMLESS = ("thread", "scratch file", "pair of sockets")


def landlock() -> int:
    """Its version; 0 where the kernel has none."""
    try:
        return call(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


def filtered(machine: str, number: int, argument: int = 0, audit: int | None = None) -> int:
    """What the filter answers to a call: its lines are few enough to be followed here."""
    numbers = ARCHITECTURES[machine]
    data = {0: number, 4: numbers.audit if audit is None else audit, 16: argument}
    lines, at, value = program(numbers), 0, 0
    while True:
        code, if_so, if_not, constant = lines[at]
        at += 1
        if code == 0x06:
            return constant
        if code == 0x20:
            value = data[constant]
        else:
            holds = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            at += if_so if holds else if_not


def run(settings: ScanSettings, build: type, folder: Path, names: list[str]) -> dict[str, Outcome]:
    tasks = []
    for name in names:
        (folder / name).write_bytes(jpeg(photo(1, width=64, height=48)))
        tasks.append(Task(folder / name, name, name))
    with Pool(settings, build=build) as pool:
        return {outcome.task.name: outcome for outcome in pool.run(tasks, lambda task, opened: Answer(scan=True))}


def code(outcome: Outcome) -> str | None:
    return outcome.error.code if outcome.error else None


def measures(outcome: Outcome) -> dict[str, float]:
    assert outcome.report is not None, outcome.error
    return dict(outcome.report.findings[0].measures)


@pytest.fixture(scope="module")
def escape(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], list[str], bool]:
    """Errors that each way out met, what then lay in the folder of the file, and whether a server was called."""
    if sys.platform != "linux":
        pytest.skip("the walls are those of Linux")
    folder = tmp_path_factory.mktemp("evidence")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        name = f"{server.getsockname()[1]}.jpg"
        outcome = run(SETTINGS, Escaping, folder, [name])[name]
        try:
            server.accept()
            called = True
        except BlockingIOError:
            called = False
    return measures(outcome), [path.name for path in folder.iterdir() if path.name != name], called


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_refuses_what_is_listed_and_processes_but_no_thread(machine: str) -> None:
    numbers = ARCHITECTURES[machine]
    for number in numbers.forbidden.values():
        assert filtered(machine, number) == REFUSED
    assert filtered(machine, numbers.clone, argument=17) == REFUSED
    assert filtered(machine, numbers.clone, argument=CLONE_THREAD | 0x100) == ALLOW
    assert filtered(machine, numbers.clone3) == ERRNO | errno.ENOSYS
    others = {*range(480)} - {*numbers.forbidden.values(), numbers.clone, numbers.clone3}
    assert {filtered(machine, number) for number in others} == {ALLOW}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_no_other_numbering_of_calls_passes_by_the_filter(machine: str) -> None:
    (other,) = {*ARCHITECTURES} - {machine}
    assert filtered(machine, 0, audit=ARCHITECTURES[other].audit) == REFUSED
    assert filtered(machine, 0, audit=0x40000003) == REFUSED
    assert filtered(machine, X32 | ARCHITECTURES[machine].forbidden["socket"]) == REFUSED


@pytest.mark.parametrize("way", NETWORK)
def test_a_worker_reaches_no_network(escape: tuple[dict[str, float], list[str], bool], way: str) -> None:
    met, _, called = escape
    assert met[way] == errno.EACCES and not called


@pytest.mark.parametrize("way", STARTED)
def test_a_worker_starts_nothing(escape: tuple[dict[str, float], list[str], bool], way: str) -> None:
    assert escape[0][way] == errno.EACCES


@pytest.mark.parametrize("way", CHANGED)
def test_a_worker_leaves_the_evidence_as_it_is(escape: tuple[dict[str, float], list[str], bool], way: str) -> None:
    assert escape[0][way] == errno.EACCES


@pytest.mark.skipif(landlock() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize("way", WRITTEN)
def test_a_worker_writes_nothing_but_scratch_files(escape: tuple[dict[str, float], list[str], bool], way: str) -> None:
    met, left, _ = escape
    assert met[way] == errno.EACCES and left == []


@pytest.mark.skipif(landlock() < SCOPED_SINCE, reason="the Landlock of this kernel knows no signals")
def test_a_worker_cannot_signal_its_parent(escape: tuple[dict[str, float], list[str], bool]) -> None:
    assert escape[0]["signal"] == errno.EPERM


def test_a_worker_holds_few_files_and_writes_no_large_one(escape: tuple[dict[str, float], list[str], bool]) -> None:
    assert (escape[0]["many files"], escape[0]["large file"]) == (errno.EMFILE, errno.EFBIG)


@pytest.mark.parametrize("way", HARMLESS)
def test_a_worker_can_do_what_decoders_do(escape: tuple[dict[str, float], list[str], bool], way: str) -> None:
    assert escape[0][way] == 0


def test_processor_time_ends_a_file_and_not_the_next(tmp_path: Path) -> None:
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, cpu_s=1.0, image_timeout_s=120.0))
    outcomes = run(settings, Wasteful, tmp_path, ["computes-for-ever.jpg", "after.jpg"])
    assert code(outcomes["computes-for-ever.jpg"]) == "out-of-cpu-time"
    assert str(outcomes["computes-for-ever.jpg"].error) == (
        "it was stopped after 1 s of processor time, the limit for examining it"
    )
    assert code(outcomes["after.jpg"]) is None


def test_each_file_has_its_own_processor_time(tmp_path: Path) -> None:
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, cpu_s=1.0, image_timeout_s=120.0))
    names = [f"computes-{i}.jpg" for i in range(4)]
    outcomes = run(settings, Wasteful, tmp_path, names)
    assert {code(outcome) for outcome in outcomes.values()} == {None}
    assert len({o.report.findings[0].summary for o in outcomes.values() if o.report}) == 1


def test_a_worker_that_forgets_to_close_files_is_replaced(tmp_path: Path) -> None:
    names = [f"forgets-{i}.jpg" for i in range(8)]
    outcomes = run(SETTINGS, Wasteful, tmp_path, names)
    assert {code(outcome) for outcome in outcomes.values()} == {None}
    assert len({o.report.findings[0].summary for o in outcomes.values() if o.report}) >= 8 * 50 // MAX_OPEN_FILES + 1


def test_a_scratch_folder_is_empty_before_each_file_and_gone_after_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    outcomes = run(SETTINGS, Wasteful, tmp_path, ["litters.jpg", "b.jpg", "litters-dies.jpg", "c.jpg"])
    assert [code(outcome) for outcome in outcomes.values()] == [None, None, "crashed", None]
    assert measures(outcomes["b.jpg"]) == measures(outcomes["c.jpg"]) == {"found": 0.0}
    assert not [*(tmp_path / "tmp").glob("unforged-*")]


def test_the_home_of_a_worker_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "a.jpg").write_bytes(jpeg(photo(1, width=64, height=48)))
    with Pool(SETTINGS, build=Wasteful) as pool:
        for name in ("litters-dies.jpg", "a.jpg"):
            (tmp_path / name).write_bytes(jpeg(photo(1, width=64, height=48)))
            [*pool.run([Task(tmp_path / name, name, name)], lambda task, opened: Answer(scan=True))]
        (home,) = (tmp_path / "tmp").glob("unforged-*/worker-*")
        assert home.stat().st_mode & 0o777 == (home / "scratch").stat().st_mode & 0o777 == 0o700
        assert home.name == "worker-2"


def test_a_folder_is_emptied_however_deep_and_locked_it_is_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    (tmp_path / "full").mkdir()
    nested(tmp_path / "full", 1100)
    (tmp_path / "full" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "full" / "locked" / "in").mkdir(parents=True)
    (tmp_path / "full" / "locked").chmod(0)
    empty_folder(tmp_path / "full")
    assert [*(tmp_path / "full").iterdir()] == []
    remove_folder(tmp_path / "full")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"] and (tmp_path / "kept" / "file").is_file()


def test_the_parent_keeps_its_own_limits(tmp_path: Path) -> None:
    kinds = (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)
    before = [resource.getrlimit(kind) for kind in kinds]
    run(SETTINGS, Wasteful, tmp_path, ["a.jpg"])
    assert [resource.getrlimit(kind) for kind in kinds] == before
    socket.socket().close()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for temporary files: sockets of processes lie in it, whose paths may be a hundred letters long."""
    with tempfile.TemporaryDirectory(prefix="u-") as name:
        yield Path(name)


def test_what_a_killed_process_leaves_goes_with_it_or_with_the_next(
    tmp_path: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hangs.jpg").write_bytes(jpeg(photo(1, width=64, height=48)))
    start = f"""
import tempfile
tempfile.tempdir = {str(short_folder)!r}
from forensics.messages import Answer, Task
from forensics.pool import Pool
from tests.unit.escaping_scanners import Wasteful
from tests.unit.test_confinement import SETTINGS
path = __import__("pathlib").Path({str(tmp_path / "hangs.jpg")!r})
with Pool(SETTINGS, build=Wasteful) as pool:
    pool.start()
    print(pool._workers[0].process.pid, flush=True)
    list(pool.run([Task(path, "hangs.jpg", "hangs.jpg")], lambda task, opened: print(flush=True) or Answer(scan=True)))
"""
    with subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.stdout.readline()
        parent.kill()
    worker.wait(timeout=20)
    left = {path.suffix for path in short_folder.iterdir()}
    assert left == {"", ".lock"}
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    with PrivateFolder() as folder:
        assert {path.name for path in short_folder.iterdir()} == {folder.name, f"{folder.name}.lock"}


def test_folders_that_are_made_at_once_are_all_held_until_they_are_left(tmp_path: Path) -> None:
    def make(_: int) -> bool:
        with PrivateFolder(tmp_path) as folder:
            return folder.is_dir() and folder.with_suffix(".lock").exists()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(make, range(400)))
    assert not any(tmp_path.iterdir())


def test_what_a_system_cannot_confine_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, "no such thing here")

    for name in ("end_with_parent", "limit_resources"):
        monkeypatch.setattr(confinement, name, lambda *_: None)
    for name in ("write_only_below", "forbid_calls"):
        monkeypatch.setattr(confinement, name, missing)
    lacking = confinement.confine((), max_file_bytes=1)
    assert [("scratch" in words, "network" in words) for words in lacking] == [(True, False), (False, True)]
    for words in (*lacking, *lacking):
        confinement.warn(words)
    assert [record.getMessage() for record in caplog.records] == list(lacking)
