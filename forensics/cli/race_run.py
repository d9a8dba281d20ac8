"""unforged race run: rounds of attack and defence, unattended, for as long as it is left on."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.engine_options import engine_options, is_on_cluster
from forensics.cli.options import MODELS_VARIABLE, names_option, own_models
from forensics.cli.set_options import File, Folder, tell_gone
from forensics.cli.terminal import is_terminal, line, plain

if TYPE_CHECKING:
    from detectors.cluster import Spread
    from detectors.race.engine import Entry
    from detectors.race.records import RoundRecord
    from detectors.race.settings import RaceSettings

RACES = "races"
"""Folder of races, in the folder of models."""

if TYPE_CHECKING:
    _FloatType = click.ParamType[float]
else:
    # Older releases of click cannot be subscripted.
    _FloatType = click.ParamType


MINUTES = {"s": 1 / 60, "": 1.0, "m": 1.0, "h": 60.0, "d": 1440.0}
"""Of each unit of time."""


class Minutes(_FloatType):
    """A span of time: a number with s, m, h or d; m where none is given."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it as minutes."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,7}(?:\.\d+)?)([smhd]?)", str(value).strip(), re.IGNORECASE)
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no span of time; write 30m or 2h", param, ctx)
        return float(found[1]) * MINUTES[found[2].lower()]


@click.command(context_settings={"show_default": True})
@click.option("--photos", required=True, type=Folder, help="Real photos; subfolders are sources.")
@click.option("--faces", type=Folder, help="Real photos of faces, for generators of faces.  [default: PHOTOS]")
@click.option("--detector", metavar="NAME", help="The detector that is attacked and learns.  [default: synthetic]")
@click.option("--rounds", type=click.IntRange(min=0), help="After the seed round.")
@click.option("--attacks", "--generators", "attacks", callback=names_option, metavar="LIST", help="Who attacks.")
@click.option("--unseen", callback=names_option, metavar="LIST", help="Generators that are never learned from.")
@click.option("--budget", type=Minutes(), metavar="TIME", help="Time for all rounds, such as 30m or 2h.")
@click.option("--seed", type=int, help="Of everything that is drawn.")
@click.option("--recipe", type=File, help="JSON file with settings; options given here go before it.")
@click.option("--data", "folders", multiple=True, type=Folder, help="Known pictures not to be unlearned; repeatable.")
@click.option("--list", "lists", multiple=True, type=File, help="List of the known pictures; repeatable.")
@click.option("--split", "splits", multiple=True, help="Only what the lists assign to this split; repeatable.")
@click.option("--labels", type=click.Path(dir_okay=False, path_type=Path), help="Labels by `unforged queue labels`.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps features of known pictures.")
@click.option("--models", type=click.Path(file_okay=False, path_type=Path), envvar=MODELS_VARIABLE, help="Registry.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the race.")
@click.option("--resume", is_flag=True, help="Go on with the race in OUT, from the last step that was over.")
@click.option("--forever", is_flag=True, help="Begin another round whenever one has ended.")
@click.option("--every", type=Minutes(), metavar="TIME", help="With --forever: begin a round no more often than this.")
@engine_options("What forges, washes and judges.")
@click.option("--quiet", is_flag=True, help="Say only how each round ended.")
def run(
    photos: Path,
    faces: Path | None,
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    splits: tuple[str, ...],
    labels: Path | None,
    cache: Path | None,
    models: Path | None,
    out: Path | None,
    resume: bool,
    forever: bool,
    every: float | None,
    engine: str,
    address: str | None,
    quiet: bool,
    recipe: Path | None,
    **given: Any,
) -> int:
    """Let generators attack a detector, and the detector learn from every round.

    A round tunes the attacks against the version that stands, forges, launders reals and fakes alike, retrains with
    replay of all earlier rounds, calibrates and judges on pictures kept aside, and promotes the new version only if
    nothing was forgotten and no more photos are accused. The first round, number 0, learns the untuned generators.
    Whatever stops it, --resume goes on. `unforged race show OUT` tells what came of it.
    """
    from detectors.race.engine import Entry

    if every is not None and not forever:
        raise click.UsageError("--every says how often --forever begins a round; give both")
    models = models or own_models()
    if resume and out is None:
        raise click.UsageError("name the race to go on with: --out")
    entry = Entry(
        out=out or _next_folder(models / RACES),
        photos=photos,
        faces=faces,
        models=models,
        settings=_settings(recipe, given),
        known=known_pictures(folders, lists, splits),
        labels=labels,
        cache=cache,
    )
    click.echo(f"race in {plain(str(entry.out))}", err=True)
    with saying(quiet) as say, _spread(engine, address) as spread:
        entry = replace(entry, spread=spread)
        for record in _forever(entry, resume, every, say) if forever else _once(entry, resume, say):
            _tell(record)
    return 0


