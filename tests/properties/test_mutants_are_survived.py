"""A scan survives damaged files of every kind: each has its result, nothing hangs, leaks or gets out."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.fuzz import damaged, survey
from benchmarks.fuzz_laws import Laws, Listener
from forensics.messages import Task
from forensics.outcome import Outcome
from forensics.settings import Limits
from tests.properties.sound import by_parser

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="what a process holds is counted otherwise there")

N_EACH = 8


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def sound(listener: Listener) -> Mapping[str, Mapping[str, bytes]]:
    pytest.importorskip("cryptography")
    return by_parser(listener.url)


def test_sound_files_are_examined_by_the_parser_they_are_made_for(sound: Mapping[str, Mapping[str, bytes]]) -> None:
    n = max(len(files) for files in sound.values()) * len(sound)
    done = survey(sound, n, 1, damage=lambda data, rng: data)
    assert done.broken == done.suspects == []
    for parser, counts in done.counts.items():
        assert counts["opened" if parser in ("archives", "mail", "PDF", "Office") else "examined"] >= len(sound[parser])


def test_damaged_files_of_every_kind_break_no_law(
    sound: Mapping[str, Mapping[str, bytes]], listener: Listener, tmp_path: Path
) -> None:
    done = survey(sound, N_EACH * len(sound), 1, keep=tmp_path / "kept", listener=listener)
    assert done.broken == done.suspects == [] and not (tmp_path / "kept").exists()
    assert {*done.counts} == {*sound} and all(sum(counts.values()) >= N_EACH for counts in done.counts.values())


def test_damage_is_told_by_its_seed_and_changes_something() -> None:
    data = bytes(range(256)) * 8
    once, again = (damaged(data, random.Random("1 7")) for _ in range(2))
    assert once == again != data


def law(break_it: Callable[[Laws], object]) -> list[str]:
    """Which laws are broken when something is done inside."""
    broken: list[str] = []
    with Laws(1, broken) as laws:
        (laws.evidence / "0").write_bytes(b"x")
        laws.ended(Outcome(Task(laws.evidence / "0", "0", "0"), None, None, {}, "", None, 1.0), Limits())
        break_it(laws)
    return [line.partition(":")[0] for line in broken]


def test_the_laws_hold_where_nothing_is_done() -> None:
    assert law(lambda laws: None) == []


def test_what_stays_open_is_a_leak() -> None:
    opened: list[int] = []
    assert law(lambda laws: opened.append(os.open(os.devnull, os.O_RDONLY))) == ["a leak"]
    os.close(opened.pop())


def test_what_is_written_beside_the_evidence_is_an_escape() -> None:
    assert law(lambda laws: (laws.evidence / "1").write_bytes(b"x")) == ["an escape"]
    assert law(lambda laws: Path("here").write_bytes(b"x")) == ["an escape"]
    assert law(lambda laws: (laws.evidence.parent / "escaped.jpg").write_bytes(b"x")) == ["an escape"]


def test_a_file_without_a_result_is_lost_and_one_that_takes_too_long_hangs() -> None:
    broken: list[str] = []
    with Laws(2, broken) as laws:
        (laws.evidence / "0").write_bytes(b"x")
        (laws.evidence / "1").write_bytes(b"x")
        laws.ended(Outcome(Task(laws.evidence / "0", "0", "0"), None, None, {}, "", None, 99.0), Limits())
    assert [line.partition(":")[0] for line in broken] == ["a hang", "a lost file"]


def test_a_call_to_the_address_in_the_files_is_an_escape() -> None:
    broken: list[str] = []
    with Listener() as listener, Laws(0, broken, listener):
        socket.create_connection(("127.0.0.1", urlsplit(listener.url).port or 0)).close()
    assert len(broken) == 1 and "called" in broken[0]
