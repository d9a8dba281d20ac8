"""unforged analyzers: what a file is examined for."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from forensics.cli.terminal import is_terminal, line, table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def analyzers(as_json: bool) -> int:
    """List every installed analyzer: its trace, what it looks for, and whether its ratios are calibrated."""
    found = [_describe(name) for name in _names()]
    for entry in found:
        if as_json:
            click.echo(json.dumps(entry))
        elif not is_terminal():
            line(entry["name"], entry["trace"], "calibrated" if entry["calibrated"] else "for the eye", entry["about"])
    if is_terminal() and not as_json:
        rows = [(e["name"], e["trace"], "yes" if e["calibrated"] else "for the eye", e["about"]) for e in found]
        table(("analyzer", "trace", "calibrated", "about"), rows)
    return 0


def _names() -> tuple[str, ...]:
    from forensics.analyzers import ANALYZERS

    return ANALYZERS.names()


def _describe(name: str) -> dict[str, Any]:
    from forensics.analyzers import ANALYZERS

    calibrated = Path(str(files("forensics") / "calibration" / f"{name}.json")).is_file()
    entry: dict[str, Any] = {"name": name, "trace": "", "title": "", "about": "", "calibrated": calibrated}
    try:
        kind = ANALYZERS.load(name)
        return entry | {"trace": str(kind.trace), "title": kind.title, "about": kind.about, "available": True}
    except (ImportError, AttributeError) as error:
        # A plug-in that lacks a library must not hide the others.
        return entry | {"about": f"not available: {error}", "available": False}
