"""The graphics cards of a cluster, each with a process that runs the network for the stations of its machine."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from detectors.cluster import GoneError, OnRay
from detectors.tower_server import shipped_on
from forensics.ray_engine.post import N_CALLS, Post

MAX_LOST = 2
"""Posts of a machine that ended: so many, and its stations go on without."""

LOG = logging.getLogger("unforged.cluster")


@dataclass(frozen=True, eq=False)
class _Manned:
    actor: Any
    call: Future[None]


class Posts:
    """All of them.

    Args:
        cluster: connected.
        device: of each, see `Cluster.device`; None has none.
    """

    def __init__(self, cluster: OnRay, device: str | None) -> None:
        self._cluster = cluster
        self._device = device
        self._manned: dict[str, list[_Manned]] = {}
        self._n_lost: Counter[str] = Counter()

    def look_after(self) -> None:
        """Man the cards of machines that have joined, and those whose process has ended.

        Raises:
            ImportError, ValueError: a machine has no torch, or torch finds no such device there.
        """
        if self._device is None:
            return
        cards = self._cluster.cards()
        for machine in [machine for machine in self._manned if machine not in cards]:
            self._let_go(self._manned.pop(machine))
        for machine, n_cards in cards.items():
            here = self._manned.setdefault(machine, [])
            ended = [post for post in here if post.call.done()]
            for post in ended:
                here.remove(post)
                self._n_lost[machine] += 1
                LOG.warning("a graphics card of the cluster is lost: %s", self._why(post))
            self._let_go(ended)
            while len(here) < n_cards and self._n_lost[machine] < MAX_LOST:
                actor = self._cluster.put_on_card(Post, self._device, shipped_on, machine=machine, n_calls=N_CALLS)
                here.append(_Manned(actor, actor.serve.remote().future()))

    def by_machine(self) -> Mapping[str, tuple[Any, ...]]:
        """The posts of each machine that has some."""
        return {machine: tuple(post.actor for post in here) for machine, here in self._manned.items() if here}

    def close(self) -> None:
        """End all."""
        for here in self._manned.values():
            self._let_go(here)
        self._manned = {}

    def _why(self, post: _Manned) -> str:
        try:
            self._cluster.answer(post.call)
        except (GoneError, OSError, RuntimeError) as error:
            return f"{error}"
        return "its process has ended"

    def _let_go(self, posts: list[_Manned]) -> None:
        for post in posts:
            self._cluster.end(post.actor)
