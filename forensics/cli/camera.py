"""unforged camera: fingerprints of sensors, made from reference photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from forensics.cli.options import data_folder
from forensics.cli.terminal import is_terminal, line, table

_folder_option = click.option(
    "--cameras",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of enrolled cameras.  [default: in the user's data folder]",
)


@click.group()
def camera() -> None:
    """Enroll cameras: a sensor is recognised by the fixed pattern (PRNU) it leaves in each photo.

    Enrolled cameras are compared with each photo that is scanned; `unforged scan --cameras none` leaves it out.
    """


@camera.command()
@click.argument("name")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@_folder_option
def enroll(name: str, photos: tuple[str, ...], folder: Path | None) -> int:
    """Make the fingerprint of a camera from photos it took: at least 5, better 20, at full size, bright and smooth."""
    from forensics import camera as cameras
    from forensics.errors import MediaError
    from forensics.media import Media

    def opened() -> Iterator[Media]:
        for path in _files(photos):
            try:
                yield Media.open(path)
            except (MediaError, OSError) as error:
                raise click.UsageError(f"{path}: {error}") from None

    try:
        fingerprint = cameras.enroll(name, opened())
    except MediaError as error:
        raise click.UsageError(str(error)) from None
    where = folder or _own()
    where.mkdir(parents=True, exist_ok=True)
    cameras.save(fingerprint, where)
    agreement = f"the halves agree with PCE {fingerprint.agreement_pce:,.0f}"
    click.echo(f"enrolled {name} from {fingerprint.n_photos} photos in {where}; {agreement}")
    return 0


@camera.command("list")
@_folder_option
def list_cameras(folder: Path | None) -> int:
    """List enrolled cameras."""
    from forensics import camera as cameras

    where = folder or _own()
    rows = []
    for name in cameras.enrolled(where):
        found = cameras.load(name, where)
        height, width = found.pattern.shape
        rows.append((name, f"{width} x {height}", found.n_photos, f"{found.agreement_pce:.0f}"))
    if is_terminal():
        table(("camera", "pixels", "photos", "agreement (PCE)"), rows)
    else:
        for row in rows:
            line(*row)
    return 0


@camera.command()
@click.argument("name")
@_folder_option
def remove(name: str, folder: Path | None) -> int:
    """Forget an enrolled camera."""
    from forensics import camera as cameras

    where = folder or _own()
    if name not in cameras.enrolled(where):
        raise click.UsageError(f"no camera {name!r} is enrolled in {where}")
    # `enrolled` lists only names of letters, digits and underscores: the pattern cannot reach elsewhere.
    for path in (where / f"{name}-{cameras.VERSION}{ending}" for ending in (".card.json", ".safetensors")):
        path.unlink(missing_ok=True)
    return 0


def _own() -> Path:
    return data_folder() / "cameras"


def _files(photos: tuple[str, ...]) -> list[Path]:
    from forensics.inputs import expand

    return [task.path for task in expand(photos)]