@contextmanager
def _spread(engine: str, address: str | None) -> Iterator[Spread]:
    from detectors.cluster import Here, on_ray

    if not is_on_cluster(engine, address):
        yield Here()
        return
    with on_ray(address) as cluster:
        yield cluster


def _once(entry: Entry, resume: bool, say: Any) -> Iterator[RoundRecord]:
    from detectors.race.engine import run_race

    yield from run_race(entry, resume=resume, say=say)


def _forever(entry: Entry, resume: bool, every: float | None, say: Any) -> Iterator[RoundRecord]:
    """One round after the other; what asks for none is waited for."""
    from detectors.race.engine import run_race
    from detectors.race.records import read_log

    while True:
        started_s = time.monotonic()
        done = read_log(entry.out)
        entry = replace(entry, settings=replace(entry.settings, rounds=len(done)))
        yield from run_race(entry, resume=resume, say=say)
        resume = True
        wait_s = max(60 * (every or 0.0) - (time.monotonic() - started_s), 0.0)
        if wait_s:
            say(f"waits {wait_s / 60:.0f} minutes for the next round")
            time.sleep(wait_s)


def _settings(recipe: Path | None, given: dict[str, Any]) -> RaceSettings:
    from detectors.race.settings import RaceSettings

    settings = RaceSettings() if recipe is None else RaceSettings.load(recipe)
    told = {name: value for name, value in given.items() if value is not None and name != "budget"}
    if given["budget"] is not None:
        told["minutes"] = given["budget"]
    return replace(settings, **told)


def known_pictures(folders: tuple[Path, ...], lists: tuple[Path, ...], splits: tuple[str, ...]) -> tuple[Any, ...]:
    """Pictures of folders and lists, for --data, --list and --split."""
    from detectors.picture_set import read_set

    if not folders and (lists or splits):
        raise click.UsageError("--list and --split are of known pictures; name their folder with --data")
    if not folders:
        return ()
    found = read_set(folders, lists)
    tell_gone(found)
    return tuple(e for e in found.examples if not splits or e.split in splits)


def _next_folder(races: Path) -> Path:
    stem = f"race-{datetime.now(UTC):%Y-%m-%d}"
    return next(path for number in range(1, 10_000) if not (path := races / f"{stem}-{number}").exists())


@contextmanager
def saying(quiet: bool) -> Iterator[Any]:
    """Where it says what goes on: one line that changes on a terminal, lines of their own in a pipe."""
    last = ""

    def say(text: str) -> None:
        nonlocal last
        if quiet:
            return
        is_step = ": step " in text
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{plain(text)}", err=True, nl=not is_step)
        elif not is_step or text.split(",")[0] != last:
            click.echo(plain(text), err=True)
        last = text.split(",")[0]

    yield say


def _tell(record: RoundRecord) -> None:
    """A line for the round, and one for each attack."""
    end = "promoted" if record.promoted else "refused"
    if is_terminal():
        click.echo(f"round {record.number}: {record.candidate} {end}. {record.reasons[0]}")
    else:
        line("round", str(record.number), record.standing, record.candidate, end, record.reasons[0])
    for attack in record.attacks:
        shares = [f"{figure.value:.2f}" for figure in (attack.plain, attack.before, attack.after)]
        if is_terminal():
            click.echo(f"  {attack.name}: got past {shares[1]} of its fakes (untuned {shares[0]}), now {shares[2]}")
        else:
            line("attack", attack.name, *shares)
