"""unforged generate train: any trainable generator, with its settings printed or changed by name."""

from __future__ import annotations

import dataclasses
import errno
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import click

from forensics.cli.terminal import console, line, plain

if TYPE_CHECKING:
    from generators.trainers import Progress, RunSettings, Trainer

INTERRUPTED = 130

REPORT_S = 60.0
"""In a pipe one line says how far it is this often, besides what a trainer finds worth saying."""

NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What PyTorch says in a RuntimeError when a graphics card's or the processor's memory is used up."""

_WANTED = {int: "a whole number", float: "a number", bool: "yes or no"}
_BOOLS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@click.command(context_settings={"show_default": True})
@click.argument("preset")
@click.option(
    "--data", "folders", multiple=True, type=click.Path(path_type=Path), help="Folder of pictures; repeatable."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="For all that is kept.  [default: PRESET]"
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in OUT.")
@click.option("--dry-run", is_flag=True, help="Print the settings and train nothing.")
@click.option(
    "--size", type=click.Choice(["cpu", "gpu"]), default="cpu", help="Networks and batches for which machine."
)
@click.option("--images", type=click.IntRange(min=1), help="Real pictures to show in all, repeats counted.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Stop after this long, with everything saved.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting; repeatable.")
def train(
    preset: str,
    folders: tuple[Path, ...],
    out: Path | None,
    resume: bool,
    dry_run: bool,
    size: str,
    images: int | None,
    minutes: float | None,
    changes: tuple[str, ...],
) -> int:
    """Train the generator PRESET on the pictures of DATA, and write weights and card to OUT.

    A run that was stopped, killed or ran out of disk goes on with --resume. --dry-run prints each setting as it would
    be used, and --set changes it.
    """
    trainer = _trainer(preset)
    short = [f"n_images={images}"] if images is not None else []
    short += [f"minutes={minutes}"] if minutes is not None else []
    settings = changed(trainer.settings("gpu" if size == "gpu" else "cpu"), (*short, *changes))
    if dry_run:
        for field in dataclasses.fields(settings):
            line(field.name, _shown(getattr(settings, field.name)))
        return 0
    if not folders:
        raise click.UsageError("--data DIR says where the pictures are")
    out = out or Path(preset)
    with _watched(settings.n_images) as report:
        try:
            with _extra_named(preset):
                card = trainer.train(folders, out, settings, resume=resume, report=report)
        except KeyboardInterrupt:
            click.echo(f"interrupted; {_kept(out)}", err=True)
            return INTERRUPTED
        except (OSError, MemoryError, RuntimeError) as error:
            if not _is_exhausted(error):
                raise
            raise click.ClickException(f"{_exhausted(error)}; {_kept(out)}") from error
    for key, value in card.measures.items():
        line(key, f"{value:.4g}")
    line("written", str(out / f"{card.stem}.safetensors"))
    return 0


def changed(settings: RunSettings, changes: tuple[str, ...]) -> RunSettings:
    """Settings with some of them replaced.

    A device that is named without a precision takes its usual one, unless the settings had chosen another before.

    Args:
        settings: frozen dataclass of any trainer.
        changes: key=value; lists are parted by commas.

    Raises:
        click.UsageError: there is no such key, or the value is not of its type or out of range.
    """
    from generators.trainers import AUTO, usual_precision

    kinds = get_type_hints(type(settings))
    keys = [field.name for field in dataclasses.fields(settings)]
    new: dict[str, Any] = {}
    for change in changes:
        key, mark, text = change.partition("=")
        if not mark or key not in keys:
            raise click.UsageError(f"--set takes KEY=VALUE with a key of {', '.join(keys)}; got {change!r}")
        try:
            new[key] = _parsed(text.strip(), kinds[key])
        except (ValueError, KeyError):
            raise click.UsageError(f"{key} wants {_wanted(kinds[key])}, not {text!r}") from None
    if "device" in new and settings.precision == usual_precision(settings.device):
        new.setdefault("precision", AUTO)
    try:
        return dataclasses.replace(settings, **new)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _parsed(text: str, kind: Any) -> Any:
    """A value of a type: int, float, bool, str, Literal, or a tuple of one of them."""
    if get_origin(kind) is tuple:
        return tuple(_parsed(part.strip(), get_args(kind)[0]) for part in text.split(",") if part.strip())
    if kind is bool:
        return _BOOLS[text.lower()]
    if kind in (int, float):
        return kind(text.replace("_", ""))
    if kind is not str:
        return {str(value): value for value in get_args(kind)}[text]
    return text


def _wanted(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"{_wanted(get_args(kind)[0])}, or several parted by commas"
    return _WANTED.get(kind) or f"one of {', '.join(map(str, get_args(kind)))}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(_shown, value)) if isinstance(value, tuple) else str(value)


def _trainer(preset: str) -> Trainer:
    from generators.trainers import TRAINERS

    if preset not in TRAINERS.names():
        raise click.UsageError(f"there is no preset {preset!r}; there is {', '.join(TRAINERS.names()) or 'none'}")
    with _extra_named(preset):
        return TRAINERS.load(preset)()


def _extra_named(preset: str) -> AbstractContextManager[None]:
    """What a trainer of ours lacks is in our extra; a plug-in's own libraries are not."""
    from generators.extras import needs
    from generators.trainers import TRAINERS

    return needs("learned") if TRAINERS.places()[preset].startswith("generators.") else nullcontext()


def _is_exhausted(error: BaseException) -> bool:
    """Whether disk or memory ran out, of the processor or of the graphics card."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)


def _exhausted(error: BaseException) -> str:
    if isinstance(error, OSError):
        return ": ".join(str(part) for part in (error.strerror, error.filename) if part) or str(error)
    # PyTorch puts a place in its own source before the reason.
    said = re.sub(r"^\[enforce fail[^]]*\] err == 0\. ", "", " ".join(str(error).split()))
    return said[:200] or "no memory is left"


def _kept(out: Path) -> str:
    from generators.trainers import CHECKPOINT

    if (out / CHECKPOINT).exists():
        return "the last checkpoint is kept, the same command with --resume goes on from it"
    return "no checkpoint had been written yet"


@contextmanager
def _watched(n_total: int) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; lines in a pipe."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:,.0f} of {task.total:,.0f} pictures"), BarColumn())
    rate = TextColumn("{task.fields[rate]}")
    with Progress(*columns, rate, TimeRemainingColumn(), console=console(err=True), transient=True) as display:
        task = display.add_task("training", total=n_total, rate="")

        def show(done: Any) -> None:
            display.update(task, completed=done.n_seen, total=done.n_total, rate=f"{done.per_second:,.0f} a second")
            if done.note:
                display.console.print(plain(done.note))

        yield show


class _Lines:
    """Says on standard error how far a run is, not more than once a minute, and every note at once."""

    def __init__(self) -> None:
        self._said_s = -REPORT_S

    def __call__(self, done: Progress) -> None:
        now_s = time.monotonic()
        if done.note or now_s - self._said_s >= REPORT_S:
            self._said_s = now_s
            click.echo(_in_words(done), err=True)


def _in_words(done: Progress) -> str:
    said = f"{done.n_seen:,} of {done.n_total:,} pictures, {done.per_second:,.0f} a second"
    if done.per_second > 0:
        said += f", {(done.n_total - done.n_seen) / done.per_second / 60:,.0f} min left"
    return f"{said}: {plain(done.note)}" if done.note else said
