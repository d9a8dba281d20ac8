"""A worker that a hostile file has taken over says what it likes: the parent neither runs it nor waits for it."""

from __future__ import annotations

import io
import os
import pickle
import time
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forensics.containers.account import Account
from forensics.containers.member import Member
from forensics.finding import Finding, Heat, Region, SaidBy, Trace
from forensics.hearing import MAX_MESSAGE_BYTES, MAX_PARTS, give_up_after, listen
from forensics.messages import Answer, Done, Entered, Opened, Ready, Scanned, Step, Task
from forensics.pool import Pool
from forensics.settings import Limits, ScanSettings
from tests.make_media import jpeg, photo
from tests.make_report import report
from tests.unit.escaping_scanners import Lying

SHA256 = "0" * 64
FORMS = ("html",)


class Calling:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._called = function, arguments

    def __reduce__(self) -> Any:
        return self._called


def forged(kind: type, /, **held: Any) -> Any:
    """A message that nothing has checked, as a pickle may hold it."""
    made = kind.__new__(kind)
    for name, value in held.items():
        object.__setattr__(made, name, value)
    return made


def heard(said: object) -> object:
    here, there = Pipe()
    with here, there:
        there.send(said)
        return listen(here, FORMS)


def full() -> Any:
    heat = Heat(np.zeros((4, 5), np.float32), "bright")
    finding = Finding(
        "ela", Trace.COMPRESSION, "Seen", regions=(Region(1, 2, 3, 4),), heat=heat, said_by=SaidBy.ANYBODY
    )
    settings = ScanSettings(trust_list=Path("anchors.pem"), analyzers=("ela",))
    return replace(report(), findings=(finding,), settings=settings, sha256=SHA256)


SAID = (
    Ready({"unforged": "1"}, lacking=("a wall",)),
    Opened(SHA256, "image", "jpeg", 10, {"unforged": "1"}),
    Entered("zip"),
    Member("a.jpg", 1, 10, SHA256),
    Member("in.zip", account=Account("zip", 2, {"link": 1}, (("l", "link"),))),
    Done({"html": b"<p>"}),
    Done(code="broken", message="it is", sha256=SHA256, account=Account("zip")),
)


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_what_workers_say_is_heard(said: object) -> None:
    assert vars(heard(said)) == vars(said)


def test_a_report_is_heard_whole() -> None:
    for said in (Scanned(full()), Step("ela", full(), b"jpeg")):
        got = heard(said)
        assert isinstance(got, Scanned | Step) and got.report.to_dict() == full().to_dict()


@pytest.mark.parametrize("wrap", [lambda call: call, lambda call: Done({"html": call}), lambda call: [call]])
def test_nothing_that_is_said_is_called(tmp_path: Path, wrap: Any) -> None:
    for function in (os.mkdir, eval, Path.mkdir, getattr):
        with pytest.raises(ConnectionError, match="no worker says"):
            heard(wrap(Calling(function, str(tmp_path / "made"))))
    assert not [*tmp_path.iterdir()]


LIES = (
    forged(Opened, sha256="../../../../x", kind="image", format="jpeg", size_bytes=1, versions={}),
    forged(Opened, sha256=None, kind="image", format="jpeg", size_bytes=1, versions={}),
    forged(Opened, sha256=SHA256),
    forged(Member, name="a", number="../1", size_bytes=1, sha256="", code="", message="", account=None),
    forged(Member, name="a", number=1, size_bytes=1, sha256="", code="", message="", account=forged(Account, format=1)),
    Done({"../x": b""}),
    Done({"html": b""}, sha256="../x"),
    Scanned(replace(full(), sha256="../../x")),
    Scanned(replace(full(), verdict=SHA256)),
    Scanned(replace(full(), findings=(forged(Finding, analyzer=1),))),
    Scanned(replace(full(), findings=full().findings * (MAX_PARTS + 1))),
    SHA256,
    None,
    Trace.COMPRESSION,
)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: type(lie).__name__)
def test_what_has_other_types_or_leads_elsewhere_is_not_believed(lie: object) -> None:
    with pytest.raises(ConnectionError, match="no worker says"):
        heard(lie)


@pytest.mark.parametrize("data", [b"", b"\x80", b"cos\nsystem\n(S'x'\ntR.", pickle.dumps(Entered("zip"))[:-3]])
def test_bytes_that_are_no_message_are_not_believed(data: bytes) -> None:
    here, there = Pipe()
    with here, there:
        there.send_bytes(data)
        with pytest.raises(ConnectionError, match="no worker says"):
            listen(here, FORMS)


def raw(connection: Connection, data: bytes) -> None:
    with io.FileIO(os.dup(connection.fileno()), "wb") as file:
        file.write(data)


def test_a_message_that_claims_to_be_huge_is_not_waited_for() -> None:
    here, there = Pipe()
    with here, there:
        raw(there, (MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"))
        with pytest.raises(OSError, match="bad message length"):
            listen(here, FORMS)


def test_a_message_that_does_not_go_on_is_given_up() -> None:
    here, there = Pipe()
    with here, there:
        give_up_after(here, 1)
        raw(there, (100).to_bytes(4, "big") + b"begun")
        started_s = time.monotonic()
        with pytest.raises(OSError):
            listen(here, FORMS)
        assert 0.5 < time.monotonic() - started_s < 20


def test_a_worker_that_reads_nothing_is_given_up() -> None:
    here, there = Pipe()
    with here, there:
        give_up_after(here, 1)
        with pytest.raises(OSError):
            here.send_bytes(bytes(64 << 20))


@pytest.mark.parametrize("name", ["lies-call.jpg", "lies.jpg"])
def test_a_lie_costs_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    tasks = [Task(tmp_path / one, one, one) for one in (name, "a.jpg")]
    for task in tasks:
        task.path.write_bytes(jpeg(photo(1, width=64, height=48)))
    with Pool(ScanSettings(limits=Limits(image_timeout_s=20.0)), build=Lying) as pool:
        lie, after = pool.run(tasks, lambda task, opened: Answer(scan=True))
    assert lie.error is not None and "what no worker says" in str(lie.error)
    assert after.error is None and {path.name for path in tmp_path.iterdir()} == {name, "a.jpg"}
