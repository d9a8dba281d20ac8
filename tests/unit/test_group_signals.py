"""What ends a program is heard by its main process alone: a signal to all of its processes costs no file."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.group_signals import ENDING
from tests.make_media import jpeg, photo

POOL = """
import sys, time
from pathlib import Path
import psutil
from forensics.messages import Answer, Task
from forensics.pool import Pool
from forensics.settings import ScanSettings
from tests.unit.failing_scanners import Scripted

def decide(task, opened):
    # As a service manager does, in the worst order: the main process comes last.
    worker = psutil.Process(pool._workers[0].process.pid)
    for process in (worker, worker.parent()):
        process.send_signal(int(sys.argv[2]))
    time.sleep(0.2)
    return Answer(scan=True)

with Pool(ScanSettings(), build=Scripted) as pool:
    for number in range(2):
        path = Path(sys.argv[1])
        for outcome in pool.run([Task(path, "a.jpg", f"{number}.jpg")], decide):
            print(outcome.error, pool._n_started)
"""

LEFT = """
from forensics.redrawing import Redrawer

redrawer = Redrawer()
redrawer._started()
print(redrawer._process.is_alive())
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", code, *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(photo(1, width=64, height=48)))
    return path


@pytest.mark.parametrize("number", ENDING)
def test_a_worker_that_is_told_to_end_as_well_examines_its_file(picture: Path, number: signal.Signals) -> None:
    done = python(POOL, str(picture), str(int(number)))
    assert done.stdout.splitlines() == ["None 1", "None 1"], done.stderr


def test_a_process_that_is_left_does_not_hold_up_the_exit() -> None:
    done = python(LEFT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
