"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from forensics.cli.option_types import Measure
from forensics.profiles import PROFILES, STANDARD

if TYPE_CHECKING:
    from forensics.containers import InsideLimits
    from forensics.store import Store

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


if TYPE_CHECKING:
    _IntType = click.ParamType[int]
else:
    # Older releases of click cannot be subscripted.
    _IntType = click.ParamType


class NumberOfBytes(_IntType):
    """A whole number of bytes, or with K, M or G for powers of 1024."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,15})([KMG]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is no size; write 500M or 2G", param, ctx)
        return int(found[1]) * _UNITS[found[2].upper()]


def limits_options(command: F) -> F:
    """Add one option for each limit on what a file may cost; those not given keep their safe defaults."""
    positive = click.IntRange(min=1)
    seconds = Measure(min=0, min_open=True)
    options = (
        ("--max-bytes", "max_bytes", NumberOfBytes(), "Largest file.  [default: 2G]"),
        ("--max-pixels", "max_pixels", positive, "Largest picture or frame.  [default: 50000000]"),
        ("--max-frames", "max_frames", positive, "Most frames of an animated image.  [default: 10000]"),
        ("--max-duration", "max_duration_s", seconds, "Longest video in seconds.  [default: 21600]"),
        ("--frames", "n_frames", positive, "Frames sampled from a video.  [default: 16; deep: 64]"),
        ("--timeout", "timeout_s", seconds, "Seconds a video may take.  [default: 60; deep: 600]"),
        ("--image-timeout", "image_timeout_s", seconds, "Seconds an image may take.  [default: 10; deep: 60]"),
        ("--cpu", "cpu_s", seconds, "Seconds of processor time, all threads together.  [default: 300; deep: 3000]"),
        ("--memory", "memory_bytes", NumberOfBytes(), "Memory that examining one file may take.  [default: 1400M]"),
    )
    for flag, name, kind, text in reversed(options):
        command = click.option(flag, name, type=kind, help=text)(command)
    return command


def inside_options(command: F) -> F:
    """Add the options on looking inside containers; `inside_limits` reads them."""
    positive = click.IntRange(min=1)
    options = (
        (
            "--inside-depth",
            "max_depth",
            click.IntRange(min=0),
            "Containers in containers; 0: opens none.  [default: 4]",
        ),
        ("--inside-files", "max_members", positive, "Most files in one container.  [default: 100000]"),
        ("--inside-bytes", "max_bytes", NumberOfBytes(), "Most bytes out of one container.  [default: 64G]"),
        ("--inside-ratio", "max_ratio", Measure(min=1), "Largest unpacked / packed size.  [default: 200]"),
    )
    for flag, name, kind, text in reversed(options):
        command = click.option(flag, f"inside_{name}", type=kind, help=text)(command)
    return command


def inside_limits(given: dict[str, Any]) -> InsideLimits | None:
    """What `inside_options` were given; None does not look into containers."""
    from forensics.containers import InsideLimits

    names = InsideLimits.__dataclass_fields__
    limits = {name: given[f"inside_{name}"] for name in names if given.get(f"inside_{name}") is not None}
    return None if limits.get("max_depth") == 0 else InsideLimits(**limits)


def names_option(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read a list parted by commas."""
    if value is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not names:
        raise click.BadParameter("names parted by commas are wanted", ctx, param)
    return names


def open_store(given: str | None) -> Store | None:
    """Open the store named by --store: an address, a file, or none."""
    if given == "none":
        return None
    from forensics.store import Store

    if given is not None and "://" not in given:
        given = f"sqlite:///{Path(given).absolute()}"
    return Store(given)


def data_folder() -> Path:
    """The user's data folder of this tool ($XDG_DATA_HOME, else ~/.local/share)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "unforged"


def camera_folder(given: str | None) -> Path | None:
    """Folder of enrolled cameras for a scan; the user's own, if there is any camera in it, when none is named."""
    if given == "none":
        return None
    if given is not None:
        if not given or not Path(given).is_dir():
            raise click.BadParameter(f"there is no folder {given!r}", param_hint="--cameras")
        return Path(given)
    own = data_folder() / "cameras"
    return own if any(own.glob("*.card.json")) else None


MODELS_VARIABLE = "UNFORGED_MODELS"

models_option = click.option(
    "--models",
    "outside",
    metavar="DIR|none",
    envvar=MODELS_VARIABLE,
    help=f"Outside models and versions learned here.  [default: the user's own, or ${MODELS_VARIABLE}]",
)


def language_option(command: F) -> F:
    """Add the language of reports; every catalogue that lies beside the code is a choice."""
    from forensics.languages import ENGLISH, codes

    kind = click.Choice(codes())
    text = "Language of HTML and PDF reports."
    return click.option("--language", "language_code", type=kind, default=ENGLISH, show_default=True, help=text)(
        command
    )


def own_models() -> Path:
    """Where outside models, and versions of detectors that were learned here, are kept unless told otherwise."""
    return data_folder() / "models"


def models_folder(given: str | None) -> Path | None:
    """Folder of models to use; the user's own, if there is a model or a version in it, when none is named."""
    from detectors.outside.model_folder import names
    from detectors.registry import FOLDER

    if given == "none":
        return None
    if given is not None:
        if not given or not Path(given).is_dir():
            raise click.BadParameter(f"there is no folder {given!r}", param_hint="--models")
        return Path(given)
    return own_models() if names(own_models()) or (own_models() / FOLDER).is_dir() else None


def examination_options(command: F) -> F:
    """Add the options that say what a file is examined for, and with what."""
    options = (
        click.option(
            "--profile",
            type=click.Choice(list(PROFILES)),
            default=STANDARD,
            show_default=True,
            help="How thoroughly; other options change single settings of it.",
        ),
        click.option("--analyzers", callback=names_option, metavar="LIST", help="Run only these.  [default: all]"),
        click.option(
            "--detectors", callback=names_option, metavar="LIST", help="Ask only these trained ones.  [default: all]"
        ),
        click.option("--prior", type=float, default=0.5, help="Share of manipulated files expected beforehand."),
        click.option(
            "--trust-list",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="PEM file with C2PA trust anchors.  [default: the one that ships]",
        ),
        click.option("--cameras", metavar="DIR|none", help="Enrolled cameras.  [default: those of `unforged camera`]"),
        models_option,
    )
    for option in reversed(options):
        command = option(command)
    return command
