"""A station examines its files in the order in which the driver handed them, however the calls arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.messages import Task
from forensics.ray_engine.inbox import Closed, Inbox

FIRST, SECOND = Task(Path("a"), "a", "a"), Task(Path("b"), "b", "b")


def test_a_file_that_arrives_too_early_waits_for_the_one_before_it() -> None:
    inbox = Inbox()
    inbox.put(1, SECOND)
    assert list(inbox) == []
    inbox.put(0, FIRST)
    inbox.wait()
    assert list(inbox) == [FIRST, SECOND]


def test_the_same_file_may_be_handed_again() -> None:
    inbox = Inbox()
    inbox.put(0, FIRST)
    assert list(inbox) == [FIRST]
    inbox.put(1, FIRST)
    assert list(inbox) == [FIRST]


def test_whoever_waits_learns_that_it_is_closed() -> None:
    inbox = Inbox()
    inbox.put(1, SECOND)
    inbox.close()
    with pytest.raises(Closed):
        inbox.wait()
