"""unforged pack-set: a picture set made small enough to travel to the machine that is to learn from it."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.evaluate import progress
from forensics.cli.set_options import set_options, tell_gone
from forensics.cli.terminal import line, plain

FAILS = 1


@click.command(context_settings={"show_default": True})
@set_options
@click.option("--split", help="Pictures that the lists say are of this split.  [default: all]")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the set.")
@click.option("--side", "side_px", type=int, default=640, help="Pixels a side that are cut out of larger pictures.")
@click.option("--quality", type=int, default=95, help="JPEG quality of every picture.")
@click.option("--most", type=click.IntRange(min=1), help="Pictures of one source and class.  [default: all]")
def pack_set(
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    split: str | None,
    out: Path,
    side_px: int,
    quality: int,
    most: int | None,
) -> int:
    """Make a picture set small enough to travel, for a run on another machine.

    DATA is read as by `unforged evaluate`. Of every picture, fake or photo, one square is kept at its own resolution,
    as a JPEG without subsampling of colours; clips and masks do not come along. What was packed already is not packed
    again. The set is read like any other: `unforged train --data OUT`.
    """
    from detectors.data import first_by_hash
    from detectors.packing import LIST, Packing, pack
    from detectors.picture_set import read_set

    packing = Packing(side_px, quality)
    found = read_set(folders, lists)
    pictures = [e for e in found.examples if not e.is_video and split in (None, e.split)]
    tell_gone(found)
    if not pictures:
        raise ValueError(f"no picture is of the split {split}")
    if most is not None:
        pictures = list(first_by_hash(pictures, most))
    with progress(len(pictures)) as advance:
        unread = pack(pictures, out, packing, progress=advance)
    for reason in unread:
        click.echo(plain(reason), err=True)
    n_bytes = sum(path.stat().st_size for path in out.rglob("*.jpg"))
    line("packed", f"{len(pictures) - len(unread)} pictures, {n_bytes / 1e6:.1f} MB", out / LIST)
    return FAILS if unread else 0
