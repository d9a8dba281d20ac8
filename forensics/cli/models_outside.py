"""unforged models add, remove, calibrate: detectors that somebody else trained."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from forensics.cli.evaluate import progress
from forensics.cli.options import MODELS_VARIABLE, names_option, own_models
from forensics.cli.set_options import set_options
from forensics.cli.terminal import line

if TYPE_CHECKING:
    from detectors.outside.adding import Candidate, Given

F = TypeVar("F", bound=Callable[..., Any])

CLAIMS = ("synthetic", "manipulated")

HUB = "hf://"

kept_in = click.option(
    "--models",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=MODELS_VARIABLE,
    help=f"Folder of outside models.  [default: in the user's data folder, or ${MODELS_VARIABLE}]",
)


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """Read three numbers parted by commas."""
    if value is None:
        return None
    try:
        numbers = tuple(float(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise click.BadParameter("three numbers parted by commas are wanted", ctx, param)
    return numbers


def preprocessing_options(command: F) -> F:
    """Options that say how a network wants its pictures, where its files do not."""
    options = (
        ("--size", "side_px", click.IntRange(1), None, "Side in pixels of the square that the network takes."),
        (
            "--resize", "resize", click.Choice(["squash", "shorter", "none"]), None,
            "Both sides to one length, the shorter side to a length, or not at all; then the middle is cut out.",
        ),
        ("--resize-to", "resize_px", click.IntRange(1), None, "That length in pixels.  [default: the size]"),
        (
            "--interpolation", "interpolation", click.Choice(["nearest", "bilinear", "bicubic", "lanczos"]), None,
            "Filter of the resizing.",
        ),
        ("--mean", "mean", str, _numbers, "Mean of red, green and blue in 0..1."),
        ("--std", "std", str, _numbers, "Standard deviation of them."),
    )  # fmt: skip
    for flag, name, kind, callback, text in reversed(options):
        command = click.option(flag, name, type=kind, callback=callback, help=text)(command)
    return command


@click.command()
@click.argument("source")
@click.option("--name", default="", help="Name in the list.  [default: from the file's name]")
@click.option("--recipe", default="", help="A known detector, one of `unforged models recipes`.")
@click.option("--architecture", default="", help="timm's name of the network in a safetensors file.")
@click.option("--probe", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Linear probe of a tower.")
@click.option("--discriminator", is_flag=True, help="SOURCE is the folder of a training run of a GAN.")
@click.option("--labels", callback=names_option, metavar="LIST", help="Names of the outputs, in order.")
@click.option("--fake", callback=names_option, metavar="LIST", help="Those of them that speak for a fake.")
@click.option("--output", type=click.Choice(["logits", "probability"]), default="logits", help="What the outputs are.")
@preprocessing_options
@click.option("--claim", type=click.Choice(CLAIMS), default="synthetic", help="What a high score speaks for.")
@click.option("--licence", default="", help="Licence of the weights, for the card.")
@click.option("--sha256", default="", help="Hash that the file of weights must have.")
@kept_in
def add(source: str, folder: Path | None, **given: Any) -> int:
    """Keep a detector that somebody else trained.

    SOURCE is an ONNX file, a safetensors file with --architecture, a folder with config.json and model.safetensors, or
    hf://owner/name@revision, which is fetched once, pinned to a commit and checked by hash. No pickle is ever opened.
    The detector then speaks in every scan, for the eye only until `unforged models calibrate`.
    """
    from detectors.outside.model_folder import keep

    card = keep(_candidate(source, given), folder or own_models())
    line("added", card.name)
    line("read as", str(card.settings["reading"]["labels"]), f"fake: {', '.join(card.settings['reading']['fake'])}")
    line("calibrated", "no: for the eye only until `unforged models calibrate`")
    return 0


def _candidate(source: str, given: dict[str, Any]) -> Candidate:
    from detectors.outside.adding import Given, prepared

    about = Given(
        name=given["name"],
        recipe=given["recipe"],
        architecture=given["architecture"],
        probe=given["probe"],
        labels=given["labels"] or (),
        fake=given["fake"] or (),
        are_probabilities=given["output"] == "probability",
        preprocessing={name: given[name] for name in _PREPROCESSING if given[name] is not None},
        claim=given["claim"],
        licence=given["licence"],
        sha256=given["sha256"],
    )
    if source.startswith(HUB):
        return _fetched(source, about)
    if not Path(source).exists():
        raise click.UsageError(f"there is no file or folder {source!r}")
    if given["discriminator"]:
        from detectors.outside.discriminator import of_run

        return of_run(Path(source), about)
    return prepared(Path(source), about)


_PREPROCESSING = ("side_px", "resize", "resize_px", "interpolation", "mean", "std")


def _fetched(address: str, about: Given) -> Candidate:
    from dataclasses import replace

    from detectors.outside.adding import prepared, slug
    from detectors.outside.hub import fetch

    with tempfile.TemporaryDirectory(prefix="unforged-") as work:
        found = fetch(address, Path(work) / "model", sha256=about.sha256)
        own = about.name or slug(address.removeprefix(HUB).partition("@")[0].rpartition("/")[2])
        return prepared(found.folder, replace(about, name=own, origin=found.origin))


@click.command()
@click.argument("name")
@kept_in
def remove(name: str, folder: Path | None) -> int:
    """Take an outside model away."""
    from detectors.outside import model_folder

    model_folder.remove(name, folder or own_models())
    line("removed", name)
    return 0


@click.command()
@click.argument("name")
@set_options
@click.option("--split", help="Only pictures that the lists assign to this split.")
@kept_in
def calibrate(
    name: str, folders: tuple[Path, ...], lists: tuple[Path, ...], split: str | None, folder: Path | None
) -> int:
    """Fit an outside model's ratio, thresholds and labels to your own pictures of known origin.

    DATA is read as by `unforged evaluate`; it should hold pictures of many sources that the network was not trained on,
    at least 20 of each class. From then on its findings count.
    """
    from detectors.outside.calibrating import calibrate as fit
    from detectors.picture_set import read_set
    from detectors.support import threshold_rows

    found = read_set(folders, lists)
    examples = [e for e in found.examples if (split is None or e.split == split) and not e.is_video]
    with progress(len(examples)) as advance:
        card = fit(name, folder or own_models(), examples, progress=advance)
    for row in threshold_rows(card):
        line(*row)
    for key, value in card.measures.items():
        line(key, f"{value:.4g}")
    return 0


@click.command()
def recipes() -> int:
    """List known open detectors that `unforged models add --recipe` understands."""
    from detectors.outside.known import RECIPES

    for name, recipe in RECIPES.items():
        line(name, recipe.about, recipe.source)
    return 0
