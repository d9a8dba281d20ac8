"""How often copied parts are found, how well they are outlined, and how often untouched photos are flagged.

    python benchmarks/copy_move.py --data DIR [DIR ...] [--per-source N]

The first DIR has `manipulated/comofod` and `manipulated/casia2` (tampered, masks, authentic), each has `train/real` and
`eval/real`.
Rates are printed with Wilson intervals, mean F1 with a bootstrap interval, both at 95 %. Nothing is chosen here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.planting import ENDINGS, encode, photos
from forensics.analyzers.copy_move import CopyMove
from forensics.media import Media
from forensics.settings import ScanSettings
from generators import forgeries

SETTINGS = ScanSettings()
CHANGES = ((0.0, 1.0), (10.0, 1.0), (20.0, 1.0), (45.0, 1.0), (90.0, 1.0), (0.0, 0.8), (0.0, 1.15), (0.0, 1.3))
"""Turn in degrees and scale of planted copies."""
QUALITIES = (None, 95, 85, 75)
"""JPEG quality after planting; None is PNG."""


@dataclass(frozen=True)
class Outcome:
    """Whether one picture was flagged, and the F1 of its marked pixels (0 without a mask to compare with)."""

    flagged: bool
    f1: float = 0.0


def outcome(data: bytes, truth: NDArray[np.bool_] | None = None) -> Outcome | None:
    """Examine one file; None when the analyzer skips it."""
    analyzer, media = CopyMove(SETTINGS), Media.open(data)
    if analyzer.skip_reason(media):
        return None
    (finding,) = analyzer.examine(media)
    flagged = finding.llr is not None and finding.llr >= SETTINGS.likely_llr
    if truth is None or finding.heat is None:
        return Outcome(flagged)
    heat = cv2.resize(finding.heat.values, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    return Outcome(flagged, float(2 * (heat & truth).sum() / max(int(heat.sum() + truth.sum()), 1)))


def line(name: str, outcomes: Iterable[Outcome | None], *, masks: bool) -> None:
    """Print flagged share and, where there are masks, the mean F1 of the flagged."""
    seen = [o for o in outcomes if o is not None]
    if not seen:
        print(f"{name:34s} nothing to examine")
        return
    hits = [o for o in seen if o.flagged]
    bounds = binomtest(len(hits), len(seen)).proportion_ci(method="wilson")
    share = len(hits) / len(seen)
    text = f"{name:34s} flagged {len(hits):4d} of {len(seen):4d} = {share:.3f} [{bounds.low:.3f}, {bounds.high:.3f}]"
    if masks and hits:
        f1 = np.array([o.f1 for o in hits])
        draws = np.random.default_rng(0).choice(f1, (2000, len(f1))).mean(axis=1)
        low, high = np.quantile(draws, (0.025, 0.975))
        text += f"   F1 of flagged {f1.mean():.3f} [{low:.3f}, {high:.3f}]"
    print(text, flush=True)


def mask_of(path: Path) -> NDArray[np.bool_]:
    """(H, W) bool, True where a mask picture is white."""
    with Image.open(path) as image:
        return np.asarray(np.array(image.convert("RGB")).max(axis=2) > 127)


def report_set(folder: Path) -> None:
    """A set with tampered and authentic pictures, masks under the same stem where there are any."""
    masks = {p.stem: p for p in (folder / "masks").glob("*")}
    tampered = sorted((folder / "tampered").iterdir())
    full = all(p.stem in masks for p in tampered)
    found = []
    for path in tampered:
        result = outcome(path.read_bytes(), mask_of(masks[path.stem]) if path.stem in masks else None)
        found.append(result)
        if full and result is not None:
            print(f"  {path.name:32s} {'flagged' if result.flagged else '-':8s} F1 {result.f1:.3f}")
    line(f"{folder.name} tampered", found, masks=full)
    authentic = [outcome(p.read_bytes()) for p in sorted((folder / "authentic").iterdir())]
    line(f"{folder.name} authentic", authentic, masks=False)


def report_planted(folders: Sequence[Path], per_source: int) -> None:
    """Copies planted in training photos: every change at quality 85, every quality without a change."""
    for angle_deg, scale in CHANGES:
        cases = planted(folders, per_source, angle_deg, scale, 85)
        line(f"planted {angle_deg:g} deg, x {scale:g}, quality 85", cases, masks=True)
    for quality in QUALITIES:
        name = "PNG" if quality is None else f"quality {quality}"
        line(f"planted shift only, {name}", planted(folders, per_source, 0.0, 1.0, quality), masks=True)


def planted(
    folders: Sequence[Path], per_source: int, angle_deg: float, scale: float, quality: int | None
) -> Iterable[Outcome | None]:
    """Outcomes of one kind of copy, of 0.5 to 5 % of the area."""
    for i, (path, _) in enumerate(photos(folders, per_source, seed=11)):
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))[:1600, :1600]
        if min(pixels.shape[:2]) < 192:
            continue
        area = float(np.exp(np.random.default_rng(i).uniform(np.log(0.005), np.log(0.05))))
        forged = forgeries.copy_move(pixels, seed=i, area=area, angle_deg=angle_deg, scale=scale)
        yield outcome(encode(forged.pixels, quality), forged.mask | forged.origin)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, nargs="+", required=True)
    cli.add_argument("--per-source", type=int, default=10, help="planted and untouched training photos of each source")
    cli.add_argument("--only", choices=("sets", "planted", "untouched"), help="one part of the report")
    args = cli.parse_args()
    cv2.setNumThreads(1)
    real = [folder / "train" / "real" for folder in args.data]
    if args.only in (None, "sets"):
        for name in ("comofod", "casia2"):
            report_set(args.data[0] / "manipulated" / name)
    if args.only in (None, "planted"):
        report_planted(real, args.per_source)
    if args.only in (None, "untouched"):
        chosen = photos(real, 4 * args.per_source, seed=12)
        line("train/real as they came", (outcome(p.read_bytes()) for p, _ in chosen), masks=False)
        tops = [folder / "eval" / "real" for folder in args.data]
        paths = sorted(p for top in tops for p in top.rglob("*") if p.suffix.lower() in ENDINGS)
        line("eval/real as they came", (outcome(p.read_bytes()) for p in paths), masks=False)


if __name__ == "__main__":
    main()
