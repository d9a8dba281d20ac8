"""Options of `unforged scan` that make it a durable run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from forensics.cli.option_types import NEW_FILE, Measure
from forensics.cli.options import examination_options, inside_options, limits_options

F = TypeVar("F", bound=Callable[..., Any])


def run_options(command: F) -> F:
    """Add them."""
    options = (
        click.option("--run", "run_name", metavar="NAME", help="A durable run: begin, go on, or pass again."),
        click.option("--resume", metavar="NAME", help="Go on with a run, with the sources and settings it has."),
        click.option("--retry-failed", is_flag=True, help="Of a run: try files again that failed in an earlier pass."),
        click.option("--watch", is_flag=True, help="Of a run: follow the sources until interrupted."),
        click.option("--poll", type=Measure(min=0.05), default=5.0, help="Seconds between two looks of --watch."),
        click.option("--metrics", type=NEW_FILE, help="Of a run: file for metrics in the text format of Prometheus."),
        click.option("--log-json", is_flag=True, help="Of a run: each event as a line of JSON on standard error."),
        click.option("--on-finish", metavar="COMMAND", help="Of a run: called at its end; gets the summary as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_run_options(given: dict[str, Any]) -> str | None:
    """The name of the run, None for a plain scan.

    Raises:
        click.UsageError: options that only a run has, without a run; both names, or an empty one; settings for a run
            that has its own.
    """
    if given["run_name"] is not None and given["resume"] is not None:
        raise click.UsageError("--run and --resume name the same thing: give one of them")
    name: str | None = given["run_name"] if given["run_name"] is not None else given["resume"]
    if name == "":
        raise click.UsageError("a run needs a name")
    if given["resume"] is not None and (fixed := _given_settings()):
        raise click.UsageError(f"--resume takes the settings that the run has: leave out {fixed[0]}")
    if name is None:
        for option in ("retry_failed", "watch", "metrics", "log_json", "on_finish"):
            if given[option] not in (None, False):
                raise click.UsageError(f"--{option.replace('_', '-')} needs a run: name one with --run")
    return name


def _given_settings() -> list[str]:
    """Those of the options that the plan of a run holds which the command line has."""
    context = click.get_current_context()
    names = {"fusion", *_names(examination_options), *_names(limits_options), *_names(inside_options)}
    typed = [
        option
        for option in context.command.params
        if option.name in names and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    ]
    return [option.opts[0] for option in typed]


def _names(options: Callable[[click.Command], click.Command]) -> list[str]:
    """What a bundle of options adds to a command."""
    return [str(option.name) for option in options(click.Command(None)).params]
