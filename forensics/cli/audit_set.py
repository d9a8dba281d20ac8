"""unforged audit-set: what would let a detector tell the pictures of a set apart without looking for fakes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.evaluate import progress
from forensics.cli.set_options import File, set_options
from forensics.cli.terminal import line, plain

if TYPE_CHECKING:
    from detectors.bias import BiasAudit
    from detectors.leaks import Leak

FAILS = 1


@click.command(context_settings={"show_default": True})
@set_options
@click.option("--seen", default="train", help="Split to learn from; all pictures where the lists name no split.")
@click.option("--held-out", default="eval", help="Split that is judged on.")
@click.option("--seed", type=int, default=0, help="Of washes and folds.")
@click.option("--recipe", type=File, help="Of `unforged train synthetic`: audit what it learns from, as it weighs it.")
def audit_set(
    folders: tuple[Path, ...], lists: tuple[Path, ...], seen: str, held_out: str, seed: int, recipe: Path | None
) -> int:
    """Look for shortcuts and leaks in a picture set before a detector learns from it.

    DATA is read as by `unforged evaluate`. A small model tries to tell fakes from reals by what has nothing to do with
    being fake: format, size, JPEG table, sharpness, brightness, contrast, and what the lists say is shown; once by the
    files as they lie there, and once after the washes of training. Sources and pictures that are on both sides of the
    split are listed. The exit code is 1 if the washed pictures are told apart at an AUROC over 0.6, with a recipe as
    it weighs them, or anything is on both sides.
    """
    from detectors.data import EDIT
    from detectors.lessons import TrainingSettings, usable
    from detectors.picture_set import read_set
    from detectors.set_audit import audit_set as audit

    found = read_set(folders, lists)
    pictures = [e for e in found.examples if not e.is_video and e.family != EDIT]
    sides = {name: [e for e in pictures if e.split == name] for name in (seen, held_out)}
    if not sides[seen] and not any(e.split for e in pictures):
        sides[seen] = pictures
    settings = None if recipe is None else TrainingSettings.load(recipe)
    if settings is not None:
        sides[seen] = list(usable(sides[seen], settings))
    counted = f"{len(sides[seen])} pictures to learn from, {len(sides[held_out])} held out{found.gone}"
    click.echo(plain(counted), err=True)
    with progress(len(sides[seen])) as advance:
        audited = audit(sides[seen], sides[held_out], seed=seed, settings=settings, progress=advance)
    for reason in audited.unread:
        click.echo(plain(reason), err=True)
    _tell("surface of the files", audited.as_files)
    _tell("surface after the washes", audited.as_seen)
    if audited.as_weighed is not None:
        _tell("surface as it is weighed", audited.as_weighed)
    line("sources on both sides", ", ".join(audited.shared_sources) or "none")
    for leak in audited.leaks:
        _tell_leak(leak)
    line("pictures on both sides", len(audited.leaks))
    line("the set", "passes" if audited.passes else "fails")
    return 0 if audited.passes else FAILS


def _tell(what: str, audit: BiasAudit) -> None:
    alone = ", ".join(f"{name} {value:.2f}" for name, value in audit.by_feature.items())
    line(what, f"AUROC {audit.auroc:.3f} ({audit.n_fake} fakes, {audit.n_real} reals); alone: {alone or 'nothing'}")


def _tell_leak(leak: Leak) -> None:
    distance = "the same file" if leak.distance_bits is None else f"{leak.distance_bits} bits apart"
    line("on both sides", leak.held_out, leak.seen, distance)
