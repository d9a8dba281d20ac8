"""What runs in an actor of Ray on some machine of a cluster: a pool with one worker, and the driver's words to it.

The pool works in a thread of its own: isolation, limits, containers, scratch folders and fetching are what they are on
one machine. As it has one worker, which waits for the answer itself, it may stand still until the driver has answered.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue, SimpleQueue

from detectors.cluster import answer, this_machine
from forensics.messages import Answer, Opened, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.ray_engine.inbox import Closed, Inbox
from forensics.ray_engine.words import Arrived, Asked, Ended, Equipment, Event, Examined, Idle, Reply
from forensics.report import ScanReport
from forensics.report_files import write_reports
from forensics.towers import TowersNearby
from forensics.versions import decisive

N_CALLS = 3
"""`go_on` is always under way; `hand` and `close` come meanwhile."""

MAX_EVENTS = 64
"""That the driver has not heard of: an archive full of what is no media must not fill the memory."""

LOOK_S = 0.1

POST_S = 60.0
"""For the network on a graphics card to be loaded; others may hold the card."""


class Station:
    """Examines files for a driver. Its methods may be called at the same time.

    Args:
        equipment: what it examines with.
    """

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._inbox = Inbox()
        self._events: Queue[Event | None] = Queue(MAX_EVENTS)
        self._replies: SimpleQueue[Reply | None] = SimpleQueue()
        self._work = ThreadPoolExecutor(1, thread_name_prefix="station").submit(self._examine)

    def hand(self, number: int, task: Task) -> None:
        """One more file to examine, and how many were handed before it."""
        self._inbox.put(number, task)

    def go_on(self, reply: Reply | None = None) -> list[Event]:
        """Wait for what happens next.

        Args:
            reply: to the question that was the last event, if it was one.

        Returns:
            One event or more; only the last one may be a question.

        Raises:
            ValueError: the analyzers cannot work with these settings.
            RuntimeError: no worker can be started.
            OSError: the output folder cannot be written.
        """
        if reply is not None:
            self._replies.put(reply)
        event = self._events.get()
        events: list[Event] = []
        with suppress(Empty):
            while event is not None:
                events.append(event)
                event = self._events.get_nowait()
        if event is None and events:
            self._events.put(None)
        elif event is None:
            # It raises what ended it.
            self._work.result()
        return events

    def close(self) -> None:
        """End the worker and remove what lies in its scratch folders; returns when that is done."""
        self._inbox.close()
        self._replies.put(None)
        while not self._work.done():
            with suppress(Empty):
                self._events.get(timeout=LOOK_S)

    def _examine(self) -> None:
        given = self._equipment
        try:
            # A machine that does not see it must be given whole paths.
            with suppress(OSError):
                os.chdir(given.workplace)
            self._events.put(Arrived(platform.node(), decisive(given.settings, given.build)))
            with Pool(
                given.settings,
                n_threads=1,
                forms=given.forms,
                language_code=given.language_code,
                build=given.build,
                towers=TowersNearby(self._addresses()),
            ) as pool:
                pool.start()
                while True:
                    self._events.put(Idle())
                    self._inbox.wait()
                    for outcome in pool.run(self._inbox, self._decide, self._receive, tick=self._inbox.look):
                        self._events.put(self._ended(outcome))
        except Closed:
            return
        finally:
            self._events.put(None)

    def _addresses(self) -> list[Path]:
        """Of the posts of this machine; one that is long in coming is done without."""
        posts = self._equipment.posts.get(this_machine(), ()) if self._equipment.posts else ()
        found = []
        for post in posts:
            with suppress(TimeoutError):
                found.append(answer(post.address.remote().future(), POST_S))
        return found

    def _decide(self, task: Task, opened: Opened) -> Answer:
        answer = self._reply(Asked(task, opened))
        assert isinstance(answer, Answer)
        return answer

    def _receive(self, task: Task, report: ScanReport, took_s: float) -> ScanReport:
        examined = Examined(task, report, took_s)
        if not self._equipment.forms:
            self._events.put(examined)
            return report
        drawn = self._reply(examined)
        assert isinstance(drawn, ScanReport)
        return drawn

    def _reply(self, question: Asked | Examined) -> Reply:
        self._events.put(question)
        reply = self._replies.get()
        if reply is None:
            raise Closed
        return reply

    def _ended(self, outcome: Outcome) -> Ended:
        folder, task = self._equipment.folder, outcome.task
        written = write_reports(outcome.sha256, outcome.pages, folder) if folder is not None else ()
        is_missing = outcome.error is not None and not task.url and not os.path.lexists(task.path)
        return Ended(replace(outcome, report=None, pages={}, written=written), is_missing and not task.container)
