"""unforged race: generators attack a detector, it learns from the attack, and no round may be forgotten."""

from __future__ import annotations

import click

from forensics.cli.race_add import add_generator
from forensics.cli.race_run import run
from forensics.cli.race_show import show


@click.group()
def race() -> None:
    """Let generators attack a detector and the detector learn from it; look at what came of it."""


race.add_command(run)
race.add_command(add_generator)
race.add_command(show)
