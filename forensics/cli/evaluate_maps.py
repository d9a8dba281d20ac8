"""unforged evaluate-maps: how well analyzers and detectors show where a picture was altered."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.evaluate import progress
from forensics.cli.options import examination_options, names_option
from forensics.cli.set_options import set_options
from forensics.cli.terminal import is_terminal, line, plain, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forensics.localising import MapRow

TABLE = "maps.csv"


@click.command(context_settings={"show_default": True})
@set_options
@click.option("--split", help="Only pictures that the lists assign to this split.")
@click.option("--conditions", callback=names_option, metavar="LIST", help="Of original,q90,q75.  [default: all]")
@click.option("--seed", type=int, default=0, help="Of the intervals.")
@examination_options
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help=f"Folder for {TABLE}; else none is written."
)
def evaluate_maps(
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    split: str | None,
    conditions: tuple[str, ...] | None,
    seed: int,
    out: Path | None,
    **given: Any,
) -> int:
    """Measure maps on altered pictures whose mask is known.

    DATA holds tab-separated lists with a column `mask`, as `unforged generate` writes them. Each picture is examined as
    it lies there, and saved again as JPEG of quality 90 and 75; the area under the curve (pixel AUROC) is over the
    pixels of one picture, 0.5 where there is no map, and its mean over pictures is told. In a pipe each kind of map is
    one line: map, condition, what altered the pictures, pictures, pictures with a map, pixel AUROC, its 95 % interval.
    """
    from detectors.picture_set import read_set
    from forensics.cli.scan import scan_settings
    from forensics.localising import CONDITIONS, locate, map_rows
    from forensics.scanner import Scanner

    if unknown := [name for name in conditions or () if name not in CONDITIONS]:
        raise click.UsageError(f"there is no condition {unknown[0]!r}; there is {', '.join(CONDITIONS)}")
    found = read_set(folders, lists)
    altered = [e for e in found.examples if e.mask is not None and split in (None, e.split)]
    if not altered:
        raise click.UsageError("no listed picture has a mask: the lists need a column `mask`")
    scanner, located, examined = Scanner(scan_settings({**given, "fusion": None})), [], []
    with progress(len(altered)) as advance:
        for example in altered:
            try:
                located += list(locate(scanner, example, conditions or tuple(CONDITIONS)))
            except ValueError as error:
                click.echo(plain(str(error)), err=True)
            else:
                examined.append(example)
            if advance is not None:
                advance(1)
    rows = list(map_rows(located, examined, seed=seed))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        _write(rows, out / TABLE)
    _show(rows)
    return 0 if examined else 3


def _write(rows: Sequence[MapRow], path: Path) -> None:
    from forensics.localising import MapRow

    names = [field.name for field in fields(MapRow) if field.name != "interval"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*names, "interval_low", "interval_high"))
        for row in rows:
            writer.writerow((*(getattr(row, name) for name in names), row.interval.low, row.interval.high))


def _show(rows: Sequence[MapRow]) -> None:
    cells = [
        (
            row.looked, row.condition, row.generator, row.n, row.n_mapped,
            f"{row.auroc:.3f}", f"{row.interval.low:.3f}-{row.interval.high:.3f}",
        )
        for row in rows
    ]  # fmt: skip
    if is_terminal():
        table(("map", "as", "altered by", "pictures", "with a map", "pixel AUROC", "95 %"), cells)
    else:
        for row_cells in cells:
            line(*row_cells)
