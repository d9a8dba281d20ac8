"""unforged race add-generator: what it costs to learn a new generator, and whether the outcome may stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.options import MODELS_VARIABLE, own_models
from forensics.cli.race_run import RACES, known_pictures, saying
from forensics.cli.set_options import File, Folder
from forensics.cli.terminal import is_terminal, line, plain, table

if TYPE_CHECKING:
    from detectors.race.added import Added
    from detectors.race.records import Figure
    from detectors.race.settings import RaceSettings


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Read whole numbers parted by commas."""
    try:
        found = tuple(int(part) for part in value.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise click.BadParameter("whole numbers from 1, parted by commas, are wanted", ctx, param)
    return found


@click.command("add-generator", context_settings={"show_default": True})
@click.argument("name")
@click.option("--images", type=Folder, help="Pictures by it.  [default: made by the installed generator NAME]")
@click.option("--photos", required=True, type=Folder, help="Real photos; those of the race, with --race.")
@click.option("--race", type=Folder, help="An earlier race: its fakes are learned again and judged on.")
@click.option("--data", "folders", multiple=True, type=Folder, help="Without a race: known pictures; repeatable.")
@click.option("--list", "lists", multiple=True, type=File, help="List of the known pictures; repeatable.")
@click.option("--split", "splits", multiple=True, help="Only what the lists assign to this split; repeatable.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps features of known pictures.")
@click.option("--detector", metavar="NAME", help="That learns.  [default: that of the race, or synthetic]")
@click.option("--numbers", callback=_numbers, default="10,30,100", help="Of pictures to learn from, besides all.")
@click.option("--draws", "n_draws", type=click.IntRange(min=1), default=3, help="How often as many are drawn.")
@click.option("--seed", type=int, help="Of everything that is drawn.  [default: that of the race, or 0]")
@click.option("--recipe", type=File, help="Without a race: JSON file with settings of one.")
@click.option("--keep-only", is_flag=True, help="Keep the version, and promote nothing.")
@click.option("--models", type=click.Path(file_okay=False, path_type=Path), envvar=MODELS_VARIABLE, help="Registry.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--quiet", is_flag=True, help="Say nothing before the report.")
def add_generator(
    name: str,
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    splits: tuple[str, ...],
    models: Path | None,
    out: Path | None,
    keep_only: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Let a detector learn the generator NAME, and tell what that costs.

    Pictures and photos are dealt out to learn, calibrate and judge; both go through the same washes, and photos are
    shrunk to the pictures' sizes. The report says how many of its fakes are found before and after, what was forgotten,
    and how many pictures it takes to find 90 of 100 at 5 % false positives. The new version goes to the registry; the
    gate of a race decides whether it is promoted, never without an earlier race or known pictures to judge by. A
    command that was stopped goes on in the same folder.

    In a pipe: lines of found, past, pictures, forgetting, false positives and the end.
    """
    from detectors.race.adding import Addition
    from detectors.race.adding import add_generator as add

    models = models or own_models()
    if given["race"] is not None and (given["recipe"] or given["seed"] is not None or given["detector"]):
        raise click.UsageError("a race has settings of its own; --recipe, --seed and --detector are for none")
    addition = Addition(
        name=name,
        out=out or models / RACES / f"added-{_slug(name)}",
        photos=given["photos"],
        models=models,
        settings=_settings(given["recipe"], given["seed"], given["detector"]),
        images=given["images"],
        race=given["race"],
        known=known_pictures(folders, lists, splits),
        cache=given["cache"],
        numbers=given["numbers"],
        n_draws=given["n_draws"],
        may_promote=not keep_only,
    )
    click.echo(f"report in {plain(str(addition.out))}", err=True)
    with saying(quiet) as say:
        added = add(addition, say)
    if as_json:
        click.echo(json.dumps(asdict(added) | {"needed": added.needed}, ensure_ascii=False))
    else:
        _tell(added)
    return 0


def _settings(recipe: Path | None, seed: int | None, detector: str | None) -> RaceSettings:
    from detectors.race.settings import RaceSettings

    settings = RaceSettings() if recipe is None else RaceSettings.load(recipe)
    settings = settings if seed is None else replace(settings, seed=seed)
    return settings if detector is None else replace(settings, detector=detector)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".") or "generator"


def _tell(added: Added) -> None:
    rows = list(_rows(added))
    if is_terminal():
        table(("", added.name, "", "n"), rows, wide=(1,))
    else:
        for row in rows:
            line(*row)
    for reason in added.reasons:
        click.echo(plain(reason), err=not is_terminal())


def _rows(added: Added) -> Iterator[tuple[object, ...]]:
    versions = (added.standing, added.before, added.past_before), (added.candidate, added.after, added.past_after)
    for version, cell, past in versions:
        yield f"found at 5 % false positives by {version}", *_figure(cell.tpr)
        yield f"AUROC of {version}", *_figure(cell.auroc)
        yield f"gets past the threshold of {version}", *_figure(past)
    for step in added.curve:
        yield f"found after {step.n} pictures", *_figure(step.tpr)
    yield "pictures needed for 90 of 100", added.needed_words, "", ""
    yield "forgetting, AUROC", "" if added.forgetting is None else f"{added.forgetting:.3f}", "", len(added.earlier)
    for version, figure in added.false_positives.items():
        yield f"clean photos taken for fakes by {version}", *_figure(figure)
    yield "version", added.candidate, added.end, ""


def _figure(figure: Figure) -> tuple[object, ...]:
    return f"{figure.value:.3f}", f"[{figure.low:.3f}, {figure.high:.3f}]", figure.n
