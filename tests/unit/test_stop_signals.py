"""A signal that asks a command to end works like Ctrl-C, tells which it was, and one that is ignored stays so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from forensics.cli.stop_signals import SIGNALS, interruptible


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    # Whoever runs the tests may ignore some (nohup).
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    left = {number: signal.signal(number, handler) for number, handler in before.items()}
    assert left == dict.fromkeys(SIGNALS, signal.SIG_DFL)


def killed_by(number: signal.Signals) -> int:
    os.kill(os.getpid(), number)
    return 0


@pytest.mark.parametrize("number", SIGNALS)
def test_work_is_interrupted_and_the_code_and_the_words_name_the_signal(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    assert interruptible(lambda: killed_by(number)) == 128 + number
    assert capsys.readouterr().err == f"unforged: error: interrupted by {number.name}\n"


def test_work_that_ends_of_its_own_accord_has_its_own_code() -> None:
    def caught() -> int:
        try:
            return killed_by(signal.SIGTERM)
        except KeyboardInterrupt:
            return 3

    assert interruptible(caught) == 3


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert interruptible(lambda: killed_by(signal.SIGHUP)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interruption_by_a_person_goes_on() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interruptible(interrupted)
