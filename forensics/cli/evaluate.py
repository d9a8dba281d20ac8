"""unforged evaluate: how well a detector tells known fakes from known reals, as they are and after common washes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.options import models_folder, models_option, names_option, own_models
from forensics.cli.set_options import File, set_options
from forensics.cli.terminal import console, is_terminal, line, plain, table

if TYPE_CHECKING:
    from detectors.base import Detector
    from detectors.data import Example
    from detectors.evaluation import Row
    from detectors.picture_set import PictureSet
    from detectors.scoring import ScoredSet
    from generators.images import Pixels
    from generators.weights import ModelCard

N_FRAMES = 8
"""Frames of a clip: half of what a scan samples, as each is scored under every condition."""

FULL_SIDE_PX = 8192
"""Crops of lists are in pixels of the full size, so frames are not shrunk."""


@click.command(context_settings={"show_default": True})
@click.option("--detector", "name", required=True, metavar="NAME", help="One of `unforged models list`.")
@click.option("--version", help="Of the detector, promoted or not.  [default: the one that scans use]")
@set_options
@click.option("--split", help="Only pictures that the lists assign to this split, such as eval.")
@click.option("--edits", is_flag=True, help="Also real photos of which a part was altered.")
@click.option("--clips", is_flag=True, help="Clips instead of pictures.")
@click.option("--conditions", callback=names_option, metavar="LIST", help="Washes.  [default: all of the table]")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of washes and intervals.")
@click.option(
    "--leave-families-out",
    is_flag=True,
    help="Instead: fit the detector anew without each family of fakes, and measure on that family.",
)
@click.option("--recipe", type=File, help="Of these fits; default as for `unforged train`.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps features for these fits.")
@models_option
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for tables; else none are written."
)
@click.option(
    "--scores",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.parquet",
    help="Also the scores alone, small and without file names, as the dashboard reads them beside a card.",
)
def evaluate(
    name: str,
    version: str | None,
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    split: str | None,
    edits: bool,
    clips: bool,
    conditions: tuple[str, ...] | None,
    seed: int,
    leave_families_out: bool,
    recipe: Path | None,
    cache: Path | None,
    outside: str | None,
    out: Path | None,
    scores: Path | None,
) -> int:
    """Measure a detector on pictures of known origin.

    DATA holds a tab-separated list (columns label, path or file, source or repo; better also generator, family, split)
    or the folders real/ and fake/, whose subfolders name sources and generators. Every picture is scored as it is and
    after the same washes for both classes. OUT receives evaluation.csv, evaluation.md, evaluation.png and scores.csv.
    In a pipe each condition is one line: condition, fakes, reals, AUROC, TPR at 1 % and 5 % false positives.
    """
    from detectors.data import read_picture
    from detectors.evaluation import rows
    from detectors.loading import load, load_version
    from detectors.picture_set import read_set
    from detectors.scoring import CONDITIONS, score_set

    if scores is not None and scores.suffix != ".parquet":
        raise click.UsageError(f"--scores writes a Parquet file; {scores.name} does not end in .parquet")
    if not leave_families_out and (recipe or cache):
        raise click.UsageError("--recipe and --cache are for --leave-families-out")
    if leave_families_out and (version or edits or clips or conditions or scores):
        raise click.UsageError("--leave-families-out measures no weights, but new fits, on its own views of pictures")
    models = models_folder(outside)
    # Without a folder of models there is no version but the shipped one, which the registry of any folder knows.
    detector = load(name, models) if version is None else load_version(name, version, models or own_models())
    found = read_set(folders, lists)
    examples = _chosen(found, split, edits, clips)
    n_fake = sum(example.label for example in examples)
    click.echo(plain(f"{n_fake} fakes and {len(examples) - n_fake} reals{found.gone}"), err=True)
    for folder in (out, scores.parent if scores is not None else None):
        if folder is not None:
            make_folder(folder)
    if leave_families_out:
        _written(out, *_left_out(detector, examples, recipe, cache, seed))
        return 0
    reader = read_frames if clips else read_picture
    with progress(len(examples)) as advance:
        scored = score_set(
            detector, examples, conditions=conditions or CONDITIONS, seed=seed, reader=reader, progress=advance
        )
    unread = tuple(scored.unread.values())
    _tell_unread(unread)
    _check_classes(scored.examples, "that could be read")
    _check_judged(scored, detector)
    _written(out, list(rows(scored, detector.card, seed=seed)), detector.card, len(unread))
    if out is not None:
        from detectors.score_files import scores_csv

        (out / "scores.csv").write_text(scores_csv(scored), encoding="utf-8")
    if scores is not None:
        from detectors.score_files import write_scores

        write_scores(scored, detector.card, scores)
    return 0


def _left_out(
    detector: Detector, examples: Sequence[Example], recipe: Path | None, cache: Path | None, seed: int
) -> tuple[list[Row], ModelCard, int]:
    """Rows of new fits, a card that does not claim the shipped weights, and how many files could not be read."""
    from detectors.left_out import left_out_rows
    from detectors.lessons import study, usable
    from detectors.shared_tower import shipped_tower
    from detectors.synthetic import Synthetic

    if not isinstance(detector, Synthetic):
        raise click.UsageError(f"what is fitted without each family is `synthetic`, not {detector.name}")
    settings = fit_settings(detector.name, recipe)
    with progress(len(usable(examples, settings)) * settings.n_rows) as advance:
        given = study(examples, settings, tower=shipped_tower(), cache=cache, progress=advance)
    _tell_unread(given.unread)
    card = replace(detector.card, version="fitted-anew", sha256="")
    return list(left_out_rows(given, seed=seed)), card, len(given.unread)


def _tell_unread(reasons: Sequence[str]) -> None:
    for reason in reasons[:10]:
        click.echo(plain(reason), err=True)


def _check_judged(scored: ScoredSet, detector: Detector) -> None:
    """Refuse a set of which nothing was judged, and name each wash after which nothing was: its figures say nothing."""
    from detectors.base import SeesClips

    n = len(scored.examples)
    empty = [condition for condition in scored.conditions if None not in condition.abstained]
    if len(empty) == len(scored.conditions):
        hint = "; --clips measures it on clips" if isinstance(detector, SeesClips) else ""
        raise click.UsageError(f"{detector.name} judged none of {n}: {empty[0].usual_reason}{hint}")
    for condition in empty:
        why = f"judged none of {n} as {condition.name}: {condition.usual_reason}"
        click.echo(plain(f"{detector.name} {why}"), err=True)


def _written(out: Path | None, measured: list[Row], card: ModelCard, n_unread: int) -> None:
    """Tables into the folder, the most important rows onto the terminal, and beside them what thresholds rest on."""
    from detectors.support import threshold_rows

    if out is not None:
        from detectors.evaluation_table import to_csv, to_markdown, to_png

        (out / "evaluation.csv").write_text(to_csv(measured), encoding="utf-8")
        (out / "evaluation.md").write_text(to_markdown(measured, card, n_unread), encoding="utf-8")
        (out / "evaluation.png").write_bytes(to_png(measured, card))
    shown = [row for row in measured if row.kind in ("all", "matched", "left out")]
    _show(shown)
    _tell_few(min(row.n_real for row in shown))
    if card.thresholds:
        for label, text in threshold_rows(card):
            click.echo(plain(f"shipped threshold: {label} {text}"), err=True)


def _tell_few(n_reals: int) -> None:
    """Say that a share of 1 % was asked of too few to tell it."""
    from detectors.support import holds, per_100, sure_of

    if not holds(0.01, n_reals):
        sure = f"with 95 % confidence no more than {per_100(sure_of(0.01, n_reals))} of 100 photos like them reach it"
        click.echo(f"{n_reals} reals tell no threshold for 1 %: it lies over all of them, and {sure}", err=True)


def _chosen(found: PictureSet, split: str | None, edits: bool, clips: bool) -> list[Example]:
    from detectors.data import EDIT

    splits = sorted({example.split for example in found.examples} - {""})
    if split is not None and split not in splits:
        raise click.UsageError(f"no picture belongs to a split {split!r}; there is {', '.join(splits) or 'none'}")
    chosen = [e for e in found.examples if (split is None or e.split == split) and (edits or e.family != EDIT)]
    chosen = [example for example in chosen if example.is_video == clips]
    _check_classes(chosen, f"{'clips (--clips)' if clips else 'pictures'}{found.gone}")
    return chosen


def _check_classes(examples: Sequence[Example], what: str) -> None:
    n_fake = sum(example.label for example in examples)
    n_real = len(examples) - n_fake
    if not n_fake or not n_real:
        raise click.UsageError(f"fakes and reals are both needed, got {n_fake} and {n_real} {what}")


def read_frames(example: Example, n_frames: int = N_FRAMES) -> list[Pixels]:
    """Frames of a clip at full size, cropped to the part to use."""
    from detectors.data import cropped
    from forensics.media import Media
    from forensics.settings import Limits

    limits = Limits(n_frames=n_frames, frame_side_px=FULL_SIDE_PX)
    return [cropped(frame.pixels, example) for frame in Media.open(example.path, limits=limits).frames]


def _show(rows: list[Row]) -> None:
    cells = [
        (r.name, r.condition, r.n_fake, r.n_real, f"{r.auroc:.3f}", f"{r.tpr_1:.3f}", f"{r.tpr_5:.3f}") for r in rows
    ]
    if is_terminal():
        table(("pictures", "as", "fakes", "reals", "AUROC", "TPR at 1 %", "TPR at 5 %"), cells)
    else:
        for row in cells:
            line(*row)


def fit_settings(name: str, recipe: Path | None) -> Any:
    """Settings of a fit of a detector: by the recipe, else by that of what ships, else those of any run."""
    import detectors
    from detectors.trainable import trainable

    trained = trainable(name)
    shipped = Path(detectors.__file__).parent / "recipes" / f"{name}.json"
    if recipe is None and not shipped.is_file():
        return trained.default()
    return trained.read(recipe or shipped)


def make_folder(folder: Path) -> None:
    """Make the folder of the results and write there once, so that nobody waits for results that cannot be kept.

    Raises:
        OSError: it cannot be made or written to.
    """
    from tempfile import TemporaryFile

    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass


@contextmanager
def progress(n: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True), transient=True) as display:
        task = display.add_task("pictures", total=n)
        yield lambda done: display.advance(task, done)
