"""The stations of a cluster: started, listened to, replaced when they die, more of them when machines join."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace

from detectors.cluster import GoneError, OnRay
from forensics.engine import Cluster
from forensics.ray_engine.link import Link
from forensics.ray_engine.posts import Posts
from forensics.ray_engine.station import N_CALLS, Station
from forensics.ray_engine.words import Equipment, Event

START_S = 120.0
"""Without any station that is ready; loading every analyzer takes seconds, on a crowded machine perhaps a minute."""

COUNT_S = 5.0
"""How often the processors of the cluster are counted."""

WAIT_S = 0.2
"""The longest that nothing is looked after."""

HEADLESS_S = 15.0
"""Without the machine that leads the cluster; stations work on, and Ray ends this process after a minute."""

CLOSE_S = 10.0
"""For removing scratch files; then stations are ended however they stand."""

MAX_FAILED = 5
"""Stations that died one after the other before they were ready: more are not tried."""

AGAIN_S = 3.0
"""Until the next one is tried after that: the cluster may not know yet that a machine is gone."""

LOG = logging.getLogger("unforged.cluster")


class Crew:
    """All stations.

    Args:
        cluster: connected.
        wanted: how many stations.
        equipment: of each.
    """

    def __init__(self, cluster: OnRay, wanted: Cluster, equipment: Equipment) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._equipment = equipment
        self._posts = Posts(cluster, wanted.device)
        self._links: list[Link] = []
        self._n_wanted = 0
        self._counted_s = float("-inf")
        self._alone_s: float | None = None
        self._headless_s: float | None = None
        self._failed: list[str] = []
        self._again_s = float("-inf")

    @property
    def is_busy(self) -> bool:
        """Whether a station has files in hands."""
        return any(link.n_handed for link in self._links)

    @property
    def n_wanted(self) -> int:
        """How many stations there are to be.

        Raises:
            ConnectionError: as for `fill`.
        """
        self._count()
        return self._n_wanted

    def fill(self) -> None:
        """Start the stations that are missing.

        Raises:
            RuntimeError: for START_S none was ready, or too many died before they were.
            ConnectionError: the machine that leads the cluster was gone for HEADLESS_S.
            ImportError, ValueError: a machine that has graphics cards cannot use them.
        """
        self._count()
        if self._headless_s is not None:
            return
        has_ready = any(link.is_ready for link in self._links)
        if len(self._failed) < MAX_FAILED:
            while time.monotonic() > self._again_s and len(self._links) < self._n_wanted:
                self._links.append(self._started())
        elif not self._links:
            raise RuntimeError(f"no station could be started on the cluster: {self._failed[-1]}")
        now_s = time.monotonic()
        self._alone_s = None if has_ready else self._alone_s or now_s
        if self._alone_s is not None and now_s - self._alone_s > START_S:
            need = f"each takes a processor and {self._equipment.settings.limits.memory_bytes >> 20} MiB of memory"
            raise RuntimeError(f"no machine of the cluster had a station ready within {START_S:.0f} s; {need}")

    def with_room(self) -> Iterator[Link]:
        """Stations that may be handed a file, over and over, those with the least in hands first."""
        while ready := [link for link in self._links if link.has_room]:
            yield min(ready, key=lambda link: link.n_handed)

    def heard(self) -> Iterator[tuple[Link, list[Event] | None]]:
        """What stations have said meanwhile; None of one that is gone, which is let go.

        Raises:
            ValueError, OSError: what a station cannot go on with.
        """
        by_call = {link.call: link for link in self._links}
        if not by_call:
            time.sleep(WAIT_S)
        # Not by Ray: it would say itself how this process ends when somebody interrupts it.
        for call in wait(by_call, WAIT_S, FIRST_COMPLETED).done:
            yield by_call[call], self._said(by_call[call])

    def note_ready(self) -> None:
        """A station is ready: nothing is learned from those that died before they were."""
        self._failed = []

    def close(self) -> None:
        """End all stations; those that have arrived remove their scratch files."""
        wait([link.actor.close.remote().future() for link in self._links if link.host], CLOSE_S)
        for link in self._links:
            self._cluster.end(link.actor)
        self._links = []
        self._posts.close()

    def _said(self, link: Link) -> list[Event] | None:
        where = link.host or "a machine of the cluster"
        try:
            events: list[Event] = self._cluster.answer(link.call)
            return events
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        except OSError as error:
            raise OSError(error.errno, f"{where}: {error.strerror or error}", error.filename) from None
        except (GoneError, RuntimeError) as error:
            self._let_go(link, f"{where}: {error}")
            return None

    def _count(self) -> None:
        now_s = time.monotonic()
        if now_s - self._counted_s < COUNT_S:
            return
        self._counted_s = now_s
        try:
            n_places = self._cluster.n_places(self._equipment.settings.limits.memory_bytes)
        except ConnectionError:
            self._headless_s = self._headless_s or now_s
            if now_s - self._headless_s > HEADLESS_S:
                raise
        else:
            self._headless_s = None
            self._posts.look_after()
            self._n_wanted = self._wanted.n_stations or max(n_places, 1)

    def _started(self) -> Link:
        memory_bytes = self._equipment.settings.limits.memory_bytes
        equipment = replace(self._equipment, posts=self._posts.by_machine())
        actor = self._cluster.put(Station, equipment, n_calls=N_CALLS, memory_bytes=memory_bytes)
        return Link(actor, draws=bool(self._equipment.forms))

    def _let_go(self, link: Link, reason: str) -> None:
        self._links.remove(link)
        self._counted_s = float("-inf")
        LOG.warning("a station is gone: %s", reason)
        if not link.is_ready:
            self._failed.append(reason)
            self._again_s = time.monotonic() + AGAIN_S
        # It may live behind a broken line, and must not go on.
        self._cluster.end(link.actor)
