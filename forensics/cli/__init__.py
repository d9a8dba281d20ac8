"""The command `unforged`. Only click is imported here: help must not wait for decoders."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from forensics import __version__

COMMANDS = {
    "scan": ("forensics.cli.scan:scan", "Examine files, folders or standard input."),
    "runs": ("forensics.cli.runs:runs", "List durable runs, show one, stop one, write its results again."),
    "errors": ("forensics.cli.runs:errors", "List what a durable run could not examine."),
    "history": ("forensics.cli.history:history", "Search what was examined before."),
    "queue": ("forensics.cli.queue:queue", "Decide about files that await the decision of a person."),
    "audit": ("forensics.cli.audit:audit", "Read and check the log of who decided what."),
    "report": ("forensics.cli.report:report", "Write the report of an earlier scan again."),
    "analyzers": ("forensics.cli.analyzers:analyzers", "List what a file is examined for."),
    "models": ("forensics.cli.models:models", "List trained models, read their cards, add models from elsewhere."),
    "evaluate": ("forensics.cli.evaluate:evaluate", "Measure a detector on pictures of known origin."),
    "evaluate-maps": (
        "forensics.cli.evaluate_maps:evaluate_maps",
        "Measure how well maps show where a picture was altered.",
    ),
    "audit-set": (
        "forensics.cli.audit_set:audit_set",
        "Look for shortcuts and leaks in a picture set before a detector learns from it.",
    ),
    "pack-set": ("forensics.cli.pack_set:pack_set", "Make a picture set small enough to travel."),
    "train": ("forensics.cli.train:train", "Fit a detector to pictures of known origin."),
    "generate": ("forensics.cli.generate:generate", "Make labelled fakes, or train what makes them."),
    "race": ("forensics.cli.race:race", "Let generators attack a detector, and the detector learn from it."),
    "dashboard": ("forensics.cli.dashboard:dashboard", "Open the dashboard in a browser."),
    "serve": ("forensics.cli.serve:serve", "Examine what is sent over HTTP."),
    "serve-keys": ("forensics.cli.serve:serve_keys", "Make, list and remove keys of that service."),
    "camera": ("forensics.cli.camera:camera", "Enroll cameras, to recognise their sensors."),
}
"""Name -> where it lives and what help says of it, so that help loads none of them."""

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

WRONG_USE = 2


class LazyGroup(click.Group):
    """Loads a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table into the help page."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="unforged %(version)s")
def unforged() -> None:
    """Deepfake detection and media forensics, offline.

    \b
    Exit codes:
      0    nothing reached the bar (scan --fail-on), or the command did what it was asked
      1    at least one file reached the bar, whatever else happened; or a plug-in breaks a rule (analyzers --check),
           or the audit log is broken (audit verify), or a picture set has shortcuts or leaks (audit-set)
      2    wrong use, or the output folder or the store cannot be used
      3    some input could not be read, and nothing that could be read reached the bar
      130  interrupted
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    try:
        code = unforged.main(arguments, prog_name="unforged", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    except click.ClickException as error:
        _complain(_with_hint(error))
        return WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            # Whoever read the output has enough of it. Python would complain at exit when it flushes again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        _complain(": ".join(str(part) for part in (error.strerror, error.filename) if part) or str(error))
        return WRONG_USE
    except (ValueError, LookupError, ImportError, RuntimeError, FloatingPointError) as error:
        _complain(str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error))
        return WRONG_USE


def _with_hint(error: click.ClickException) -> str:
    context: Any = getattr(error, "ctx", None)
    where = f" (see {context.command_path} --help)" if context is not None else ""
    return error.format_message() + where


def _complain(message: str) -> None:
    from forensics.cli.terminal import plain

    click.echo(f"unforged: error: {plain(message)}", err=True)
