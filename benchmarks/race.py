"""Prepares the race of docs/arms-race.md: a parent that has not seen the photos, fakes and family it is judged on.

`synthetic` as it ships has learned from every training source there is, so that nothing known is left to judge
forgetting by. Here the parent learns from the same sources but some: a third of the real ones become the race's photos,
others are judged on, and one family of generators stays unseen. Then run, once for each seed:

    python -m benchmarks.race --data DIR --list more.tsv --list manifest.tsv --photos PHOTOS --out WORK
    unforged race run --photos WORK/photos --faces FACES --data DIR --list WORK/known.tsv --models WORK/models
        --recipe benchmarks/race.json --seed 0 --cache CACHE --out WORK/race-0
"""

from __future__ import annotations

import argparse
import json
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from detectors.data import Example
from detectors.lessons import TrainingSettings, usable
from detectors.lineage import Lineage
from detectors.picture_set import read_set
from detectors.race.contender import RECIPE
from detectors.registry import Registry
from detectors.synthetic import READING
from detectors.training import train_synthetic
from generators.weights import load

UNSEEN = "autoregressive"
PARTS = {"photos": (0, 1, 2), "judged": (3, 4)}
"""Remainders of the hash of a source's name, by ten: what its pictures are for; the parent learns from the others."""


def part_of(source: str, label: int) -> str:
    """What a source is for. Fakes are none of the race's photos: those sources are judged on as well."""
    rest = zlib.crc32(source.encode()) % 10
    if rest in PARTS["photos"]:
        return "judged" if label else "photos"
    return "judged" if rest in PARTS["judged"] else "learned"


def prepare(examples: Sequence[Example], photos: Path, out: Path, cache: Path | None) -> None:
    """Write photos, list of known pictures, and the registry with the parent."""
    recipe = TrainingSettings.load(RECIPE)
    held = usable(examples, recipe)
    left_out = sorted({e.source for e in held if part_of(e.source, e.label) != "learned"})
    settings = replace(
        recipe,
        left_out=(*recipe.left_out, UNSEEN),
        left_out_sources=(*recipe.left_out_sources, *left_out),
    )
    taken = {e.source for e in held if part_of(e.source, e.label) == "photos"}
    _copy(photos, taken, out / "photos")
    _list([e for e in held if e.source not in taken or e.label], out / "known.tsv")
    card = train_synthetic(held, out / "parent", settings, cache=cache)
    registry = Registry(out / "models")
    tensors, _ = load(READING, out / "parent")
    version = registry.add(card.name, tensors, card, Lineage(card.version, "preparing the published race", 0))
    registry.promote(card.name, version.version, by="benchmark", reason="parent of the published race")
    print(json.dumps({"parent": version.version, **card.measures}, indent=2))


def _copy(photos: Path, sources: set[str], out: Path) -> None:
    for source in sorted(sources):
        folder = photos / source.replace("/", "__")
        if folder.is_dir():
            shutil.copytree(folder, out / folder.name, dirs_exist_ok=True)


def _list(examples: Sequence[Example], out: Path) -> None:
    lines = ["label\tpath\tsource\tgenerator\tfamily\tcontent\tnote"]
    for e in examples:
        label = "fake" if e.label else "real"
        lines.append("\t".join((label, str(e.path.resolve()), e.source, e.generator, e.family, e.content, e.note)))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--list", type=Path, action="append", required=True, dest="lists")
    parser.add_argument("--photos", type=Path, required=True, help="real photos, a subfolder for each source")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    examples = [e for e in read_set(given.data, given.lists).examples if e.split == "train"]
    prepare(examples, given.photos, given.out, given.cache)


if __name__ == "__main__":
    main()
