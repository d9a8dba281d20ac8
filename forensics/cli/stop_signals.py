"""Signals that ask a scan to end, as service managers, cron and closing terminals send them: they work like Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click

from forensics.group_signals import ENDING

SIGNALS = tuple(number for number in ENDING if number != signal.SIGINT)


def interruptible(work: Callable[[], int]) -> int:
    """Do some work, which one of SIGNALS interrupts.

    Returns:
        Its exit code; 128 and the number of the signal, if the work did not end of its own accord.
    """
    # Whoever has one ignored (nohup) wants no end by it.
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        return work()
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if interrupt.args else None
        if not isinstance(number, signal.Signals):
            raise
        # The terminal may be gone.
        with suppress(OSError):
            click.echo(f"unforged: error: interrupted by {number.name}", err=True)
        return 128 + number
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number))
