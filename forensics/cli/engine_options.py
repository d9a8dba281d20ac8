"""Options of commands that can work on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from forensics.engine import Cluster

F = TypeVar("F", bound=Callable[..., Any])


def engine_options(what: str) -> Callable[[F], F]:
    """Add --engine and --address.

    Args:
        what: the engine does, for the help page.
    """

    def add(command: F) -> F:
        where = "Of a Ray cluster.  [default: $RAY_ADDRESS, or the one that runs here, or a new one here]"
        command = click.option("--address", metavar="ADDRESS", help=where)(command)
        return click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help=what)(command)

    return add


def device_option(command: F) -> F:
    """Add --device."""
    what = (
        "Where the network that detectors share runs for all workers: cuda, cuda:1 (may be given several times), or "
        "cpu, for trials.  [default: processors, in each worker]"
    )
    return click.option("--device", "devices", multiple=True, metavar="DEVICE", help=what)(command)


def is_on_cluster(engine: str, address: str | None) -> bool:
    """Whether the engine is a cluster.

    Raises:
        click.UsageError: an address without a cluster.
    """
    if engine == "local" and address is not None:
        raise click.UsageError("--address is of a Ray cluster; give --engine ray")
    return engine == "ray"


def wanted_cluster(given: dict[str, Any]) -> Cluster | None:
    """The cluster that a scan is to work on; None for this machine.

    Raises:
        click.UsageError: as for `is_on_cluster`.
    """
    from forensics.engine import Cluster

    if not is_on_cluster(given["engine"], given["address"]):
        return None
    if len(given["devices"]) > 1:
        raise click.UsageError("which cards there are, Ray says: give --device cuda once")
    return Cluster(given["address"], given["jobs"], next(iter(given["devices"]), None))
