"""Spreads work over processors and machines. The only place that knows Ray: the extra `cluster`.

What is sent are small plain objects and names of files; every machine must see the same folders.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from generators.extras import needs

T = TypeVar("T")
R = TypeVar("R")

KNOCK_S = 5.0
"""Ray itself takes minutes to say that nobody is there."""


class GoneError(Exception):
    """What was put on a machine is gone: its process died, or the machine, or the way there; in one line."""


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
            raise _raised_there(error) from None
        return found

    def n_places(self, memory_bytes: int) -> int:
        """How many processors the cluster has by now, as long as each of them finds so much memory.

        Raises:
            ConnectionError: the machine that leads the cluster does not answer; Ray waits a minute for it, then it ends
                this process.
        """
        _knock(self._ray.get_runtime_context().gcs_address)
        found = self._ray.cluster_resources()
        return int(min(found.get("CPU", 0.0), found.get("memory", 0.0) // memory_bytes))

    def put(self, made: type, *given: object, n_calls: int, memory_bytes: int) -> Any:
        """Make an object on some machine, with a processor to itself; it waits until one is free.

        Args:
            made: class of a module.
            *given: arguments for it.
            n_calls: of its methods that may be under way at once.
            memory_bytes: that the machine must have for it.

        Returns:
            What stands for it: `put(...).method.remote(...).future()` is a call under way.
        """
        placed = self._ray.remote(
            num_cpus=1,
            num_gpus=self._n_gpus,
            memory=memory_bytes,
            max_concurrency=n_calls,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )
        return placed(made).remote(*given)

    def cards(self) -> dict[str, int]:
        """Machines that have graphics cards, by Ray's names for them, and how many each has."""
        alive = (node for node in self._ray.nodes() if node["Alive"])
        found = {node["NodeID"]: int(node["Resources"].get("GPU", 0)) for node in alive}
        return {machine: n_cards for machine, n_cards in found.items() if n_cards}

    def put_on_card(self, made: type, *given: object, machine: str, n_calls: int) -> Any:
        """Make an object on a machine, with one of its graphics cards to itself; it waits until one is free.

        Args:
            made: class of a module.
            *given: arguments for it.
            machine: one of `cards`.
            n_calls: of its methods that may be under way at once.

        Returns:
            As for `put`.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(machine, soft=False)
        placed = self._ray.remote(
            num_cpus=0, num_gpus=1, max_concurrency=n_calls, max_restarts=0, scheduling_strategy=there
        )
        return placed(made).remote(*given)

    def answer(self, call: Future[Any]) -> Any:
        """What a call gave that is over; see `answer`."""
        return answer(call)

    def end(self, placed: Any) -> None:
        """End an object and its process, whatever it is at."""
        self._ray.kill(placed)


@contextmanager
def on_ray(address: str | None = None, *, n_gpus: float = 0.0) -> Iterator[OnRay]:
    """Connect to a Ray cluster for as long as this lasts.

    Args:
        address: of the cluster; None takes the one that $RAY_ADDRESS names or that runs here, or starts one on this
            machine.
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
        address = address or os.environ.get("RAY_ADDRESS")
        _knock(address or "")
        with _own_ending():
            ray.init(address=address, include_dashboard=False, log_to_driver=False, configure_logging=False)
        _hush(ray)
    try:
        yield OnRay(ray, n_gpus)
    finally:
        if ours:
            ray.shutdown()


def this_machine() -> str:
    """Ray's name for the machine that this runs on, in an object that was put there."""
    import ray

    name: str = ray.get_runtime_context().get_node_id()
    return name


def answer(call: Future[Any], timeout_s: float | None = None) -> Any:
    """What a call gives, also one from object to object.

    Args:
        call: of a method, under way.
        timeout_s: to wait for it; None waits as long as it takes.

    Raises:
        GoneError: the object is gone.
        TimeoutError: it takes longer.
        Whatever the method raised.
    """
    import ray

    try:
        return call.result(timeout_s)
    except ray.exceptions.RayTaskError as error:
        raise _raised_there(error) from None
    except ray.exceptions.RayError as error:
        raise GoneError(_last_line(error)) from None


def _knock(address: str) -> None:
    """Whether anybody is at an address with a port; words, such as "auto", Ray looks up."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConnectionError(f"there is no Ray cluster at {address}: {why}") from None


def _hush(ray: Any) -> None:
    """Keep Ray from telling of its machines on standard output, among results; it has no public setting for that."""
    ray._private.worker._worker_logs_enabled = False


@contextmanager
def _own_ending() -> Iterator[None]:
    """Keep what the program does when it is told to end: Ray puts its own in place."""
    was = signal.getsignal(signal.SIGTERM)
    yield
    if callable(was) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, was)


def _raised_there(error: Any) -> Exception:
    """What was raised over there; Ray wraps it in an error that is also of its class."""
    return error.cause if isinstance(error.cause, Exception) else error


def _last_line(error: Exception) -> str:
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return said[-1][:300] if said else type(error).__name__
