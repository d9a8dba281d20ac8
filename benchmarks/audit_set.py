"""Audit of a picture set: sources and pictures on both sides of its split, and how far its surface tells the class.

    python -m benchmarks.audit_set --data DIR [DIR ...] [--list TSV ...] [--most N]

The bias audit is made of the pictures to learn from: as files, and as a detector sees them, after a random wash and
shrunk to one size. An AUROC over 0.6 there fails the set. Nothing is fitted on what is held out; it is only searched
for pictures that are in both.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectors.bias import MAX_AUROC, BiasAudit, audit_files, bias_audit, washed_surface
from detectors.data import EDIT, Example, read_pixels, read_set
from detectors.leaks import leaks
from generators.launder import draw

SIDE_PX = 224
"""What vision transformers see."""


def washed(examples: Sequence[Example], *, seed: int) -> BiasAudit:
    """The audit of pictures as a detector sees them: washed, then shrunk to one size."""
    surfaces = [
        washed_surface(read_pixels(example), draw("wild", seed=(seed, i)), example.content, side_px=SIDE_PX)
        for i, example in enumerate(examples)
    ]
    return bias_audit(surfaces, [e.label for e in examples], [e.source for e in examples], seed=seed)


def tell(what: str, audit: BiasAudit) -> None:
    """Print an audit."""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in audit.by_feature.items())
    result = "passes" if audit.passes else f"fails (over {MAX_AUROC})"
    print(f"{what}: AUROC {audit.auroc:.3f}, {result}; {audit.n_fake} fakes, {audit.n_real} reals; alone: {parts}")


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description="Audit a picture set for leaks and shortcuts.")
    cli.add_argument("--data", type=Path, nargs="+", required=True)
    cli.add_argument("--list", type=Path, nargs="*", default=[])
    cli.add_argument("--seen", default="train")
    cli.add_argument("--held-out", default="eval")
    cli.add_argument("--most", type=int, help="pictures of the bias audit, drawn at random; all if not given")
    cli.add_argument("--seed", type=int, default=0)
    arguments = cli.parse_args()
    found = read_set(arguments.data, arguments.list)
    pictures = [e for e in found.examples if not e.is_video and e.family != EDIT]
    seen = [e for e in pictures if e.split == arguments.seen]
    held = [e for e in pictures if e.split == arguments.held_out]
    print(f"{len(found.missing)} listed files are missing; {len(seen)} to learn from, {len(held)} held out")
    shared = sorted({e.source for e in seen} & {e.source for e in held})
    print(f"sources on both sides: {', '.join(shared) or 'none'}")
    n = min(arguments.most or len(seen), len(seen))
    chosen = [seen[i] for i in sorted(np.random.default_rng(arguments.seed).choice(len(seen), n, replace=False))]
    tell("as files", audit_files(chosen, seed=arguments.seed))
    tell("as seen", washed(chosen, seed=arguments.seed))
    pairs = leaks(seen, held)
    print(f"pictures on both sides: {len(pairs)}")
    for leak in pairs:
        distance = "the same file" if leak.distance_bits is None else f"{leak.distance_bits} bits apart"
        print(f"  {leak.held_out.name} is {leak.seen.name} ({distance})")


if __name__ == "__main__":
    main()
