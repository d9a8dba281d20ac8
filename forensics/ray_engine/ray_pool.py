"""The driver of stations on a Ray cluster, for a run the same as a pool of this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from detectors.cluster import on_ray
from forensics.conversation import Decide, Receive
from forensics.engine import Cluster
from forensics.languages import ENGLISH
from forensics.messages import Examiner, Task
from forensics.outcome import Outcome
from forensics.ray_engine.crew import Crew
from forensics.ray_engine.link import Link
from forensics.ray_engine.shares import Shares
from forensics.ray_engine.words import Arrived, Asked, Ended, Equipment, Event, Examined, Idle, Reply
from forensics.settings import ScanSettings
from forensics.versions import decisive

MAX_NAMED = 3
"""Differing versions that are named."""


class RayPool:
    """Examines files on a cluster. A context manager; leaving it ends every station.

    A station has the file under way and one more, so files are read from the sources as stations ask. When its machine
    dies, the file under way has *crashed*, and the other one goes to another station. Large containers are parted: see
    `Shares`. The driver alone decides what is examined and keeps what is found.

    Args:
        settings: of the scan.
        cluster: where.
        folder: for reports, the same on all machines; None writes none.
        forms, language_code, build: as for `Pool`.
    """

    def __init__(
        self,
        settings: ScanSettings,
        cluster: Cluster,
        *,
        folder: Path | None = None,
        forms: tuple[str, ...] = (),
        language_code: str = ENGLISH,
        build: Callable[[ScanSettings], Examiner] | None = None,
    ) -> None:
        self._cluster = cluster
        self._equipment = Equipment(settings, forms, language_code, build, folder, Path.cwd())
        self._versions = decisive(settings, build)
        self._shares = Shares()
        self._ahead: deque[Task] = deque()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            ImportError: the extra `cluster` is not installed.
            ConnectionError: there is no cluster at the address.
        """
        with ExitStack() as opening:
            connected = opening.enter_context(on_ray(self._cluster.address))
            self._crew = Crew(connected, self._cluster, self._equipment)
            opening.callback(self._crew.close)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def run(
        self,
        tasks: Iterable[Task],
        decide: Decide,
        receive: Receive | None = None,
        *,
        tick: Callable[[], None] = lambda: None,
    ) -> Iterator[Outcome]:
        """Examine files: see `Pool.run`.

        Raises:
            ValueError: the analyzers cannot work with these settings; a machine has other versions than this one.
            RuntimeError: no station can be started; a machine does not see the files.
            OSError: a machine cannot write reports.
        """
        waiting = (part for task in tasks for part in self._shares.parted(task, self._crew.n_wanted))
        while self._following(waiting) is not None or self._crew.is_busy:
            tick()
            self._crew.fill()
            for link in self._crew.with_room():
                following = self._following(waiting)
                # A share keeps a station for long: none is to wait behind another one.
                if following is None or (link.n_handed and not following.share.is_whole):
                    break
                link.hand(self._ahead.popleft())
            for link, events in self._crew.heard():
                for outcome in self._ended(link, events, decide, receive):
                    yield from self._shares.ended(outcome)

    def _following(self, waiting: Iterator[Task]) -> Task | None:
        """What is to be handed next: read from the sources, or come back from a station that is gone."""
        if not self._ahead:
            self._ahead.extend(islice(waiting, 1))
        return self._ahead[0] if self._ahead else None

    def _ended(
        self, link: Link, events: list[Event] | None, decide: Decide, receive: Receive | None
    ) -> Iterator[Outcome]:
        """What has ended by what a station said; or because it is gone."""
        if events is not None:
            yield from self._hear(link, events, decide, receive)
            return
        ended, not_begun = link.lost()
        self._ahead.extendleft(reversed(not_begun))
        yield from ended

    def _hear(self, link: Link, events: list[Event], decide: Decide, receive: Receive | None) -> Iterator[Outcome]:
        reply: Reply | None = None
        for event in events:
            if isinstance(event, Arrived):
                link.host = event.host
                self._check(event)
            elif isinstance(event, Idle):
                self._crew.note_ready()
                yield from link.idle()
            elif isinstance(event, Asked):
                reply = answer = decide(event.task, event.opened)
                link.opened(event.task, event.opened, answer.known)
            elif isinstance(event, Examined):
                report = receive(event.task, event.report, event.took_s) if receive is not None else event.report
                link.examined(event.task, report)
                reply = report if self._equipment.forms else None
            elif isinstance(event, Ended):
                self._check_sight(link, event)
                yield from link.ended(event.outcome)
        link.go_on(reply)

    def _check(self, arrived: Arrived) -> None:
        """Refuse a machine that would give other results."""
        if arrived.versions == self._versions:
            return
        different = _different(arrived.versions, self._versions)
        raise ValueError(f"{arrived.host} would examine with other versions: {different}")

    def _check_sight(self, link: Link, ended: Ended) -> None:
        """Refuse a machine that does not see the folders: it would fail every file within a moment."""
        path = ended.outcome.task.path
        if ended.is_missing and os.path.lexists(path):
            raise RuntimeError(f"{link.host} does not see {path}: all machines must see the same folders")


def _different(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    names = sorted(name for name in {*there, *here} if there.get(name) != here.get(name))
    told = [f"{name} {there.get(name, 'none')} there, {here.get(name, 'none')} here" for name in names[:MAX_NAMED]]
    return "; ".join(told) + (f"; and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
