"""unforged models: what was trained, on what, how good it is and what it cannot do; and models from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from forensics import installed
from forensics.cli.models_outside import add, calibrate, recipes, remove
from forensics.cli.models_versions import chosen, keep, lineage_rows, list_versions, promote, rollback
from forensics.cli.options import models_folder, models_option
from forensics.cli.terminal import is_terminal, line, table

if TYPE_CHECKING:
    from generators.weights import ModelCard


@click.group()
def models() -> None:
    """List trained models, read their cards, add models from elsewhere, and choose versions."""


models.add_command(add)
models.add_command(remove)
models.add_command(calibrate)
models.add_command(recipes)
models.add_command(keep)
models.add_command(promote)
models.add_command(rollback)


@models.command("list")
@click.option("--all", "every", is_flag=True, help="Every version of a detector, and where it comes from.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@models_option
def list_models(every: bool, as_json: bool, outside: str | None) -> int:
    """List installed models: kind, name, version, what they do; or why they cannot be used.

    Of a detector, the version is the one that scans use.
    """
    found = list(installed.models(models_folder(outside)))
    if every:
        return list_versions(found, models_folder(outside), as_json=as_json)
    if as_json:
        for model in found:
            click.echo(json.dumps(asdict(model)))
        return 0
    cells = [
        (m.kind, m.name, m.card.version if m.card else "", m.missing or (m.card.task if m.card else "")) for m in found
    ]
    if not cells:
        click.echo("no trained model is installed", err=True)
    elif is_terminal():
        table(("kind", "name", "version", "what it does"), cells, wide=(3,))
    else:
        for row in cells:
            line(*row)
    return 0


@models.command()
@click.argument("name")
@click.option("--version", help="Of a detector.  [default: the one that scans use]")
@click.option("--json", "as_json", is_flag=True, help="The card as JSON.")
@models_option
def show(name: str, version: str | None, as_json: bool, outside: str | None) -> int:
    """Show the card of a model: data, figures, thresholds, limits, licence and the hash of its weights.

    Of a version that was learned here, also where it comes from.
    """
    folder = models_folder(outside)
    found = {model.name: model for model in installed.models(folder)}
    if name not in found:
        raise click.UsageError(f"there is no model {name!r}; there is {', '.join(found) or 'none'}")
    known = chosen(found[name], version, folder)
    model = found[name] if known is None else installed.Model("detector", name, known.card, known.fault)
    if model.card is None or model.missing:
        raise click.ClickException(f"{name} cannot be used: {model.missing}")
    lineage = None if known is None else known.lineage
    if as_json:
        from detectors.support import n_reals

        more = {} if lineage is None else {"lineage": asdict(lineage)}
        click.echo(json.dumps(asdict(model.card) | {"n_reals": n_reals(model.card)} | more, indent=2))
        return 0
    rows = [*_rows(model, model.card), *(() if known is None else lineage_rows(known, folder))]
    if is_terminal():
        table(("", name), rows, wide=(1,))
    else:
        for row in rows:
            line(*row)
    return 0


def _rows(model: installed.Model, card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "kind", model.kind
    yield "version", card.version
    yield "task", card.task
    if card.claim:
        yield "a high score speaks for", card.claim
    from detectors.support import threshold_rows

    yield from threshold_rows(card)
    for error, (low, high) in card.sets.items():
        wrong = f"{float(error) * 100:g} of 100"
        yield f"taken for a photo up to, for a fake from, at most {wrong} wrongly", f"{low:.4g}, {high:.4g}"
    for name, value in card.measures.items():
        yield f"measured: {name}", f"{value:.4g}"
    for name, n in card.data.items():
        yield f"learned from: {name}", f"{n:,}"
    for name, setting in card.settings.items():
        yield f"setting: {name}", setting if isinstance(setting, str) else json.dumps(setting)
    if card.sheet:
        yield "samples", card.sheet
    yield "limits", card.limits or "none stated"
    yield "licence", card.licence or "unstated"
    yield "weights, SHA-256", card.sha256 or "none"
