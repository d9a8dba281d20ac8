"""make demo: writes sample media with known truth, scans them, and shows what was planted beside what was found.

python -m tests.demo --out DIR
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forensics.cli.terminal import table
from forensics.report_words import percent
from tests.make_c2pa import action, sign, signer
from tests.make_media import Pixels, clip, decode, jpeg, panned, png
from tests.make_photos import CREDIT, taken

CLEAN, MANIPULATED, SYNTHETIC, BROKEN = "no trace found", "likely manipulated", "likely synthetic", "not examined"


@dataclass(frozen=True)
class Sample:
    """One file of the demo.

    Attributes:
        name: of the file.
        planted: what was done to it.
        right: the opinion that would be right.
    """

    name: str
    planted: str
    right: str


def write_samples(out: Path) -> tuple[Sample, ...]:
    """Make the sample set.

    Args:
        out: folder, made if missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for sample, data in _samples(out):
        if data is not None:
            (out / sample.name).write_bytes(data)
        made.append(sample)
    return tuple(made)


def _samples(out: Path) -> Iterator[tuple[Sample, bytes | None]]:
    from generators import forgeries

    yield Sample("untouched.jpg", "nothing: saved once", CLEAN), jpeg(taken("flower", 1), 92)
    resaved = jpeg(decode(jpeg(taken("china", 2, width=440), 75)), 92)
    yield Sample("saved_twice.jpg", "nothing but saved again, as messengers do", CLEAN), resaved
    copied = forgeries.copy_move(taken("china", 3), seed=4, area=0.03, angle_deg=12.0)
    yield Sample("copied_part.jpg", "a part copied, turned by 12 degrees", MANIPULATED), jpeg(copied.pixels, 92)
    background = decode(jpeg(taken("china", 4), 70))
    spliced = forgeries.splice(background, taken("flower", 5, noise=4.0), seed=9, area=0.08)
    yield Sample("pasted_object.jpg", "an object pasted in from another photo", MANIPULATED), jpeg(spliced.pixels, 95)
    prompt = "a temple in the evening\nSteps: 28, Sampler: DPM++ 2M, CFG scale: 6, Seed: 42, Size: 440x362, Model: demo"
    yield (
        Sample("prompt.png", "carries the settings of an image generator", SYNTHETIC),
        png(taken("china", 6, left=102, width=440), {"parameters": prompt}),
    )
    by = signer("Demo Signer")
    made = sign(jpeg(taken("flower", 7, left=60, width=440), 90), by, action("created", "trainedAlgorithmicMedia"))
    yield Sample("signed_as_ai.jpg", "carries a signed C2PA statement: made by AI", SYNTHETIC), made
    signed = bytearray(sign(jpeg(taken("china", 10, width=400), 90), by, action("created", "digitalCapture")))
    signed[-40] ^= 1
    yield Sample("changed_later.jpg", "signed (C2PA) by its camera, changed since", MANIPULATED), bytes(signed)
    clip(out / "steady.mp4", _panned("flower", 11))
    yield Sample("steady.mp4", "nothing: a camera pans", CLEAN), None
    frames = _panned("china", 8)
    clip(out / "repeated.mp4", frames[:50] + frames[10:40] + frames[50:])
    yield Sample("repeated.mp4", "30 frames inserted a second time", MANIPULATED), None
    yield Sample("broken.jpg", "cut off after 4,000 bytes", BROKEN), jpeg(taken("flower", 9), 90)[:4000]


def _panned(name: str, seed: int) -> list[Pixels]:
    """Three seconds of a camera that pans over a photo."""
    wide = taken(name, seed, top=60, height=240, noise=0.0)
    return panned(wide, 75, np.random.default_rng(seed), width=320)


def scan(media: Path, out: Path) -> dict[str, dict[str, Any]]:
    """Scan a folder with the command a user would type; file name -> line of results.jsonl."""
    # A crowded machine may take longer than the usual 10 s.
    options = ("--out", str(out), "--format", "html,json,csv", "--store", "none", "--image-timeout", "60")
    typed = ("unforged", "scan", str(media), *options)
    print(f"$ {shlex.join(typed)}", flush=True)
    # Its own table is left out: the one of the demo shows the same beside the truth.
    done = subprocess.run([sys.executable, "-m", "forensics.cli", *typed[1:]], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.returncode)
    print(f"(exit code {done.returncode})\n", flush=True)
    lines = map(json.loads, (out / "results.jsonl").read_text(encoding="utf-8").splitlines())
    return {Path(line["path"]).name: line for line in lines}


def show(samples: tuple[Sample, ...], results: dict[str, dict[str, Any]], out: Path) -> None:
    """Print the table, and where the reports are."""
    rows = []
    for sample in samples:
        line = results[sample.name]
        verdict = line["verdict"] or BROKEN
        # A plain space: a terminal without UTF-8 would show the no-break one of the reports as an escape.
        chance = "" if line["probability"] is None else percent(line["probability"]).replace("\u00a0", " ")
        match = "yes" if verdict == sample.right else "open" if verdict == "inconclusive" else "no"
        rows.append((sample.name, sample.planted, verdict, chance, match))
    table(("file", "planted", "verdict", "prob.", "right?"), rows, styled=2, wide=(1,))
    counts = Counter(row[4] for row in rows)
    print(f"\n{len(rows)} files: {counts['yes']} right, {counts['open']} left open, {counts['no']} wrong.")
    print("prob.: of the likelier of manipulation and synthesis, if half of all files were so (or see --prior).\n")
    print("Reports with the evidence (open them in any browser):")
    for sample in samples:
        for name in results[sample.name]["reports"]:
            if name.endswith(".html"):
                print(f"  {out / name}   {sample.name}")
        if results[sample.name]["error"]:
            print(f"  none for {sample.name}: {results[sample.name]['error']}")
    print(f"\nThe photos come with scikit-learn: {CREDIT}.")
    print(f"Your own files: {Path(sys.executable).parent / 'unforged'} scan FILE... --out results")


def main() -> None:
    """Command line."""
    import argparse

    cli = argparse.ArgumentParser(description="Make sample media, scan them, show truth and verdict side by side.")
    cli.add_argument("--out", type=Path, required=True)
    out: Path = cli.parse_args().out
    # Signing draws a new key each time: pages of the last run would stay beside those of this one.
    for folder in ("media", "reports"):
        shutil.rmtree(out / folder, ignore_errors=True)
    print("Making sample media...", flush=True)
    samples = write_samples(out / "media")
    show(samples, scan(out / "media", out / "reports"), out / "reports")


if __name__ == "__main__":
    main()
