"""unforged analyzers: what a file is examined for."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from forensics.cli.terminal import is_terminal, line, table

RULE_BROKEN = 1

CALIBRATED = "calibrated"

EPILOG = """\b
Exit codes:
  0    listed, or the one that was checked keeps every rule
  1    it breaks a rule
  2    there is none of that name, or it needs a library that is not installed
"""


@click.command(epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--check", metavar="NAME", help="Check that an analyzer, detector or generator keeps the rules of docs/plugins.md."
)
def analyzers(as_json: bool, check: str | None) -> int:
    """List every installed analyzer: its trace, what its ratios rest on, and what it looks for.

    Ratios are calibrated on files of known origin, assigned and capped (what a file says about itself cannot be
    fitted), or there are none: for the eye.
    """
    if check is not None:
        return _check(check)
    found = [_describe(name) for name in _names()]
    for entry in found:
        if as_json:
            click.echo(json.dumps(entry))
        elif not is_terminal():
            line(entry["name"], entry["trace"], entry["ratio"], entry["about"])
    if is_terminal() and not as_json:
        rows = [(e["name"], e["trace"], e["ratio"], e["about"]) for e in found]
        table(("analyzer", "trace", "ratio", "about"), rows, wide=(3,))
    return 0


def _check(name: str) -> int:
    from detectors.catalog import DETECTORS
    from forensics.analyzers import ANALYZERS
    from forensics.conformance import ConformanceError, Rule, check_analyzer, check_detector, check_generator
    from generators.catalog import GENERATORS

    checks: tuple[tuple[Any, Any], ...] = (
        (ANALYZERS, check_analyzer),
        (DETECTORS, check_detector),
        (GENERATORS, check_generator),
    )
    # An analyzer and the generator that it looks for may share a name.
    chosen = [(catalog, check) for catalog, check in checks if name in catalog.names()]
    if not chosen:
        known = ", ".join(dict.fromkeys(known for catalog, _ in checks for known in catalog.names()))
        raise click.UsageError(f"there is no analyzer, detector or generator {name!r}; there is {known}")
    try:
        for catalog, check in chosen:
            kind = catalog.load(name)
            check(kind)
            if kind.name != name:
                raise ConformanceError(name, Rule.NAMED, f"it is registered as {name}, its class says {kind.name}")
    except ConformanceError as error:
        line(str(error))
        return RULE_BROKEN
    line(f"{name} keeps every rule")
    return 0


def _names() -> tuple[str, ...]:
    from forensics.analyzers import ANALYZERS

    return ANALYZERS.names()


def _describe(name: str) -> dict[str, Any]:
    from forensics.analyzers import ANALYZERS

    entry: dict[str, Any] = {"name": name, "trace": "", "title": "", "about": "", "ratio": "", "calibrated": False}
    try:
        kind = ANALYZERS.load(name)
        ratio = _ratio(name, kind)
        entry |= {"trace": str(kind.trace), "title": kind.title, "about": kind.about, "available": True}
        return entry | {"ratio": ratio, "calibrated": ratio == CALIBRATED}
    except (ImportError, AttributeError) as error:
        # A plug-in that lacks a library must not hide the others.
        return entry | {"about": f"not available: {error}", "available": False}


def _ratio(name: str, kind: Any) -> str:
    """What the ratios of an analyzer rest on."""
    from forensics.finding import Trace

    if not kind.__module__.startswith("forensics."):
        return "see its author"
    if kind.trace is Trace.PROVENANCE:
        return "assigned"
    if kind.trace is Trace.LEARNED:
        return CALIBRATED if _is_a_detector_calibrated() else "for the eye"
    return CALIBRATED if Path(str(files("forensics") / "calibration" / f"{name}.json")).is_file() else "for the eye"


def _is_a_detector_calibrated() -> bool:
    from detectors.catalog import DETECTORS
    from detectors.loading import load

    for name in DETECTORS.names():
        try:
            card = load(name).card
        except (ImportError, AttributeError, OSError, ValueError):
            # One that cannot be used says nothing in a scan either.
            continue
        if card.thresholds or card.clips:
            return True
    return False
