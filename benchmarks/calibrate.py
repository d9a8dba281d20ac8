"""Fit the likelihood ratio of one analyzer's measures, split by source, and write forensics/calibration/<name>.json.

    python benchmarks/calibrate.py NAME --data DIR [DIR ...] --features a,b --signs 1,1 --planted splice,removal

Each DIR has `train/real/**`, whose photos are the untouched side, and `train/fake/**`. The manipulated side is planted
in the same photos (or, with --generated, is the fake pictures); both sides go through one and the same JPEG chain. Half
of the sources fit and the other half judge, then both change places; the shipped file is fitted on all. The photos'
original bytes are never fitted on: they show the false positives on files as they came. `eval` is never read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.planting import PLANTS, Case, generated_cases, planted_cases
from detectors.calibration import LlrModel, fit_llr
from forensics.analyzers import ANALYZERS
from forensics.errors import MediaError
from forensics.media import Media
from forensics.settings import ScanSettings

FLAG_LLR = ScanSettings().likely_llr
HOME = Path(__file__).resolve().parents[1] / "forensics" / "calibration"


@dataclass(frozen=True, eq=False)
class Table:
    """Measures of many cases: x (n, d), labels (n,), sources and recipes n each."""

    x: NDArray[np.float64]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    recipes: tuple[str, ...]

    def where(self, chosen: NDArray[np.bool_]) -> Table:
        """The chosen rows."""
        rows = np.flatnonzero(chosen)
        names = tuple(self.sources[i] for i in rows), tuple(self.recipes[i] for i in rows)
        return Table(self.x[rows], self.labels[rows], *names)


def measure(name: str, features: list[str], cases: Iterable[Case], jobs: int = 1) -> Table:
    """Run one analyzer over cases and collect its measures; cases it skips are left out and counted."""
    rows, labels, sources, recipes, skipped = [], [], [], [], 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for group in batched(cases, 8 * jobs):
            read = pool.map(measured, [name] * len(group), [features] * len(group), group)
            for case, row in zip(group, read, strict=True):
                if row is None:
                    skipped += 1
                    continue
                rows.append(row)
                labels.append(case.label)
                sources.append(case.source)
                recipes.append(case.recipe)
    print(f"{len(rows)} cases measured, {skipped} skipped", file=sys.stderr)
    return Table(np.array(rows, float), np.array(labels), tuple(sources), tuple(recipes))


def measured(name: str, features: list[str], case: Case) -> list[float] | None:
    """Measures of one case; None when the analyzer skips it or does not measure them."""
    cv2.setNumThreads(1)
    analyzer = ANALYZERS.load(name)(ScanSettings())
    try:
        media = Media.open(case.data, name=case.recipe)
        found = [] if analyzer.skip_reason(media) else list(analyzer.examine(media))
    except MediaError:
        return None
    full = [f.measures for f in found if all(x in f.measures for x in features)]
    return [full[0][x] for x in features] if full else None


def batched(cases: Iterable[Case], size: int) -> Iterable[list[Case]]:
    """Lists of at most `size` cases, in order: files are made as they are needed."""
    rest = iter(cases)
    while group := list(islice(rest, size)):
        yield group


def held_out_llrs(table: Table, features: list[str], signs: list[int], folds: int) -> NDArray[np.float64]:
    """llr (n,) of every case from a model that never saw its source."""
    order = sorted(set(table.sources), key=lambda s: (hash_order(s), s))
    fold = np.array([order.index(s) % folds for s in table.sources])
    llrs = np.zeros(len(fold))
    fitting = np.array([r != "original" for r in table.recipes])
    for k in range(folds):
        train = table.where((fold != k) & fitting)
        model = fit_llr(features, train.x, train.labels, train.sources, fitted_on="", signs=signs)
        for i in np.flatnonzero(fold == k):
            llrs[i] = model.llr(dict(zip(features, table.x[i], strict=True)))
    return llrs


def hash_order(source: str) -> int:
    """A fixed shuffle of source names, so that fakes and reals of like names do not share a fold by the alphabet."""
    import zlib

    return zlib.crc32(source.encode())


def rates(table: Table, llrs: NDArray[np.float64]) -> dict[str, float]:
    """Held-out figures, printed with their intervals and returned for the file."""
    figures: dict[str, float] = {}
    for recipe in sorted(set(table.recipes)):
        rows = np.array([r == recipe for r in table.recipes])
        flagged, n = int((llrs[rows] >= FLAG_LLR).sum()), int(rows.sum())
        interval = binomtest(flagged, n).proportion_ci(method="wilson")
        bounds = f"[{interval.low:.3f}, {interval.high:.3f}]"
        print(f"  {recipe:16s} flagged {flagged:4d} of {n:4d} = {flagged / n:.3f} {bounds}")
        figures[f"flagged_{recipe}"] = round(flagged / n, 4)
        figures[f"n_{recipe}"] = n
    kept = np.array([r != "original" for r in table.recipes])
    figures["auroc"] = round(float(roc_auc_score(table.labels[kept], llrs[kept])), 4)
    print(f"  AUROC {figures['auroc']:.3f}, sources kept apart")
    return figures


def calibrate(table: Table, features: list[str], signs: list[int], kinds: str, folds: int) -> LlrModel:
    """Held-out rates and the model fitted on all sources."""
    figures = rates(table, held_out_llrs(table, features, signs, folds))
    fitting = table.where(np.array([r != "original" for r in table.recipes]))
    words = f"{kinds}; untouched photos of {len(set(table.sources))} sources; both sides through one JPEG chain"
    model = fit_llr(features, fitting.x, fitting.labels, fitting.sources, fitted_on=words, signs=signs)
    return replace(model, held_out=figures)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("name", help="analyzer, also the name of the file written")
    cli.add_argument("--data", type=Path, nargs="+", required=True)
    cli.add_argument("--features", required=True, help="measures of the analyzer's finding, by comma")
    cli.add_argument("--signs", help="for each feature 1, -1 or 0: which way it must point")
    cli.add_argument("--planted", default="splice", help=f"kinds by comma, out of {', '.join(PLANTS)}")
    cli.add_argument("--generated", action="store_true", help="fakes are DIR/train/fake instead of planted ones")
    cli.add_argument("--per-source", type=int, default=40)
    cli.add_argument("--folds", type=int, default=2)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--jobs", type=int, default=1, help="processes that measure")
    cli.add_argument("--dry-run", action="store_true", help="print the rates, write nothing")
    args = cli.parse_args()
    cv2.setNumThreads(1)
    features = args.features.split(",")
    signs = [int(s) for s in args.signs.split(",")] if args.signs else [0] * len(features)
    real, fake = ([folder / "train" / label for folder in args.data] for label in ("real", "fake"))
    count = args.per_source
    if args.generated:
        cases, kinds = generated_cases(real, fake, n_per_source=count, seed=args.seed), "generated pictures"
    else:
        cases, kinds = planted_cases(real, args.planted.split(","), n_per_source=count, seed=args.seed), args.planted
    model = calibrate(measure(args.name, features, cases, args.jobs), features, signs, kinds, args.folds)
    print(f"  weights {dict(zip(features, np.round(model.weights, 3), strict=True))}, bias {model.bias:.3f}")
    if not args.dry_run:
        HOME.mkdir(exist_ok=True)
        model.save(HOME / f"{args.name}.json")
        print(f"  written: {HOME / f'{args.name}.json'}")


if __name__ == "__main__":
    main()
