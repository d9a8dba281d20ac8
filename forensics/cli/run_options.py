"""Options of `unforged scan` that make it a durable run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def run_options(command: F) -> F:
    """Add them."""
    file = click.Path(dir_okay=False, path_type=Path)
    options = (
        click.option("--run", "run_name", metavar="NAME", help="A durable run: begin, go on, or pass again."),
        click.option("--resume", metavar="NAME", help="Go on with a run, with the sources and settings it has."),
        click.option("--retry-failed", is_flag=True, help="Of a run: try files again that failed in an earlier pass."),
        click.option("--watch", is_flag=True, help="Of a run: follow the sources until interrupted."),
        click.option(
            "--poll", type=click.FloatRange(min=0.05), default=5.0, help="Seconds between two looks of --watch."
        ),
        click.option("--metrics", type=file, help="Of a run: file for metrics in the text format of Prometheus."),
        click.option("--log-json", is_flag=True, help="Of a run: each event as a line of JSON on standard error."),
        click.option("--on-finish", metavar="COMMAND", help="Of a run: called at its end; gets the summary as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_run_options(given: dict[str, Any]) -> str | None:
    """The name of the run, None for a plain scan.

    Raises:
        click.UsageError: options that only a run has, without a run; or both names.
    """
    if given["run_name"] is not None and given["resume"] is not None:
        raise click.UsageError("--run and --resume name the same thing: give one of them")
    name: str | None = given["run_name"] or given["resume"]
    if name is None:
        for option in ("retry_failed", "watch", "metrics", "log_json", "on_finish"):
            if given[option]:
                raise click.UsageError(f"--{option.replace('_', '-')} needs a run: name one with --run")
    return name
