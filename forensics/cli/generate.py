"""unforged generate: fakes with labels, masks and originals, and the training of what makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.evaluate import progress
from forensics.cli.generate_quality import quality
from forensics.cli.generate_train import train
from forensics.cli.set_options import File, Folder
from forensics.cli.terminal import is_terminal, line, plain, table
from forensics.installed import makers

if TYPE_CHECKING:
    from generators.base import Generator
    from generators.samples import Written
    from generators.signing import Signer

INTERRUPTED = 130

DEFAULT_N = 64


@click.group()
def generate() -> None:
    """Make labelled fakes to learn from and to measure with, or train what makes them.

    Whatever is written says so to machines: in XMP, in PNG text, and signed (C2PA) for who has a certificate.
    """


generate.add_command(train)
generate.add_command(quality)


@generate.command("list")
@click.option("--presets", is_flag=True, help="What `unforged generate train` trains instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_generators(presets: bool, as_json: bool) -> int:
    """List installed generators: name, family, whether they need photos, weights, what they make.

    With --presets: name, pictures needed at least, what is learned.
    """
    found = list(_presets() if presets else _generators())
    if as_json:
        for entry in found:
            click.echo(json.dumps(entry))
        return 0
    rows: list[tuple[str, ...]]
    if presets:
        headings: tuple[str, ...] = ("preset", "pictures", "what it learns")
        rows = [(e["name"], str(e["min_pictures"]), e["about"]) for e in found]
    else:
        headings = ("generator", "family", "needs", "weights", "what it makes")
        rows = [(e["name"], e["family"], "photos" * e["needs_photos"], e["weights"], e["about"]) for e in found]
    if is_terminal():
        table(headings, rows, wide=(len(headings) - 1,))
    else:
        for row in rows:
            line(*row)
    return 0


@generate.command(context_settings={"show_default": True})
@click.argument("name")
@click.option(
    "-n", "n", type=click.IntRange(min=1), default=DEFAULT_N, help="Number of fakes; photos are taken in turn."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to fill.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the first fake; fake i is that of seed + i.")
@click.option("--photos", multiple=True, type=Folder, help="Folder of real photos to alter; repeatable.")
@click.option("--weights", multiple=True, type=File, help="Of the generator `outside`: somebody else's; repeatable.")
@click.option("--max-side", "max_side_px", type=click.IntRange(min=64), default=1024, help="Larger photos are shrunk.")
@click.option("--format", "form", type=click.Choice(["png", "jpeg"]), default="png", help="Of fakes and originals.")
@click.option("--certificate", type=File, help="PEM certificates to sign with (C2PA), the signer's own first.")
@click.option("--key", type=File, help="PEM private key of the certificate, without a password.")
@click.option("--sheet", is_flag=True, help="Also sheet.png: the first fakes, with originals and masks.")
def sample(
    name: str,
    photos: tuple[Path, ...],
    weights: tuple[Path, ...],
    certificate: Path | None,
    key: Path | None,
    out: Path,
    n: int,
    **given: Any,
) -> int:
    """Write fakes of the generator NAME to OUT.

    NAME is one of `unforged generate list`, or `outside` for networks whose --weights you bring: an encoder and a
    decoder of a tiny autoencoder (TAESD, TAEF2), or the model.json of an up-sampler (ESRGAN for TensorFlow.js).

    OUT receives 0000.png and so on, for altered photos masks/ and originals/ as well, and manifest.tsv, a list that
    `unforged evaluate --data OUT` reads. A stopped run goes on when the same command is given again.
    """
    generator = _generator(name, photos, weights)
    signer = _signer(certificate, key)
    from generators.samples import write_samples

    n_done = 0

    def count(done: int) -> None:
        nonlocal n_done
        n_done += done
        if advance is not None:
            advance(done)

    try:
        with progress(n) as advance:
            written = write_samples(generator, out, n=n, photos=photos, signer=signer, progress=count, **given)
    except KeyboardInterrupt:
        click.echo(f"interrupted with {n_done} of {n} done; the same command goes on from there", err=True)
        return INTERRUPTED
    _tell(written, plain(str(out)))
    line("written", str(out / "manifest.tsv"))
    return 0


def _generators() -> Iterator[dict[str, Any]]:
    for maker in makers():
        entry = {"name": maker.name, "family": maker.family, "needs_photos": maker.needs_photos}
        weights = "none" if maker.card is None else maker.card.stem
        said = {"weights": "", "about": maker.missing} if maker.missing else {"weights": weights, "about": maker.about}
        yield entry | said | {"available": not maker.missing}


def _presets() -> Iterator[dict[str, Any]]:
    from generators.trainers import TRAINERS

    return map(_describe_preset, TRAINERS.names())


def _describe_preset(name: str) -> dict[str, Any]:
    from generators.trainers import TRAINERS

    try:
        kind = TRAINERS.load(name)
    except (ImportError, AttributeError) as error:
        return {"name": name, "min_pictures": "", "about": f"not available: {error}", "available": False}
    return {"name": name, "min_pictures": kind.min_pictures, "about": kind.about, "available": True}


def _generator(name: str, photos: tuple[Path, ...], weights: tuple[Path, ...]) -> Generator:
    from generators.catalog import GENERATORS
    from generators.outside import NAME, outside_generator

    names = (*GENERATORS.names(), NAME)
    if name not in names:
        raise click.UsageError(f"there is no generator {name!r}; there is {', '.join(names)}")
    if weights and name != NAME:
        raise click.UsageError(f"--weights are for the generator {NAME!r}, not for {name}")
    if name == NAME and not weights:
        raise click.UsageError(f"{NAME} uses networks of others; --weights FILE says where they are")
    generator = outside_generator(weights) if weights else GENERATORS.load(name)()
    if generator.needs_sources and not photos:
        raise click.UsageError(f"{name} alters photos; --photos DIR says where they are")
    if photos and not generator.needs_sources:
        raise click.UsageError(f"{name} makes pictures from nothing and takes no --photos")
    return generator


def _signer(certificate: Path | None, key: Path | None) -> Signer | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise click.UsageError("--certificate and --key go together")
    from generators.signing import Signer

    return Signer.open(certificate, key)


def _tell(written: Written, out: str) -> None:
    kept = f", {written.n_kept} were there" if written.n_kept else ""
    click.echo(f"{written.n_made} made{kept}, in {out}", err=True)
    if written.skipped:
        reasons = ", ".join(f"{n} {reason}" for reason, n in written.skipped.items())
        click.echo(f"photos skipped: {reasons}", err=True)
