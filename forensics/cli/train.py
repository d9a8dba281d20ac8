"""unforged train: fit a detector to pictures of known origin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detectors.trainable import NAMES
from forensics.cli.evaluate import fit_settings, make_folder, progress, read_frames
from forensics.cli.set_options import File, Folder, set_options, tell_gone
from forensics.cli.terminal import line

if TYPE_CHECKING:
    from detectors.data import Example
    from generators.images import Pixels

FUSION = "fusion"

N_FRAMES = 8
"""Frames of a clip, spread evenly, that its views are taken from."""


@click.command(context_settings={"show_default": True})
@click.argument("name", type=click.Choice((*NAMES, FUSION)))
@set_options
@click.option("--split", "splits", multiple=True, help="Only what the lists assign to this split; repeatable.")
@click.option("--reports", type=Folder, help="For fusion: folder with the reports (JSON) of scans of DATA.")
@click.option(
    "--claim",
    type=click.Choice(["synthetic", "manipulated"]),
    default="synthetic",
    help="For fusion: what the fakes are.",
)
@click.option("--recipe", type=File, help="JSON file with the settings of the run.  [default: that of what ships]")
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps features: a stopped run goes on."
)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for weights and card."
)
def train(
    name: str,
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    splits: tuple[str, ...],
    reports: Path | None,
    claim: str,
    recipe: Path | None,
    cache: Path | None,
    out: Path,
) -> int:
    """Train the detector NAME and write its weights and card to OUT.

    DATA is read as by `unforged evaluate`. Whole sources are held out in turn, and the card's figures, the calibration
    and the thresholds rest on the held-out ones alone. Without --recipe the settings are those that the shipped weights
    were fitted with, detectors/recipes/NAME.json.

    `fusion` learns from reports of scans (`unforged scan --format json --out REPORTS`) what all findings together are
    worth, and says whether that beats the verdict's rule on sources held out; it writes OUT/fusion.json.
    """
    if name == FUSION:
        return _fusion(folders, lists, splits, reports, claim, out)
    from detectors.picture_set import read_set
    from detectors.support import threshold_rows
    from detectors.trainable import trainable

    trained, settings = trainable(name), fit_settings(name, recipe)
    found = read_set(folders, lists)
    examples = [e for e in found.examples if not splits or e.split in splits]
    tell_gone(found)
    chosen = trained.usable(examples, settings)
    n_fake = sum(e.label for e in chosen)
    n_sources = len({e.source for e in chosen})
    click.echo(f"{n_fake} fake and {len(chosen) - n_fake} real pictures or clips of {n_sources} sources", err=True)
    _check_number(len(chosen), settings)
    make_folder(out)
    with progress(trained.amount(len(chosen), settings)) as advance:
        card = trained.run(examples, out, settings, cache=cache, reader=_reader, progress=advance)
    for key, value in card.measures.items():
        line(key, json.dumps(value))
    for row in threshold_rows(card):
        line(*row)
    line("written", str(out / f"{card.stem}.safetensors"))
    return 0


def _check_number(n_pictures: int, settings: Any) -> None:
    """Refuse before anything is cut what `detectors.neighbours.neighbourhood` would refuse after it."""
    from detectors.lessons import TrainingSettings
    from detectors.washed_views import is_mild

    if not isinstance(settings, TrainingSettings):
        return
    n_mild = sum(is_mild(view) for view in settings.views)
    n_least = settings.n_dimensions // n_mild + 1
    if n_pictures < n_least:
        views = f"{settings.n_dimensions} dimensions of {n_mild} views each"
        raise click.UsageError(f"{n_pictures} pictures are too few: {views} need {n_least}")


def _fusion(
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    splits: tuple[str, ...],
    reports: Path | None,
    claim: str,
    out: Path,
) -> int:
    from detectors.picture_set import read_set
    from forensics.finding import Claim
    from forensics.fusion import fit, read_reports, rows_of

    if reports is None:
        raise click.UsageError("fusion learns from reports of scans; name their folder with --reports")
    known = {e.path.resolve(): e for e in read_set(folders, lists).examples if not splits or e.split in splits}
    pairs = [(report, known.get(Path(report.path).resolve())) for report in read_reports(reports)]
    told = [(report, example) for report, example in pairs if example is not None]
    click.echo(f"{len(told)} of {len(pairs)} reports are of files in DATA", err=True)
    if {example.label for _, example in told} != {0, 1}:
        raise click.UsageError("reports of fakes and of reals are both needed; were they scanned by these paths?")
    make_folder(out)
    model, compared = fit([r for r, _ in told], [e.label for _, e in told], [e.source for _, e in told], Claim(claim))
    for key, text in rows_of(compared).items():
        line(key, text)
    model.save(out / "fusion.json")
    line("written", str(out / "fusion.json"))
    return 0


def _reader(example: Example) -> Sequence[Pixels]:
    from detectors.data import read_picture

    return read_frames(example, N_FRAMES) if example.is_video else read_picture(example)
