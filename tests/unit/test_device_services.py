"""Services that wait for files share the process of a device among their lanes, and lose no file by its death."""

from __future__ import annotations

import io
import os
import signal
import time
from pathlib import Path

from dashboard.backend.configuration import Configuration
from dashboard.backend.scanning import Scanning, State
from dashboard.backend.viewing import stored
from dashboard.roles import LOCAL_USER
from forensics.pool import Pool
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.towers import TowerProcesses
from tests.make_media import jpeg, photo
from tests.make_service import WAIT_S, ended, service
from tests.unit.failing_towers import Asking, mortal

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=60.0))


def picture(number: int) -> bytes:
    return jpeg(photo(number, width=64, height=48))


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_pools_share_the_process_which_ends_with_the_last_of_them() -> None:
    towers = TowerProcesses(["cpu"], load=mortal)
    with Pool(SETTINGS, build=Asking, towers=towers):
        (one,) = towers._served
        with Pool(SETTINGS, build=Asking, towers=towers):
            assert towers._served == [one]
        assert one.is_alive
    assert not towers._served


def test_a_server_asks_the_process_of_the_device_and_goes_on_when_it_was_killed(tmp_path: Path) -> None:
    towers = TowerProcesses(["cpu"], load=mortal)
    asked = []
    with towers, service(tmp_path, settings=SETTINGS, build=Asking, n_lanes=2, towers=towers) as client:
        for number in range(3):
            sent = client.post("/v1/scans", files={"file": (f"{number}.jpg", picture(number))}).json()["id"]
            found = ended(client, sent)
            assert found["state"] == "done", found
            report = client.get(f"/v1/scans/{sent}/report/json").json()
            asked.append(int(report["findings"][0]["measures"]["tower"]))
            if number == 1:
                os.kill(asked[1], signal.SIGKILL)
    assert asked[0] == asked[1] != asked[2] and not lives(asked[2])


def test_the_dashboard_asks_the_process_of_the_device_until_it_is_closed(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        towers = TowerProcesses(["cpu"], load=mortal)
        scanning = Scanning(tmp_path, lambda: Configuration(SETTINGS), store, n_lanes=1, towers=towers, build=Asking)
        key = scanning.submit(io.BytesIO(picture(1)), "a.jpg", user=LOCAL_USER)
        until_s = time.monotonic() + WAIT_S
        while not (job := scanning.job(key)) or not job.is_over:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        scanning.close()
        assert job.state is State.DONE and job.scan_id is not None, job.message
        found = stored(store, job.scan_id)
        assert found is not None
        asked = int(found.findings[0].measures["tower"])
    assert asked and not lives(asked)
