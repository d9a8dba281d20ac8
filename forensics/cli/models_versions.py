"""unforged models keep, promote and rollback: which versions of a detector there are, and which one scans use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.models_outside import kept_in
from forensics.cli.options import open_store, own_models
from forensics.cli.store_options import actor_name, actor_option
from forensics.cli.terminal import is_terminal, line, table

if TYPE_CHECKING:
    from detectors.lineage import Version
    from forensics.installed import Model

reason_option = click.option("--reason", required=True, help="Why, in a sentence; it is kept.")

told_store = click.option("--store", metavar="URL|FILE", help="Store whose audit log gets an entry.  [default: none]")


@click.command()
@click.argument("trained", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@kept_in
def keep(trained: Path, folder: Path | None) -> int:
    """Keep what `unforged train NAME --out DIR` wrote as a version of its detector, beside what ships.

    Nothing else changes: `unforged evaluate --version` measures it, `unforged models promote` lets scans use it.
    """
    from detectors.registry import Registry

    kept = Registry(folder or own_models()).keep(trained)
    line("kept", kept.name, kept.version, kept.lineage.in_words() if kept.lineage else "")
    return 0


@click.command()
@click.argument("name")
@click.argument("version")
@reason_option
@actor_option
@told_store
@kept_in
def promote(name: str, version: str, reason: str, actor: str | None, store: str | None, folder: Path | None) -> int:
    """Let scans use VERSION of the detector NAME from now on, also in programs that run already.

    VERSION is one of `unforged models list --all`, the shipped one included. Weights that are not those of their card
    are refused. `unforged models rollback` takes it back.
    """
    from forensics import promoting

    opened = None if store is None else open_store(store)
    models = folder or own_models()
    _tell(promoting.promote(models, name, version, by=actor_name(actor), reason=reason, store=opened))
    return 0


@click.command()
@click.argument("name")
@reason_option
@actor_option
@told_store
@kept_in
def rollback(name: str, reason: str, actor: str | None, store: str | None, folder: Path | None) -> int:
    """Go back to the version of the detector NAME that was promoted before the one that stands."""
    from forensics import promoting

    opened = None if store is None else open_store(store)
    _tell(promoting.roll_back(folder or own_models(), name, by=actor_name(actor), reason=reason, store=opened))
    return 0


def list_versions(models: list[Model], folder: Path | None, *, as_json: bool) -> int:
    """Every version of each detector, other models among them."""
    rows = [row for model in models for row in _versions(model, folder)]
    if as_json:
        names = ("kind", "name", "version", "state", "origin")
        for row in rows:
            click.echo(json.dumps(dict(zip(names, row, strict=True))))
    elif is_terminal():
        table(("kind", "name", "version", "", "where it comes from"), rows, wide=(4,))
    else:
        for row in rows:
            line(*row)
    return 0


def _versions(model: Model, folder: Path | None) -> Iterator[tuple[str, ...]]:
    from forensics.installed import versions

    try:
        found = versions(model.name, folder)
    except (ImportError, AttributeError, OSError, ValueError):
        # Why, the model says.
        found = ()
    if not found:
        told = model.missing or (model.card.task if model.card else "")
        yield model.kind, model.name, model.card.version if model.card else "", "", told
    for version in found:
        origin = version.fault or (version.lineage.in_words() if version.lineage else "as it ships")
        yield model.kind, version.name, version.version, "promoted" if version.is_promoted else "", origin


def chosen(model: Model, version: str | None, folder: Path | None) -> Version | None:
    """The version of a detector that is asked for, the promoted one where none is; None where there are no versions.

    Raises:
        UsageError: there is no such version.
    """
    from forensics.installed import versions

    if version is None and model.missing:
        return None
    found = {known.version: known for known in versions(model.name, folder)}
    if version is None:
        return next((known for known in found.values() if known.is_promoted), None)
    if not found and model.card is not None and model.card.version == version:
        return None
    if version not in found:
        known = ", ".join(found) or (model.card.version if model.card else "none")
        raise click.UsageError(f"{model.name} has no version {version!r}; it has {known}")
    return found[version]


def lineage_rows(version: Version, folder: Path | None) -> Iterator[tuple[str, str]]:
    """Where a version comes from, and who promoted it."""
    from detectors.registry import Registry

    if version.lineage is not None:
        yield "where it comes from", version.lineage.in_words()
        yield "learned at", version.lineage.made_at
        for part, digest in version.lineage.data.items():
            yield f"learned from, SHA-256: {part}", digest
        for name, setting in version.lineage.settings.items():
            yield f"setting of the race: {name}", setting if isinstance(setting, str) else json.dumps(setting)
        for name, value in version.lineage.measures.items():
            yield f"measured in the race: {name}", f"{value:.4g}"
    for change in () if folder is None else Registry(folder).history(version.name):
        if change.version == version.version:
            yield change.action, f"{change.at} by {change.by}: {change.reason}"


def _tell(version: Version) -> None:
    where = version.lineage.in_words() if version.lineage else "as it ships"
    line("promoted", version.name, version.version, where)
