"""unforged generate quality: how good a folder of fakes is, beside what real pictures would get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.evaluate import progress
from forensics.cli.set_options import Folder
from forensics.cli.terminal import is_terminal, line, plain, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from generators.quality.monitor import Quality

FLOORS = {"fd_lite0": "fd_floor", "kd_lite0": "kd_floor"}
"""What reals get, beside what fakes get."""


@click.command(context_settings={"show_default": True})
@click.option("--fakes", multiple=True, required=True, type=Folder, help="Folder of fakes; repeatable.")
@click.option("--reals", multiple=True, required=True, type=Folder, help="Folder of real pictures; repeatable.")
@click.option("--train", multiple=True, type=Folder, help="What the generator learned from.  [default: half of REALS]")
@click.option("--side", "side_px", type=click.IntRange(min=16), default=64, help="All are compared at this side.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of draws and intervals.")
@click.option("--fid", is_flag=True, help="Also the FID of papers, if torch-fidelity and its weights are here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def quality(
    fakes: tuple[Path, ...],
    reals: tuple[Path, ...],
    train: tuple[Path, ...],
    side_px: int,
    seed: int,
    fid: bool,
    as_json: bool,
) -> int:
    """Measure a folder of fakes against real pictures that the generator never saw.

    Each figure comes with its 95 % interval and its number of pictures, and distances with their floor: the same
    between two sets of reals. FD-lite0 and KD-lite0 rest on EfficientNet-Lite0 and compare with no published FID or
    KID. `copied` is the share of fakes nearer to a training picture than 99 % of new reals are.

    Of a folder that `unforged generate sample` filled, the fakes are measured, and as reals the originals that they
    were made from.
    """
    import numpy as np

    from generators.quality.monitor import measure_pictures

    made, held_out = _pictures(fakes, side_px, fakes=True), _pictures(reals, side_px, fakes=False)
    if train:
        learnt = _pictures(train, side_px, fakes=False)
    else:
        click.echo("without --train one half of the reals stands for what was learned from", err=True)
        order = np.random.default_rng(seed).permutation(len(held_out))
        held_out, learnt = held_out[order[::2]], held_out[order[1::2]]
    found, _ = measure_pictures(made, held_out, learnt, seed=seed)
    true_fid = _true_fid(made, held_out) if fid else None
    if as_json:
        extra: dict[str, Any] = {"over_floor": found.over_floor} | ({} if true_fid is None else {"fid": true_fid})
        click.echo(json.dumps(found.to_plain() | extra))
        return 0
    _tell(found)
    if true_fid is not None:
        line("fid", f"{true_fid:.4g}")
    return 0


def _pictures(folders: tuple[Path, ...], side_px: int, *, fakes: bool) -> NDArray[np.uint8]:
    """Pictures of folders as (N, side_px, side_px, 3), without the masks and sheets among them."""
    from generators.picture_folder import FoundPhotos, read_folders
    from generators.quality.pictures import find_measured

    paths = find_measured(folders, fakes=fakes)
    with progress(len(paths)) as advance:
        found = read_folders(folders, side_px, find=lambda _: FoundPhotos(paths, {}), progress=advance)
    click.echo(f"{', '.join(map(str, folders))}: {plain(found.describe())}", err=True)
    return found.pixels


def _tell(found: Quality) -> None:
    figures = found.figures()
    rows = [
        (
            name,
            f"{f.value:.4g}",
            f"{f.low:.4g}",
            f"{f.high:.4g}",
            f.n,
            str(figures[FLOORS[name]]) if name in FLOORS else "",
        )
        for name, f in figures.items()
        if name not in FLOORS.values()
    ]
    if is_terminal():
        table(("figure", "value", "low", "high", "pictures", "of reals (floor)"), rows, wide=(5,))
    else:
        for row in rows:
            line(*row)


def _true_fid(fakes: NDArray[np.uint8], reals: NDArray[np.uint8]) -> float | None:
    from generators.quality.fidelity import true_fid

    try:
        return true_fid(fakes, reals)
    except (ImportError, FileNotFoundError) as error:
        click.echo(plain(str(error)), err=True)
        return None
