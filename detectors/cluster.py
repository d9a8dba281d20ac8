"""Spreads work over processors and machines. The only place that knows Ray: the extra `cluster`.

What is sent are small plain objects and names of files; every machine must see the same folders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from generators.extras import needs

T = TypeVar("T")
R = TypeVar("R")


class Spread(Protocol):
    """Does the same with many things."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """What the function gives for each item, in their order.

        Raises:
            Whatever the function raised for the first item that it failed on.
        """
        ...


class Here:
    """In this process, one after the other."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """See `Spread.map`."""
        return [function(item) for item in items]


class OnRay:
    """On every processor of a Ray cluster; made by `on_ray`.

    Args:
        ray: the library, connected.
        n_gpus: that each piece of work asks for; a share where several fit on one.
    """

    def __init__(self, ray: Any, n_gpus: float = 0.0) -> None:
        self._ray, self._n_gpus = ray, n_gpus

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """See `Spread.map`. The function must be one of a module; work of a machine that dies is done again."""
        task = self._ray.remote(num_gpus=self._n_gpus, max_retries=3)(function)
        try:
            found: list[R] = self._ray.get([task.remote(item) for item in items])
        except self._ray.exceptions.RayTaskError as error:
            # What was raised over there; Ray wraps it in an error that is also of its class.
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        return found


@contextmanager
def on_ray(address: str | None = None, *, n_gpus: float = 0.0) -> Iterator[OnRay]:
    """Connect to a Ray cluster for as long as this lasts.

    Args:
        address: of the cluster; None starts one on this machine.
        n_gpus: see `OnRay`.

    Raises:
        ImportError: the extra `cluster` is not installed.
        ConnectionError: there is no cluster at the address.
    """
    # Ray would tell its makers that it was used.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with needs("cluster"):
        import ray
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        yield OnRay(ray, n_gpus)
    finally:
        if ours:
            ray.shutdown()
